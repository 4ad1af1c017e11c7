--- @include "devices"
--- @include "claimLease"
--- @include "policy"
-- One login, see PresenceStore.online; apply.lua calls it.
--
-- A login that ends more sessions than one script may (see devices.lua) ends some of them and stops. The next
-- script decides anew. It takes effect together with the last of them; until then its replies name only the
-- sessions that it ended.
--
-- login   session, server, platform, ttl in ms, incarnation, and rest: the
--         JSON of the metadata ('' for none), then FIELD_MARK, tag and value of each field
-- policy  see policy.lua; nil if it keeps all sessions
-- resent  login time of a session that is resent, in ms; 0 otherwise
-- is_new  whether the session id was created for this call
-- Reply: the login time in ms, if nothing else is to be said. Otherwise one string: the login time (0 if
-- nothing changed) in six bytes; the reason why the session had ended in one byte, TOO_MANY_DEVICES if the
-- login was rejected; then, for each session that the login ended, the device (preceded by its length - 1 in
-- a byte) and the texts as in record.lua. If the policy rejected the login, the reason is REJECTED, and then
-- follow the number of its limit in a byte, how many conflicts were left out in two bytes, and the devices of
-- the others as read_user returns them.

-- Why the login comes too late to change anything; nil if it does not. Also returns true if the session had
-- ended and starts anew.
local function too_late(user, device, login, current, resent, is_new)
  if current and current.online and current.session == login.session then return nil end
  if resent > 0 and current and current.session ~= login.session and current.login > resent then return REPLACED end
  if is_new then return nil end
  local reason, has_later
  if current and current.session == login.session then
    reason = current.reason
  else
    reason, has_later = past_reason(user, device, login.session)
  end
  if reason == EXPIRED or reason == SERVER_LOST then
    -- It may start anew, but not after a session that came later.
    if has_later or (current and current.online) then return REPLACED end
    return nil, true
  end
  return reason
end

-- Binds the session to the lease of its chat server, if there is one. Returns false if the lease belongs to a
-- greater incarnation.
local function join_lease(login)
  local lease, is_changed
  if login.incarnation > 0 then
    lease, is_changed = claim_lease(login.server, login.incarnation)
    if login.incarnation < lease.incarnation then return false end
    if is_changed then
      save_lease(login.server, lease)
      full = {}
    end
  else
    lease = lease_of(login.server)
    if not lease or lease.lost then return true end
    login.incarnation = lease.incarnation
  end
  if lease.purge then login.seen = math.max(now, lease.purge + 1) end
  return true
end

local function rejection(reason)
  return struct.pack('>I6B', 0, reason)
end

local function name_replaced(device, record)
  return string.char(#device - 1) .. device .. record.texts
end

-- A login as the changes of the sessions that it ends on other devices name it.
local function name_login(device, login)
  return string.char(#device - 1) .. device .. struct.pack('>I6', login.login) .. login.texts .. fields_of(login)
end

-- How many of so many sessions one script ends. Those of a user with very many end in few scripts, because each
-- reads all that are left.
local function ends_of(count)
  return math.min(count, MAX_LOGIN_ENDS, math.max(MAX_ENDS, math.ceil(count / LOGIN_ENDS_DIVISOR)))
end

-- Ends the first of the others (see decide), of the user's `devices` online; returns their names, and how many
-- devices are still online.
local function replace_others(user, others, devices, device, login)
  local names, cause = {}, { text = '', by = name_login(device, login) }
  for i = 1, ends_of(#others) do
    local record = unpack_record(others[i].packed)
    end_session(user, others[i].device, record, devices, REPLACED, now, cause)
    devices = devices - 1
    names[i] = name_replaced(others[i].device, record)
  end
  work = work + #names * END_WORK
  return table.concat(names), devices
end

local function online(user, device, login, policy, resent, is_new)
  login.login, login.seen, login.grace = now, now, 0
  login.texts = pack_texts(login.session, login.server, login.platform)
  login.rest, login.has_metadata = pack_rest(login.rest)
  -- First: a greater incarnation ends the sessions of the previous one, and this device's may be one of them.
  if not join_lease(login) then return rejection(SERVER_LOST) end
  local current, devices = current_record(user, device)
  local reason, starts_anew = too_late(user, device, login, current, resent, is_new)
  if reason then return rejection(reason) end

  local was_online = current and current.online
  local is_refresh = was_online and current.session == login.session
  -- A resent or late login would end sessions that came after it.
  if resent > 0 or starts_anew or is_refresh then policy = nil end
  local decision = decide(user, device, login.platform, policy, current, devices)
  if decision and decision.conflicts then return pack_conflicts(decision) end
  if not was_online and not fits(user, decision, devices) then return rejection(TOO_MANY_DEVICES) end
  if decision and ends_of(#decision.ended) < #decision.ended then
    unfinished = '0'
    return rejection(0) .. replace_others(user, decision.ended, devices, device, login)
  end
  if resent > 0 then login.login = math.min(resent, now) end
  if is_refresh then
    login.login = current.login
    -- It may be a late repeat, which does not cancel a logout.
    login.grace = current.grace
    if current.grace > 0 then login.incarnation, login.ttl = current.incarnation, current.ttl end
  end
  local is_replaced = was_online and not is_refresh
  local is_change = not is_refresh or current.server ~= login.server or current.platform ~= login.platform
  if not was_online then devices = devices + 1 end
  if is_replaced then add_to_history(user, device, current, REPLACED, now, '') end
  local added = redis.call('HSET', devices_of(user), device, pack_online(login), '', devices)
  if is_change then
    add_session(user, device, login, current)
    if devices == 1 and not was_online then count('users', 1) end
  end
  local deadline = next_deadline(login)
  if deadline then
    redis.call('ZADD', DEADLINES, deadline, device_member(user, device))
  elseif current and (not was_online or next_deadline(current)) then
    redis.call('ZREM', DEADLINES, device_member(user, device))
  end
  if is_change then
    note_change(user, device, was_online, login, is_replaced and current or nil, REPLACED, now, devices, NO_CAUSE)
  end
  local replaced = is_replaced and name_replaced(device, current) or ''
  if decision and #decision.ended > 0 then
    local names
    names, devices = replace_others(user, decision.ended, devices, device, login)
    replaced = replaced .. names
  end
  -- Only a device that is new to the user adds a record.
  if added == 1 then drop_oldest(user, devices) end
  return replaced == '' and login.login or struct.pack('>I6B', login.login, 0) .. replaced
end
