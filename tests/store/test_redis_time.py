import time

import pytest

from tests.store.asking import WatchedRedis, connected
from tests.store.fake_redis import fake_redis
from tracker.errors import Unavailable
from tracker.store.redis_time import RedisClock, redis_time

NEAR_US = 5_000_000  # the largest error that a busy machine may cause here
MINUTE_US = 60_000_000


def near(one_us: int, other_us: int) -> bool:
    return abs(one_us - other_us) <= NEAR_US


class Local:
    """This machine's clock, which is wrong and stands still."""

    def __init__(self, ahead_us: int) -> None:
        self.us = time.time_ns() // 1000 + ahead_us

    def __call__(self) -> int:
        return self.us


async def test_the_time_is_that_of_redis(redis: WatchedRedis) -> None:
    before = int(time.time())
    assert before <= await redis_time(redis) <= time.time()


@pytest.mark.parametrize(
    "reply",
    [
        b"*0\r\n",
        b":7\r\n",
        b"$-1\r\n",
        b"*2\r\n+a\r\n+b\r\n",
        b"*1\r\n+7\r\n",
        b"*2\r\n+-7\r\n+0\r\n",
        b"*2\r\n+7\r\n+1000000\r\n",
        b"*2\r\n+9999999999999\r\n+0\r\n",
    ],
)
async def test_a_reply_that_is_no_time_is_a_clear_error(reply: bytes) -> None:
    async with fake_redis(reply) as url, connected(url) as redis:
        with pytest.raises(Unavailable, match="does not return its time"):
            await redis_time(redis)


@pytest.mark.parametrize("ahead_us", [-MINUTE_US, 0, MINUTE_US])
async def test_a_clock_that_is_wrong_is_corrected_once_redis_was_asked(
    redis: WatchedRedis, ahead_us: int
) -> None:
    local = Local(ahead_us)
    clock, before_us = RedisClock(redis, local), time.time_ns() // 1000
    assert local.us == clock.at(local.us)
    before = int(time.time())
    assert before <= await clock() <= time.time()
    assert near(before_us, clock.at(local.us))
    assert near(before_us - 90 * MINUTE_US, clock.at(local.us - 90 * MINUTE_US))
    assert 0 == clock.at(-(2**62))


async def test_the_error_is_at_most_half_a_round_trip() -> None:
    asked_us = iter([1_000_000, 3_000_000])
    async with fake_redis(b"*2\r\n+8\r\n+500000\r\n") as url, connected(url) as redis:
        clock = RedisClock(redis, lambda: next(asked_us))
        assert 8 == await clock()
    assert 8_500_000 == clock.at(2_000_000)


async def test_a_slow_reply_replaces_only_an_estimate_that_it_contradicts(
    redis: WatchedRedis,
) -> None:
    now_us, clock, ahead_us = 8_500_000, RedisClock(redis), []
    for asked_us, answered_us in (
        (1_000_000, 1_000_200),  # Redis is ahead by 7.4999 s, with an error of 0.0001 s at most
        (1_000_300, 2_000_300),  # by 6.9997 s, with an error of 0.5 s: no contradiction
        (1_000_400, 1_000_500),  # a faster round trip
        (61_000_000, 62_000_000),  # behind by 53 s: a clock was set
    ):
        clock._learn(now_us, asked_us, answered_us)
        ahead_us.append(clock.at(2**50) - 2**50)
    assert [7_499_900, 7_499_900, 7_499_550, -53_000_000] == ahead_us
