"""The way of a command to the Redis of a cluster."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tracker.cli.output import print_problem
from tracker.errors import Away
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store import connect
from tracker.store.topology import Redis

NO_URL: Final = (
    "which Redis? tell by --redis URL, or in TRACKER_REDIS_URL "
    "(a tracker without one has a Redis that is private to it)"
)


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
        Away: the first attempt to connect failed.
    """
    assert settings.url, "the command looked"
    redis = connect.connect(settings.url.get_secret_value(), settings, Metrics())
    changed = asyncio.Event()
    redis.on_change(changed.set)
    await redis.start()
    try:
        while not redis.up:
            if redis.trouble:
                raise Away(redis.trouble)
            changed.clear()
            await changed.wait()
        yield redis
    finally:
        await redis.close()
