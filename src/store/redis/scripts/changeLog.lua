-- Reads the change log of one shard (see ChangeLog).
--
-- KEYS[1]  see leases.lua
-- ARGV[1]  fixed time in ms, or '' for Redis's own
-- ARGV[2]  'ends', or the entry behind which to read
-- ARGV[3]  how many entries at most
-- For 'ends' returns {id of the oldest entry, id of the newest}; an empty change log gets an entry without a change, so that there
-- is one: as long as the entry is there behind which one reads, nothing is missing. Else returns the entries, or false if
-- that entry is gone: trimmed, flushed, or never in this Redis.
local change_log = shard .. 'e'

if ARGV[2] == 'ends' then
  local oldest = redis.call('XRANGE', change_log, '-', '+', 'COUNT', 1)[1]
  if not oldest then
    local id = redis.call('XADD', change_log, first_entry_id(), 'm', '', 'c', '')
    return { id, id }
  end
  return { oldest[1], redis.call('XREVRANGE', change_log, '+', '-', 'COUNT', 1)[1][1] }
end
if #redis.call('XRANGE', change_log, ARGV[2], ARGV[2]) == 0 then return false end
return redis.call('XRANGE', change_log, '(' .. ARGV[2], '+', 'COUNT', ARGV[3])
