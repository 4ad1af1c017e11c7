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
  if drain then
    -- It leaves the lease: a restart of the chat server must not end it before its grace is over, and neither must
    -- a repeated logout.
    grace, current.incarnation = math.max(grace, drain.grace), 0
  end
  current.seen = math.max(now, current.seen)
  if grace == 0 then
    end_session(user, device, current, online, LOGOUT, now)
    return 1
  end
  if current.grace > 0 and current.grace <= now + grace then return 1 end
  current.grace = now + grace
  redis.call('ZADD', DEADLINES, next_deadline(current), device_member(user, device))
  redis.call('HSET', devices_of(user), device, pack_online(current))
  return 1
end
