--- @include "keys"
-- Writes the change log of one shard anew without the changes of a user, part by part: see
-- PresenceStore.eraseUser. A removed entry of a stream stays in the memory of Redis, so the log is copied. In
-- the place of a change the copy has an entry without one: watches that resume there go on. The last part replaces the
-- log. It runs in a Redis that is full.
--
-- KEYS, ARGV[1]  see keys.lua
-- ARGV[2]        user
-- ARGV[3]        the id of the last entry to erase: what is appended later belongs to a later login
-- ARGV[4]        the id of the entry after which to continue, '' for the beginning
-- ARGV[5]        how many entries to copy at most
-- ARGV[6]        token of this erasure: only one copies at a time
-- Reply: {where to continue, '' if the log was replaced; how many changes were erased}; false if another
-- erasure copies, or a part of the copy was lost: begin again.
--
-- im:{S}:e:copy  stream, the copy; expires if nobody continues
-- im:{S}:e:lock  string, the token; expires if nobody continues
local user, last_id, from, limit, token = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local COPY, LOCK = CHANGE_LOG .. ':copy', CHANGE_LOG .. ':lock'
local of_user = device_member(user, '')

local function is_behind(a, b)
  local a_time, a_number = string.match(a, '(%d+)-(%d+)')
  local b_time, b_number = string.match(b, '(%d+)-(%d+)')
  a_time, b_time = tonumber(a_time), tonumber(b_time)
  return a_time < b_time or (a_time == b_time and tonumber(a_number) <= tonumber(b_number))
end

-- A failover can lose the last part of a copy.
local function is_whole()
  local newest = redis.call('XREVRANGE', COPY, '+', '-', 'COUNT', 1)[1]
  return newest and newest[1] == from
end

if from == '' then
  if not redis.call('SET', LOCK, token, 'NX', 'PX', ERASE_LOCK_MS) then return false end
  redis.call('DEL', COPY)
elseif redis.call('GET', LOCK) ~= token then
  return false
elseif not is_whole() then
  redis.call('DEL', COPY, LOCK)
  return false
end
redis.call('PEXPIRE', LOCK, ERASE_LOCK_MS)

local erased = 0
local entries = redis.call('XRANGE', CHANGE_LOG, from == '' and '-' or '(' .. from, '+', 'COUNT', limit)
for _, entry in ipairs(entries) do
  local id, member, change = entry[1], entry[2][2], entry[2][4]
  if string.sub(member, 1, #of_user) == of_user and is_behind(id, last_id) then
    -- Not as the first entry of a log: before this one there were others.
    erased, member, change = erased + 1, 'erased', ''
  end
  redis.call('XADD', COPY, id, 'm', member, 'c', change)
end
if #entries == limit then
  redis.call('PEXPIRE', COPY, ERASE_LOCK_MS)
  return { entries[#entries][1], erased }
end
if redis.call('EXISTS', COPY) == 1 then
  redis.call('PERSIST', COPY)
  redis.call('RENAME', COPY, CHANGE_LOG)
end
redis.call('DEL', LOCK)
return { '', erased }
