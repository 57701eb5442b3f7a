"""The cluster in numbers, as pages and programs get it: the same from each frontend.

Nothing here names a machine, an address, an info_hash or the id of a frontend.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from tracker import __version__
from tracker.model import Facts, Point, Snapshot, Totals
from tracker.policy.rates import add_up

FRESH_S = 2.0  # seconds for which one look at Redis serves every visitor
PROTOCOLS = ("http", "udp", "ws")


class FrontendRow(NamedTuple):
    """One live frontend."""

    facts: Facts
    rates: Mapping[str, float]  # announces per second, by protocol


class Statistics(NamedTuple):
    """What Redis holds of the cluster at one time."""

    at: float  # Unix seconds
    snapshot: Snapshot | None  # None: not counted yet, or Redis is unreachable
    frontends: list[FrontendRow]  # the oldest first
    hour: list[Point]  # the oldest first
    day: list[Point]

    @property
    def rates(self) -> dict[str, float]:
        """Announces per second of all frontends, for each of `PROTOCOLS`."""
        return dict.fromkeys(PROTOCOLS, 0.0) | add_up(each.rates for each in self.frontends)


NOTHING = Statistics(0.0, None, [], [], [])
Look = Callable[[], Awaitable[Statistics]]


class SharedStatistics:
    """Statistics that are read once in a while, however many visitors ask.

    Args:
        look: reads them; must not raise for what is briefly unknown.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._reading: asyncio.Task[Statistics] | None = None
        self._fresh_until = 0.0

    async def __call__(self) -> Statistics:
        """Return statistics that are at most `FRESH_S` old. Concurrent callers share one look."""
        now = time.monotonic()
        if self._reading is None or (self._reading.done() and now >= self._fresh_until):
            self._fresh_until = now + FRESH_S
            self._reading = asyncio.create_task(self._read(), name="statistics")
        return await asyncio.shield(self._reading)

    async def _read(self) -> Statistics:
        return await self._look()


def document(statistics: Statistics) -> dict[str, object]:
    """Return the statistics for programs; `tracker.web.openapi` describes the fields."""
    snapshot = statistics.snapshot
    return {
        "version": __version__,
        "totals": snapshot and snapshot.totals._asdict(),
        "age_s": snapshot and round(max(0.0, statistics.at - snapshot.totals.counted_at), 1),
        "frontends": len(statistics.frontends) if statistics.at else None,
        "announces_per_second": {
            protocol: round(rate, 1) for protocol, rate in statistics.rates.items()
        }
        if statistics.at
        else None,
    }


def numbers(statistics: Statistics) -> dict[str, str]:
    """Return the numbers of the pages as text, by the name that templates give their place.

    Empty: nothing is known.
    """
    snapshot = statistics.snapshot
    if snapshot is None:
        return {}
    totals, rates = snapshot.totals, statistics.rates
    seeders = totals.ipv4_seeders + totals.ipv6_seeders + totals.browser_seeders
    leechers = totals.ipv4_leechers + totals.ipv6_leechers + totals.browser_leechers
    counts = {
        **{name: count for name, count in totals._asdict().items() if name != "counted_at"},
        "all_swarms": totals.swarms + totals.browser_swarms,
        "seeders": seeders,
        "leechers": leechers,
        "peers": seeders + leechers,
        "browsers": totals.browser_seeders + totals.browser_leechers,
        "frontends": len(statistics.frontends),
        "sockets": sum(each.facts.connections for each in statistics.frontends),
    }
    return {
        **{name: number(count) for name, count in counts.items()},
        **{f"announces_{protocol}": rate(per_s) for protocol, per_s in rates.items()},
        "announces": rate(sum(rates.values())),
        "counted": clock_time(totals),
    }


def clock_time(totals: Totals) -> str:
    """Return the time of a count: ``14:05:09 UTC``."""
    return datetime.fromtimestamp(totals.counted_at, UTC).strftime("%H:%M:%S UTC")


def number(value: float) -> str:
    """Return a whole number: ``12,345``."""
    return f"{value:,.0f}"


def rate(value: float) -> str:
    """Return a rate, with one decimal place if it is small: ``0.3``, ``12.5``, ``1,234``."""
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Return a duration in its largest unit: ``42 s``, ``5 min``, ``3 h``, ``12 days``."""
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"
