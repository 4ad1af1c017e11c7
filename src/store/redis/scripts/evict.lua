-- Ends a session of a user, or all of them (see PresenceStore.evictUser, evictSession); called by change.lua.
--
-- device, session  '' for all sessions of the user
-- Returns how many ended.
local function evict(user, device, session)
  local devices = { device }
  if device == '' then devices = redis.call('HKEYS', devices_of(user)) end
  local evicted = 0
  for _, each in ipairs(devices) do
    local current = each ~= '' and current_record(user, each)
    if current and current.online and (session == '' or current.session == session) then
      end_session(user, each, current, EVICTED, now)
      evicted = evicted + 1
    end
  end
  return evicted
end
