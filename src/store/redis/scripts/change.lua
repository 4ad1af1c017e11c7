-- Applies a batch of logins and logouts of one shard, in order. The caller bounds the batch.
--
-- KEYS[1]      im:{S}:x         sorted set, deadlines
-- KEYS[1 + i]  im:{S}:u:<user>  hash, the devices of the user of the i-th change
-- ARGV[1]      fixed time in ms, or '' for Redis's own
-- ARGV[2]      retention in ms
-- ARGV[3...]   the changes: '+', then the ARGV of online.lua; '-', then the ARGV of offline.lua
-- Returns a list with the answer to each change; an error for a change that failed, which leaves the others be.
local now, retention = now_ms(ARGV[1]), tonumber(ARGV[2])
local answers, at = {}, 3
for i = 2, #KEYS do
  local done, answer
  if ARGV[at] == '+' then
    done, answer = pcall(online, KEYS[1], KEYS[i], now,
      ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
    at = at + 6
  else
    done, answer = pcall(offline, KEYS[1], KEYS[i], now, retention, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
    at = at + 4
  end
  if not done then
    answer = redis.error_reply(type(answer) == 'table' and answer.err or tostring(answer))
  end
  answers[i - 1] = answer
end
return answers
