--- @include "auditLog"
-- Reads a part of the audit trail, newest first, see PresenceStore.listAudit.
--
-- KEYS[1]  see auditLog.lua
-- ARGV[1]  how many records are kept
-- ARGV[2]  how many at most
-- ARGV[3]  number and
-- ARGV[4]  id of the record after which to begin; absent for the newest
-- Reply: the entries.
local first = 0
if ARGV[3] then
  local index = audit_index(ARGV[3], ARGV[4])
  -- It was removed, and the older ones with it.
  if not index then return {} end
  first = index + 1
end
local last = math.min(first + ARGV[2], tonumber(ARGV[1])) - 1
if last < first then return {} end
return redis.call('LRANGE', KEYS[1], first, last)
