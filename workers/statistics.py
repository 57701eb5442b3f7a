"""Counts the whole cluster, for the pages of all frontends and for those who operate it."""

from collections.abc import Awaitable, Callable, Mapping
from math import ceil
from typing import Protocol

from tracker.model import Snapshot
from tracker.settings import WorkersSettings

PAUSE_SHARE = 2  # a pause is at least this many times as long as the count before it
PERIODS_KEPT = 10  # numbers that nobody renewed for so long are no longer shown


class Census(Protocol):
    """What the job needs of the store; see `tracker.store.census`."""

    async def take(self, now_s: int, top: int) -> Snapshot:
        """Count who is live at `now_s`, and name the `top` largest swarms."""

    async def publish(self, snapshot: Snapshot, *, token: int, ttl_s: int) -> None:
        """Keep `snapshot` for every frontend, for `ttl_s` seconds."""


class History(Protocol):
    """What the job needs of the store; see `tracker.store.history`."""

    async def record(self, snapshot: Snapshot) -> None:
        """Let `snapshot` stand for the period in which it was counted."""


class Statistics:
    """A `workers.runner.LeasedJob`.

    Args:
        census: counts and keeps.
        history: keeps in short, for longer.
        settings: how often, how much.
        now: the time of Redis, Unix seconds.
    """

    name = "statistics"
    limit_s = 3600.0

    def __init__(
        self,
        census: Census,
        history: History,
        settings: WorkersSettings,
        now: Callable[[], Awaitable[int]],
    ) -> None:
        self.period_s = self._least_period_s = settings.statistics_period
        self._top = settings.top_swarms
        self._census = census
        self._history = history
        self._now = now

    async def run_once(self, token: int) -> Mapping[str, int]:
        """Count, publish, and record."""
        begin_s = await self._now()
        snapshot = await self._census.take(begin_s, self._top)
        took_s = max(0, await self._now() - begin_s)
        self.period_s = max(self._least_period_s, PAUSE_SHARE * took_s)
        kept_s = ceil(PERIODS_KEPT * (self.period_s + took_s))
        await self._census.publish(snapshot, token=token, ttl_s=kept_s)
        await self._history.record(snapshot)
        return {**snapshot.totals._asdict(), "frontends": snapshot.frontends}
