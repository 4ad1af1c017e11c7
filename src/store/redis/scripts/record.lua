-- The packed session and the clock: put in front of every script that needs them.
-- src/store/record.ts describes the layout and packs the same.

local ONLINE, HAS_LOGOUT, HAS_DEADLINE = 1, 2, 4
local LOGOUT = 1

-- Milliseconds since 1970: the fixed time of a test, or Redis's own.
local function now_ms(fixed)
  if fixed ~= '' then return tonumber(fixed) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A device in the index of deadlines. Ids hold no control characters, so NUL parts them.
local function deadline_member(user, device)
  return user .. '\0' .. device
end

local function pack_online(login, seen, session, server, platform)
  return struct.pack('>BBI6I6', ONLINE, 0, login, seen)
    .. struct.pack('B', #session - 1) .. session
    .. struct.pack('B', #server) .. server
    .. struct.pack('B', #platform) .. platform
end

-- The record of an ended session, from its packed form while it was online.
local function pack_ended(packed, reason, now, deadline)
  local login = struct.unpack('>I6', packed, 3)
  return struct.pack('>BBI6I6I6I6', HAS_LOGOUT + HAS_DEADLINE, reason, login, now, now, deadline)
    .. string.sub(packed, 15)
end

local function is_online(packed)
  return string.byte(packed, 1) % 2 == 1
end

-- The end of the retention; 0 for a record that has none.
local function deadline_of(packed)
  local flags = string.byte(packed, 1)
  if flags < HAS_DEADLINE then return 0 end
  local at = 15
  if math.floor(flags / HAS_LOGOUT) % 2 == 1 then at = 21 end
  return (struct.unpack('>I6', packed, at))
end

-- The session id of a device that is online, whose record has neither logout time nor deadline.
local function online_session(packed)
  return string.sub(packed, 16, 16 + string.byte(packed, 15))
end
