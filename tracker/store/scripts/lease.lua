-- Takes a lease, or renews it.
--
-- KEYS[1]  who holds it
-- KEYS[2]  its last token
-- ARGV[1]  who asks
-- ARGV[2]  milliseconds that it shall last
-- Reply    the token, which is greater for each new holder; 0: somebody else holds it
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  local left = redis.call('PTTL', KEYS[1])
  if left >= 0 and left < 86400000 then
    return 0
  end  -- otherwise it was not written here, and would stay for ever
end
redis.call('DEL', KEYS[1])  -- so that the rest is done even if Redis is full: see `scripts`
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local token = tonumber(redis.call('GET', KEYS[2]) or '0')
if not token or not (token >= 0 and token < now + 86400000) then
  token = 0  -- damaged: a token is hardly greater than the time in milliseconds
end
if holder ~= ARGV[1] or token == 0 then
  -- Not less than the time in milliseconds: where this key was lost, what the last token fenced may
  -- still be there, and a former holder of it must see another token.
  token = math.max(token + 1, now)
  redis.call('SET', KEYS[2], string.format('%d', token))
end
return token
