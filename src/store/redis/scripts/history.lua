--- @include "keys"
--- @include "record"
-- The history of a user: the sessions that ended, the last recorded first. readHistory.lua reads it.
--
-- ARGV[3]  how many ended sessions of a user the history keeps
-- ARGV[4]  how long it keeps them, in ms
-- ARGV[6]  what it keeps of IP addresses: 'off', 'prefix' or 'full'

local history_limit, history_retention, history_ip = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[6]

-- The fields of a session as the history keeps them. Same rule: keptDetails in src/presence/details.ts.
local function kept_fields(fields)
  if history_limit == 0 then return '' end
  if history_ip == 'full' or string.sub(fields, 1, 1) ~= FIELD_CLIENT_IP then return fields end
  local last = string.byte(fields, 2) + 3
  local others = string.sub(fields, last + 1)
  if history_ip == 'off' then return others end
  local kept = last == 6 and NETWORK_BYTES_IPV4 or NETWORK_BYTES_IPV6
  return pack_field(FIELD_CLIENT_NETWORK, string.sub(fields, 3, 2 + kept)) .. others
end

-- Adds a session that ended to the history. `text` is the reason text of an eviction, or ''. A full Redis
-- rejects this first write, and with it all others.
local function add_to_history(user, device, record, reason, time, text)
  -- At least REMEMBERED_SESSIONS: they distinguish a late repeat of a login from a new one.
  local kept = math.max(history_limit, REMEMBERED_SESSIONS)
  local entry = struct.pack('>BI6I6B', reason, record.login, time, #device - 1) .. device .. record.texts
    .. kept_fields(fields_of(record)) .. (text ~= '' and pack_field(FIELD_REASON_TEXT, text) or '')
  if redis.call('LPUSH', history_of(user), entry) > kept then
    redis.call('LTRIM', history_of(user), 0, kept - 1)
  end
  redis.call('PEXPIRE', history_of(user), history_retention)
end

-- When the user's last session ended, in ms; 0 if the history has none. Ends are recorded nearly in their order.
local function last_end(user)
  local last = 0
  if history_limit == 0 then return last end
  for _, entry in ipairs(redis.call('LRANGE', history_of(user), 0, LAST_SEEN_ENTRIES - 1)) do
    local time = struct.unpack('>I6', entry, 8)
    if time > now - history_retention then last = math.max(last, time) end
  end
  return last
end

-- The reason text of an entry; `at` is where its texts begin.
local function entry_text(entry, at)
  at = at + 2 + string.byte(entry, at)
  for _ = 1, 2 do at = at + 1 + string.byte(entry, at) end
  return reason_text(string.sub(entry, at))
end

-- Why a session of the device ended, if it is among the user's last ones, whether another session of the
-- device has ended since, and the reason text of an eviction.
local function past_reason(user, device, session)
  local of_device = string.char(#device - 1) .. device
  local wanted = of_device .. string.char(#session - 1) .. session
  local has_later = false
  for _, entry in ipairs(redis.call('LRANGE', history_of(user), 0, REMEMBERED_SESSIONS - 1)) do
    if string.sub(entry, 14, 13 + #wanted) == wanted then
      return string.byte(entry, 1), has_later, entry_text(entry, 14 + #of_device)
    end
    if string.sub(entry, 14, 13 + #of_device) == of_device then has_later = true end
  end
  return nil
end
