-- The packed session, and the clock: put in front of every script that needs them.
-- src/presence/record.ts describes the layout and packs the same.

local ONLINE, HAS_TTL, HAS_GRACE, HAS_INCARNATION, HAS_METADATA = 1, 2, 4, 8, 16
local LOGOUT, REPLACED, EXPIRED, SERVER_LOST, EVICTED = 1, 2, 3, 4, 5

-- Milliseconds since 1970: the fixed time of a test, or Redis's own.
local function now_ms(fixed)
  if fixed ~= '' then return tonumber(fixed) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The id of the first entry of a change log: a millisecond and a number above 0. Redis numbers the entries of a millisecond from 0 on,
-- so in a log that is written anew within the millisecond in which its data was lost, no entry has the id of a lost one.
local function first_entry_id()
  local time = redis.call('TIME')
  return string.format('%d%03d-%d', time[1], math.floor(time[2] / 1000), 1 + time[2] % 1000)
end

-- What a session needs to stay, of a packed record that is online: ttl, grace and incarnation (0 where it has none), and where
-- its texts begin.
local function unpack_limits(packed, flags, at)
  local ttl, grace, incarnation = 0, 0, 0
  if bit.band(flags, HAS_TTL) ~= 0 then ttl, at = struct.unpack('>I4', packed, at) end
  if bit.band(flags, HAS_GRACE) ~= 0 then grace, at = struct.unpack('>I6', packed, at) end
  if bit.band(flags, HAS_INCARNATION) ~= 0 then incarnation, at = struct.unpack('>I6', packed, at) end
  return ttl, grace, incarnation, at
end

local function unpack_record(packed)
  local flags, reason, login, seen = struct.unpack('>BBI6I6', packed)
  local online, at, logout, forget = flags % 2 == 1, 15, nil, nil
  if not online then logout, forget, at = struct.unpack('>I6I6', packed, at) end
  local ttl, grace, incarnation, texts_at = unpack_limits(packed, flags, at)
  local session_end = texts_at + string.byte(packed, texts_at) + 1
  local server_end = session_end + 1 + string.byte(packed, session_end + 1)
  local texts_end = server_end + 1 + string.byte(packed, server_end + 1)
  return {
    packed = packed, online = online, reason = reason, login = login, seen = seen, logout = logout, forget = forget,
    ttl = ttl, grace = grace, incarnation = incarnation,
    session = string.sub(packed, texts_at + 1, session_end), server = string.sub(packed, session_end + 2, server_end),
    platform = string.sub(packed, server_end + 2, texts_end),
    texts = string.sub(packed, texts_at, texts_end), metadata = string.sub(packed, texts_end + 1),
  }
end

-- What `over` (leases.lua) needs of a packed record that is online, and its platform: half the time of unpack_record, for users
-- with many devices.
local function unpack_life(packed)
  local flags, _, _, seen = struct.unpack('>BBI6I6', packed)
  local ttl, grace, incarnation, at = unpack_limits(packed, flags, 15)
  local server_at = at + string.byte(packed, at) + 2
  local platform_at = server_at + string.byte(packed, server_at) + 1
  local record = { seen = seen, ttl = ttl, grace = grace, incarnation = incarnation,
    server = string.sub(packed, server_at + 1, platform_at - 1) }
  return record, string.sub(packed, platform_at + 1, platform_at + string.byte(packed, platform_at))
end

-- The session, server and platform of a record, packed.
local function pack_texts(session, server, platform)
  return string.char(#session - 1) .. session .. string.char(#server) .. server .. string.char(#platform) .. platform
end

-- Packs what unpack_record gave, or a change of it, as online.
local function pack_online(record)
  local flags, optional = ONLINE, ''
  if record.metadata ~= '' then flags = flags + HAS_METADATA end
  if record.ttl > 0 then
    flags, optional = flags + HAS_TTL, struct.pack('>I4', record.ttl)
  end
  if record.grace > 0 then
    flags, optional = flags + HAS_GRACE, optional .. struct.pack('>I6', record.grace)
  end
  if record.incarnation > 0 then
    flags, optional = flags + HAS_INCARNATION, optional .. struct.pack('>I6', record.incarnation)
  end
  return struct.pack('>BBI6I6', flags, 0, record.login, record.seen)
    .. optional .. record.texts .. record.metadata
end

-- Packs a record that was online as ended at a time, to be forgotten at another.
local function pack_ended(record, reason, time, forget)
  local flags = record.metadata ~= '' and HAS_METADATA or 0
  return struct.pack('>BBI6I6I6I6', flags, reason, record.login, record.seen, time, forget)
    .. record.texts .. record.metadata
end
