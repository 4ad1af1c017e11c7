-- Reads the counters and leases of one shard (see PresenceStore.getStats, listServers).
--
-- KEYS[1]  see leases.lua
-- ARGV[1]  fixed time in ms, or '' for Redis's own
-- Returns {time in ms, flat list of counter and value, flat list of server and lease (JSON)}.
return { now, redis.call('HGETALL', shard .. 'c'), redis.call('HGETALL', LEASES) }
