-- One login (see PresenceStore.online); called by change.lua.
--
-- KEYS: deadlines  im:{S}:x         devices  im:{S}:u:<user>
-- ARGV: user, device, session, server, platform
-- Returns {login time ms, packed session that was replaced or false}.
local function online(deadlines, devices, now, user, device, session, server, platform)
  local current = redis.call('HGET', devices, device)
  local login, replaced = now, false
  if current and is_online(current) then
    if online_session(current) == session then
      login = struct.unpack('>I6', current, 3)
    else
      replaced = current
    end
  elseif current then
    redis.call('ZREM', deadlines, deadline_member(user, device))
  end
  redis.call('HSET', devices, device, pack_online(login, now, session, server, platform))
  return { login, replaced }
end
