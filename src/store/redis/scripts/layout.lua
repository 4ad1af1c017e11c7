-- Claims the layout at first use, raises a feature level that is too low, and returns what is in force then. Writes
-- nothing if that has an identity and a level that is high enough.
--
-- KEYS[1]  im:layout  hash: version (the feature level), shards, id
-- ARGV[1]  feature level of a new layout
-- ARGV[2]  number of shards of a new layout
-- ARGV[3]  identity to keep if the store has none
-- ARGV[4]  feature level that a store of this identity must have at least
-- Reply: {feature level, shards, role of this Redis ("master" or "slave"), identity, feature level before}, as they
-- are in the store.
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'version', ARGV[1], 'shards', ARGV[2])
end
local level, shards, id = unpack(redis.call('HMGET', KEYS[1], 'version', 'shards', 'id'))
local role = string.match(redis.call('INFO', 'replication'), 'role:(%a+)')

-- A full Redis rejects the write; the next check tries again.
local function set(field, value)
  return role ~= 'slave' and type(redis.pcall('HSET', KEYS[1], field, value)) == 'number'
end

-- A store of an older version has no identity.
if not id and set('id', ARGV[3]) then id = ARGV[3] end
local before, least = level, tonumber(ARGV[4])
if id == ARGV[3] and tonumber(level) and tonumber(level) < least and set('version', ARGV[4]) then level = ARGV[4] end
return { level, shards, role, id, before }
