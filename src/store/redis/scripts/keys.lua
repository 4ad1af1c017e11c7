--- @include "clock"
-- The keys of one shard, and the time. Every script of a shard includes this file.
--
-- KEYS[1]  im:{S}:x     sorted set, the deadlines; the names of the shard's other keys derive from this one
-- KEYS[2]  im:{S}:none  never exists: while a cluster moves the slot, Redis rejects the script, see shards.ts
-- ARGV[1]  fixed time in ms, or '' for the clock of Redis
--
-- im:{S}:x                    sorted set, deadlines in ms: 'user NUL device' when to check the device;
--                             'NUL server' when to check the lease, less 10^15
-- im:{S}:u:<user>             hash, device -> packed session; field '': how many devices are online
-- im:{S}:s:<server>/<bucket>  hash, 'user NUL device' of each session of a chat server that is online -> '',
--                             or 'o' if it counts under OTHER_PLATFORM; small enough to stay a listpack
-- im:{S}:h:<user>             list, packed sessions that ended, newest first
-- im:{S}:l                    hash, server -> its lease, see leases.lua; field '': the state of the sweep
-- im:{S}:c                    hash, counters of what is online: users, devices, p:<platform>, s:<server>
-- im:{S}:n                    sorted set with scores 0: the names of these counters, and 'l:<server>' of each
--                             lease. It lists in order, page by page, what the hashes hold without order.
--                             Older versions do not write it, see names_complete in leases.lua
-- im:{S}:e                    stream, the change log: one entry per change, see changes.lua

local now = now_ms(ARGV[1])
local shard = string.sub(KEYS[1], 1, -2)
local DEADLINES, LEASES = KEYS[1], shard .. 'l'
local COUNTERS, NAMES, CHANGE_LOG = shard .. 'c', shard .. 'n', shard .. 'e'

-- The ID of the first entry of a change log: a millisecond and a number above 0. Redis numbers the entries of
-- a millisecond from 0 on, so in a log that is written anew within the millisecond in which its data was
-- lost, no entry has the ID of a lost one.
local function first_entry_id()
  local time = redis.call('TIME')
  return string.format('%d%03d-%d', time[1], math.floor(time[2] / 1000), 1 + time[2] % 1000)
end

-- Appends the first entry of the change log; returns its id.
local function append_first_entry(member, change)
  local id = redis.pcall('XADD', CHANGE_LOG, first_entry_id(), 'm', member, 'c', change)
  if type(id) == 'string' then return id end
  -- A log that an operator emptied keeps its last id, which is greater if the clock was set back.
  return redis.call('XADD', CHANGE_LOG, '*', 'm', member, 'c', change)
end

local devices_user, devices_key

local function devices_of(user)
  -- Most calls are for the user of the previous call.
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
