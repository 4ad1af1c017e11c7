-- The packed session. src/presence/record.ts describes the layout and packs the same.

-- What decides whether a packed session that is online lasts: TTL, grace and incarnation (0 for none), and
-- where its texts begin.
local function unpack_limits(packed, flags, at)
  local ttl, grace, incarnation = 0, 0, 0
  if bit.band(flags, FLAG_TTL) ~= 0 then ttl, at = struct.unpack('>I4', packed, at) end
  if bit.band(flags, FLAG_GRACE) ~= 0 then grace, at = struct.unpack('>I6', packed, at) end
  if bit.band(flags, FLAG_INCARNATION) ~= 0 then incarnation, at = struct.unpack('>I6', packed, at) end
  return ttl, grace, incarnation, at
end

local function is_online(packed)
  return string.byte(packed, 1) % 2 == FLAG_ONLINE
end

local function unpack_record(packed)
  local flags, reason, login, seen = struct.unpack('>BBI6I6', packed)
  local online, at, logout, removal = flags % 2 == FLAG_ONLINE, 15, nil, nil
  if not online then logout, removal, at = struct.unpack('>I6I6', packed, at) end
  local ttl, grace, incarnation, texts_at = unpack_limits(packed, flags, at)
  local session_end = texts_at + string.byte(packed, texts_at) + 1
  local server_end = session_end + 1 + string.byte(packed, session_end + 1)
  local texts_end = server_end + 1 + string.byte(packed, server_end + 1)
  return {
    packed = packed, online = online, reason = reason, login = login, seen = seen, logout = logout, removal = removal,
    ttl = ttl, grace = grace, incarnation = incarnation,
    session = string.sub(packed, texts_at + 1, session_end), server = string.sub(packed, session_end + 2, server_end),
    platform = string.sub(packed, server_end + 2, texts_end), texts = string.sub(packed, texts_at, texts_end),
    has_metadata = bit.band(flags, FLAG_METADATA) ~= 0, rest = string.sub(packed, texts_end + 1),
  }
end

-- The fields of a record, see src/presence/fields.ts; '' for none.
local function fields_of(record)
  if not record.has_metadata then return record.rest end
  return string.sub(record.rest, 3 + struct.unpack('>I2', record.rest))
end

-- The reason text among fields; '' for none.
local function reason_text(fields)
  local at = 1
  while at < #fields do
    local last = at + 2 + string.byte(fields, at + 1)
    if string.sub(fields, at, at) == FIELD_REASON_TEXT then return string.sub(fields, at + 2, last) end
    at = last + 1
  end
  return ''
end

local function pack_field(tag, value)
  return tag .. string.char(#value - 1) .. value
end

-- An IP address comes as hexadecimal digits: arguments are UTF-8.
local function pack_field_argument(tag, value)
  if tag == FIELD_CLIENT_IP then
    value = string.gsub(value, '%x%x', function(digits) return string.char(tonumber(digits, 16)) end)
  end
  return pack_field(tag, value)
end

-- What follows the texts of a record, from the last argument of a login, and whether there is metadata.
local function pack_rest(argument)
  if argument == '' then return '', false end
  local metadata, fields = string.match(argument, REST_ARGUMENT)
  local packed = metadata ~= '' and struct.pack('>I2', #metadata) .. metadata or ''
  if fields ~= '' then packed = packed .. string.gsub(fields, FIELD_ARGUMENT, pack_field_argument) end
  return packed, metadata ~= ''
end

-- Where the texts of a packed session that is online begin, by its flags. Kept, because most sessions have the
-- same.
local texts_by_flags = {}

local function texts_at(flags)
  local at = texts_by_flags[flags]
  if at then return at end
  at = 15
  if bit.band(flags, FLAG_TTL) ~= 0 then at = at + 4 end
  if bit.band(flags, FLAG_GRACE) ~= 0 then at = at + 6 end
  if bit.band(flags, FLAG_INCARNATION) ~= 0 then at = at + 6 end
  texts_by_flags[flags] = at
  return at
end

-- The platform of a packed session that is online, by its flags.
local function platform_of(packed, flags)
  local at = texts_at(flags)
  at = at + string.byte(packed, at) + 2
  at = at + string.byte(packed, at) + 1
  return string.sub(packed, at + 1, at + string.byte(packed, at))
end

-- The login time of a packed session.
local function login_of(packed)
  return struct.unpack('>I6', packed, 3)
end

-- What `over` (leases.lua) needs of a packed session that is online. For users with many devices: it takes half
-- the time of unpack_record.
local function unpack_life(packed)
  local flags, _, _, seen = struct.unpack('>BBI6I6', packed)
  local ttl, grace, incarnation, at = unpack_limits(packed, flags, 15)
  local server_at = at + string.byte(packed, at) + 2
  return { seen = seen, ttl = ttl, grace = grace, incarnation = incarnation,
    server = string.sub(packed, server_at + 1, server_at + string.byte(packed, server_at)) }
end

-- The session, server and platform of a record, packed.
local function pack_texts(session, server, platform)
  return string.char(#session - 1) .. session .. string.char(#server) .. server .. string.char(#platform) .. platform
end

-- Packs a record, as unpack_record returns it, as online.
local function pack_online(record)
  local flags, optional = FLAG_ONLINE, ''
  if record.has_metadata then flags = flags + FLAG_METADATA end
  if record.ttl > 0 then
    flags, optional = flags + FLAG_TTL, struct.pack('>I4', record.ttl)
  end
  if record.grace > 0 then
    flags, optional = flags + FLAG_GRACE, optional .. struct.pack('>I6', record.grace)
  end
  if record.incarnation > 0 then
    flags, optional = flags + FLAG_INCARNATION, optional .. struct.pack('>I6', record.incarnation)
  end
  return struct.pack('>BBI6I6', flags, 0, record.login, record.seen)
    .. optional .. record.texts .. record.rest
end

-- Packs a record that was online as ended at `time`, and to be removed at `removal`. `text` is the reason text
-- of an eviction, or ''.
local function pack_ended(record, reason, time, removal, text)
  local rest, has_metadata = record.rest, record.has_metadata
  if text ~= '' then
    -- Versions before 0.2.0 would take fields without metadata for metadata.
    if not has_metadata then rest, has_metadata = PACKED_NO_METADATA .. rest, true end
    rest = rest .. pack_field(FIELD_REASON_TEXT, text)
  end
  local flags = has_metadata and FLAG_METADATA or 0
  return struct.pack('>BBI6I6I6I6', flags, reason, record.login, record.seen, time, removal)
    .. record.texts .. rest
end
