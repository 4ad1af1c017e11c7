-- Reads the history of a user (see PresenceStore.getHistory).
--
-- KEYS[1]  see leases.lua
-- ARGV[1]  fixed time in ms, or '' for Redis's own
-- ARGV[2]  user   ARGV[3]  how many sessions at most
-- Returns {time in ms, packed sessions as in shard.lua, the last written down first}.
return { now, redis.call('LRANGE', shard .. 'h:' .. ARGV[2], 0, ARGV[3] - 1) }
