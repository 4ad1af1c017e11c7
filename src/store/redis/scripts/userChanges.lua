--- @include "keys"
-- Reads the changes of a user in a bounded part of the change log, see PresenceStore.listChanges.
--
-- KEYS, ARGV[1]  see keys.lua
-- ARGV[2]        user
-- ARGV[3]        the id of the entry after which to begin, '' for the oldest
-- ARGV[4]        how many entries to look at
-- ARGV[5]        how many changes to find at most
-- Reply: {where to continue, '' if that was the last part; then the entries}.
local of_user = device_member(ARGV[2], '')
local entries = redis.call('XRANGE', CHANGE_LOG, ARGV[3] == '' and '-' or '(' .. ARGV[3], '+', 'COUNT', ARGV[4])
local reply = { #entries == tonumber(ARGV[4]) and entries[#entries][1] or '' }
for _, entry in ipairs(entries) do
  if string.sub(entry[2][2], 1, #of_user) == of_user then reply[#reply + 1] = entry end
  if #reply > tonumber(ARGV[5]) then
    reply[1] = entry[1]
    break
  end
end
return reply
