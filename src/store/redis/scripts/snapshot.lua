--- @include "keys"
-- Reads the sessions of one bucket of all chat servers, or of some, at one instant; see ChangeLog.snapshot.
--
-- KEYS, ARGV[1]  see keys.lua; ARGV[2..6] are not used
-- ARGV[7]        bucket
-- ARGV[8...]     chat servers; none for all
-- Reply: {time in ms, flat list of server and lease (JSON), id of the newest entry of the change log, then
-- user, device and packed session of each session}.
local newest = redis.call('XREVRANGE', CHANGE_LOG, '+', '-', 'COUNT', 1)[1]
local reply = { now, {}, newest and newest[1] or '0-0' }

local servers = {}
for i = 8, #ARGV do servers[#servers + 1] = ARGV[i] end
if #servers == 0 then
  for _, field in ipairs(redis.call('HKEYS', COUNTERS)) do
    servers[#servers + 1] = string.match(field, '^s:(.*)$')
  end
end
for _, server in ipairs(servers) do
  local lease = redis.call('HGET', LEASES, server)
  if lease then
    reply[2][#reply[2] + 1] = server
    reply[2][#reply[2] + 1] = lease
  end
  for _, member in ipairs(redis.call('HKEYS', bucket_of(server, ARGV[7]))) do
    local user, device = split_member(member)
    reply[#reply + 1] = user
    reply[#reply + 1] = device
    reply[#reply + 1] = redis.call('HGET', devices_of(user), device)
  end
end
return reply
