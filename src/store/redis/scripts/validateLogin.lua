--- @include "online"
-- What a policy would decide about a login, see PresenceStore.validateLogin; apply.lua calls it.
--
-- device  '' for one that is not known
-- Reply: as in online.lua, as if nothing had changed.
local function validate_login(user, device, session, platform, policy)
  local record, devices
  if device ~= '' then
    record, devices = stored_record(user, device)
  else
    devices = tonumber(redis.call('HGET', devices_of(user), '')) or 0
  end
  local current = record and record.online and not over(record) and record or nil
  if current and current.session == session then return rejection(0) end
  local decision = decide(user, device, platform, policy, current, devices)
  if decision and decision.conflicts then return pack_conflicts(decision) end
  if not current and not fits(user, device, decision, devices) then return rejection(TOO_MANY_DEVICES) end
  local parts = { rejection(0), current and name_replaced(device, current) or '' }
  for _, other in ipairs(decision and decision.ended or {}) do
    parts[#parts + 1] = name_replaced(other.device, unpack_record(other.packed))
  end
  return table.concat(parts)
end
