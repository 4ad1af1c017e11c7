--- @include "leases"
-- How a chat server gets its lease in one shard.

-- Differs after a restart and on another node.
local function run_of_redis()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
end

-- Starts recording the ends of the sessions of a lease; the sweep continues it.
local function end_sessions_of(server, lease)
  lease.cursor = 0
  redis.call('ZADD', DEADLINES, lease_score(now), lease_member(server))
end

-- The lease of an incarnation of a chat server, created or taken over if necessary; returns it, and whether
-- anything changed. Nothing changes if the lease belongs to a greater incarnation. The caller saves it.
local function claim_lease(server, incarnation, ttl)
  local lease = lease_of(server)
  if not lease then
    lease = {
      incarnation = incarnation, ttl = ttl or DEFAULT_LEASE_MS, since = now, resync = now, run = run_of_redis(),
    }
    lease.expires = now + lease.ttl
    redis.call('ZADD', DEADLINES, lease_score(lease.expires), lease_member(server))
    -- A shard that fails before its first sweep must know afterwards for how long nobody swept it.
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
