-- Repairs a part of the names of one shard, see leases.lua. Repeat it until nothing is left.
--
-- KEYS[1]  see leases.lua
-- ARGV[1]  fixed time in ms, or '' for Redis's own
-- ARGV[2]  what to go through: 'counters' and 'leases' to add what is missing, 'names' to remove what is too much
-- ARGV[3]  where to go on, '' for the beginning
-- ARGV[4]  how many entries to look at, about
-- Returns where to go on, '' if that was the last part.
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
