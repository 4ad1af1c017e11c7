--- @include "sessions"
-- Renews one session, see PresenceStore.heartbeat; apply.lua calls it. The deadline in the index stays: the
-- sweep moves it when it gets there.
--
-- Reply: 0 if the session is current, the reason why it ended if that is known, otherwise ''. With a reason
-- text: the reason in one byte, then the text.
local function heartbeat(user, device, session)
  local current = current_record(user, device)
  local reason, text, _
  if not current or current.session ~= session then
    reason, _, text = past_reason(user, device, session)
  elseif not current.online then
    reason, text = current.reason, reason_text(fields_of(current))
  else
    if now > current.seen then
      local packed = current.packed
      redis.call('HSET', devices_of(user), device,
        string.sub(packed, 1, 8) .. struct.pack('>I6', now) .. string.sub(packed, 15))
    end
    return 0
  end
  if not reason or text == '' then return reason or '' end
  return string.char(reason) .. text
end
