--- @include "keys"
-- The leases of chat servers in one shard, and whether a session is over.
--
-- im:{S}:l is a hash, server -> JSON with:
--   incarnation  of the chat server (as text: cjson keeps only 14 digits)
--   ttl, expires ms; time in ms
--   since        when this incarnation was first announced
--   lost         when the lease was lost; absent while it is valid
--   purge        sessions last seen then, or earlier, are over, ...
--   purged       ... since this time; both absent if there was no loss and no resync
--   resync       since when sessions may be missing; absent if none can be
--   run          the Redis run in which that was last checked
--   cursor       bucket at which recording the ends continues; absent if all are recorded
--   drain        of an incarnation (as text): {incarnation, deadline, grace (ms), begun, sessions, lapsed}. Since
--                begun the chat server knows of it, and had so many sessions in the shard then; lapsed is true once
--                the lease has run out and lasts for the grace. Older versions keep what they find, and ignore it
-- Its field '' belongs to the shard: {swept: when it was last swept, outage: when the sweep was overdue}.

local leases = {}

-- In the index of deadlines: control characters occur in no id and address.
local function lease_member(server)
  return '\0' .. server
end

-- Its score there: by time and before all devices, so that no ghost lasts longer because many records are
-- due.
local function lease_score(time)
  return time - 1e15
end

local function lease_of(server)
  local lease = leases[server]
  if lease == nil then
    local text = redis.call('HGET', LEASES, server)
    lease = text and cjson.decode(text) or false
    if lease then lease.incarnation = tonumber(lease.incarnation) end
    leases[server] = lease
  end
  return lease
end

local function save_lease(server, lease)
  leases[server] = lease
  local incarnation = lease.incarnation
  lease.incarnation = string.format('%.0f', incarnation)
  if redis.call('HSET', LEASES, server, cjson.encode(lease)) == 1 then redis.call('ZADD', NAMES, 0, 'l:' .. server) end
  lease.incarnation = incarnation
end

local function remove_lease(server)
  leases[server] = false
  redis.call('HDEL', LEASES, server)
  redis.call('ZREM', NAMES, 'l:' .. server)
end

-- Whether the names have as many entries as the hashes that they list. If not, another version has changed
-- the hashes: names.lua repairs the names.
local function names_complete()
  local listed = redis.call('HLEN', COUNTERS) + redis.call('HLEN', LEASES) - redis.call('HEXISTS', LEASES, '')
  return redis.call('ZCARD', NAMES) == listed
end

-- The drain of a lease (false for none); nil if its chat server does not drain. A restart begins without one.
local function drain_of(lease)
  local drain = lease and not lease.lost and lease.drain
  if drain and tonumber(drain.incarnation) == lease.incarnation then return drain end
end

-- When the lease ended the session; nil while the session lasts, or if it belongs to no lease.
local function lease_end(record)
  if record.incarnation == 0 then return nil end
  local lease = lease_of(record.server)
  if not lease then return record.seen end
  if record.incarnation < lease.incarnation then return lease.since end
  if lease.lost then return lease.lost end
  if lease.purge and record.seen <= lease.purge then return lease.purged end
  return nil
end

-- When and why a session that is recorded as online is over; nil while it lasts. Of two ends at the same
-- time, the one that readers saw first counts: only a sweep loses a lease. Same rule: endOf in
-- src/presence/rules.ts.
local function over(record)
  local time, reason
  if record.ttl > 0 and record.seen + record.ttl <= now then
    time, reason = record.seen + record.ttl, EXPIRED
  end
  if record.grace > 0 and record.grace <= now and (not time or record.grace < time) then
    time, reason = record.grace, LOGOUT
  end
  local lost = lease_end(record)
  if lost and (not time or lost < time) then
    time, reason = lost, SERVER_LOST
  end
  return time, reason
end
