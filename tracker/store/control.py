"""How redis-py is asked where servers are: in bounded time, and always to the end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

from tracker.store.address import Address
from tracker.store.reasons import Unusable, reply_reason

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


async def resolved(address: Address, limit_s: float) -> None:
    """Return if the host of `address` can be looked up; redis-py's own lookup is then short.

    Raises:
        OSError: it cannot; a TimeoutError if no name server answers in time.
    """
    async with asyncio.timeout(limit_s):
        await address.resolve()


def cause_of(error: Exception) -> Exception:
    """Return the error behind one that redis-py raised: the system's, or Redis's own reply.

    redis-py wraps an error in others, whose texts differ from version to version.
    """
    found: BaseException = error
    while isinstance(found, (RedisError, RedisClusterException)):
        if code := getattr(found, "status_code", None):
            return Unusable(reply_reason(f"{code} {found}"))
        behind = found.__cause__ or found.__context__
        if behind is None:
            break
        found = behind
    return found if isinstance(found, Exception) else error
