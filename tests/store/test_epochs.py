"""Redis lost its data: who notices, and what others learn of it."""

import pytest
from structlog.testing import capture_logs

from tests.redis_servers import RedisServer
from tests.store.asking import NOW, WatchedRedis, replies_to
from tracker.store.epochs import MONTH_S, Epochs
from tracker.store.keys import epoch_key


class Clock:
    now_s = NOW

    async def __call__(self) -> int:
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


async def test_a_loss_that_is_declared_is_found_by_all(redis: WatchedRedis, clock: Clock) -> None:
    known = Epochs(redis, clock)
    await known.look()
    clock.now_s += 100
    await Epochs(redis, clock).declare_lost()
    clock.now_s += 100
    assert [NOW + 100] * 2 == [await known.look(), await Epochs(redis, clock).look()]
    assert [MONTH_S] == await replies_to(redis, "TTL", epoch_key(0))


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


@pytest.mark.parametrize(
    "data", [b"", b"garbage", b"\xff" * 1000, b"abc:", b"abc:9999999999", b"abc:-5", b"x:1"]
)
async def test_a_damaged_mark_is_reported_and_replaced(
    redis: WatchedRedis, clock: Clock, redis_server: RedisServer, data: bytes
) -> None:
    one = Epochs(redis, clock)
    await one.look()
    await replies_to(redis, "SET", epoch_key(0), data)
    with capture_logs() as logs:
        assert [0, 0] == [await one.look(), await one.look()]
    assert ["tracker:epoch:0"] == [entry["key"] for entry in logs]
    empty(redis_server)
    assert NOW == await one.look()


async def test_a_mark_of_another_type_is_left_alone(redis: WatchedRedis, clock: Clock) -> None:
    await replies_to(redis, "LPUSH", epoch_key(0), "x")
    assert 0 == await Epochs(redis, clock).look()
    assert [b"list"] == await replies_to(redis, "TYPE", epoch_key(0))
