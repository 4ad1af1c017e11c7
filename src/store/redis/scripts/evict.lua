--- @include "sessions"
-- One eviction, see PresenceStore.evictSession; apply.lua calls it.
--
-- session  '' for any current session
-- text     the reason text, or ''
-- Reply: 1 if it was current, otherwise 0.
local function evict(user, device, session, text)
  local current, online = current_record(user, device)
  if not current or not current.online then return 0 end
  if session ~= '' and current.session ~= session then return 0 end
  end_session(user, device, current, online, EVICTED, now, { text = text, by = '' })
  return 1
end
