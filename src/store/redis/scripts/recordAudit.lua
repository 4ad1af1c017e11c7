--- @include "clock"
--- @include "auditLog"
-- Adds a record to the audit trail, see PresenceStore.recordAudit, and removes some of the oldest beyond the
-- limit. It runs in a Redis that is full: what it adds is bounded.
--
-- KEYS[1]  see auditLog.lua
-- ARGV[1]  fixed time in ms, or '' for the clock of Redis
-- ARGV[2]  how many records to keep; 0 adds none
-- ARGV[3]  the id of the record
-- ARGV[4]  the other fields of the record, as JSON without the opening brace
-- ARGV[5]  '1' if the record may have been added before
-- Reply: 1 if it was added, otherwise 0.
local limit = tonumber(ARGV[2])

local function is_known()
  for _, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, AUDIT_REPEATS - 1)) do
    local _, id = audit_position(entry)
    if id == ARGV[3] then return true end
  end
  return false
end

local function add()
  if limit == 0 or (ARGV[5] == '1' and is_known()) then return 0 end
  local number = audit_position(redis.call('LINDEX', KEYS[1], 0)) or 0
  local head = string.format('{"number":%d,"id":"%s","timeMs":%.0f,', number + 1, ARGV[3], now_ms(ARGV[1]))
  redis.call('LPUSH', KEYS[1], head .. ARGV[4])
  return 1
end

local added = add()
local length = redis.call('LLEN', KEYS[1])
local kept = math.max(limit, length - MAX_AUDIT_PAGE)
-- LTRIM 1 0 removes all.
if kept == 0 then redis.call('LTRIM', KEYS[1], 1, 0) end
if kept > 0 and kept < length then redis.call('LTRIM', KEYS[1], 0, kept - 1) end
return added
