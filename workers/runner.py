"""Runs the background jobs, each at its own pace, until told to stop.

A job is idempotent and works in small steps, so it may be cut at any await, run twice, or fail:
its next run makes up for it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from tracker.errors import TrackerError
from tracker.metrics import Metrics

log = structlog.get_logger()


class Job(Protocol):
    """Something that must happen again and again, once for the whole cluster."""

    name: str  # a constant: it labels metrics
    period_s: float  # between the end of one run and the begin of the next
    limit_s: float  # a run that takes longer is given up

    async def run_once(self) -> Mapping[str, int]:
        """Do it once; returns what was done, in numbers for the log."""


async def run(jobs: Sequence[Job], stop: asyncio.Event, metrics: Metrics) -> None:
    """Run all jobs until `stop` is set; what runs then is cut."""
    tasks = [asyncio.create_task(_repeat(job, metrics), name=job.name) for job in jobs]
    try:
        await stop.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(job: Job, metrics: Metrics) -> None:
    while True:
        outcome = await _attempt(job)
        metrics.jobs[job.name, outcome] += 1
        await asyncio.sleep(job.period_s)


async def _attempt(job: Job) -> str:
    """One run; returns its outcome. No failure ends the job or touches the others."""
    try:
        async with asyncio.timeout(job.limit_s):
            counts = await job.run_once()
    except TrackerError as error:
        log.warning("job.failed", job=job.name, label=error.label, error=str(error))
        return error.label
    except TimeoutError:
        log.error("job.timeout", job=job.name, limit_s=job.limit_s)
        return "timeout"
    except Exception:
        log.exception("job.failed", job=job.name)
        return "internal"
    log.debug("job.done", job=job.name, **counts)
    return "ok"
