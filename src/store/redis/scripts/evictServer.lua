-- Ends sessions of a chat server in one shard (see PresenceStore.evictServer).
--
-- KEYS, ARGV[1..4]  see leases.lua and shard.lua
-- ARGV[5]  server   ARGV[6]  how many at most
-- Returns {how many ended, 1 if more are left}.
local function evicted(record)
  local time, reason = over(record)
  return time or now, time and reason or EVICTED
end
local cursor, _, ended = end_some(ARGV[5], 0, tonumber(ARGV[6]), evicted)
write_counts()
return { ended, cursor and 1 or 0 }
