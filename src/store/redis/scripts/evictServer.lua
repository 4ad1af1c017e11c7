--- @include "endServer"
-- Ends sessions of a chat server in one shard, see PresenceStore.evictServer.
--
-- KEYS, ARGV[1]  see keys.lua
-- ARGV[2..5]     see sessions.lua, history.lua and changes.lua
-- ARGV[6]        server
-- ARGV[7]        how many sessions to end at most
-- Reply: {how many ended, 1 if more are left}.
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
