import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
import structlog.testing

from tracker.errors import Away, Unavailable, Unserved
from tracker.metrics import Metrics
from workers.runner import Job, run

DEADLINE_S = 5


class Repeated:
    """Runs `body` at each turn, and lets a test wait for a number of turns."""

    def __init__(
        self,
        body: Callable[[], None] = lambda: None,
        *,
        name: str = "repeated",
        period_s: float = 0.0,
        stays: bool = False,
    ) -> None:
        self.name, self.period_s, self.limit_s = name, period_s, 0.05
        self.begun = asyncio.Semaphore(0)
        self._body, self._stays = body, stays

    async def run_once(self) -> Mapping[str, int]:
        self.begun.release()
        self._body()
        if self._stays:
            await asyncio.Event().wait()
        return {"things": 1}

    async def turns(self, count: int) -> None:
        """Return when it was begun so many times more."""
        for _ in range(count):
            await asyncio.wait_for(self.begun.acquire(), DEADLINE_S)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@asynccontextmanager
async def running(metrics: Metrics, *jobs: Job) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(jobs, stop, metrics))
    yield
    stop.set()
    await asyncio.wait_for(task, DEADLINE_S)


def fail() -> None:
    raise RuntimeError("broken")


def find_redis_away() -> None:
    raise Away


def not_be_served() -> None:
    raise Unserved


def be_refused() -> None:
    raise Unavailable("the access list deny:file is not whole in Redis")


async def test_a_job_runs_again_and_again(metrics: Metrics) -> None:
    job = Repeated()
    async with running(metrics, job):
        await job.turns(3)
    assert metrics.jobs["repeated", "ok"] >= 2


async def test_a_job_waits_its_period(metrics: Metrics) -> None:
    slow, fast = Repeated(name="slow", period_s=3600), Repeated(name="fast")
    async with running(metrics, slow, fast):
        await fast.turns(20)
    assert 1 == metrics.jobs["slow", "ok"]


@pytest.mark.parametrize(
    ("body", "event", "outcome"),
    [(fail, "job.failed", "internal"), (be_refused, "job.failed", "unavailable")],
)
async def test_a_failure_is_told_and_the_next_period_goes_on(
    metrics: Metrics, body: Callable[[], None], event: str, outcome: str
) -> None:
    bad, good = Repeated(body, name="bad"), Repeated(name="good")
    with structlog.testing.capture_logs() as events:
        async with running(metrics, bad, good):
            await bad.turns(3)
            await good.turns(3)
    assert metrics.jobs["bad", outcome] >= 2
    assert {(event, "bad"), ("job.done", "good")} == {(e["event"], e["job"]) for e in events}


@pytest.mark.parametrize(
    ("body", "outcome"), [(find_redis_away, "away"), (not_be_served, "unavailable")]
)
async def test_a_job_that_redis_does_not_serve_leaves_the_line_to_its_connection(
    metrics: Metrics, body: Callable[[], None], outcome: str
) -> None:
    job = Repeated(body)
    with structlog.testing.capture_logs() as events:
        async with running(metrics, job):
            await job.turns(3)
    assert metrics.jobs["repeated", outcome] >= 2
    assert {"debug"} == {event["log_level"] for event in events}


async def test_a_run_that_takes_too_long_is_given_up(metrics: Metrics) -> None:
    job = Repeated(stays=True)
    with structlog.testing.capture_logs() as events:
        async with running(metrics, job):
            await job.turns(2)
    assert "job.timeout" == events[0]["event"]
    assert metrics.jobs["repeated", "timeout"] >= 1


async def test_stop_cuts_what_runs(metrics: Metrics) -> None:
    job = Repeated(stays=True)
    job.limit_s = 3600
    async with running(metrics, job):
        await job.turns(1)
    assert {} == metrics.jobs


async def test_without_jobs_it_waits_for_the_stop(metrics: Metrics) -> None:
    async with running(metrics):
        pass
