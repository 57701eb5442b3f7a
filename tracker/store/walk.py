"""Goes through all swarms in small steps, so that announces hardly wait.

A step is one SCAN, well under a millisecond of Redis's time, and what the visitor asks about its
keys; a pause follows. Primaries are walked side by side. A swarm that comes or goes meanwhile is
seen or not, and one may be seen twice while Redis makes its table smaller.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias, cast

from tracker.errors import Away
from tracker.store.keys import KEY_SIZE
from tracker.store.pipeline import Pipeline
from tracker.store.resp import command
from tracker.store.topology import Redis

Visit: TypeAlias = Callable[[list[bytes]], Awaitable[None]]

STEP = 100  # keys that Redis looks at for one SCAN
PAUSE_S = 0.005


async def walk(redis: Redis, pattern: bytes, visit: Visit) -> None:
    """Hand all sorted sets to `visit` that may be swarms, some at a time.

    Args:
        redis: all of its primaries are walked.
        pattern: what the keys look like, as SCAN has it.
        visit: called and awaited for each step that found any; for each primary at a time.

    Raises:
        Unavailable: not all primaries are there, or one went away.
    """
    if not redis.up:  # else half of the swarms would seem to be all
        raise Away(redis.trouble)
    walks = [asyncio.create_task(_walk(each, pattern, visit)) for each in redis.primaries()]
    try:
        await asyncio.gather(*walks)
    finally:
        for each in walks:
            each.cancel()
        await asyncio.gather(*walks, return_exceptions=True)


async def _walk(primary: Pipeline, pattern: bytes, visit: Visit) -> None:
    cursor = b""
    while cursor != b"0":
        scan = command("SCAN", cursor or b"0", "MATCH", pattern, "COUNT", STEP, "TYPE", "zset")
        (reply,) = await primary.ask(scan, 1)
        cursor, keys = cast(tuple[bytes, list[bytes]], reply)
        if swarms := [key for key in keys if len(key) == KEY_SIZE]:
            await visit(swarms)
        await asyncio.sleep(PAUSE_S)
