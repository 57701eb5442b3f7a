"""The way of a command to the Redis of a cluster."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tracker.cli.output import print_problem
from tracker.errors import Unavailable
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store import connect
from tracker.store.topology import Redis

NO_URL: Final = (
    "which Redis? tell by --redis URL, or in TRACKER_REDIS_URL "
    "(a tracker without one has a Redis that is private to it)"
)
_WAIT_S: Final = 5.0


def check_url(settings: RedisSettings) -> bool:
    """Return whether the URL of the settings, if there is one, is valid; print why it is not."""
    try:
        if settings.url:
            connect.check_url(settings.url.get_secret_value())
    except ValueError as error:
        print_problem(f"redis.url: {error}")
        return False
    return True


@asynccontextmanager
async def connected(settings: RedisSettings) -> AsyncIterator[Redis]:
    """The Redis of the settings, which must tell its URL.

    Raises:
        ValueError: the URL can't be used.
        Unavailable: nobody answers there.
    """
    assert settings.url, "the command looked"
    redis = connect.connect(settings.url.get_secret_value(), settings, Metrics())
    await redis.start()
    try:
        try:
            async with asyncio.timeout(_WAIT_S):
                await redis.wait_up()
        except TimeoutError as error:
            raise Unavailable(redis.trouble or "Redis is away") from error
        yield redis
    finally:
        await redis.close()
