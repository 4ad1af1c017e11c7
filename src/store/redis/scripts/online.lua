-- One login (see PresenceStore.online); called by change.lua.
--
-- template  the session as src/store/record.ts packs it, with the times of login and last seen 0
-- policy    0 keeps the user's other sessions, 1 ends those of the same platform, 2 ends all
-- resent    login time of a session that is sent again, in ms; 0 for one that is not
-- is_new    '1' if the session id was made for this call
-- Returns {login time in ms (0 if nothing was changed), reason why the session had ended or 0, time of the change in ms, then device and packed session
-- of each session that the login ended}.

-- Why the login comes too late to change anything; nil if it does not. Also returns true if the session had ended before and
-- begins anew.
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
    -- It may begin anew, but not after a session that came after it.
    if has_later or (current and current.online) then return REPLACED end
    return nil, true
  end
  return reason
end

-- Binds the session to the lease of its chat server, if there is one. Returns false if that is a greater incarnation's.
local function join_lease(login)
  local lease, is_changed
  if login.incarnation > 0 then
    lease, is_changed = claim_lease(login.server, login.incarnation)
    if login.incarnation < lease.incarnation then return false end
    if is_changed then save_lease(login.server, lease) end
  else
    lease = lease_of(login.server)
    if not lease or lease.lost then return true end
    login.incarnation = lease.incarnation
  end
  if lease.purge then login.seen = math.max(now, lease.purge + 1) end
  return true
end

local function replace_others(user, device, login, policy, answer)
  local flat = redis.call('HGETALL', devices_of(user))
  for i = 1, #flat, 2 do
    if flat[i] ~= '' and flat[i] ~= device then
      local other = unpack_record(flat[i + 1])
      local fits = policy == 2 or other.platform == login.platform
      if other.online and fits and not over(other) then
        end_session(user, flat[i], other, REPLACED, now)
        answer[#answer + 1] = flat[i]
        answer[#answer + 1] = other.packed
      end
    end
  end
end

local function online(user, device, template, policy, resent, is_new)
  local login = unpack_record(template)
  login.login, login.seen = now, now
  -- First of all: a greater incarnation ends the sessions of the one before, and this device's may be one of them.
  if not join_lease(login) then return { 0, SERVER_LOST, now } end
  local current = current_record(user, device)
  local reason, begins_anew = too_late(user, device, login, current, resent, is_new)
  if reason then return { 0, reason, now } end

  if resent > 0 then login.login = math.min(resent, now) end
  local answer = { 0, 0, now }
  local is_refresh = current and current.online and current.session == login.session
  if is_refresh then
    login.login = current.login
    -- It may be a repeat that comes late: it does not call a logout off.
    login.grace = current.grace
  end
  local moves = is_refresh and (current.server ~= login.server or current.platform ~= login.platform)
  redis.call('HSET', devices_of(user), device, pack_online(login))
  if current and current.online and not is_refresh then
    answer[4], answer[5] = device, current.packed
    close_session(user, device, current, REPLACED, now)
  elseif moves then
    redis.call('HDEL', sessions_of(current.server, user), device_member(user, device))
    count_device(user, current, -1)
  end
  local deadline = next_deadline(login)
  if deadline then
    redis.call('ZADD', DEADLINES, deadline, device_member(user, device))
  elseif current and (not current.online or next_deadline(current)) then
    redis.call('ZREM', DEADLINES, device_member(user, device))
  end
  if moves or not is_refresh then
    local was_online = current and current.online
    local online_now = begin_session(user, device, login)
    local ended = was_online and not moves and current or nil
    note_change(user, device, was_online, login, ended, REPLACED, now, online_now)
  end
  -- Sent again, or late, it would end sessions that came after it.
  if policy > 0 and resent == 0 and not begins_anew and not is_refresh then
    replace_others(user, device, login, policy, answer)
  end
  answer[1] = login.login
  return answer
end
