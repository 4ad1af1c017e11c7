--- @include "auditLog"
-- Rewrites records of the audit trail in their places, see PresenceStore.eraseFromAudit. It runs in a Redis
-- that is full: erasing must not wait for room.
--
-- KEYS[1]    see auditLog.lua
-- ARGV[1..]  number, id, and the whole entry of each record
-- Reply: how many of them were still kept.
local rewritten = 0
for i = 1, #ARGV, 3 do
  local index = audit_index(ARGV[i], ARGV[i + 1])
  if index then
    redis.call('LSET', KEYS[1], index, ARGV[i + 2])
    rewritten = rewritten + 1
  end
end
return rewritten
