-- Removes records of one shard whose retention is over (see PresenceStore.sweep).
--
-- KEYS[1]  im:{S}:x   sorted set, deadlines
-- ARGV[1]  fixed time in ms, or '' for Redis's own
-- ARGV[2]  prefix of the keys of users, im:{S}:u: (the same slot as KEYS[1])
-- ARGV[3]  how many records at most
-- Returns how many deadlines were passed: fewer than ARGV[3] means that none is left.
local now = now_ms(ARGV[1])
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[3])
for _, member in ipairs(due) do
  local nul = string.find(member, '\0', 1, true)
  local devices, device = ARGV[2] .. string.sub(member, 1, nul - 1), string.sub(member, nul + 1)
  local record = redis.call('HGET', devices, device)
  if record and not is_online(record) and deadline_of(record) <= now then
    redis.call('HDEL', devices, device)
  end
  redis.call('ZREM', KEYS[1], member)
end
return #due
