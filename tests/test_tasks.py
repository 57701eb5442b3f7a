"""Background tasks that fail are logged, and started again where that makes sense."""

import asyncio
import gc
from typing import Any

import pytest
from structlog.testing import capture_logs

from tracker import tasks
from tracker.tasks import completed, done_within, kept, reported, retrieved


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "FIRST_PAUSE_S", 0.0)


class Failing:
    """Work that fails some times, then ends."""

    def __init__(self, failures: int) -> None:
        self.starts = 0
        self._failures = failures

    async def __call__(self) -> None:
        """One start."""
        self.starts += 1
        await asyncio.sleep(0)
        if self.starts <= self._failures:
            raise RuntimeError("a defect")


async def test_work_that_fails_is_logged_and_started_again() -> None:
    work = Failing(3)
    with capture_logs() as logs:
        await kept("work", work)
    assert 4 == work.starts
    assert [("task.failed", "work", True)] * 3 == [
        (entry["event"], entry["task"], entry["exc_info"]) for entry in logs
    ]


async def test_work_that_is_cancelled_ends() -> None:
    forever = asyncio.create_task(kept("work", asyncio.Event().wait))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    forever.cancel()
    with pytest.raises(asyncio.CancelledError):
        await forever


async def test_work_that_cannot_be_repeated_is_logged() -> None:
    with capture_logs() as logs:
        await reported("work", Failing(1)())
    assert ["task.failed"] == [entry["event"] for entry in logs]


async def test_a_failure_that_nothing_awaits_any_more_is_no_surprise() -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
    for work in (Failing(1)(), asyncio.sleep(3600)):
        task = asyncio.create_task(work)
        task.add_done_callback(retrieved)
        await asyncio.sleep(0)
        task.cancel() if not task.done() else None
        await asyncio.wait([task])
        del task
    gc.collect()
    assert faults == []


async def test_work_that_takes_too_long_is_given_up() -> None:
    assert await done_within(60, asyncio.sleep(0))
    assert not await done_within(0.01, asyncio.sleep(60))
    with pytest.raises(RuntimeError):
        await done_within(60, Failing(1)())


async def test_a_cancellation_waits_for_short_work() -> None:
    begun, go, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go.wait()
        done.set()

    waiting = asyncio.create_task(completed(work()))
    await begun.wait()
    waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert done.is_set()


async def fail() -> None:
    raise ValueError("unforeseen")


async def test_work_that_fails_raises_its_error() -> None:
    with pytest.raises(ValueError, match="unforeseen"):
        await completed(fail())
