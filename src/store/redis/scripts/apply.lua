--- @include "online"
--- @include "validateLogin"
--- @include "offline"
--- @include "heartbeat"
--- @include "evict"
--- @include "read"
-- Applies a batch of operations on users of one shard, in order, until it has done as much work as one script
-- call may (see devices.lua). The caller sends the rest again.
--
-- KEYS, ARGV[1]  see keys.lua
-- ARGV[2..6]     see sessions.lua, history.lua and changes.lua
-- ARGV[7]        the operations, each ended by END_OF_OPERATION: a letter, then the arguments of its
--                function, each ended by END_OF_ARGUMENT. One ARGV per operation costs more than a match.
--                OP_READ_USER, OP_READ_USER_SEEN and OP_READ_USER_AT: the user has no END_OF_ARGUMENT.
--                OP_CONTINUE: the cursor from which to continue, END_OF_ARGUMENT, and the operation
-- ARGV[8]        see devices.lua
-- ARGV[9]        see policy.lua
-- Reply: {time in ms, leases as leases_read returns them, all replies that are strings in one, cursor, then
-- the reply to each operation that was applied}. Instead of a string there is -1 - its length: one string is
-- read faster than many. A failed operation has an error and does not affect the others. If the cursor is not
-- '', the last reply is a part: the operation continues from there.

-- They return nil if they did nothing and are left to the next script.
-- By the code of their letter: a string of one character for each operation would cost more.
local operations = {
  [OP_ONLINE] = function(text)
    local user, device, session, server, platform, ttl, incarnation, policy, resent, is_new, rest
      = string.match(text, LOGIN_ARGUMENTS)
    if is_postponed(user) then return nil end
    local login = { session = session, server = server, platform = platform, rest = rest, ttl = tonumber(ttl),
      incarnation = tonumber(incarnation) }
    return online(user, device, login, policy_of(policy), tonumber(resent), is_new == '1')
  end,
  [OP_VALIDATE] = function(text)
    local user, device, session, platform, policy = string.match(text, TRIAL_ARGUMENTS)
    return not is_postponed(user) and validate_login(user, device, session, platform, policy_of(policy)) or nil
  end,
  [OP_OFFLINE] = function(text)
    local user, device, session, grace = string.match(text, LOGOUT_ARGUMENTS)
    return offline(user, device, session, tonumber(grace))
  end,
  [OP_HEARTBEAT] = function(text) return heartbeat(string.match(text, SESSION_ARGUMENTS)) end,
  [OP_EVICT] = function(text) return evict(string.match(text, EVICT_ARGUMENTS)) end,
  [OP_READ_DEVICE] = function(text) return read_device(string.match(text, DEVICE_ARGUMENTS)) end,
  [OP_READ_USER] = function(text)
    local user = string.sub(text, 2)
    return not is_postponed(user) and read_user(user) or nil
  end,
  [OP_READ_USER_SEEN] = function(text)
    local user = string.sub(text, 2)
    return not is_postponed(user) and read_user_seen(user) or nil
  end,
  -- The request has no budget left to read the user.
  [OP_SKIP] = function() return 0 end,
  [OP_READ_USER_AT] = function(text) return read_user_at(string.sub(text, 2)) end,
}
operations[OP_CONTINUE] = function(text)
  local cursor, operation = string.match(text, CONTINUED_OPERATION)
  from = cursor
  return operations[string.byte(operation)](operation)
end

local replies, strings = { now, false, false, '' }, {}
for text in string.gmatch(ARGV[7], EACH_OPERATION) do
  from = '0'
  local done, reply = pcall(operations[string.byte(text)], text)
  if done and reply == nil then break end
  if not done then
    reply = redis.error_reply(type(reply) == 'table' and reply.err or tostring(reply))
  elseif type(reply) == 'string' then
    strings[#strings + 1] = reply
    reply = -1 - #reply
  end
  replies[#replies + 1] = reply
  work = work + OPERATION_WORK
  if unfinished then
    -- A failed operation is answered by its error.
    if done then replies[4] = unfinished end
    break
  end
  if work >= MAX_WORK then break end
end
finish()
replies[2], replies[3] = leases_read(), table.concat(strings)
return replies
