-- Reads devices or whole users of one shard, at one instant. The caller bounds the batch.
--
-- KEYS[i]      im:{S}:u:<user>  hash, the devices of a user
-- ARGV[1]      fixed time in ms, or '' for Redis's own
-- ARGV[1 + i]  the device to read in KEYS[i], or '' for all of them
-- Returns {time in ms, answer...}: a packed session or false for a device, a flat list of
-- device and packed session for a user, an error for a key that cannot be read.
local answers = { now_ms(ARGV[1]) }
for i = 1, #KEYS do
  local device = ARGV[i + 1]
  if device == '' then
    answers[i + 1] = redis.pcall('HGETALL', KEYS[i])
  else
    answers[i + 1] = redis.pcall('HGET', KEYS[i], device)
  end
end
return answers
