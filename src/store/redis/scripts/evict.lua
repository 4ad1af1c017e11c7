-- Ends a session (see PresenceStore.evictSession); called by apply.lua.
--
-- Returns 1 if it was current, else 0.
local function evict(user, device, session)
  local current, online = current_record(user, device)
  if not current or not current.online or current.session ~= session then return 0 end
  end_session(user, device, current, online, EVICTED, now)
  return 1
end
