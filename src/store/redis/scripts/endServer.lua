--- @include "sessions"
-- Ends sessions of a chat server, a bounded number per call.

-- Ends those for which `ends(record)` returns a time, a reason and a cause (see end_session), from the bucket
-- `cursor` on: at most `limit` of them, and starts no further bucket once it has checked `limit` sessions.
-- Returns the cursor at which to continue (nil if all are done), and how many sessions it checked.
local function end_some(server, cursor, limit, ends)
  local checked, ended = 0, 0
  while cursor < BUCKETS and checked < limit do
    local bucket = bucket_of(server, cursor)
    for _, member in ipairs(redis.call('HKEYS', bucket)) do
      -- Those that ended are no longer in the bucket: the next call continues with it.
      if ended == limit then return cursor, checked end
      local user, device = split_member(member)
      local record, online = stored_record(user, device)
      if not record or not record.online or record.server ~= server then
        redis.call('HDEL', bucket, member)
      else
        local time, reason, cause = ends(record)
        if time then
          end_session(user, device, record, online, reason, time, cause)
          ended = ended + 1
        end
      end
      checked = checked + 1
    end
    cursor = cursor + 1
  end
  return cursor < BUCKETS and cursor or nil, checked
end
