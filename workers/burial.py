"""Removes what dead frontends left behind: their browsers' entries, and their own.

After Redis was away all signs of life look old, so being late is not enough to be buried: a
frontend must give none over several looks that found Redis there.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol

import structlog

from tracker.model import FrontendId
from tracker.settings import ClusterSettings

log = structlog.get_logger()

LOOKS = 3  # of a run each; the first of them must have seen the frontend dead already


class Graves(Protocol):
    """What the job needs of the store; see `tracker.store.burial`."""

    async def dead(self, since_s: int) -> Collection[FrontendId]:
        """Those that count as dead since `since_s` (Unix seconds) or longer."""

    async def remove_browsers(self, dead: Collection[FrontendId]) -> int:
        """Remove the browsers of those frontends from all swarms; returns how many it were."""

    async def forget(self, since_s: int) -> int:
        """Strike from the registry who is dead since then or longer; returns how many it were."""


class Burial:
    """A `workers.runner.LeasedJob`.

    Args:
        graves: sees and removes.
        settings: how often frontends give a sign of life.
        now: the time of Redis, Unix seconds.
    """

    name = "burial"
    limit_s = 3600.0

    def __init__(
        self, graves: Graves, settings: ClusterSettings, now: Callable[[], Awaitable[int]]
    ) -> None:
        self.period_s = settings.heartbeat
        self._graves = graves
        self._now = now
        self._looks: deque[int] = deque(maxlen=LOOKS - 1)  # the last ones, Unix seconds

    async def run_once(self, token: int) -> Mapping[str, int]:
        """Look; remove who was dead some looks ago, and is so still."""
        now_s = await self._now()
        if self._looks and now_s < self._looks[-1]:
            self._looks.clear()  # another primary's clock: earlier looks cannot be compared
        since_s = self._looks[0] if len(self._looks) == LOOKS - 1 else 0
        dead = await self._graves.dead(since_s)
        self._looks.append(now_s)
        if not dead:
            return {}
        browsers = await self._graves.remove_browsers(dead)
        buried = await self._graves.forget(since_s)
        log.info("frontend.buried", frontends=[each.hex() for each in dead], browsers=browsers)
        return {"frontends": buried, "browsers": browsers}
