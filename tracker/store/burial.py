"""Takes dead frontends' browsers out of all swarms, and then the dead out of the registry.

Removing is idempotent, and a browser that came back elsewhere has another entry there. The id goes
last: a burial that was cut is begun anew.
"""

from collections.abc import Collection
from typing import cast

from tracker.model import BROWSER, FRONTEND_ID_SIZE, FrontendId
from tracker.store.keys import FRONTENDS, SWARM_TAG
from tracker.store.link import Reply
from tracker.store.pipeline import asked
from tracker.store.resp import command
from tracker.store.topology import Part, Redis
from tracker.store.walk import walk

SWARMS_AT_ONCE = 20  # looked at in one request
MEMBERS_AT_ONCE = 100  # of a large swarm; a small one is looked at whole
BROWSER_SWARMS = SWARM_TAG[BROWSER] + b"*"


class Burial:
    """Over one Redis. Each method raises Unavailable when that is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def dead(self, since_s: int) -> list[FrontendId]:
        """Those that count as dead since `since_s` (Unix seconds) or longer."""
        look = command("ZRANGEBYSCORE", FRONTENDS, "-inf", since_s)
        (found,) = await self._redis.ask(FRONTENDS, look, 1)
        return cast(list[FrontendId], found)

    async def remove_browsers(self, dead: Collection[FrontendId]) -> int:
        """Remove the browsers of those frontends from all swarms; returns how many it were."""
        removed = 0

        async def visit(keys: list[bytes]) -> None:
            nonlocal removed
            for at in range(0, len(keys), SWARMS_AT_ONCE):
                count = await self._clear(keys[at : at + SWARMS_AT_ONCE], frozenset(dead))
                removed += count  # not before: other primaries are walked meanwhile

        await walk(self._redis, BROWSER_SWARMS, visit)
        return removed

    async def forget(self, since_s: int) -> int:
        """Strike from the registry who is dead since then or longer; returns how many it were.

        Not who came back: its sign of life is newer.
        """
        strike = command("ZREMRANGEBYSCORE", FRONTENDS, "-inf", since_s)
        (count,) = await self._redis.ask(FRONTENDS, strike, 1)
        return cast(int, count)

    async def _clear(self, keys: list[bytes], dead: frozenset[FrontendId]) -> int:
        """Remove the browsers of the dead from some swarms."""
        removed = 0
        cursors = dict.fromkeys(keys, b"0")
        while cursors:
            looks = [
                Part(key, command("ZSCAN", key, cursor, "COUNT", MEMBERS_AT_ONCE), 1)
                for key, cursor in cursors.items()
            ]
            seen = dict(zip(cursors, map(_found, await self._ask(looks)), strict=True))
            theirs = {
                key: [member for member in members if member[-FRONTEND_ID_SIZE:] in dead]
                for key, (_, members) in seen.items()
            }
            removals = [
                Part(key, command("ZREM", key, *members), 1)
                for key, members in theirs.items()
                if members
            ]
            if removals:
                removed += sum(cast(list[int], await self._ask(removals)))
            cursors = {key: cursor for key, (cursor, _) in seen.items() if cursor != b"0"}
        return removed

    async def _ask(self, parts: list[Part]) -> list[Reply]:
        return await asked(lambda done: self._redis.submit_all(parts, done))


def _found(reply: Reply) -> tuple[bytes, list[bytes]]:
    """The next cursor, and the members of this step, from what ZSCAN says."""
    cursor, members = cast(tuple[bytes, list[bytes]], reply)
    return cursor, members[::2]
