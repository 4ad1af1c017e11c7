-- Claims the layout at first use, and tells which one stands. Writes nothing where one stands.
--
-- KEYS[1]  im:layout  hash: version, shards
-- ARGV[1]  layout version   ARGV[2]  number of shards
-- Returns {version, shards} as they stand in the store, and this Redis's role: "master" or "slave".
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'version', ARGV[1], 'shards', ARGV[2])
end
local layout = redis.call('HMGET', KEYS[1], 'version', 'shards')
return { layout[1], layout[2], string.match(redis.call('INFO', 'replication'), 'role:(%a+)') }
