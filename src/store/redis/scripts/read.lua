--- @include "devices"
-- Reads devices of a user, see PresenceStore.getDevice and getUser; apply.lua calls it.

-- The chat servers to whose leases the read sessions belong.
local is_read = {}

local function note_lease(packed)
  local flags = string.byte(packed, 1)
  if flags % 2 ~= FLAG_ONLINE or bit.band(flags, FLAG_INCARNATION) == 0 then return end
  -- Unpacking the whole record takes several times as long, and some users have many.
  local at = texts_at(flags)
  local server_at = at + string.byte(packed, at) + 2
  is_read[string.sub(packed, server_at + 1, server_at + string.byte(packed, server_at))] = true
end

-- Flat list of server and lease (JSON), as they are once all operations are applied: a lease that was taken
-- over meanwhile has ended these sessions.
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

-- A device (preceded by its length - 1 in a byte) and its packed session (preceded by its length in two bytes).
local function pack_device(name, packed)
  note_lease(packed)
  return string.char(#name - 1) .. name .. string.char(#packed / 256, #packed % 256) .. packed
end

-- Reply: the packed session of a device, or false.
local function read_device(user, device)
  local packed = redis.call('HGET', devices_of(user), device)
  if packed then note_lease(packed) end
  return packed
end

-- Reply: each device of a user, see pack_device. A part of them if the user has very many records, see
-- devices.lua.
local function read_user(user)
  local flat, next_cursor = some_devices(user, from)
  -- Most users have one device: a table for its part would cost more than the part.
  local only, parts = '', nil
  for at = 1, #flat, 2 do
    if flat[at] ~= '' then
      local part = pack_device(flat[at], flat[at + 1])
      if parts then
        parts[#parts + 1] = part
      elseif only == '' then
        only = part
      else
        parts = { only, part }
      end
    end
  end
  if next_cursor ~= '0' then unfinished = next_cursor end
  return parts and table.concat(parts) or only
end

-- Reply: when the user's last session ended (see last_end) in six bytes, then that of read_user. Only the
-- first part of a read has the time.
local function read_user_seen(user)
  local time = from == '0' and last_end(user) or 0
  return struct.pack('>I6', time) .. read_user(user)
end

-- Reply: the id of the newest entry of the change log (preceded by its length in a byte), then that of
-- read_user.
local function read_user_at(user)
  local newest = redis.call('XREVRANGE', CHANGE_LOG, '+', '-', 'COUNT', 1)[1]
  local id = newest and newest[1] or '0-0'
  return string.char(#id) .. id .. read_user(user)
end
