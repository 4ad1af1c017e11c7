--- @include "endServer"
-- Does a bounded part of what is due in one shard, see PresenceStore.sweep.
--
-- KEYS, ARGV[1]  see keys.lua
-- ARGV[2..6]     see sessions.lua, history.lua and changes.lua
-- ARGV[7]        how many deadlines of devices to check at most
-- ARGV[8]        how many sessions to end at most: of chat servers, and as many of devices
-- ARGV[9]        after how many ms without a sweep leases get their full duration again
-- Reply: {1 if more may be due, otherwise 0, then how many sessions ended, by the number of the reason}.
local deadlines_limit, sessions_limit, outage = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local MAX_LEASES = 16
local more = 0
local ended = { 0, 0, 0, 0, 0 }

-- Records that the shard was swept. Returns when a time ended in which nobody could keep a lease alive, or
-- nil.
local function note_sweep()
  local known = redis.call('HLEN', LEASES)
  if known == 0 then return nil end
  local text = redis.call('HGET', LEASES, '')
  if text and known == 1 then
    redis.call('DEL', LEASES)
    return nil
  end
  local note = text and cjson.decode(text) or { swept = now }
  if now - note.swept > outage then note.outage = now end
  -- The clock was set back.
  if note.outage and note.outage > now then note.outage = nil end
  note.swept = now
  redis.call('HSET', LEASES, '', cjson.encode(note))
  return note.outage
end

-- Ends the session if it is over, and removes the record after its retention. Returns 1 if it ended the
-- session, otherwise 0.
local function check_device(member)
  local user, device = split_member(member)
  local record, online = stored_record(user, device)
  if not record then
    redis.call('ZREM', DEADLINES, member)
  elseif not record.online then
    if record.removal <= now then
      remove_record(user, device, online)
      redis.call('ZREM', DEADLINES, member)
    else
      redis.call('ZADD', DEADLINES, record.removal, member)
    end
  else
    local time, reason = over(record)
    if time then
      end_session(user, device, record, online, reason, time)
      ended[reason] = ended[reason] + 1
      return 1
    elseif next_deadline(record) then
      redis.call('ZADD', DEADLINES, next_deadline(record), member)
    else
      redis.call('ZREM', DEADLINES, member)
    end
  end
  return 0
end

-- Whether a session of the chat server is over: by its lease, or because a resync did not include it.
local function server_end(lease)
  return function(record)
    local time, reason = over(record)
    -- One that has logged out ends with its grace.
    local is_missing = lease.purge and record.seen <= lease.purge and record.grace == 0
    if not time and is_missing then time, reason = lease.purged, SERVER_LOST end
    if time then ended[reason] = ended[reason] + 1 end
    return time, reason
  end
end

-- Loses a lease that ran out, and continues recording the ends of its sessions. Returns how many sessions it
-- checked.
local function check_lease(member, last_outage, limit)
  local server = string.sub(member, 2)
  local lease = lease_of(server)
  if not lease then
    redis.call('ZREM', DEADLINES, member)
    return 0
  end
  if not lease.lost then
    local expires = math.max(lease.expires, last_outage and last_outage + lease.ttl or 0)
    local drain = drain_of(lease)
    expires = math.min(expires, now + math.max(lease.ttl, drain and drain.grace or 0))
    if expires <= now and drain and drain.grace > 0 and not drain.lapsed then
      -- The devices of a chat server that has drained are on their way to others.
      drain.lapsed, lease.expires = true, now + drain.grace
    elseif expires <= now then
      lease.lost, lease.cursor = now, 0
    elseif expires ~= lease.expires then
      lease.expires = expires
    end
  end
  local checked = 0
  if lease.cursor then
    lease.cursor, checked = end_some(server, lease.cursor, limit, server_end(lease))
  end
  if lease.lost and not lease.cursor then
    remove_lease(server)
    redis.call('ZREM', DEADLINES, member)
    return checked
  end
  save_lease(server, lease)
  redis.call('ZADD', DEADLINES, lease_score(lease.cursor and now or lease.expires), member)
  if lease.cursor then more = 1 end
  return checked
end

local function due(from, to, limit)
  local members = redis.call('ZRANGEBYSCORE', DEADLINES, from, to, 'LIMIT', 0, limit)
  if #members == limit then more = 1 end
  return members
end

local last_outage = note_sweep()
-- All leases are checked, even if enough sessions of the first have ended.
local left = sessions_limit
for _, member in ipairs(due('-inf', lease_score(now), MAX_LEASES)) do
  left = left - check_lease(member, last_outage, math.max(left, 0))
end
left = sessions_limit
for _, member in ipairs(due(0, now, deadlines_limit)) do
  left = left - check_device(member)
  if left == 0 then
    more = 1
    break
  end
end
finish()
return { more, unpack(ended) }
