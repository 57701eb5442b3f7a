"""Redis lost its data: who notices, and what others learn of it."""

import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import NOW, WatchedRedis, replies_to
from tracker.store.epochs import MONTH_S, Epochs
from tracker.store.keys import epoch_key


class Clock:
    now_s = NOW

    def __call__(self) -> int:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def empty(server: RedisServer) -> None:
    with server.client() as client:
        client.flushall()


async def test_a_new_redis_has_lost_nothing(redis: WatchedRedis, clock: Clock) -> None:
    one, other = Epochs(redis, clock), Epochs(redis, clock)
    assert [0, 0, 0] == [await one.look(), await other.look(), await one.look()]


async def test_who_knew_the_data_notices_that_they_are_gone(
    redis: WatchedRedis, clock: Clock, redis_server: RedisServer
) -> None:
    one = Epochs(redis, clock)
    await one.look()
    empty(redis_server)
    clock.now_s += 100
    assert NOW + 100 == await one.look()
    clock.now_s += 100
    assert NOW + 100 == await one.look()


async def test_who_starts_later_is_told(
    redis: WatchedRedis, clock: Clock, redis_server: RedisServer
) -> None:
    one = Epochs(redis, clock)
    await one.look()
    empty(redis_server)
    clock.now_s += 100
    await one.look()
    clock.now_s += 100
    assert NOW + 100 == await Epochs(redis, clock).look()


async def test_the_loss_is_noticed_also_when_a_newcomer_looked_first(
    redis: WatchedRedis, clock: Clock, redis_server: RedisServer
) -> None:
    one = Epochs(redis, clock)
    await one.look()
    empty(redis_server)
    clock.now_s += 100
    newcomer = Epochs(redis, clock)
    assert 0 == await newcomer.look()
    clock.now_s += 5
    assert NOW + 105 == await one.look()
    assert NOW + 105 == await newcomer.look()


async def test_each_loss_counts(
    redis: WatchedRedis, clock: Clock, redis_server: RedisServer
) -> None:
    one = Epochs(redis, clock)
    await one.look()
    for at in (NOW + 10, NOW + 2000):
        clock.now_s = at
        empty(redis_server)
        assert at == await one.look()


async def test_a_mark_that_nobody_looks_at_vanishes(redis: WatchedRedis, clock: Clock) -> None:
    await Epochs(redis, clock).look()
    assert [MONTH_S] == await replies_to(redis, "TTL", epoch_key(0))
