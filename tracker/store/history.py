"""A day of the cluster in points, for those who look at it.

Time is cut into periods. A period has one point, the last one that was told in it: so it makes no
difference who tells, how often, or that another worker took over in between.
"""

from typing import cast

import msgspec

from tracker.errors import Corrupt
from tracker.model import Point, Snapshot
from tracker.settings import WorkersSettings
from tracker.store.keys import HISTORY
from tracker.store.resp import command
from tracker.store.scripts import Script
from tracker.store.topology import Redis
from tracker.store.unpack import unpacked

_record = Script("record")


class History:
    """The series in one Redis. Each method raises Unavailable when that is away."""

    def __init__(self, redis: Redis, settings: WorkersSettings) -> None:
        self._redis = redis
        self._period_s = max(1, round(settings.history_period))
        self._length = settings.history_length

    async def record(self, snapshot: Snapshot) -> None:
        """Let `snapshot` stand for the period in which it was counted."""
        point = _point(snapshot)
        begin = point.at - point.at % self._period_s  # of its period, Unix seconds
        args = (msgspec.msgpack.encode(point), begin, self._length, self._length * self._period_s)
        await self._redis.ask(HISTORY, _record.call(HISTORY, args=args), 1)

    async def points(self) -> list[Point]:
        """Return all of them, the oldest first, except those that cannot be read."""
        look = command("ZRANGE", HISTORY, -self._length, -1)
        try:
            (reply,) = await self._redis.ask(HISTORY, look, 1)
        except Corrupt:
            return []
        points = map(self._read, cast(list[bytes], reply))
        return [point for point in points if point is not None]

    def _read(self, data: bytes) -> Point | None:
        try:
            return unpacked(data, Point)
        except ValueError as error:
            self._redis.damage.found(HISTORY, error)
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
