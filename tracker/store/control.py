"""How redis-py is asked where servers are: in bounded time, and always to the end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

T = TypeVar("T")


def patience(seconds: float) -> dict[str, Any]:
    """Options of a connection that takes no longer than that for any step, and tries once."""
    return {
        "socket_connect_timeout": seconds,
        "socket_timeout": seconds,
        "retry": Retry(NoBackoff(), 0),
    }


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """What comes of `work`, which ends soon by itself; a cancellation takes effect only then.

    Before Python 3.12 `asyncio.wait_for`, of which redis-py makes use, loses some cancellations,
    so that one can't be sure to stop a task; and what is cut short leaves connections open.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise
