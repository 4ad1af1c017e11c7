-- Ends a session (see PresenceStore.evictSession); called by change.lua.
--
-- Returns 1 if it was current, else 0.
local function evict(user, device, session)
  local current = current_record(user, device)
  if not current or not current.online or current.session ~= session then return 0 end
  end_session(user, device, current, EVICTED, now)
  return 1
end
