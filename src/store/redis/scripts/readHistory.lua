--- @include "keys"
-- Reads the history of a user, see PresenceStore.getHistory.
--
-- KEYS, ARGV[1]  see keys.lua
-- ARGV[2]        user
-- ARGV[3]        how many sessions at most
-- Reply: {time in ms, packed sessions as in history.lua, the last recorded first}.
local limit = tonumber(ARGV[3])
return { now, limit == 0 and {} or redis.call('LRANGE', history_of(ARGV[2]), 0, limit - 1) }
