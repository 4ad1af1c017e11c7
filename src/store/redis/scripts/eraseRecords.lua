--- @include "keys"
--- @include "record"
-- Removes a bounded part of what one shard keeps of a user beside the change log: see PresenceStore.eraseUser.
-- Devices that are online stay, with what belongs to them. It runs in a Redis that is full.
--
-- KEYS, ARGV[1]  see keys.lua
-- ARGV[2]        user
-- ARGV[3]        'devices', 'deadlines' or 'sessions': the devices and the history; the index of deadlines;
--                the sessions of chat servers
-- ARGV[4]        where to continue, '' for the beginning
-- ARGV[5]        how many entries to look at, approximately
-- ARGV[6]        '1' to remove what is found, '0' to look only
-- Reply: {where to continue, '' if that was the last part; how many entries were found; how many devices are
-- online}.
local user, part, from, limit, removes = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6] == '1'
local found, online = 0, 0
local of_user = device_member(user, '')

local function is_of_user(member)
  return string.sub(member, 1, #of_user) == of_user
end

local function record_of(device)
  return redis.call('HGET', devices_of(user), device)
end

local function next_cursor(cursor)
  return cursor == '0' and '' or cursor
end

local function erase_history()
  if redis.call('EXISTS', history_of(user)) == 0 then return end
  found = found + redis.call('LLEN', history_of(user))
  if removes then redis.call('DEL', history_of(user)) end
end

local function erase_devices()
  if from == '' then erase_history() end
  local cursor, flat = unpack(redis.call('HSCAN', devices_of(user), from == '' and '0' or from, 'COUNT', limit))
  for i = 1, #flat, 2 do
    local device = flat[i]
    if device ~= '' and is_online(flat[i + 1]) then
      online = online + 1
    elseif device ~= '' then
      found = found + 1
      if removes then
        redis.call('HDEL', devices_of(user), device)
        redis.call('ZREM', DEADLINES, device_member(user, device))
      end
    end
  end
  -- The counter remains alone.
  if removes and cursor == '0' and redis.call('HLEN', devices_of(user)) == 1 and record_of('') == '0' then
    redis.call('DEL', devices_of(user))
  end
  return next_cursor(cursor)
end

-- Whether an entry of an index belongs to no device that is online: no other is left there by erase_devices.
local function is_obsolete(member)
  if not is_of_user(member) then return false end
  local _, device = split_member(member)
  local packed = record_of(device)
  return not (packed and is_online(packed))
end

local function erase_deadlines()
  local cursor, flat = unpack(redis.call('ZSCAN', DEADLINES, from == '' and '0' or from, 'COUNT', limit))
  for i = 1, #flat, 2 do
    if is_obsolete(flat[i]) then
      found = found + 1
      if removes then redis.call('ZREM', DEADLINES, flat[i]) end
    end
  end
  return next_cursor(cursor)
end

local function erase_sessions()
  -- Each has several sessions in the bucket of the user.
  local servers = math.ceil(limit / 16)
  local names = redis.call('ZRANGEBYLEX', NAMES, from == '' and '[s:' or '(' .. from, '(s;', 'LIMIT', 0, servers)
  for _, name in ipairs(names) do
    local bucket = sessions_of(string.sub(name, 3), user)
    for _, member in ipairs(redis.call('HKEYS', bucket)) do
      if is_obsolete(member) then
        found = found + 1
        if removes then redis.call('HDEL', bucket, member) end
      end
    end
  end
  return #names == servers and names[#names] or ''
end

local parts = { devices = erase_devices, deadlines = erase_deadlines, sessions = erase_sessions }
local next_from = parts[part]()
return { next_from, found, online }
