-- Reads devices of a user (see PresenceStore.getDevice, getUser); called by apply.lua.

-- Chat servers to whose leases sessions belong that were read.
local is_read = {}

local function note_lease(packed)
  local flags = string.byte(packed, 1)
  if flags % 2 == 0 or bit.band(flags, HAS_INCARNATION) == 0 then return end
  -- Where record.lua has it: to unpack all of a record takes several times as long, and some users have very many.
  local at = 21
  if bit.band(flags, HAS_TTL) ~= 0 then at = at + 4 end
  if bit.band(flags, HAS_GRACE) ~= 0 then at = at + 6 end
  local behind = at + string.byte(packed, at) + 2
  is_read[string.sub(packed, behind + 1, behind + string.byte(packed, behind))] = true
end

-- Flat list of server and lease (JSON), as they are once all is applied: one that is taken over meanwhile has ended these sessions.
local function leases_read()
  local flat = {}
  for server in pairs(is_read) do
    local lease = redis.call('HGET', LEASES, server)
    if lease then
      flat[#flat + 1] = server
      flat[#flat + 1] = lease
    end
  end
  return flat
end

-- A device: its packed session, or false.
local function read_device(user, device)
  local packed = redis.call('HGET', devices_of(user), device)
  if packed then note_lease(packed) end
  return packed
end

-- A user: device (its length - 1 in a byte before it) and packed session (its length in two bytes before it) of each. Of a user
-- who has very many records, a part (see devices.lua).
local function read_user(user)
  local flat, behind = some_devices(user, from)
  -- Most users have one device: a table for its part would cost more than the part.
  local only, parts = '', nil
  for at = 1, #flat, 2 do
    local name, packed = flat[at], flat[at + 1]
    if name ~= '' then
      note_lease(packed)
      local bytes = #packed
      local part = string.char(#name - 1) .. name .. string.char(bytes / 256, bytes % 256) .. packed
      if parts then
        parts[#parts + 1] = part
      elseif only == '' then
        only = part
      else
        parts = { only, part }
      end
    end
  end
  if behind ~= '0' then unfinished = behind end
  return parts and table.concat(parts) or only
end

-- A user behind the id of the change log's newest entry, which has its length in a byte before it.
local function read_at(user)
  local newest = redis.call('XREVRANGE', CHANGE_LOG, '+', '-', 'COUNT', 1)[1]
  local id = newest and newest[1] or '0-0'
  return string.char(#id) .. id .. read_user(user)
end
