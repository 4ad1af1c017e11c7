-- One logout (see PresenceStore.offline); called by change.lua.
--
-- KEYS: deadlines  im:{S}:x         devices  im:{S}:u:<user>
-- ARGV: user, device, session ('' for whatever is current)
-- Returns 1 if a session ended, 0 if nothing changed.
local function offline(deadlines, devices, now, retention, user, device, session)
  local current = redis.call('HGET', devices, device)
  if not current or not is_online(current) then return 0 end
  if session ~= '' and online_session(current) ~= session then return 0 end
  if retention == 0 then
    redis.call('HDEL', devices, device)
    return 1
  end
  local deadline = now + retention
  -- Before the record: a record without its deadline would stay for ever.
  redis.call('ZADD', deadlines, deadline, deadline_member(user, device))
  redis.call('HSET', devices, device, pack_ended(current, LOGOUT, now, deadline))
  return 1
end
