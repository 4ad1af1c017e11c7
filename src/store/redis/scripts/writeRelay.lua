-- Writes or removes a relay, see PresenceStore.writeRelay. It runs in a Redis that is full: relays are bounded, and
-- what they deliver does not wait for memory.
--
-- KEYS[1]  see readRelays.lua
-- ARGV[1]  the name
-- ARGV[2]  the version to replace, 0 for none
-- ARGV[3]  the relay as JSON, '' to remove it
-- Reply: 1 if it was written, otherwise 0.
local json = redis.call('HGET', KEYS[1], ARGV[1])
local version = json and cjson.decode(json).version or 0
if version ~= tonumber(ARGV[2]) then return 0 end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 1
