--- @include "sessions"
-- Renews one session, see PresenceStore.heartbeat; apply.lua calls it. The deadline in the index stays: the
-- sweep moves it when it gets there.
--
-- Reply: 0 if the session is current, the reason why it ended if that is known, otherwise ''.
local function heartbeat(user, device, session)
  local current = current_record(user, device)
  if current and current.session == session then
    if not current.online then return current.reason end
    if now > current.seen then
      local packed = current.packed
      redis.call('HSET', devices_of(user), device,
        string.sub(packed, 1, 8) .. struct.pack('>I6', now) .. string.sub(packed, 15))
    end
    return 0
  end
  return past_reason(user, device, session) or ''
end
