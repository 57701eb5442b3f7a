-- Gives a lease back, so that another may take it at once.
--
-- KEYS[1]  who holds it
-- ARGV[1]  who gives it back
-- Reply    1, or 0 where somebody else holds it by now
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
