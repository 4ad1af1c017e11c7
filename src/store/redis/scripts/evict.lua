--- @include "sessions"
-- Ends one session, see PresenceStore.evictSession; apply.lua calls it.
--
-- Reply: 1 if it was current, otherwise 0.
local function evict(user, device, session)
  local current, online = current_record(user, device)
  if not current or not current.online or current.session ~= session then return 0 end
  end_session(user, device, current, online, EVICTED, now)
  return 1
end
