-- Applies a batch of operations on users of one shard, in order, until it has done as much as one script call may (see devices.lua).
-- The caller sends the rest again.
--
-- KEYS, ARGV[1..5], ARGV[7]  see leases.lua, shard.lua and devices.lua
-- ARGV[6]           the operations, which end with a record separator each: a letter, and the arguments of its function, which end
--                   with a unit separator each. One argument, for each of its own costs Redis and the daemon more than a match.
--                   '+' online, '-' offline, 'h' heartbeat, 'e' evict, 'd' read_device; 'u' read_user and 'a' read_at, whose user
--                   has no separator; 'n' nothing; '>' goes on with an operation from a cursor, behind which it stands
-- Returns {time in ms, leases as in read.lua, the answers that are strings in one, cursor, then the answer to each operation that
-- was carried out}. In the place of a string stands -1 - its length: one string is read faster than many. An operation that failed has
-- an error, which leaves the others be. If the cursor is not '', the last answer is a part: the operation goes on from there.

-- Matches an operation with so many arguments.
local function with(arguments)
  return '^.' .. string.rep('([^\31]*)\31', arguments) .. '$'
end

local LOGIN, LOGOUT_OF, SESSION, DEVICE = with(11), with(4), with(3), with(2)

-- By the code of their letter: a string of one character for each operation would cost more.
local operations = {
  [string.byte '+'] = function(text)
    local user, device, session, server, platform, ttl, incarnation, policy, resent, is_new, metadata
      = string.match(text, LOGIN)
    local login = { session = session, server = server, platform = platform, metadata = metadata, ttl = tonumber(ttl),
      incarnation = tonumber(incarnation) }
    return online(user, device, login, tonumber(policy), tonumber(resent), is_new == '1')
  end,
  [string.byte '-'] = function(text)
    local user, device, session, grace = string.match(text, LOGOUT_OF)
    return offline(user, device, session, tonumber(grace))
  end,
  [string.byte 'h'] = function(text) return heartbeat(string.match(text, SESSION)) end,
  [string.byte 'e'] = function(text) return evict(string.match(text, SESSION)) end,
  [string.byte 'd'] = function(text) return read_device(string.match(text, DEVICE)) end,
  [string.byte 'u'] = function(text) return read_user(string.sub(text, 2)) end,
  -- Nothing: the user is not to be read any more.
  [string.byte 'n'] = function() return 0 end,
  [string.byte 'a'] = function(text) return read_at(string.sub(text, 2)) end,
}
operations[string.byte '>'] = function(text)
  local cursor, operation = string.match(text, '^.([^\31]*)\31(.*)$')
  from = cursor
  return operations[string.byte(operation)](operation)
end

local answers, texts = { now, false, false, '' }, {}
for text in string.gmatch(ARGV[6], '([^\30]*)\30') do
  from = '0'
  local done, answer = pcall(operations[string.byte(text)], text)
  if not done then
    answer = redis.error_reply(type(answer) == 'table' and answer.err or tostring(answer))
  elseif type(answer) == 'string' then
    texts[#texts + 1] = answer
    answer = -1 - #answer
  end
  answers[#answers + 1] = answer
  work = work + OPERATION_WORK
  if unfinished then
    -- One that failed is answered by its error.
    if done then answers[4] = unfinished end
    break
  end
  if work >= MAX_WORK then break end
end
finish()
answers[2], answers[3] = leases_read(), table.concat(texts)
return answers
