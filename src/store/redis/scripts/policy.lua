--- @include "read"
-- What a session policy decides about a login. Same rules: decideLogin in src/presence/policy.ts.
--
-- ARGV[9]  the policies of the logins of this call, a JSON object by their numbers, '' for none; see
--          ../policies.ts. The class of the platforms without one is 0

local policies

-- The policy of a number; nil for '0', which keeps all sessions.
local function policy_of(number)
  if number == '0' then return nil end
  policies = policies or cjson.decode(ARGV[9])
  return policies[number]
end

local function class_of(policy, platform)
  return policy.classes[platform] or 0
end

local function began_before(a, b)
  if a.login ~= b.login then return a.login < b.login end
  return a.device < b.device
end

-- The sessions on the user's other devices that last, oldest first.
local function counted_sessions(user, device, policy)
  local flat, sessions = redis.call('HGETALL', devices_of(user)), {}
  for i = 1, #flat, 2 do
    if flat[i] ~= '' and flat[i] ~= device and lasts(flat[i + 1]) then
      local packed = flat[i + 1]
      local platform = platform_of(packed, string.byte(packed, 1))
      sessions[#sessions + 1] = { device = flat[i], packed = packed, login = login_of(packed), platform = platform,
        class = class_of(policy, platform) }
    end
  end
  work = work + #flat / 2
  table.sort(sessions, began_before)
  return sessions
end

-- The classes that cannot be online together with a class: true for each.
local function excluded_by(policy, own)
  local excluded = {}
  for _, group in ipairs(policy.exclusive) do
    local has_own = false
    for _, class in ipairs(group) do has_own = has_own or class == own end
    for _, class in ipairs(group) do
      if has_own and class ~= own then excluded[class] = true end
    end
  end
  return excluded
end

-- Those of the sessions that a limit counts, for a login on a platform of the class `own`.
local function sessions_in(scope, sessions, platform, own)
  if scope == PER_USER then return sessions end
  local found = {}
  for _, session in ipairs(sessions) do
    local counts = session.class == own
    if scope == PER_PLATFORM then counts = session.platform == platform end
    if counts then found[#found + 1] = session end
  end
  return found
end

-- Ends the first `count` sessions: adds them to `ended`, and returns which of `left` are left.
local function end_first(count, sessions, left, ended)
  for i = 1, count do
    sessions[i].ends = true
    ended[#ended + 1] = sessions[i]
  end
  local rest = {}
  for _, session in ipairs(left) do
    if not session.ends then rest[#rest + 1] = session end
  end
  return rest
end

-- Whether a limit concerns the logins of a class.
local function concerns(limit, own)
  return limit[1] ~= PER_CLASS or limit[2] == own
end

-- Whether a login of the class `own` exceeds no limit beside so many others: of its class, on its platform and in
-- all.
local function fits_limits(policy, own, of_class, on_platform, in_all)
  local limits = policy.limits
  for i = 1, #limits do
    local limit = limits[i]
    local scope = limit[1]
    local count = scope == PER_USER and in_all or scope == PER_PLATFORM and on_platform or of_class
    if count >= limit[3] and concerns(limit, own) then return false end
  end
  return true
end

-- Whether a login exceeds no limit and excludes nothing, even if the sessions that are over did last. Most logins
-- do, and this takes a fraction of the time of a decision. `current` is the record of the device, if there is one;
-- `devices` of the user are recorded as online.
local function is_free(user, platform, policy, current, devices)
  local own, has_groups = class_of(policy, platform), #policy.exclusive > 0
  if current and current.online then devices = devices - 1 end
  if not has_groups and fits_limits(policy, own, devices, devices, devices) then return true end
  local excluded = has_groups and excluded_by(policy, own)
  local all, classes, byte = redis.call('HVALS', devices_of(user)), policy.classes, string.byte
  work = work + CHECK_WORK * #all
  local of_class, on_platform, of_excluded = 0, 0, 0
  for i = 1, #all do
    local packed = all[i]
    local flags = byte(packed, 1)
    -- The field '' is a number.
    if flags % 2 == FLAG_ONLINE and #packed > MAX_COUNT_BYTES then
      -- As platform_of, without a call: this is what such a login costs.
      local at = texts_at(flags)
      at = at + byte(packed, at) + 2
      at = at + byte(packed, at) + 1
      local other = string.sub(packed, at + 1, at + byte(packed, at))
      local class = classes[other] or 0
      if has_groups and excluded[class] then of_excluded = of_excluded + 1 end
      if class == own then of_class = of_class + 1 end
      if other == platform then on_platform = on_platform + 1 end
    end
  end
  if current and current.online then
    local class = class_of(policy, current.platform)
    if has_groups and excluded[class] then of_excluded = of_excluded - 1 end
    if class == own then of_class = of_class - 1 end
    if current.platform == platform then on_platform = on_platform - 1 end
  end
  return of_excluded == 0 and fits_limits(policy, own, of_class, on_platform, devices)
end

-- Decides about a login; nil if nothing stands in its way. Returns the sessions that it ends and how many others
-- last beside it; or, if it is rejected, the number of the limit (from 0), and the sessions in its scope. All
-- devices are read at one instant: there are at most about max_devices.
local function decide(user, device, platform, policy, current, devices)
  if not policy or is_free(user, platform, policy, current, devices) then return nil end
  local own, ended, left = class_of(policy, platform), {}, {}
  local excluded = excluded_by(policy, own)
  for _, session in ipairs(counted_sessions(user, device, policy)) do
    local list = excluded[session.class] and ended or left
    list[#list + 1] = session
  end
  for index, limit in ipairs(policy.limits) do
    local scope, _, max, conflict = unpack(limit)
    local in_scope = concerns(limit, own) and sessions_in(scope, left, platform, own) or {}
    if #in_scope >= max then
      if conflict == REJECT then return { limit = index - 1, conflicts = in_scope } end
      left = end_first(conflict == KICK_ALL and #in_scope or #in_scope + 1 - max, in_scope, left, ended)
    end
  end
  return { ended = ended, left = #left }
end

-- Whether the device of a login fits beside those that stay online.
local function fits(user, decision, devices)
  if decision then return decision.left < max_devices end
  return has_room(user, devices)
end

-- A packed session that is online, without its metadata.
local function without_metadata(packed)
  if bit.band(string.byte(packed, 1), FLAG_METADATA) == 0 then return packed end
  local record = unpack_record(packed)
  record.rest, record.has_metadata = fields_of(record), false
  return pack_online(record)
end

-- The reply to a rejected login: see online.lua.
local function pack_conflicts(decision)
  local conflicts = decision.conflicts
  local shown = math.min(#conflicts, MAX_NAMED)
  local parts = { struct.pack('>I6BBI2', 0, REJECTED, decision.limit, #conflicts - shown) }
  for i = 1, shown do parts[i + 1] = pack_device(conflicts[i].device, without_metadata(conflicts[i].packed)) end
  return table.concat(parts)
end
