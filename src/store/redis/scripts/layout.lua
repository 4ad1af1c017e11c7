-- Claims the layout at first use, and returns the one in force. Writes nothing if that has an identity.
--
-- KEYS[1]  im:layout  hash: version, shards, id
-- ARGV[1]  layout version
-- ARGV[2]  number of shards
-- ARGV[3]  identity to keep if the store has none
-- Reply: {version, shards, role of this Redis ("master" or "slave"), identity}, as they are in the store.
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'version', ARGV[1], 'shards', ARGV[2])
end
local layout = redis.call('HMGET', KEYS[1], 'version', 'shards', 'id')
local role = string.match(redis.call('INFO', 'replication'), 'role:(%a+)')
-- A store of an older version has no identity. A full Redis rejects the write; the next check tries again.
if not layout[3] and role ~= 'slave' and type(redis.pcall('HSET', KEYS[1], 'id', ARGV[3])) == 'number' then
  layout[3] = ARGV[3]
end
return { layout[1], layout[2], role, layout[3] }
