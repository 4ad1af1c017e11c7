-- The audit trail, which is in no shard. Each entry is a JSON object that begins with its number, one more
-- than that of the entry before it, and its id: so an entry has the same index until others are added before
-- it, and is found although they are.
--
-- KEYS[1]  im:audit  list, newest first

-- The number and the id of an entry; nil if it is none.
local function audit_position(entry)
  local number, id = string.match(entry or '', '^{"number":(%d+),"id":"([^"]+)"')
  return tonumber(number), id
end

-- The index of the entry; nil if it is gone.
local function audit_index(number, id)
  local newest = audit_position(redis.call('LINDEX', KEYS[1], 0))
  local index = newest and newest - tonumber(number)
  if not index or index < 0 then return nil end
  local _, found = audit_position(redis.call('LINDEX', KEYS[1], index))
  return found == id and index or nil
end
