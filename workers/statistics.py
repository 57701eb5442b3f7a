"""Counts the whole cluster, for the statistics pages of all frontends."""

from collections.abc import Callable, Mapping
from typing import Protocol

from tracker.model import Totals

PERIODS_KEPT = 10  # totals that nobody renewed for so long are no longer shown


class Census(Protocol):
    """What the job needs of the store."""

    async def count(self, now_s: int) -> Totals:
        """Count who is live at `now_s`."""

    async def publish(self, totals: Totals, ttl_s: int) -> None:
        """Keep `totals` for every frontend, for `ttl_s` seconds."""


class Statistics:
    """A `workers.runner.Job`.

    Args:
        census: counts and keeps.
        clock: Unix seconds.
        period_s: pause between two counts.
    """

    name = "statistics"
    limit_s = 3600.0

    def __init__(self, census: Census, clock: Callable[[], int], period_s: float = 30.0) -> None:
        self.period_s = period_s
        self._census = census
        self._clock = clock

    async def run_once(self) -> Mapping[str, int]:
        """Count, and publish the totals."""
        totals = await self._census.count(self._clock())
        await self._census.publish(totals, int(PERIODS_KEPT * self.period_s))
        return totals._asdict()
