-- Ends sessions of a chat server in one shard (see PresenceStore.evictServer).
--
-- KEYS, ARGV[1..5]  see leases.lua and shard.lua
-- ARGV[6]  server   ARGV[7]  how many at most
-- Returns {how many ended, 1 if more are left}.
local evicted = 0

local function eviction(record)
  local time, reason = over(record)
  if time then return time, reason end
  evicted = evicted + 1
  return now, EVICTED
end

local cursor = end_some(ARGV[6], 0, tonumber(ARGV[7]), eviction)
finish()
return { evicted, cursor and 1 or 0 }
