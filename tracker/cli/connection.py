"""The way of a command to the Redis of a cluster."""

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from pydantic import SecretStr

from tracker.cli.here import DESTINATION, chosen
from tracker.cli.output import print_problem
from tracker.errors import Away
from tracker.metrics import Metrics
from tracker.settings import RedisSettings, Settings
from tracker.store import connect
from tracker.store.topology import Redis

NO_URL: Final = "no Redis configured: pass --redis URL or set TRACKER_REDIS_URL"
NO_TRACKER: Final = (
    "no tracker of this user runs on this machine: start one with `tracker serve`, "
    "or pass --redis URL or set TRACKER_REDIS_URL"
)


def redis_settings(arguments: Namespace, settings: Settings) -> RedisSettings | None:
    """Return the settings of the Redis that a command is about; None, and printed: there is none.

    Without a URL it is the Redis of the tracker that runs on this machine.
    """
    port: int | None = vars(arguments)[DESTINATION]
    if port is None and settings.redis.url is not None:
        return settings.redis
    if vars(arguments)["redis.url"] is not None:
        print_problem("--port and --redis exclude each other")
        return None
    tracker, clear = chosen(port, lambda each: each.redis)
    if tracker is None:
        if clear:
            print_problem(NO_TRACKER)
        return None
    return settings.redis.model_copy(update={"url": SecretStr(tracker.redis)})


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
