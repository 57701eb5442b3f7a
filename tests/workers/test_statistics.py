import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import NOW, WatchedRedis, a_plan, announce, connected, ipv4, swarms_on
from tracker.errors import Superseded, Unavailable
from tracker.metrics import Metrics
from tracker.model import SwarmSize
from tracker.settings import RedisSettings, WorkersSettings
from tracker.store.census import Census
from tracker.store.connect import connect
from tracker.store.history import History
from tracker.store.keys import STATISTICS
from tracker.store.topology import Redis
from workers.statistics import PERIODS_KEPT, Statistics

SETTINGS = WorkersSettings(statistics_period=30, top_swarms=1)


class Clock:
    """Each look takes some time."""

    def __init__(self, step_s: int = 1) -> None:
        self.step_s = step_s
        self.now_s = NOW - step_s

    async def __call__(self) -> int:
        self.now_s += self.step_s
        return self.now_s


def job(redis: Redis, count_s: int = 1) -> Statistics:
    return Statistics(Census(redis), History(redis, SETTINGS), SETTINGS, Clock(count_s))


async def test_a_slow_count_is_followed_by_a_longer_pause(redis_server: RedisServer) -> None:
    async with connected(redis_server.url) as redis:
        for count_s, pause_s in ((1, 30), (15, 30), (40, 80)):
            slow = job(redis, count_s)
            await slow.run_once(1)
            assert pause_s == slow.period_s
            slow._now = Clock()
            await slow.run_once(1)
            assert 30 == slow.period_s


async def a_swarm(redis: WatchedRedis, number: int, peers: int) -> bytes:
    info_hash = number.to_bytes(20, "big")
    for peer in range(peers):
        await announce(swarms_on(redis), a_plan(ipv4(peer), info_hash=info_hash))
    return info_hash


async def test_a_run_counts_publishes_and_records(redis_server: RedisServer) -> None:
    async with connected(redis_server.url) as redis:
        await a_swarm(redis, 1, 1)
        large = await a_swarm(redis, 2, 2)
        counts = await job(redis).run_once(1)
        published = await Census(redis).published()
        (point,) = await History(redis, SETTINGS).points()
    assert published is not None
    assert {**published.totals._asdict(), "frontends": 0} == counts
    assert (NOW, 2, 3) == (counts["counted_at"], counts["swarms"], counts["ipv4_leechers"])
    assert [SwarmSize(large, False, 0, 2)] == published.top
    assert (NOW, 2, 3) == (point.at, point.swarms, point.ipv4_peers)
    with redis_server.client() as client:
        kept_s = (30 + 1) * PERIODS_KEPT  # the count took a second
        assert kept_s - 5 <= client.ttl(STATISTICS) <= kept_s


async def test_who_was_superseded_leaves_no_trace(redis_server: RedisServer) -> None:
    async with connected(redis_server.url) as redis:
        await job(redis).run_once(2)
        first = await Census(redis).published()
        await a_swarm(redis, 1, 1)
        with pytest.raises(Superseded):
            await job(redis).run_once(1)
        assert first == await Census(redis).published()
        assert [0] == [point.swarms for point in await History(redis, SETTINGS).points()]


async def test_a_run_without_redis_says_so() -> None:
    redis = connect("unix:///nowhere/redis.sock", RedisSettings(), Metrics())
    with pytest.raises(Unavailable):
        await job(redis).run_once(1)
