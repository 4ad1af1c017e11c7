-- Keeps the lease of a chat server alive in one shard (see PresenceStore.keepServerAlive).
--
-- KEYS, ARGV[1..5]  see leases.lua and shard.lua
-- ARGV[6]  server   ARGV[7]  incarnation   ARGV[8]  time to live in ms
-- ARGV[9]  since when a resync was asked for that is now done, or '' for none
-- Returns {incarnation, since when a resync is asked for or 0, 1 if sessions ended}.
local server, incarnation, resynced = ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[9])
local lease = claim_lease(server, incarnation, tonumber(ARGV[8]))
if lease.incarnation > incarnation then
  return { string.format('%.0f', lease.incarnation), 0, 0 }
end
local ttl = tonumber(ARGV[8])
-- A later end is put into the index by the sweep, when it comes to the earlier one.
if now + ttl < lease.expires then redis.call('ZADD', DEADLINES, 'LT', lease_score(now + ttl), lease_member(server)) end
lease.ttl, lease.expires = ttl, now + ttl
-- Another run of Redis may lack what this one's predecessor acknowledged: it was restarted, or it is a replica.
local run = run_of_redis()
if lease.run ~= run then
  lease.run, lease.resync = run, now
elseif lease.resync and lease.resync == resynced then
  lease.purge, lease.purged, lease.resync = math.max(lease.purge or 0, lease.resync - 1), now, nil
  end_sessions_of(server, lease)
end
save_lease(server, lease)
return { string.format('%.0f', lease.incarnation), lease.resync or 0, lease.cursor and 1 or 0 }
