-- Writes a short string. Also while Redis is full: see `scripts`.
--
-- KEYS[1]  where
-- ARGV[1]  what
-- ARGV[2]  seconds until it expires
-- Reply    OK
redis.call('DEL', KEYS[1])
return redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
