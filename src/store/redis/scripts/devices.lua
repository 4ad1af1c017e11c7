--- @include "sessions"
-- The devices of a user, and how much of them one script call touches.
--
-- ARGV[8]  how many devices of a user may be online, and how many records of devices a user may have
-- MAX_WORK and the other limits of work: see src/store/work.ts

local max_devices = tonumber(ARGV[8])

-- How much work this script has done: the unit is one record that was read.
local work = 0
-- Where the current operation continues among the user's devices: a cursor of HSCAN.
local from = '0'
-- Where it stopped; nil if it is complete.
local unfinished

-- Users with as many devices online as allowed, and how many that were.
local full = {}

-- Whether an operation on all records of the user is left to the next script, because this one has done much.
local function is_postponed(user)
  return work > MAX_WORK / 4 and redis.call('HLEN', devices_of(user)) > MAX_WORK / 2
end

-- Reads the devices from a cursor on. Returns a flat list of device and packed session, the field '' among
-- them, and the next cursor: '0' if there are no more. All devices of a user with at most MAX_PART are read
-- at one instant. A record counts as `weight` towards the work, 1 by default.
local function some_devices(user, cursor, weight)
  local key, flat, next_cursor = devices_of(user), nil, '0'
  if cursor == '0' and redis.call('HLEN', key) <= MAX_PART + 1 then
    flat = redis.call('HGETALL', key)
  else
    local part = redis.call('HSCAN', key, cursor, 'COUNT', MAX_PART)
    next_cursor, flat = part[1], part[2]
  end
  work = work + (weight or 1) * #flat / 2
  return flat, next_cursor
end

-- Whether the user may have one more device online; `online` devices are recorded as online. Devices whose
-- session is over do not count.
local function has_room(user, online)
  if online < max_devices then return true end
  if full[user] == online then return false end
  local flat, surplus = some_devices(user, '0', CHECK_WORK), online - max_devices + 1
  for i = 1, #flat, 2 do
    if flat[i] ~= '' and is_online(flat[i + 1]) and not lasts(flat[i + 1]) then
      surplus = surplus - 1
      if surplus == 0 then return true end
    end
  end
  full[user] = online
  return false
end

local function is_older(a, b)
  if a.removal ~= b.removal then return a.removal < b.removal end
  return a.device < b.device
end

-- Inserts a record into the MAX_ENDS oldest ones, oldest first. HGETALL returns records in no order, so most
-- of many are not among them: sorting all takes several times as long.
local function keep_oldest(oldest, record)
  if oldest[MAX_ENDS] and not is_older(record, oldest[MAX_ENDS]) then return end
  local at = math.min(#oldest + 1, MAX_ENDS)
  while at > 1 and is_older(record, oldest[at - 1]) do
    oldest[at] = oldest[at - 1]
    at = at - 1
  end
  oldest[at] = record
end

-- The user's oldest offline records, oldest first, and how many records of the user are visible to readers.
local function offline_records(user)
  local flat, oldest, seen = some_devices(user, '0'), {}, 0
  for i = 1, #flat, 2 do
    local device, packed = flat[i], flat[i + 1]
    if device ~= '' then
      local time, reason, removal
      if is_online(packed) then
        time, reason = over(unpack_life(packed))
        removal = time and time + retention
      else
        removal = select(2, struct.unpack('>I6I6', packed, 15))
      end
      if removal then
        keep_oldest(oldest, { device = device, packed = packed, time = time, reason = reason, removal = removal })
      end
      if not removal or removal > now then seen = seen + 1 end
    end
  end
  return oldest, seen
end

-- Removes the user's oldest offline records if there are too many records: more than necessary, so that the
-- next logins need not check again. `online` devices of the user are online.
local function drop_oldest(user, online)
  if redis.call('HLEN', devices_of(user)) <= max_devices + 1 then return end
  local offline, seen = offline_records(user)
  local surplus = seen > max_devices and math.max(seen - max_devices, math.floor(max_devices / 8)) or 0
  local devices, members = {}, {}
  for _, record in ipairs(offline) do
    if record.removal > now then
      if surplus == 0 then break end
      surplus = surplus - 1
    end
    if record.time then
      end_session(user, record.device, unpack_record(record.packed), online, record.reason, record.time)
      online, work = online - 1, work + END_WORK
    end
    devices[#devices + 1] = record.device
    members[#members + 1] = device_member(user, record.device)
  end
  if #devices == 0 then return end
  work = work + #devices
  redis.call('HDEL', devices_of(user), unpack(devices))
  redis.call('ZREM', DEADLINES, unpack(members))
end
