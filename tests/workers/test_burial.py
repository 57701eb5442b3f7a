"""When frontends are buried; how is tested with the store."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
import structlog.testing

from tests.redis_servers import RedisServer
from tests.store.asking import (
    HASH,
    NOW,
    SETTINGS,
    WatchedRedis,
    connected,
    replies_to,
)
from tracker.errors import Unavailable
from tracker.metrics import Metrics
from tracker.model import Family, FrontendId
from tracker.settings import ClusterSettings
from tracker.store.burial import Burial as Graves
from tracker.store.connect import connect
from tracker.store.keys import FRONTENDS, swarm_key
from tracker.store.redis_time import redis_time
from workers.burial import LOOKS, Burial

A, B = b"frontenA", b"frontenB"
CLUSTER = ClusterSettings(heartbeat=5, dead_after=15)


class World:
    """A registry of frontends, a clock, and the job under test."""

    def __init__(self, redis: WatchedRedis) -> None:
        self.redis = redis
        self.now_s = NOW
        self.job = Burial(Graves(redis), CLUSTER, self.now)

    async def now(self) -> int:
        """The time of Redis."""
        return self.now_s

    async def beat(self, *frontends: FrontendId) -> None:
        """A sign of life of each."""
        for frontend in frontends:
            await replies_to(
                self.redis, "ZADD", FRONTENDS, self.now_s + int(CLUSTER.dead_after), frontend
            )

    async def run(self) -> dict[str, int]:
        """One run, a period after the last one."""
        self.now_s += int(self.job.period_s)
        return dict(await self.job.run_once(1))

    async def runs(self, *beating: FrontendId, count: int = LOOKS) -> list[dict[str, int]]:
        """Some runs, with signs of life before each; what those did that did anything."""
        done = []
        for _ in range(count):
            await self.beat(*beating)
            done.append(await self.run())
        return [each for each in done if each]

    async def registered(self) -> set[FrontendId]:
        """Who is in the registry."""
        (found,) = await replies_to(self.redis, "ZRANGE", FRONTENDS, 0, -1)
        assert isinstance(found, list)
        return {each for each in found if isinstance(each, bytes)}


@pytest.fixture
async def world(redis_server: RedisServer) -> AsyncIterator[World]:
    async with connected(redis_server.url) as redis:
        yield World(redis)


async def test_the_dead_are_buried_with_their_browsers_and_the_log_tells(world: World) -> None:
    await world.beat(A, B)
    for frontend in (A, B):
        key = swarm_key(Family.BROWSER, HASH)
        await replies_to(world.redis, "ZADD", key, NOW + 300, b"p" * 20 + frontend)
    with structlog.testing.capture_logs() as logs:
        done = await world.runs(B, count=10)
    assert [{"frontends": 1, "browsers": 1}] == done
    assert {B} == await world.registered()
    assert [("frontend.buried", [A.hex()], 1)] == [
        (entry["event"], entry["frontends"], entry["browsers"]) for entry in logs
    ]


async def test_while_nobody_dies_nothing_is_done(world: World) -> None:
    world.redis.forget()
    assert [] == await world.runs(A, B, count=10)
    assert 10 * 3 == world.redis.round_trips  # two signs of life and a look


async def test_who_is_late_after_a_pause_of_all_is_not_buried(world: World) -> None:
    """Redis was away: every sign of life is old, and new ones come within a period."""
    await world.runs(A, B)
    world.now_s += 3600
    assert {} == await world.run()
    assert [] == await world.runs(A, B)
    assert {A, B} == await world.registered()


async def test_a_new_worker_looks_before_it_buries(world: World) -> None:
    await world.beat(A)
    world.now_s += 3600
    assert [] == await world.runs(count=LOOKS - 1)
    assert {"frontends": 1, "browsers": 0} == await world.run()


async def test_who_came_back_between_two_looks_lives(world: World) -> None:
    await world.beat(A)
    world.now_s += 60
    assert [] == await world.runs(count=LOOKS - 1)
    assert [] == await world.runs(A)
    assert {A} == await world.registered()


async def test_without_redis_the_job_says_so_and_has_not_looked() -> None:
    redis = connect("unix:///nowhere/redis.sock", SETTINGS, Metrics())
    job = Burial(Graves(redis), CLUSTER, partial(redis_time, redis))
    for _ in range(LOOKS):
        with pytest.raises(Unavailable):
            await job.run_once(1)
    assert not job._looks


@pytest.mark.parametrize("skew_s", [-60, 60])
async def test_a_primary_with_another_clock_makes_no_one_dead(world: World, skew_s: int) -> None:
    """After a failover, Redis's time goes forward or back."""
    await world.runs(A, B)
    world.now_s += skew_s
    assert [] == await world.runs(A, B, count=2 * LOOKS)
    assert {A, B} == await world.registered()
