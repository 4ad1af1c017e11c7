--- @include "leases"
-- Lists chat servers of one shard in the order of their bytes, see PresenceStore.listServers.
--
-- KEYS, ARGV[1]  see keys.lua
-- ARGV[2]        how many at most with sessions, and as many with a lease
-- ARGV[3]        the server after which to begin; absent for the first page
-- Reply: {1 if the names are complete, otherwise 0, then server, sessions (or nil) and lease (JSON, or nil)
-- of each, in no order}.
local limit, after = ARGV[2], ARGV[3]
local servers, found = {}, {}
local is_complete = names_complete()

for _, kind in ipairs({ 's:', 'l:' }) do
  local min = after and '(' .. kind .. after or '[' .. kind
  local max = '(' .. string.sub(kind, 1, 1) .. ';'
  for _, name in ipairs(redis.call('ZRANGEBYLEX', NAMES, min, max, 'LIMIT', 0, limit)) do
    local server = string.sub(name, 3)
    if not found[server] then
      found[server] = true
      servers[#servers + 1] = server
    end
  end
end

local reply = { 0 }
for _, server in ipairs(servers) do
  local sessions = redis.call('HGET', COUNTERS, 's:' .. server)
  -- The field '' belongs to the sweep.
  local lease = server ~= '' and redis.call('HGET', LEASES, server)
  if sessions or lease then
    local at = #reply
    reply[at + 1], reply[at + 2], reply[at + 3] = server, sessions, lease
  else
    is_complete = false
  end
end
reply[1] = is_complete and 1 or 0
return reply
