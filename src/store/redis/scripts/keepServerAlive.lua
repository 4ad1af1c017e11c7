--- @include "claimLease"
-- Keeps the lease of a chat server alive in one shard, see PresenceStore.keepServerAlive.
--
-- KEYS, ARGV[1]  see keys.lua; ARGV[2..6] are not used
-- ARGV[7]  server
-- ARGV[8]  incarnation
-- ARGV[9]  duration of the lease in ms
-- ARGV[10]  since when a resync was requested that is now complete, or '' for none
-- Reply: {incarnation, since when a resync is requested or 0, 1 if sessions ended, then of a drain: ms until its
-- deadline, ms from its first keep-alive until then, and how many sessions the shard had at that time}.
local server, incarnation, resynced = ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[10])
local lease = claim_lease(server, incarnation, tonumber(ARGV[9]))
if lease.incarnation > incarnation then
  return { string.format('%.0f', lease.incarnation), 0, 0 }
end
local ttl = tonumber(ARGV[9])
-- The sweep indexes a later end when it gets to the earlier one.
if now + ttl < lease.expires then redis.call('ZADD', DEADLINES, 'LT', lease_score(now + ttl), lease_member(server)) end
lease.ttl, lease.expires = ttl, now + ttl
local drain = drain_of(lease)
if drain then
  drain.lapsed = nil
  if not drain.begun then
    drain.begun, drain.sessions = now, tonumber(redis.call('HGET', COUNTERS, 's:' .. server) or 0)
  end
end
-- Another Redis run may lack what the previous one acknowledged: it was restarted, or it is a replica.
local run = run_of_redis()
if lease.run ~= run then
  lease.run, lease.resync = run, now
elseif lease.resync and lease.resync == resynced then
  lease.purge, lease.purged, lease.resync = math.max(lease.purge or 0, lease.resync - 1), now, nil
  end_sessions_of(server, lease)
end
save_lease(server, lease)
local reply = { string.format('%.0f', lease.incarnation), lease.resync or 0, lease.cursor and 1 or 0 }
if drain then
  reply[4], reply[5] = math.max(0, drain.deadline - now), math.max(0, drain.deadline - drain.begun)
  reply[6] = drain.sessions
end
return reply
