-- Ends sessions of a chat server, a bounded number a call; put behind shard.lua.

-- Ends those for which `ends(record)` gives a time and a reason, from the bucket on that `cursor` names: at most `limit` of
-- them, and no further bucket once `limit` sessions were looked at. Returns the cursor at which to go on (nil if all are done),
-- and how many were looked at.
local function end_some(server, cursor, limit, ends)
  local seen, ended = 0, 0
  while cursor < BUCKETS and seen < limit do
    local bucket = bucket_of(server, cursor)
    for _, member in ipairs(redis.call('HKEYS', bucket)) do
      -- Those that ended are no longer in the bucket: the next call goes on with it.
      if ended == limit then return cursor, seen end
      local user, device = split_member(member)
      local record, online = stored_record(user, device)
      if not record or not record.online or record.server ~= server then
        redis.call('HDEL', bucket, member)
      else
        local time, reason = ends(record)
        if time then
          end_session(user, device, record, online, reason, time)
          ended = ended + 1
        end
      end
      seen = seen + 1
    end
    cursor = cursor + 1
  end
  return cursor < BUCKETS and cursor or nil, seen
end
