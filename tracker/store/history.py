"""The cluster in points: an hour of it in fine steps, and a day in coarse ones.

Time is cut into periods. A period has one point, the last one recorded in it: so it makes no
difference which worker records, how often, or that another one took over in between.
"""

import asyncio
from typing import NamedTuple, cast

import msgspec

from tracker.errors import Corrupt
from tracker.model import Point, Snapshot
from tracker.settings import WorkersSettings
from tracker.store.keys import HISTORY, RECENT_HISTORY
from tracker.store.resp import command
from tracker.store.scripts import Script
from tracker.store.topology import Redis
from tracker.store.unpack import unpacked

_record = Script("record")


class Series(NamedTuple):
    """One series of points."""

    key: bytes
    period_s: int
    length: int  # points

    @classmethod
    def of(cls, key: bytes, period_s: float, length: int) -> "Series":
        """Return a series with a period of whole seconds."""
        return cls(key, max(1, round(period_s)), length)


class History:
    """Both series in one Redis. Each method raises Unavailable if Redis is unreachable."""

    def __init__(self, redis: Redis, settings: WorkersSettings) -> None:
        self._redis = redis
        self._day = Series.of(HISTORY, settings.history_period, settings.history_length)
        self._hour = Series.of(RECENT_HISTORY, settings.recent_period, settings.recent_length)

    async def record(self, snapshot: Snapshot) -> None:
        """Record `snapshot` for the periods in which it was counted."""
        point = _point(snapshot)
        await asyncio.gather(self._put(self._day, point), self._put(self._hour, point))

    async def points(self) -> list[Point]:
        """Return the points of the last day, the oldest first, except those that are damaged."""
        return await self._points(self._day)

    async def recent_points(self) -> list[Point]:
        """Return the points of the last hour, likewise."""
        return await self._points(self._hour)

    async def _put(self, series: Series, point: Point) -> None:
        begin = point.at - point.at % series.period_s  # of its period, Unix seconds
        kept_s = series.length * series.period_s
        args = (msgspec.msgpack.encode(point), begin, series.length, kept_s)
        await self._redis.ask(series.key, _record.call(series.key, args=args), 1)

    async def _points(self, series: Series) -> list[Point]:
        look = command("ZRANGE", series.key, -series.length, -1)
        try:
            (reply,) = await self._redis.ask(series.key, look, 1)
        except Corrupt:
            return []
        points = [self._read(series.key, data) for data in cast(list[bytes], reply)]
        return [point for point in points if point is not None]

    def _read(self, key: bytes, data: bytes) -> Point | None:
        try:
            return unpacked(data, Point)
        except ValueError as error:
            self._redis.damage.found(key, error)
            return None


def _point(snapshot: Snapshot) -> Point:
    totals = snapshot.totals
    return Point(
        at=totals.counted_at,
        frontends=snapshot.frontends,
        swarms=totals.swarms,
        browser_swarms=totals.browser_swarms,
        ipv4_peers=totals.ipv4_seeders + totals.ipv4_leechers,
        ipv6_peers=totals.ipv6_seeders + totals.ipv6_leechers,
        browsers=totals.browser_seeders + totals.browser_leechers,
        rates=snapshot.rates,
    )
