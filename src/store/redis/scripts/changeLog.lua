--- @include "keys"
-- Reads the change log of one shard, see ChangeLog.
--
-- KEYS, ARGV[1]  see keys.lua
-- ARGV[2]        'ends', 'before', 'count', or the id of the entry after which to read
-- ARGV[3]        with 'before' the last millisecond before a time, otherwise how many entries at most
-- Reply to 'ends': {id of the oldest entry, id of the newest}. An empty change log gets an entry without a
-- change, so that there is one: while the entry after which one reads exists, no change is missing. Reply to
-- 'before': the id of the newest entry before the time, or of the first of all entries; false if older ones are
-- gone. Reply to 'count' with an id in ARGV[4]: {how many entries follow it, the id of the first of them or false}.
-- Reply otherwise: the entries, or false if the entry of ARGV[2] is gone: trimmed, flushed, or never in this
-- Redis.
if ARGV[2] == 'ends' then
  local oldest = redis.call('XRANGE', CHANGE_LOG, '-', '+', 'COUNT', 1)[1]
  if not oldest then
    local id = append_first_entry('', '')
    return { id, id }
  end
  return { oldest[1], redis.call('XREVRANGE', CHANGE_LOG, '+', '-', 'COUNT', 1)[1][1] }
end
if ARGV[2] == 'before' then
  local older = redis.call('XREVRANGE', CHANGE_LOG, ARGV[3], '-', 'COUNT', 1)[1]
  if older then return older[1] end
  local first = redis.call('XRANGE', CHANGE_LOG, '-', '+', 'COUNT', 1)[1]
  if not first then return append_first_entry('', '') end
  return first[2][2] == '' and first[1]
end
local after = ARGV[2] == 'count' and ARGV[4] or ARGV[2]
if #redis.call('XRANGE', CHANGE_LOG, after, after) == 0 then return false end
local entries = redis.call('XRANGE', CHANGE_LOG, '(' .. after, '+', 'COUNT', ARGV[3])
if ARGV[2] == 'count' then return { #entries, entries[1] and entries[1][1] } end
return entries
