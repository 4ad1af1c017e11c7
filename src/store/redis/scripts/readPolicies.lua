-- Reads the session policies, see PresenceStore.readPolicies.
--
-- KEYS[1]  im:policies  hash: 'id' of the set, and the set as JSON in 'set'
-- ARGV[1]  the id of the known set, '' for that of a new store
-- Reply: false if the set is the known one; otherwise its JSON, '' if there is none.
local id = redis.call('HGET', KEYS[1], 'id') or ''
if id == ARGV[1] then return false end
return redis.call('HGET', KEYS[1], 'set') or ''
