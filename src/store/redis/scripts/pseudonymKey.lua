-- Reads the key of pseudonyms, and creates it at first use: see PresenceStore.pseudonymOf. It runs in a Redis
-- that is full.
--
-- KEYS[1]  the key of the secret
-- ARGV[1]  a new secret, if there is none
-- Reply: the secret.
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
