--- @include "keys"
-- Repairs a part of the names of one shard, see names_complete in leases.lua. Call it until nothing is left.
--
-- KEYS, ARGV[1]  see keys.lua
-- ARGV[2]        'counters' or 'leases' to add missing names, 'names' to remove obsolete ones
-- ARGV[3]        where to continue, '' for the beginning
-- ARGV[4]        how many entries to check, approximately
-- Reply: where to continue, '' if that was the last part.
local what, from, limit = ARGV[2], ARGV[3], ARGV[4]

local function add_missing(key, prefix)
  local cursor, flat = unpack(redis.call('HSCAN', key, from == '' and '0' or from, 'COUNT', limit))
  for i = 1, #flat, 2 do
    if flat[i] ~= '' then redis.call('ZADD', NAMES, 0, prefix .. flat[i]) end
  end
  return cursor == '0' and '' or cursor
end

local function remove_surplus()
  local names = redis.call('ZRANGEBYLEX', NAMES, from == '' and '-' or '(' .. from, '+', 'LIMIT', 0, limit)
  for _, name in ipairs(names) do
    local server = string.match(name, '^l:(.*)$')
    local exists = redis.call('HEXISTS', server and LEASES or COUNTERS, server or name)
    if exists == 0 then redis.call('ZREM', NAMES, name) end
  end
  return #names == tonumber(limit) and names[#names] or ''
end

if what == 'names' then return remove_surplus() end
return what == 'counters' and add_missing(COUNTERS, '') or add_missing(LEASES, 'l:')
