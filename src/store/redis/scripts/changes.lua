--- @include "keys"
--- @include "record"
-- The change log of one shard, and the notification of those who read it.
--
-- ARGV[5]   how many changes the change log keeps
-- DATABASE  number of the database: a script cannot ask for it, and databases share channels
--
-- im:{S}:e               stream, one entry per change: m = 'user NUL device', c = see note_change
-- im:changes:<database>  channel: the changes that a script appended, see publish_changes
-- im:bell                channel: the number of a shard that has too many changes for one message

local change_limit = tonumber(ARGV[5])
-- The changes of one message, in bytes. Redis copies the message for each daemon with watches; from this size
-- on, about a hundred changes, a further read costs little in comparison.
local MAX_MESSAGE_BYTES = 16384
local message, message_bytes = {}, 0

local function add_to_message(packed)
  message[#message + 1] = packed
  message_bytes = message_bytes + #packed
end

-- A part of a change with its length, and its flag; '' and 0 if the part is empty. Versions before 0.2.0
-- ignore these parts.
local function optional_part(part, flag)
  if part == '' then return '', 0 end
  return struct.pack('>I2c0', #part, part), flag
end

-- Appends a change of a device to the change log. `began` is the session that is current now, `ended` the one
-- that ended; either may be nil. `online` is how many devices of the user are online now. `cause` is why the
-- session ended: see end_session in sessions.lua.
local function note_change(user, device, was_online, began, ended, reason, time, online, cause)
  local fields, has_fields = optional_part(began and fields_of(began) or '', CHANGE_FIELDS)
  local text, has_text = optional_part(cause.text, CHANGE_REASON_TEXT)
  local by, has_by = optional_part(cause.by, CHANGE_BY)
  local flags = (was_online and CHANGE_WAS_ONLINE or 0) + (began and CHANGE_BEGAN or 0)
    + (ended and CHANGE_ENDED or 0) + has_fields + has_text + has_by
  local change = struct.pack('>BI4I6', flags, online, time)
  if began then
    change = change .. struct.pack('>I6', began.login) .. began.texts
  end
  if ended then
    change = change .. string.char(reason) .. ended.texts
  end
  change = change .. fields .. text .. by
  local member = device_member(user, device)
  local id
  if message_bytes == 0 then
    local newest = redis.call('XREVRANGE', CHANGE_LOG, '+', '-', 'COUNT', 1)[1]
    local before = newest and newest[1] or '0-0'
    add_to_message(struct.pack('>I2c0', #before, before))
    if not newest then id = append_first_entry(member, change) end
  end
  id = id or redis.call('XADD', CHANGE_LOG, 'MAXLEN', '~', change_limit, '*', 'm', member, 'c', change)
  if message_bytes <= MAX_MESSAGE_BYTES then
    add_to_message(struct.pack('>I2c0I2c0I2c0', #id, id, #member, member, #change, change))
  end
end

-- Publishes what this script appended: {shard in two bytes, the newest entry before, then id, m and c of each
-- entry}, each text preceded by its length in two bytes. Best effort: if Redis rejects the message (an ACL),
-- the change, which is already made, must not fail.
local function publish_changes()
  local prefix, index = string.match(shard, '^(.*){(%d+)}:$')
  if message_bytes > MAX_MESSAGE_BYTES then
    redis.pcall('PUBLISH', prefix .. 'bell', index)
  else
    redis.pcall('PUBLISH', prefix .. 'changes:' .. DATABASE, struct.pack('>I2', index) .. table.concat(message))
  end
end
