--- @include "endServer"
-- Ends sessions of a chat server in one shard, see PresenceStore.evictServer.
--
-- KEYS, ARGV[1]  see keys.lua
-- ARGV[2..6]     see sessions.lua, history.lua and changes.lua
-- ARGV[7]        server
-- ARGV[8]        how many sessions to end at most
-- ARGV[9]        the reason text, or ''
-- Reply: {how many ended, 1 if more are left}.
local evicted, cause = 0, { text = ARGV[9], by = '' }

local function eviction(record)
  local time, reason = over(record)
  if time then return time, reason end
  evicted = evicted + 1
  return now, EVICTED, cause
end

local cursor = end_some(ARGV[7], 0, tonumber(ARGV[8]), eviction)
finish()
return { evicted, cursor and 1 or 0 }
