"""The cluster in numbers, as pages and programs get it: the same from each frontend.

Nothing here names a machine, an address, an info_hash or the id of a frontend.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tracker.model import Facts, Point, Snapshot

FRESH_S = 2.0  # seconds for which one look at Redis serves every visitor


class Statistics(NamedTuple):
    """What Redis holds of the cluster at one time."""

    at: float  # Unix seconds
    snapshot: Snapshot | None  # None: not counted yet, or Redis is unreachable
    frontends: list[tuple[Facts, dict[str, float]]]  # of the living: facts, announces per second
    hour: list[Point]  # the oldest first
    day: list[Point]


NOTHING = Statistics(0.0, None, [], [], [])


Look = Callable[[], Awaitable[Statistics]]


class SharedStatistics:
    """Statistics that are read once in a while, however many visitors ask.

    Args:
        look: reads them; must not raise for what is briefly unknown.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._task: asyncio.Task[Statistics] | None = None
        self._fresh_until = 0.0

    async def __call__(self) -> Statistics:
        """Return statistics that are at most `FRESH_S` old."""
        if self._task is None or (self._task.done() and time.monotonic() >= self._fresh_until):
            self._fresh_until = time.monotonic() + FRESH_S
            self._task = asyncio.create_task(self._read(), name="statistics")
        return await asyncio.shield(self._task)

    async def _read(self) -> Statistics:
        return await self._look()
