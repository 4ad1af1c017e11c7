--- @include "keys"
-- The sessions of each chat server, and the counters of what is online.
--
-- MAX_PLATFORMS platforms have a counter of their own; the others count together under OTHER_PLATFORM.
-- Counters are written once per script, however many changes it makes.

local counts = {}
local OTHER_COUNTER = 'p:' .. OTHER_PLATFORM
-- The counter of each platform that a login of this script named; how many platforms have a counter; and
-- whether OTHER_COUNTER exists. The last two are nil until they are needed.
local platform_counters, platform_count, has_other = {}, nil, nil

local function count(field, by)
  counts[field] = (counts[field] or 0) + by
end

local function write_count(field, by)
  local value = redis.call('HINCRBY', COUNTERS, field, by)
  if value == 0 then
    redis.call('HDEL', COUNTERS, field)
    redis.call('ZREM', NAMES, field)
  elseif value == by then
    redis.call('ZADD', NAMES, 0, field)
  end
  return value
end

local function write_counts()
  for field, by in pairs(counts) do
    local value = by ~= 0 and write_count(field, by) or 0
    -- Versions without OTHER_PLATFORM decremented the wrong counter at the end of a session: the sum is
    -- right.
    if value < 0 and field ~= OTHER_COUNTER and string.sub(field, 1, 2) == 'p:' then
      write_count(field, -value)
      write_count(OTHER_COUNTER, value)
    end
  end
end

-- The counter of a starting session: its platform's own if it exists or there is room for one.
local function platform_counter(platform)
  local known = platform_counters[platform]
  if known then return known end
  local counter = 'p:' .. platform
  if platform ~= '' and platform ~= OTHER_PLATFORM and redis.call('HEXISTS', COUNTERS, counter) == 0 then
    if not platform_count then
      local others = redis.call('HEXISTS', COUNTERS, OTHER_COUNTER)
      platform_count = redis.call('ZLEXCOUNT', NAMES, '(p:', '(p;') - others
    end
    if platform_count < MAX_PLATFORMS then
      platform_count = platform_count + 1
    else
      counter, has_other = OTHER_COUNTER, true
    end
  end
  platform_counters[platform] = counter
  return counter
end

-- The counter under which a session was counted at its start, and its mark in the bucket.
local function counted_platform(user, member, record)
  if has_other == nil then has_other = redis.call('HEXISTS', COUNTERS, OTHER_COUNTER) == 1 end
  if has_other and redis.call('HGET', sessions_of(record.server, user), member) == 'o' then
    return OTHER_COUNTER, 'o'
  end
  return 'p:' .. record.platform, ''
end

local function count_session(record, counter, by)
  count('devices', by)
  count(counter, by)
  count('s:' .. record.server, by)
end

-- Puts a session into its bucket and counts it, instead of `current` (which may be nil, or offline).
local function add_session(user, device, login, current)
  local member = device_member(user, device)
  local counter = platform_counter(login.platform)
  local mark = counter == 'p:' .. login.platform and '' or 'o'
  count_session(login, counter, 1)
  if current and current.online then
    local before, mark_before = counted_platform(user, member, current)
    count_session(current, before, -1)
    local is_there = current.server == login.server
    if is_there and mark == mark_before then return end
    if not is_there then redis.call('HDEL', sessions_of(current.server, user), member) end
  end
  redis.call('HSET', sessions_of(login.server, user), member, mark)
end

-- Undoes add_session.
local function remove_session(user, member, record)
  local counter = counted_platform(user, member, record)
  count_session(record, counter, -1)
  redis.call('HDEL', sessions_of(record.server, user), member)
end
