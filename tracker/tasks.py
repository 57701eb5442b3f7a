"""Background tasks: none of them ends unnoticed.

A task that nothing awaits keeps its exception to itself: what it did for the process stops, and no
log line says so.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger()

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0  # before work that failed is started again
STEADY_S = 60.0  # work that lasted this long begins with the first pause again


async def kept(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do `work` until it returns; when it fails, log that and start it again after a pause.

    Args:
        name: of the task, a constant for the log.
        work: leaves nothing behind, however it ends.
    """
    loop = asyncio.get_running_loop()
    pause_s = FIRST_PAUSE_S
    while True:
        started = loop.time()
        try:
            return await work()
        except Exception:
            log.exception("task.failed", task=name)
        if loop.time() - started > STEADY_S:
            pause_s = FIRST_PAUSE_S
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


async def reported(name: str, work: Awaitable[None]) -> None:
    """Await `work` that cannot be started again; if it fails, log that."""
    try:
        await work
    except Exception:
        log.exception("task.failed", task=name)


def retrieved(future: asyncio.Future[Any]) -> None:
    """Be the callback of what may fail when nothing awaits it any more."""
    if not future.cancelled():
        future.exception()


async def completed(work: Coroutine[Any, Any, None]) -> None:
    """Await `work`, which is short, to its end; a cancellation meanwhile is raised after it."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        retrieved(task)
        raise


async def done_within(timeout_s: float, work: Coroutine[Any, Any, object]) -> bool:
    """Await `work`, but no longer than that; return whether it was done."""
    try:
        await asyncio.wait_for(work, timeout_s)
    except TimeoutError:
        return False
    return True
