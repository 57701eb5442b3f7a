-- Takes a lease, or renews it.
--
-- KEYS[1]  who holds it
-- KEYS[2]  its last token
-- ARGV[1]  who asks
-- ARGV[2]  milliseconds that it shall last
-- Reply    the token, which is greater for each new holder; 0: somebody else holds it
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local token = tonumber(redis.call('GET', KEYS[2]) or '0')
if not holder or token == 0 then
  -- Not less than the time in milliseconds: where this key was lost, what the last token fenced may
  -- still be there, and who held that must see another one.
  local time = redis.call('TIME')
  token = math.max(token + 1, time[1] * 1000 + math.floor(time[2] / 1000))
  redis.call('SET', KEYS[2], string.format('%d', token))
end
return token
