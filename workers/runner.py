"""Runs jobs again and again, each at its own pace, until told to stop.

`run` is for what each process does for itself, `run_leased` for what only one process of the
cluster shall do at a time. A job is idempotent and works in small steps, so it may be cut at any
await, run twice, or fail: its next run makes up for it.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol, TypeAlias

import structlog

from tracker.errors import Away, TrackerError, Unserved
from tracker.metrics import Metrics
from tracker.tasks import kept

log = structlog.get_logger()

TRIES = 3  # to renew a lease in its time: two may fail


class Job(Protocol):
    """Something that must happen again and again in each process."""

    name: str  # a constant: it labels metrics
    period_s: float  # between the end of one run and the begin of the next
    limit_s: float  # a run that takes longer is given up

    async def run_once(self) -> Mapping[str, int]:
        """Do it once; returns what was done, in numbers for the log."""


class LeasedJob(Protocol):
    """Something that must happen again and again, once for the whole cluster."""

    name: str  # a constant: it labels metrics, and names the lease
    period_s: float  # as of `Job`
    limit_s: float

    async def run_once(self, token: int) -> Mapping[str, int]:
        """Do it once; `token` goes with each write, so that one that comes too late is refused."""


class Leases(Protocol):
    """Who may do a job: see `tracker.store.leases`."""

    ttl_s: float

    async def acquire(self, name: str) -> int | None:
        """Take a lease, or renew it; None: somebody else has it."""

    async def release(self, name: str) -> None:
        """Give it back."""


Work: TypeAlias = Callable[[], Awaitable[Mapping[str, int]]]
Loop: TypeAlias = Callable[[], Awaitable[None]]


async def run(jobs: Sequence[Job], stop: asyncio.Event, metrics: Metrics) -> None:
    """Run all jobs until `stop` is set; what runs then is cut."""
    await _until(stop, {job.name: partial(_repeat, job, job.run_once, metrics) for job in jobs})


async def run_leased(
    jobs: Sequence[LeasedJob], leases: Leases, stop: asyncio.Event, metrics: Metrics
) -> None:
    """Run those jobs whose lease can be had, until `stop` is set; then another may take them.

    A lease is kept between the runs too: it is not for one run, but for doing the job.
    """
    await _until(stop, {job.name: partial(_lead, job, leases, metrics) for job in jobs})
    for job in jobs:
        with suppress(TrackerError):  # it ends by itself
            await leases.release(job.name)


async def _until(stop: asyncio.Event, loops: Mapping[str, Loop]) -> None:
    """Run the loops, by the names of their jobs; one that fails is started again."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(kept(name, loop)) for name, loop in loops.items()]
        await stop.wait()
        for task in tasks:
            task.cancel()


async def _lead(job: LeasedJob, leases: Leases, metrics: Metrics) -> None:
    """Wait for the lease, do the job for as long as it is held, and wait again."""
    while True:
        token, good_until = await _acquired(job, leases)
        log.debug("lease.taken", job=job.name, token=token)
        repeat = partial(_repeat, job, partial(job.run_once, token), metrics)
        work = asyncio.create_task(kept(job.name, repeat))
        try:
            overtaken = await _held(job, leases, token, good_until)
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            metrics.job_results.pop(job.name, None)  # another tells them now
        metrics.jobs[job.name, "lost"] += 1
        if overtaken:
            log.warning("lease.lost", job=job.name, token=token)
        else:  # Redis is away, as its connection logs
            log.debug("lease.lost", job=job.name, token=token)


async def _acquired(job: LeasedJob, leases: Leases) -> tuple[int, float]:
    """Return the token, and until when the lease is ours at least, once it is had."""
    loop = asyncio.get_running_loop()
    while True:
        asked_at = loop.time()
        with suppress(TrackerError):  # Redis is away, as its connection tells the log
            token = await leases.acquire(job.name)
            if token is not None:
                return token, asked_at + leases.ttl_s
        await _pause(leases)


async def _held(job: LeasedJob, leases: Leases, token: int, good_until: float) -> bool:
    """Renew the lease until it is not ours any more, or may be so; return whether it is another's.

    Otherwise it could not be renewed in time.
    """
    loop = asyncio.get_running_loop()
    with suppress(TimeoutError):
        async with asyncio.timeout_at(good_until) as lease:
            while True:
                await _pause(leases)
                asked_at = loop.time()
                with suppress(TrackerError):
                    if await leases.acquire(job.name) != token:
                        return True
                    lease.reschedule(asked_at + leases.ttl_s)
    return False


async def _pause(leases: Leases) -> None:
    await asyncio.sleep(leases.ttl_s / TRIES * random.uniform(0.7, 1.0))


async def _repeat(job: Job | LeasedJob, work: Work, metrics: Metrics) -> None:
    while True:
        outcome = await _attempt(job, work, metrics)
        metrics.jobs[job.name, outcome] += 1
        await asyncio.sleep(job.period_s)


async def _attempt(job: Job | LeasedJob, work: Work, metrics: Metrics) -> str:
    """One run; returns its outcome. No failure ends the job or touches the others."""
    try:
        async with asyncio.timeout(job.limit_s):
            counts = await work()
    except Away as error:
        label = error.label if isinstance(error, Unserved) else "away"
        log.debug("job.failed", job=job.name, label=label, error=str(error))
        return label
    except TrackerError as error:
        log.warning("job.failed", job=job.name, label=error.label, error=str(error))
        return error.label
    except TimeoutError:
        log.error("job.timeout", job=job.name, limit_s=job.limit_s)
        return "timeout"
    except Exception:
        log.exception("job.failed", job=job.name)
        return "internal"
    metrics.job_results[job.name] = counts
    log.debug("job.done", job=job.name, **counts)
    return "ok"
