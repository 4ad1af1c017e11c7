-- The devices of a user, and how much of them one script call touches; put behind shard.lua.
--
-- ARGV[7]   how many devices of a user may be online, and how many records of devices a user may have
-- MAX_...   see src/store/work.ts (scripts.ts puts them in front)

local max_devices = tonumber(ARGV[7])

-- How much this script has done: in records that were read.
local work = 0
-- Where the present operation goes on with the user's devices: a cursor of HSCAN.
local from = '0'
-- Where it stopped; nil if it is done.
local unfinished

-- Users who have as many devices online as they may, and how many that were.
local full = {}

-- Reads the devices from a cursor on. Returns a flat list of device and packed session, with the field '' among them, and
-- the cursor behind it: '0' if there are no more. All devices of a user who has no more than MAX_PART are read at one
-- instant. A record counts as `weight` towards the work, 1 by default.
local function some_devices(user, cursor, weight)
  local key, flat, behind = devices_of(user), nil, '0'
  if cursor == '0' and redis.call('HLEN', key) <= MAX_PART + 1 then
    flat = redis.call('HGETALL', key)
  else
    local part = redis.call('HSCAN', key, cursor, 'COUNT', MAX_PART)
    behind, flat = part[1], part[2]
  end
  work = work + (weight or 1) * #flat / 2
  return flat, behind
end

local function is_online(packed)
  return string.byte(packed, 1) % 2 == 1
end

-- The user's other sessions that last and that the policy names, from the cursor of the operation on: a flat list of device and
-- record. The second result is where to go on, nil if these are all.
local function others_to_replace(user, device, platform, policy)
  local flat, behind = some_devices(user, from)
  local others = {}
  for i = 1, #flat, 2 do
    if flat[i] ~= '' and flat[i] ~= device and is_online(flat[i + 1]) then
      local life, other_platform = unpack_life(flat[i + 1])
      if (policy == 2 or other_platform == platform) and not over(life) then
        if #others == 2 * MAX_ENDS then return others, from end
        others[#others + 1] = flat[i]
        others[#others + 1] = unpack_record(flat[i + 1])
      end
    end
  end
  return others, behind ~= '0' and behind or nil
end

-- Whether the user may have one more device online, of whose devices so many are recorded as online. Those do not count that are
-- over, and those that the login ends.
local function has_room(user, device, platform, policy, online)
  if online < max_devices or policy == 2 then return true end
  if policy == 0 and full[user] == online then return false end
  local flat, surplus = some_devices(user, '0', CHECK_WORK), online - max_devices + 1
  for i = 1, #flat, 2 do
    if flat[i] ~= '' and flat[i] ~= device and is_online(flat[i + 1]) then
      local life, other_platform = unpack_life(flat[i + 1])
      if (policy == 1 and other_platform == platform) or over(life) then
        surplus = surplus - 1
        if surplus == 0 then return true end
      end
    end
  end
  if policy == 0 then full[user] = online end
  return false
end

local function is_older(a, b)
  if a.forget ~= b.forget then return a.forget < b.forget end
  return a.device < b.device
end

-- Puts a record into its place among the oldest ones, oldest first, of which MAX_ENDS are kept. HGETALL gives records in no order,
-- so most of many are not among them: sorting all takes several times as long.
local function keep_oldest(oldest, record)
  if oldest[MAX_ENDS] and not is_older(record, oldest[MAX_ENDS]) then return end
  local at = math.min(#oldest + 1, MAX_ENDS)
  while at > 1 and is_older(record, oldest[at - 1]) do
    oldest[at] = oldest[at - 1]
    at = at - 1
  end
  oldest[at] = record
end

-- The oldest records of the user that are offline, oldest first, and how many records of the user readers see.
local function offline_records(user)
  local flat, oldest, seen = some_devices(user, '0'), {}, 0
  for i = 1, #flat, 2 do
    local device, packed = flat[i], flat[i + 1]
    if device ~= '' then
      local time, reason, forget
      if is_online(packed) then
        time, reason = over(unpack_life(packed))
        forget = time and time + retention
      else
        forget = select(2, struct.unpack('>I6I6', packed, 15))
      end
      if forget then
        keep_oldest(oldest, { device = device, packed = packed, time = time, reason = reason, forget = forget })
      end
      if not forget or forget > now then seen = seen + 1 end
    end
  end
  return oldest, seen
end

-- Removes the oldest records of devices that are offline if the user has more records than may be: some more than need be, so
-- that the next logins need not look again. The user has so many devices online.
local function drop_oldest(user, online)
  if redis.call('HLEN', devices_of(user)) <= max_devices + 1 then return end
  local offline, seen = offline_records(user)
  local surplus = seen > max_devices and math.max(seen - max_devices, math.floor(max_devices / 8)) or 0
  local devices, members = {}, {}
  for _, record in ipairs(offline) do
    if record.forget > now then
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
