-- Puts the point of one period into a series. Also while Redis is full: see `scripts`.
--
-- KEYS[1]  the series, a sorted set
-- ARGV[1]  the point
-- ARGV[2]  the second at which its period begins
-- ARGV[3]  points to keep
-- ARGV[4]  seconds until the series expires
-- Reply    1
redis.call('ZREMRANGEBYSCORE', KEYS[1], ARGV[2], ARGV[2])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -ARGV[3] - 1)
return redis.call('EXPIRE', KEYS[1], ARGV[4])
