-- One login (see PresenceStore.online); called by apply.lua.
--
-- One that ends more sessions than a script may (see devices.lua) ends some of them, stops, and is carried out with the last
-- of them: what it answers until then names those.
--
-- login   session, server, platform, metadata (JSON, or '' for none), ttl in ms and incarnation
-- policy  0 keeps the user's other sessions, 1 ends those of the same platform, 2 ends all
-- resent  login time of a session that is sent again, in ms; 0 for one that is not
-- is_new  whether the session id was made for this call
-- Returns the login time in ms if that says it all. Otherwise one string: the login time (0 if nothing was changed) in six bytes, the
-- reason why the session had ended in one, then of each session that the login ended the device (its length - 1 in a byte before
-- it) and the texts, as in record.lua. The reason is TOO_MANY_DEVICES if the user may have no more devices online.

local TOO_MANY_DEVICES = 255

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

local function refusal(reason)
  return struct.pack('>I6B', 0, reason)
end

local function name_replaced(device, record)
  return string.char(#device - 1) .. device .. record.texts
end

-- Ends the others (see others_to_replace), of the user's `devices` online; returns their names, and how many are left.
local function replace_others(user, others, devices)
  local names = {}
  for i = 1, #others, 2 do
    end_session(user, others[i], others[i + 1], devices, REPLACED, now)
    devices = devices - 1
    names[#names + 1] = name_replaced(others[i], others[i + 1])
  end
  work = work + #names * END_WORK
  return table.concat(names), devices
end

-- Puts the login in the place of `current`, which may be offline or nil, in the indexes and counters.
local function take_place(user, device, login, current, devices)
  add_session(user, device, login, current)
  if devices == 1 and not (current and current.online) then count('users', 1) end
end

local function online(user, device, login, policy, resent, is_new)
  login.login, login.seen, login.grace = now, now, 0
  login.texts = pack_texts(login.session, login.server, login.platform)
  if login.metadata ~= '' then login.metadata = struct.pack('>I2', #login.metadata) .. login.metadata end
  -- First of all: a greater incarnation ends the sessions of the one before, and this device's may be one of them.
  if not join_lease(login) then return refusal(SERVER_LOST) end
  local current, devices = current_record(user, device)
  local reason, begins_anew = too_late(user, device, login, current, resent, is_new)
  if reason then return refusal(reason) end

  local was_online = current and current.online
  local is_refresh = was_online and current.session == login.session
  -- Sent again, or late, it would end sessions that came after it.
  if resent > 0 or begins_anew or is_refresh then policy = 0 end
  if not was_online and not has_room(user, device, login.platform, policy, devices) then
    return refusal(TOO_MANY_DEVICES)
  end
  local others
  if policy > 0 then
    others, unfinished = others_to_replace(user, device, login.platform, policy)
    if unfinished then return refusal(0) .. replace_others(user, others, devices) end
  end
  if resent > 0 then login.login = math.min(resent, now) end
  if is_refresh then
    login.login = current.login
    -- It may be a repeat that comes late: it does not call a logout off.
    login.grace = current.grace
  end
  local is_replaced = was_online and not is_refresh
  local begins = not is_refresh or current.server ~= login.server or current.platform ~= login.platform
  if not was_online then devices = devices + 1 end
  if is_replaced then remember(user, device, current, REPLACED, now) end
  local added = redis.call('HSET', devices_of(user), device, pack_online(login), '', devices)
  if begins then take_place(user, device, login, current, devices) end
  local deadline = next_deadline(login)
  if deadline then
    redis.call('ZADD', DEADLINES, deadline, device_member(user, device))
  elseif current and (not was_online or next_deadline(current)) then
    redis.call('ZREM', DEADLINES, device_member(user, device))
  end
  if begins then note_change(user, device, was_online, login, is_replaced and current or nil, REPLACED, now, devices) end
  local replaced = is_replaced and name_replaced(device, current) or ''
  if others then
    local names
    names, devices = replace_others(user, others, devices)
    replaced = replaced .. names
  end
  -- A device beside others of the user: only then are there more records than before, and more than one.
  if added == 1 then drop_oldest(user, devices) end
  return replaced == '' and login.login or struct.pack('>I6B', login.login, 0) .. replaced
end
