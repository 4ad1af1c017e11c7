-- Reads the relays, see PresenceStore.readRelays.
--
-- KEYS[1]  im:relays  hash: name of a relay -> JSON
-- No arguments.
-- Reply: {the time in ms, JSON of each relay}.
local time = redis.call('TIME')
local reply = { time[1] * 1000 + math.floor(time[2] / 1000) }
for _, json in ipairs(redis.call('HVALS', KEYS[1])) do reply[#reply + 1] = json end
return reply
