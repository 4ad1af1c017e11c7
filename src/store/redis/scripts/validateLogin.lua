--- @include "online"
-- What a policy would decide about a login, see PresenceStore.validateLogin; apply.lua calls it.
--
-- device  '' for one that is not known
-- Reply: how many of the sessions that would end are left out, in two bytes; then as in online.lua, as if nothing
-- had changed.
local NONE_OMITTED = '\0\0'

local function validate_login(user, device, session, platform, policy)
  local record, devices
  if device ~= '' then
    record, devices = stored_record(user, device)
  else
    devices = tonumber(redis.call('HGET', devices_of(user), '')) or 0
  end
  local current = record and record.online and not over(record) and record or nil
  if current and current.session == session then return NONE_OMITTED .. rejection(0) end
  local decision = decide(user, device, platform, policy, current, devices)
  if decision and decision.conflicts then return NONE_OMITTED .. pack_conflicts(decision) end
  if not current and not fits(user, decision, devices) then return NONE_OMITTED .. rejection(TOO_MANY_DEVICES) end
  local ended = decision and decision.ended or {}
  local shown = math.min(#ended, MAX_NAMED)
  local parts = { struct.pack('>I2', #ended - shown), rejection(0), current and name_replaced(device, current) or '' }
  for i = 1, shown do
    parts[#parts + 1] = name_replaced(ended[i].device, unpack_record(ended[i].packed))
  end
  return table.concat(parts)
end
