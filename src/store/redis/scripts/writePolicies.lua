-- Replaces the session policies, see PresenceStore.writePolicies. It runs in a Redis that is full: the set is
-- bounded, and it may be what limits the sessions.
--
-- KEYS[1]  see readPolicies.lua
-- ARGV[1]  the id of the set to replace, '' for that of a new store
-- ARGV[2]  the id of the new set
-- ARGV[3]  the new set as JSON
-- Reply: 1 if it was replaced, otherwise 0.
local id = redis.call('HGET', KEYS[1], 'id') or ''
if id ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'id', ARGV[2], 'set', ARGV[3])
return 1
