-- What changes of one shard share: the record of a session together with its indexes, counters and history, and the
-- claim of a lease; put behind leases.lua.
--
-- ARGV[2]  retention in ms
-- ARGV[3]  how many ended sessions of a user the history keeps
-- ARGV[4]  how long it keeps them, in ms
-- ARGV[5]  how many changes the change log keeps
-- DATABASE       the number of the database (scripts.ts puts it in front, and what follows)
-- MAX_PLATFORMS  how many platforms the shard counts by name
-- OTHER          under which name it counts further ones
--
-- im:{S}:u:<user>             hash, device -> packed session; field '': how many devices are online
-- im:{S}:x                    sorted set, 'user NUL device' -> when to look at it, in ms; 'NUL server' -> the same - 10^15
-- im:{S}:s:<server>/<bucket>  hash, 'user NUL device' -> '', or 'o' if the session is counted under OTHER_PLATFORM: the sessions of a
--                             chat server that are online; small enough to stay a listpack
-- im:{S}:h:<user>             list, packed sessions that ended, newest first
-- im:{S}:e                    stream, the change log: an entry a change, m = 'user NUL device', c = see note_change
-- im:changes:<database>       channel: what a script wrote into a change log, see ring; databases share channels
-- im:bell                     channel: "shard S has news", where it was too much for a message

local retention, history_limit, history_retention = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local CHANGE_LOG, change_limit = shard .. 'e', tonumber(ARGV[5])
local BUCKETS = 64
-- As many ended sessions of a user are kept at least: they tell a late repeat of a login from a new one.
local REMEMBERED = 32
-- How many bytes of changes a message carries at most: Redis copies it for each daemon that has watches. For as much as this, about a
-- hundred changes, a read more is little.
local MAX_TOLD = 16384
local news, news_size = {}, 0
local counts = {}
local OTHER_PLATFORM = 'p:' .. OTHER
-- Under which counter a platform counts, for those that logins of this script named; how many counters of named platforms there are;
-- and whether there is OTHER_PLATFORM. Nil until it is needed.
local platform_counters, platform_count, has_other = {}, nil, nil

local devices_user, devices_key

local function devices_of(user)
  -- Most calls are for the user of the call before.
  if user ~= devices_user then devices_user, devices_key = user, shard .. 'u:' .. user end
  return devices_key
end

local function history_of(user)
  return shard .. 'h:' .. user
end

local function device_member(user, device)
  return user .. '\0' .. device
end

local function split_member(member)
  local nul = string.find(member, '\0', 1, true)
  return string.sub(member, 1, nul - 1), string.sub(member, nul + 1)
end

local function bucket_of(server, bucket)
  return shard .. 's:' .. server .. '/' .. bucket
end

local function sessions_of(server, user)
  return bucket_of(server, tonumber(string.sub(redis.sha1hex(user), 1, 2), 16) % BUCKETS)
end

-- Counters are written once a script, however many changes it makes.
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
    -- An imstate of before there was OTHER_PLATFORM took the end of a session off the wrong counter: together they are right.
    if value < 0 and field ~= OTHER_PLATFORM and string.sub(field, 1, 2) == 'p:' then
      write_count(field, -value)
      write_count(OTHER_PLATFORM, value)
    end
  end
end

-- The counter of a session of this platform that begins: its own if there is one, or room for one.
local function platform_counter(platform)
  local known = platform_counters[platform]
  if known then return known end
  local counter = 'p:' .. platform
  if platform ~= '' and platform ~= OTHER and redis.call('HEXISTS', COUNTERS, counter) == 0 then
    if not platform_count then
      local others = redis.call('HEXISTS', COUNTERS, OTHER_PLATFORM)
      platform_count = redis.call('ZLEXCOUNT', NAMES, '(p:', '(p;') - others
    end
    if platform_count < MAX_PLATFORMS then
      platform_count = platform_count + 1
    else
      counter, has_other = OTHER_PLATFORM, true
    end
  end
  platform_counters[platform] = counter
  return counter
end

-- The counter under which a session was counted when it began, and its mark in the bucket.
local function counted_platform(user, member, record)
  if has_other == nil then has_other = redis.call('HEXISTS', COUNTERS, OTHER_PLATFORM) == 1 end
  if has_other and redis.call('HGET', sessions_of(record.server, user), member) == 'o' then return OTHER_PLATFORM, 'o' end
  return 'p:' .. record.platform, ''
end

local function count_session(record, counter, by)
  count('devices', by)
  count(counter, by)
  count('s:' .. record.server, by)
end

-- Puts a session into its bucket and counts it, in the place of `current` (which may be nil, or offline).
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

local function add_news(packed)
  news[#news + 1] = packed
  news_size = news_size + #packed
end

-- Writes a change of a device into the change log. `began` is the session that is current now, `ended` the one that ended;
-- either may be nil. `online` is how many devices of the user are online now.
local function note_change(user, device, was_online, began, ended, reason, time, online)
  local flags = (was_online and 1 or 0) + (began and 2 or 0) + (ended and 4 or 0)
  local change = struct.pack('>BI4I6', flags, online, time)
  if began then
    change = change .. struct.pack('>I6', began.login) .. began.texts
  end
  if ended then
    change = change .. string.char(reason) .. ended.texts
  end
  local member = device_member(user, device)
  local new_id = '*'
  if news_size == 0 then
    local newest = redis.call('XREVRANGE', CHANGE_LOG, '+', '-', 'COUNT', 1)[1]
    local id = newest and newest[1] or '0-0'
    if not newest then new_id = first_entry_id() end
    add_news(struct.pack('>I2c0', #id, id))
  end
  local id = redis.call('XADD', CHANGE_LOG, 'MAXLEN', '~', change_limit, new_id, 'm', member, 'c', change)
  if news_size <= MAX_TOLD then
    add_news(struct.pack('>I2c0I2c0I2c0', #id, id, #member, member, #change, change))
  end
end

-- Tells who watches: {shard in two bytes, the newest entry before this script, then id, m and c of each entry it wrote}, each text
-- behind its length in two bytes. A message may get lost: one that Redis refuses (an ACL) must not fail a change that is done.
local function ring()
  local prefix, index = string.match(shard, '^(.*){(%d+)}:$')
  if news_size > MAX_TOLD then
    redis.pcall('PUBLISH', prefix .. 'bell', index)
  else
    redis.pcall('PUBLISH', prefix .. 'changes:' .. DATABASE, struct.pack('>I2', index) .. table.concat(news))
  end
end

-- What is written once a script, however many changes it made.
local function finish()
  write_counts()
  if news_size > 0 then ring() end
end

-- When a session that lasts has to be looked at again; nil if at no time.
local function next_deadline(record)
  local time = record.ttl > 0 and record.seen + record.ttl or nil
  if record.grace > 0 and (not time or record.grace < time) then time = record.grace end
  return time
end

-- The device's record as it was written (nil if there is none), and how many devices of the user are online.
local function stored_record(user, device)
  local got = redis.call('HMGET', devices_of(user), device, '')
  return got[1] and unpack_record(got[1]) or nil, tonumber(got[2]) or 0
end

-- Puts a session that ended into the history. A Redis that is full refuses this first write, and with it all of them.
local function remember(user, device, record, reason, time)
  local kept = math.max(history_limit, REMEMBERED)
  local entry = struct.pack('>BI6I6B', reason, record.login, time, #device - 1) .. device .. record.texts
  if redis.call('LPUSH', history_of(user), entry) > kept then
    redis.call('LTRIM', history_of(user), 0, kept - 1)
  end
  redis.call('PEXPIRE', history_of(user), history_retention)
end

-- Removes the record of a device that is offline; `online` is how many devices of the user are not.
local function forget_record(user, device, online)
  redis.call('HDEL', devices_of(user), device)
  if online == 0 and redis.call('HLEN', devices_of(user)) == 1 then redis.call('HDEL', devices_of(user), '') end
end

-- Ends a session that is online, one of the user's `online` devices, and keeps its record for the retention.
local function end_session(user, device, record, online, reason, time)
  local member, forget = device_member(user, device), time + retention
  online = online - 1
  remember(user, device, record, reason, time)
  remove_session(user, member, record)
  if online == 0 then count('users', -1) end
  note_change(user, device, true, nil, record, reason, time, online)
  if forget <= now then
    redis.call('ZREM', DEADLINES, member)
    redis.call('HSET', devices_of(user), '', online)
    forget_record(user, device, online)
    return
  end
  -- Before the record: a record without its deadline would stay for ever.
  redis.call('ZADD', DEADLINES, forget, member)
  redis.call('HSET', devices_of(user), device, pack_ended(record, reason, time, forget), '', online)
end

-- The device's record, with `online` as it is at this instant, and how many devices of the user are online; nil if there is no
-- record. Ends what is over.
local function current_record(user, device)
  local record, online = stored_record(user, device)
  if record and record.online then
    local time, reason = over(record)
    if time then
      end_session(user, device, record, online, reason, time)
      record.online, record.reason, online = false, reason, online - 1
    end
  end
  return record, online
end

-- Why a session of the device ended, if that is among the user's last ones, and whether another session of the device has
-- ended since.
local function past_reason(user, device, session)
  local of_device = string.char(#device - 1) .. device
  local wanted = of_device .. string.char(#session - 1) .. session
  local has_later = false
  for _, entry in ipairs(redis.call('LRANGE', history_of(user), 0, REMEMBERED - 1)) do
    if string.sub(entry, 14, 13 + #wanted) == wanted then return string.byte(entry, 1), has_later end
    if string.sub(entry, 14, 13 + #of_device) == of_device then has_later = true end
  end
  return nil
end

-- Another one after a restart and on another node.
local function run_of_redis()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
end

-- Begins to write down the ends of a lease's sessions: the sweep goes on with it.
local function end_sessions_of(server, lease)
  lease.cursor = 0
  redis.call('ZADD', DEADLINES, lease_score(now), lease_member(server))
end

-- The lease of a chat server's incarnation, made or taken over if need be; returns it, and whether anything changed.
-- Nothing changes if the lease is a greater incarnation's.
local function claim_lease(server, incarnation, ttl)
  local lease = lease_of(server)
  if not lease then
    lease = { incarnation = incarnation, ttl = ttl or DEFAULT_TTL, since = now, resync = now, run = run_of_redis() }
    lease.expires = now + lease.ttl
    redis.call('ZADD', DEADLINES, lease_score(lease.expires), lease_member(server))
    -- A shard that goes away before its first sweep must know, when it is back, for how long nobody swept it.
    redis.call('HSETNX', LEASES, '', cjson.encode({ swept = now }))
    return lease, true
  end
  if incarnation < lease.incarnation then return lease, false end
  if incarnation == lease.incarnation and not lease.lost then return lease, false end
  if incarnation > lease.incarnation then
    lease.since = lease.lost or now
    lease.incarnation = incarnation
  else
    lease.purge, lease.purged, lease.resync = math.max(lease.purge or 0, lease.lost), lease.lost, now
  end
  lease.lost = nil
  lease.ttl = ttl or lease.ttl
  lease.expires = now + lease.ttl
  end_sessions_of(server, lease)
  return lease, true
end
