-- Reads devices or whole users of one shard, at one instant. The caller bounds the batch.
--
-- KEYS[1]      see leases.lua
-- KEYS[1 + i]  im:{S}:u:<user>  hash, the devices of a user
-- ARGV[1]      fixed time in ms, or '' for Redis's own
-- ARGV[1 + i]  the device to read in KEYS[1 + i], or '' for all of them
-- Returns {time in ms, leases, newest entry of the ledger, answer...}: leases is a flat list of server and lease (JSON) of the sessions that belong to
-- one; an answer is a packed session or false for a device, a flat list of device and packed session for a user, an
-- error for a key that cannot be read.
local newest = redis.call('XREVRANGE', shard .. 'e', '+', '-', 'COUNT', 1)[1]
local answers, known = { now, {}, newest and newest[1] or '0-0' }, {}

local function note_lease(packed)
  local flags = string.byte(packed, 1)
  if flags % 2 == 0 or bit.band(flags, HAS_INCARNATION) == 0 then return end
  local server = unpack_record(packed).server
  if known[server] then return end
  known[server] = true
  local lease = redis.call('HGET', LEASES, server)
  if lease then
    answers[2][#answers[2] + 1] = server
    answers[2][#answers[2] + 1] = lease
  end
end

for i = 2, #KEYS do
  local device = ARGV[i]
  if device == '' then
    local flat = redis.pcall('HGETALL', KEYS[i])
    answers[i + 2] = flat
    if not flat.err then
      for at = 1, #flat, 2 do
        if flat[at] ~= '' then note_lease(flat[at + 1]) end
      end
    end
  else
    local packed = redis.pcall('HGET', KEYS[i], device)
    answers[i + 2] = packed
    if type(packed) == 'string' then note_lease(packed) end
  end
end
return answers
