--- @include "record"
--- @include "leases"
--- @include "counters"
--- @include "changes"
--- @include "history"
-- The record of a session together with its indexes, counters, history and change. A script that includes
-- this file calls finish() at its end.
--
-- ARGV[2]  retention in ms

local retention = tonumber(ARGV[2])

-- Writes what is written once per script, however many changes it made.
local function finish()
  write_counts()
  if message_bytes > 0 then publish_changes() end
end

-- When a session that lasts has to be checked again; nil if never.
local function next_deadline(record)
  local time = record.ttl > 0 and record.seen + record.ttl or nil
  if record.grace > 0 and (not time or record.grace < time) then time = record.grace end
  return time
end

-- Whether a packed session lasts.
local function lasts(packed)
  local flags = string.byte(packed, 1)
  if flags % 2 ~= FLAG_ONLINE then return false end
  -- Without TTL, grace and lease, only a call ends it.
  return bit.band(flags, FLAG_TTL + FLAG_GRACE + FLAG_INCARNATION) == 0 or not over(unpack_life(packed))
end

-- The device's record as it was written (nil if there is none), and how many devices of the user are online.
local function stored_record(user, device)
  local got = redis.call('HMGET', devices_of(user), device, '')
  return got[1] and unpack_record(got[1]) or nil, tonumber(got[2]) or 0
end

-- Removes the record of a device that is offline; `online` is how many devices of the user are online.
local function remove_record(user, device, online)
  redis.call('HDEL', devices_of(user), device)
  if online == 0 and redis.call('HLEN', devices_of(user)) == 1 then redis.call('HDEL', devices_of(user), '') end
end

-- Why a session ended, beside the reason. `text` is the reason text of an eviction, or ''. `by` is the login
-- of another device that replaced the session, or '': see name_login in online.lua.
local NO_CAUSE = { text = '', by = '' }

-- Ends a session that is online, one of the user's `online` devices, and keeps its record for the retention.
local function end_session(user, device, record, online, reason, time, cause)
  cause = cause or NO_CAUSE
  local member, removal = device_member(user, device), time + retention
  online = online - 1
  add_to_history(user, device, record, reason, time, cause.text)
  remove_session(user, member, record)
  if online == 0 then count('users', -1) end
  note_change(user, device, true, nil, record, reason, time, online, cause)
  if removal <= now then
    redis.call('ZREM', DEADLINES, member)
    redis.call('HSET', devices_of(user), '', online)
    remove_record(user, device, online)
    return
  end
  -- Before the record: a record without its deadline would stay forever.
  redis.call('ZADD', DEADLINES, removal, member)
  redis.call('HSET', devices_of(user), device, pack_ended(record, reason, time, removal, cause.text), '', online)
end

-- The device's record, with `online` as it is at this instant, and how many devices of the user are online;
-- nil if there is no record. Ends the session if it is over.
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
