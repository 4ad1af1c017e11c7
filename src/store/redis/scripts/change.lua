-- Applies a batch of changes of one shard, in order. The caller bounds the batch.
--
-- KEYS, ARGV[1..5]  see leases.lua and shard.lua
-- ARGV[6...]        the changes, each a letter and the arguments of its function:
--                   '+' online, '-' offline, 'h' heartbeat, 'e' evict
-- Returns a list with the answer to each change; an error for a change that failed, which leaves the others be.
local changes = {
  ['+'] = { arguments = 6, apply = function(at)
    return online(ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), ARGV[at + 5] == '1')
  end },
  ['-'] = { arguments = 4, apply = function(at)
    return offline(ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3]))
  end },
  ['h'] = { arguments = 3, apply = function(at) return heartbeat(ARGV[at], ARGV[at + 1], ARGV[at + 2]) end },
  ['e'] = { arguments = 3, apply = function(at) return evict(ARGV[at], ARGV[at + 1], ARGV[at + 2]) end },
}

local answers, at = {}, 6
while at <= #ARGV do
  local change = changes[ARGV[at]]
  local done, answer = pcall(change.apply, at + 1)
  if not done then
    answer = redis.error_reply(type(answer) == 'table' and answer.err or tostring(answer))
  end
  answers[#answers + 1] = answer
  at = at + 1 + change.arguments
end
finish()
return answers
