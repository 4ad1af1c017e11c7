-- Claims the layout at first use, and tells which one stands.
--
-- KEYS[1]  im:layout  hash: version, shards
-- ARGV[1]  layout version   ARGV[2]  number of shards
-- Returns {version, shards} as they stand in the store.
redis.call('HSETNX', KEYS[1], 'version', ARGV[1])
redis.call('HSETNX', KEYS[1], 'shards', ARGV[2])
return redis.call('HMGET', KEYS[1], 'version', 'shards')
