--- @include "leases"
-- Begins or cancels the drain of a chat server in one shard, see PresenceStore.drainServer.
--
-- KEYS, ARGV[1]  see keys.lua; ARGV[2..6] are not used
-- ARGV[7]  server
-- ARGV[8]  after how many ms all sessions are to be closed, or '' to cancel
-- ARGV[9]  the grace of sessions that end meanwhile, in ms
-- Reply: {1 if the chat server has a lease, otherwise 0, its sessions in the shard, the deadline in ms or 0}.
local server, over = ARGV[7], tonumber(ARGV[8])
local lease = lease_of(server)
local sessions = tonumber(redis.call('HGET', COUNTERS, 's:' .. server) or 0)
if not lease or lease.lost then return { 0, sessions, 0 } end
-- A lease that has run out is kept once, however often it drains.
local lapsed = lease.drain and lease.drain.lapsed
lease.drain = over and {
  incarnation = string.format('%.0f', lease.incarnation), deadline = now + over, grace = tonumber(ARGV[9]),
  lapsed = lapsed,
} or nil
save_lease(server, lease)
return { 1, sessions, over and now + over or 0 }
