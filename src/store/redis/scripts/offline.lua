--- @include "sessions"
-- One logout, see PresenceStore.offline; apply.lua calls it.
--
-- session  '' for any current session
-- grace    ms; 0 ends the session at once, unless its chat server drains
-- Reply: 1 if a session ended or will end, 0 if nothing changed.
local function offline(user, device, session, grace)
  local current, online = current_record(user, device)
  if not current or not current.online then return 0 end
  if session ~= '' and current.session ~= session then return 0 end
  local drain = drain_of(lease_of(current.server))
  local is_bound = current.incarnation > 0 or current.ttl > 0
  if drain then
    -- Only the grace ends it from now on: neither a restart of the chat server, nor a time to live that nobody
    -- renews, nor a repeated logout.
    grace, current.incarnation, current.ttl = math.max(grace, drain.grace), 0, 0
  end
  current.seen = math.max(now, current.seen)
  if grace == 0 then
    end_session(user, device, current, online, LOGOUT, now)
    return 1
  end
  if current.grace == 0 or current.grace > now + grace then
    current.grace = now + grace
  elseif not drain or not is_bound then
    return 1
  end
  redis.call('ZADD', DEADLINES, next_deadline(current), device_member(user, device))
  redis.call('HSET', devices_of(user), device, pack_online(current))
  return 1
end
