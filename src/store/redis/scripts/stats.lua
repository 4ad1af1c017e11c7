--- @include "keys"
-- Reads the counts of one shard and a part of its counters, see PresenceStore.getStats.
--
-- KEYS, ARGV[1]  see keys.lua
-- ARGV[2]        cursor of the part, '0' for the first
-- ARGV[3]        how many counters, approximately
-- Reply: {users, devices, cursor of the next part or '0', flat list of counter and value}.
local counts = redis.call('HMGET', COUNTERS, 'users', 'devices')
local cursor, flat = unpack(redis.call('HSCAN', COUNTERS, ARGV[2], 'COUNT', ARGV[3]))
return { tonumber(counts[1]) or 0, tonumber(counts[2]) or 0, cursor, flat }
