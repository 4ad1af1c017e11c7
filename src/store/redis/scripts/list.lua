--- @include "leases"
-- Lists sessions of one shard by chat server; see PresenceStore.listSessions.
--
-- KEYS, ARGV[1]  see keys.lua; ARGV[2..6] are not used
-- ARGV[7]        only this server, or '' for all
-- ARGV[8..10]     server, bucket and member after which to begin; '', 0 and '' for the beginning
-- ARGV[11]       how many sessions at most
-- Reply: {time in ms, flat list of server and lease (JSON), where to continue (server, bucket, member) or
-- false, then user, device and packed session of each session}.
local only, server_from, bucket_from, member_from = ARGV[7], ARGV[8], tonumber(ARGV[9]), ARGV[10]
local limit, MAX_BUCKETS, MAX_BYTES = tonumber(ARGV[11]), 2048, 512 * 1024

local function servers()
  if only ~= '' then return { only } end
  local found = {}
  if names_complete() then
    local fields = redis.call('ZRANGEBYLEX', NAMES, '[s:' .. server_from, '(s;', 'LIMIT', 0,
      MAX_BUCKETS / BUCKETS + 2)
    for i, field in ipairs(fields) do found[i] = string.sub(field, 3) end
    return found
  end
  for _, field in ipairs(redis.call('HKEYS', COUNTERS)) do
    local server = string.match(field, '^s:(.*)$')
    if server and server >= server_from then found[#found + 1] = server end
  end
  table.sort(found)
  return found
end

local reply, buckets, listed, bytes = { now, {}, false }, 0, 0, 0
for _, server in ipairs(servers()) do
  local lease = redis.call('HGET', LEASES, server)
  if lease then
    reply[2][#reply[2] + 1] = server
    reply[2][#reply[2] + 1] = lease
  end
  for bucket = server == server_from and bucket_from or 0, BUCKETS - 1 do
    buckets = buckets + 1
    if buckets > MAX_BUCKETS then
      reply[3] = { server, bucket, '' }
      return reply
    end
    local members = redis.call('HKEYS', bucket_of(server, bucket))
    table.sort(members)
    for _, member in ipairs(members) do
      if server ~= server_from or bucket ~= bucket_from or member > member_from then
        local user, device = split_member(member)
        reply[#reply + 1] = user
        reply[#reply + 1] = device
        local packed = redis.call('HGET', devices_of(user), device)
        reply[#reply + 1] = packed
        listed, bytes = listed + 1, bytes + #member + (packed and #packed or 0)
        if listed == limit or bytes > MAX_BYTES then
          reply[3] = { server, bucket, member }
          return reply
        end
      end
    end
  end
end
return reply
