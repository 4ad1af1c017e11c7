--- @include "keys"
-- The history of a user: the sessions that ended, the last recorded first. readHistory.lua reads it.
--
-- ARGV[3]  how many ended sessions of a user the history keeps
-- ARGV[4]  how long it keeps them, in ms

local history_limit, history_retention = tonumber(ARGV[3]), tonumber(ARGV[4])

-- Adds a session that ended to the history. A full Redis rejects this first write, and with it all others.
local function add_to_history(user, device, record, reason, time)
  -- At least REMEMBERED_SESSIONS: they distinguish a late repeat of a login from a new one.
  local kept = math.max(history_limit, REMEMBERED_SESSIONS)
  local entry = struct.pack('>BI6I6B', reason, record.login, time, #device - 1) .. device .. record.texts
  if redis.call('LPUSH', history_of(user), entry) > kept then
    redis.call('LTRIM', history_of(user), 0, kept - 1)
  end
  redis.call('PEXPIRE', history_of(user), history_retention)
end

-- Why a session of the device ended, if it is among the user's last ones, and whether another session of the
-- device has ended since.
local function past_reason(user, device, session)
  local of_device = string.char(#device - 1) .. device
  local wanted = of_device .. string.char(#session - 1) .. session
  local has_later = false
  for _, entry in ipairs(redis.call('LRANGE', history_of(user), 0, REMEMBERED_SESSIONS - 1)) do
    if string.sub(entry, 14, 13 + #wanted) == wanted then return string.byte(entry, 1), has_later end
    if string.sub(entry, 14, 13 + #of_device) == of_device then has_later = true end
  end
  return nil
end
