"""Finds out that Redis lost its data: an emptied or restarted server, a failover to an empty one.

Each primary holds a mark that the first frontend to look puts there. Who knew a mark and meets
another one knows that all which stood beside it is lost, and writes that into the new mark, for
frontends that start later. A new primary of a cluster may look like a loss: its peers are then
asked to come early once, for nothing.
"""

import secrets
from collections.abc import Callable
from itertools import count
from typing import NamedTuple, Self, cast

from tracker.store.keys import epoch_key
from tracker.store.pipeline import asked
from tracker.store.resp import command
from tracker.store.topology import Part, Redis

MONTH_S = 2_592_000  # a mark that nobody looked at for so long is forgotten


class Mark(NamedTuple):
    """What stands for the data of one primary."""

    id: str  # random: another one stands for other data
    lost_at: int  # Unix seconds at which the data before it were found lost; 0: there were none

    def __bytes__(self) -> bytes:
        return f"{self.id}:{self.lost_at}".encode()

    @classmethod
    def of(cls, data: bytes) -> Self:
        """From the bytes of one."""
        id_, _, lost_at = data.decode().partition(":")
        return cls(id_, int(lost_at))


class Epochs:
    """What one frontend knows of the marks.

    Args:
        redis: whose primaries are watched.
        clock: Unix seconds.
    """

    def __init__(self, redis: Redis, clock: Callable[[], int]) -> None:
        self._redis = redis
        self._clock = clock
        self._known: dict[bytes, str] = {}  # the id of each mark

    async def look(self) -> int:
        """When data were lost the last time, in Unix seconds; 0: never, as far as is known.

        Raises:
            Unavailable: Redis is away.
        """
        now_s = self._clock()
        keys = self._redis.one_key_each(map(epoch_key, count()))
        parts = [Part(key, self._ensure(key, now_s), 3) for key in keys]
        replies = await asked(lambda done: self._redis.submit_all(parts, done))
        marks = dict(zip(keys, map(Mark.of, cast(list[bytes], replies[1::3])), strict=True))
        for key, mark in marks.items():
            if not mark.lost_at and self._known.get(key, mark.id) != mark.id:
                marks[key] = await self._tell(key, mark._replace(lost_at=now_s))
            self._known[key] = mark.id
        return max(mark.lost_at for mark in marks.values())

    def _ensure(self, key: bytes, now_s: int) -> bytes:
        """Three commands: put a mark where there is none, read it, keep it."""
        fresh = Mark(secrets.token_hex(8), now_s if key in self._known else 0)
        put = command("SET", key, bytes(fresh), "NX")
        return put + command("GET", key) + command("EXPIRE", key, MONTH_S)

    async def _tell(self, key: bytes, mark: Mark) -> Mark:
        """Somebody who knew no better put a mark; let it say that data were lost."""
        write = command("SET", key, bytes(mark), "EX", MONTH_S)
        await self._redis.ask(key, write, 1)
        return mark
