"""Finds out that Redis lost its data: an emptied or restarted server, a failover to an empty one.

Each primary holds a mark that the first frontend to look puts there. Who knew a mark and meets
another one knows that all which stood beside it is lost, and writes that into the new mark, for
frontends that start later. A new primary of a cluster may look like a loss: its peers are then
asked to come early once, for nothing.
"""

import re
import secrets
from itertools import count
from typing import NamedTuple, Self, cast

from tracker.errors import Corrupt
from tracker.store.keys import epoch_key
from tracker.store.redis_time import Now
from tracker.store.scripts import Script
from tracker.store.topology import Part, Redis

MARK = re.compile(rb"([0-9a-f]{1,32}):([0-9]{1,12})")
MOST_READ = 64  # bytes
SKEW_S = 300  # that the clocks of two primaries may differ
MONTH_S = 2_592_000  # a mark that nobody looked at for so long is forgotten

_mark, _put = Script("mark"), Script("put")


class Mark(NamedTuple):
    """What stands for the data of one primary."""

    id: str  # random: another one stands for other data
    lost_at: int  # Unix seconds at which the data before it were found lost; 0: there were none

    def __bytes__(self) -> bytes:
        return f"{self.id}:{self.lost_at}".encode()

    @classmethod
    def of(cls, data: bytes, now_s: int) -> Self:
        """Read one.

        Raises:
            ValueError: it is none, or it tells of a loss in the future.
        """
        found = MARK.fullmatch(data)
        if found is None or int(found[2]) > now_s + SKEW_S:
            raise ValueError("no mark of an epoch")
        return cls(found[1].decode(), int(found[2]))


class Epochs:
    """What one frontend knows of the marks.

    Args:
        redis: whose primaries are watched.
        now: the time of Redis.
    """

    def __init__(self, redis: Redis, now: Now) -> None:
        self._redis = redis
        self._now = now
        self._known: dict[bytes, str] = {}  # the id of each mark

    async def look(self) -> int:
        """When data were lost the last time, in Unix seconds; 0: never, as far as is known.

        Raises:
            Unavailable: Redis is away.
        """
        now_s = await self._now()
        keys = self._redis.one_key_each(map(epoch_key, count()))
        found = await self._redis.ask_each([Part(key, self._ensure(key, now_s), 1) for key in keys])
        lost_at = [
            await self._mark(key, cast(bytes, replies[0]), now_s)
            for key, replies in zip(keys, found, strict=True)
            if not isinstance(replies, Corrupt)
        ]
        return max(lost_at, default=0)

    async def declare_lost(self) -> None:
        """Let every frontend that looks from now on learn that data were lost just now.

        Raises:
            Unavailable: Redis is away.
        """
        now_s = await self._now()
        for key in self._redis.one_key_each(map(epoch_key, count())):
            await self._write(key, Mark(secrets.token_hex(8), now_s))

    async def _mark(self, key: bytes, data: bytes, now_s: int) -> int:
        """When the data beside one mark were lost; 0: never."""
        known = self._known.get(key)
        try:
            mark = Mark.of(data, now_s)
        except ValueError as error:
            self._redis.damage.found(key, error)
            mark = Mark(known or secrets.token_hex(8), 0)
            await self._write(key, mark)
        if not mark.lost_at and known and known != mark.id:
            mark = mark._replace(lost_at=now_s)  # put there by a frontend that knew no better
            await self._write(key, mark)
        self._known[key] = mark.id
        return mark.lost_at

    def _ensure(self, key: bytes, now_s: int) -> bytes:
        """Put a mark where there is none, read it, keep it."""
        fresh = Mark(secrets.token_hex(8), now_s if key in self._known else 0)
        return _mark.call(key, args=(bytes(fresh), MONTH_S, MOST_READ))

    async def _write(self, key: bytes, mark: Mark) -> None:
        await self._redis.ask(key, _put.call(key, args=(bytes(mark), MONTH_S)), 1)
