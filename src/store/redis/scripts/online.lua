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
  end
  redis.call('HSET', devices, device, pack_online(login, now, session, server, platform))
  -- After the record: a deadline that stays behind is harmless, for the sweep looks at the record.
  if current and not is_online(current) then
    redis.call('ZREM', deadlines, deadline_member(user, device))
  end
  return { login, replaced }
end
