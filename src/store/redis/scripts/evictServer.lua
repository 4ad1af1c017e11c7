-- Ends sessions of a chat server in one shard (see PresenceStore.evictServer).
--
-- KEYS, ARGV[1..4]  see leases.lua and shard.lua
-- ARGV[5]  server   ARGV[6]  how many at most
-- Returns {how many ended, 1 if more are left}.
local evicted = 0

local function eviction(record)
  local time, reason = over(record)
  if time then return time, reason end
  evicted = evicted + 1
  return now, EVICTED
end

local cursor = end_some(ARGV[5], 0, tonumber(ARGV[6]), eviction)
write_counts()
return { evicted, cursor and 1 or 0 }
