-- The clock of all scripts.

-- Milliseconds since 1970: a fixed time, or that of Redis for ''.
local function now_ms(fixed)
  if fixed ~= '' then return tonumber(fixed) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
