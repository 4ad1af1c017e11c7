-- Reads the sessions of one bucket of all chat servers, or of some, at one instant (see ChangeLog.snapshot).
--
-- KEYS, ARGV[1..5]  see leases.lua and shard.lua
-- ARGV[6]     bucket
-- ARGV[7...]  chat servers; none for all
-- Returns {time in ms, leases as in read.lua, newest entry of the change log, then user, device and packed session of each}.
local newest = redis.call('XREVRANGE', CHANGE_LOG, '+', '-', 'COUNT', 1)[1]
local answer = { now, {}, newest and newest[1] or '0-0' }

local servers = {}
for i = 7, #ARGV do servers[#servers + 1] = ARGV[i] end
if #servers == 0 then
  for _, field in ipairs(redis.call('HKEYS', COUNTERS)) do
    servers[#servers + 1] = string.match(field, '^s:(.*)$')
  end
end
for _, server in ipairs(servers) do
  local lease = redis.call('HGET', LEASES, server)
  if lease then
    answer[2][#answer[2] + 1] = server
    answer[2][#answer[2] + 1] = lease
  end
  for _, member in ipairs(redis.call('HKEYS', bucket_of(server, ARGV[6]))) do
    local user, device = split_member(member)
    answer[#answer + 1] = user
    answer[#answer + 1] = device
    answer[#answer + 1] = redis.call('HGET', devices_of(user), device)
  end
end
return answer
