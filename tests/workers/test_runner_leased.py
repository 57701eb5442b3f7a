"""Replicas of the same jobs over one Redis: each job is done by one of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import NamedTuple

import pytest
import structlog.testing

from tests.nodes import until
from tests.redis_servers import RedisServer
from tests.store.asking import WatchedRedis, connected, replies_to
from tracker.metrics import Metrics
from tracker.store import fenced
from tracker.store.keys import lease_keys
from tracker.store.leases import Leases
from workers.runner import run_leased

TTL_S = 0.3
LONG_S = 3600.0
DEADLINE_S = 5.0
KEY = b"what the job writes"


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[WatchedRedis]:
    async with connected(redis_server.url) as redis:
        yield redis


class Shared:
    """A job; notes the tokens of its runs, and how many were cut."""

    name = "shared"
    limit_s = LONG_S

    def __init__(
        self, body: Callable[[int], Awaitable[object]] | None = None, period_s: float = LONG_S
    ) -> None:
        self.period_s = period_s
        self.tokens: list[int] = []
        self.cut = 0
        self._body = body

    async def run_once(self, token: int) -> Mapping[str, int]:
        self.tokens.append(token)
        try:
            if self._body:
                await self._body(token)
        except asyncio.CancelledError:
            self.cut += 1
            raise
        return {"runs": len(self.tokens)}


class Replica(NamedTuple):
    """One runner with its only job."""

    job: Shared
    metrics: Metrics
    stop: asyncio.Event
    task: asyncio.Task[None]

    async def end(self) -> None:
        self.stop.set()
        await asyncio.wait_for(self.task, DEADLINE_S)

    async def die(self) -> None:
        """End without giving the lease back."""
        self.task.cancel()
        await asyncio.wait([self.task], timeout=DEADLINE_S)


def replica(redis: WatchedRedis, holder: bytes, job: Shared, ttl_s: float = TTL_S) -> Replica:
    metrics, stop = Metrics(), asyncio.Event()
    work = run_leased([job], Leases(redis, holder, ttl_s), stop, metrics)
    return Replica(job, metrics, stop, asyncio.create_task(work))


async def overtake(redis: WatchedRedis) -> int:
    """Let the lease end, and another have it for long; returns the token of that."""
    await replies_to(redis, "DEL", lease_keys(Shared.name)[0])
    token = await Leases(redis, b"another", LONG_S).acquire(Shared.name)
    assert token
    return token


async def forever(_: int) -> None:
    await asyncio.Event().wait()


async def test_one_of_two_replicas_does_the_job_and_goes_on_doing_it(
    redis_server: RedisServer,
) -> None:
    async with connected(redis_server.url) as one, connected(redis_server.url) as other:
        holder = replica(one, b"holder", Shared(period_s=TTL_S / 4))
        await until(lambda: holder.job.tokens != [])
        waiting = replica(other, b"waiting", Shared())
        await until(lambda: len(holder.job.tokens) == 12)  # three times as long as a lease
        assert 1 == len(set(holder.job.tokens))
        assert [] == waiting.job.tokens
        await waiting.end()
        await holder.end()


async def test_another_takes_over_from_one_that_died(redis: WatchedRedis) -> None:
    holder = replica(redis, b"holder", Shared())
    await until(lambda: holder.job.tokens != [])
    waiting = replica(redis, b"waiting", Shared())
    await holder.die()
    died_at = asyncio.get_running_loop().time()
    await until(lambda: waiting.job.tokens != [])
    took_s = asyncio.get_running_loop().time() - died_at
    assert TTL_S / 2 < took_s < TTL_S * 2  # the lease, and until the next look
    assert waiting.job.tokens > holder.job.tokens
    await waiting.end()


async def test_who_stops_leaves_its_lease_to_others(redis: WatchedRedis) -> None:
    holder = replica(redis, b"holder", Shared(forever), LONG_S)
    await until(lambda: holder.job.tokens != [])
    await holder.end()
    later = replica(redis, b"later", Shared(), LONG_S)
    await until(lambda: later.job.tokens != [])
    assert 1 == holder.job.cut
    assert {} == holder.metrics.jobs
    await later.end()


async def test_what_runs_is_cut_when_the_lease_is_lost(redis: WatchedRedis) -> None:
    holder = replica(redis, b"holder", Shared(forever))
    await until(lambda: holder.job.tokens != [])
    with structlog.testing.capture_logs() as logs:
        await overtake(redis)
        await until(lambda: holder.metrics.jobs["shared", "lost"] == 1)
    assert 1 == holder.job.cut
    assert ["lease.lost"] == [entry["event"] for entry in logs]
    await holder.end()


async def test_results_are_told_by_who_holds_the_lease_only(redis: WatchedRedis) -> None:
    holder = replica(redis, b"holder", Shared())
    await until(lambda: holder.metrics.job_results == {"shared": {"runs": 1}})
    await overtake(redis)
    await until(lambda: holder.metrics.jobs["shared", "lost"] == 1)
    assert {} == holder.metrics.job_results
    await holder.end()


async def test_what_a_holder_writes_after_it_was_overtaken_is_refused(redis: WatchedRedis) -> None:
    awake = asyncio.Event()

    async def write_late(token: int) -> None:
        await awake.wait()
        await fenced.publish(redis, KEY, {"by": "old"}, token=token, ttl_s=60)

    frozen = replica(redis, b"frozen", Shared(write_late), LONG_S)  # it looks at its lease no more
    await until(lambda: frozen.job.tokens != [])
    await fenced.publish(redis, KEY, {"by": "new"}, token=await overtake(redis), ttl_s=60)
    awake.set()
    await until(lambda: frozen.metrics.jobs["shared", "superseded"] == 1)
    assert [b"new"] == await replies_to(redis, "HGET", KEY, "by")
    await frozen.end()


async def test_a_redis_that_hangs_ends_the_run_and_not_the_runner(
    redis: WatchedRedis, redis_server: RedisServer
) -> None:
    holder = replica(redis, b"holder", Shared(forever))
    await until(lambda: holder.job.tokens != [])
    with structlog.testing.capture_logs() as logs:
        redis_server.pause()
        await until(lambda: holder.metrics.jobs["shared", "lost"] == 1)  # another could have it
        redis_server.resume()
        await until(lambda: len(holder.job.tokens) == 2)
    assert 1 == holder.job.cut
    loud = {entry["event"] for entry in logs if entry["log_level"] == "warning"}
    assert loud <= {"redis.away"}  # the cause, and no consequence
    await holder.end()


async def test_a_redis_that_comes_back_empty_is_served_anew(
    redis: WatchedRedis, redis_server: RedisServer
) -> None:
    holder = replica(redis, b"holder", Shared())
    await until(lambda: holder.job.tokens != [])
    redis_server.kill()
    await until(lambda: not redis.up)
    redis_server.start()
    await until(lambda: len(holder.job.tokens) == 2)
    await holder.end()


class Broken:
    """Leases that fail with a defect until they are repaired."""

    ttl_s = TTL_S
    broken = True

    async def acquire(self, name: str) -> int | None:
        if self.broken:
            raise RuntimeError(name)
        return 1

    async def release(self, name: str) -> None:
        """Nothing to give back."""


async def test_a_defect_of_the_leases_is_logged_and_does_not_end_the_job() -> None:
    leases, job, stop = Broken(), Shared(), asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        work = asyncio.create_task(run_leased([job], leases, stop, Metrics()))
        await until(lambda: bool(logs))
        leases.broken = False
        await until(lambda: job.tokens == [1])
        stop.set()
        await asyncio.wait_for(work, DEADLINE_S)
    assert ("task.failed", "shared") == (logs[0]["event"], logs[0]["task"])
