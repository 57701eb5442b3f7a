"""All swarms and live peers, counted in small steps; and the totals, kept for every frontend.

A step is one SCAN and the ZCOUNTs of what it found, well under a millisecond of Redis's time
each, and a pause follows, so announces hardly wait. A swarm that comes, goes, or is seen twice
while Redis resizes its table is counted a little wrong: the totals are for people.
"""

import asyncio
from collections import Counter
from typing import cast

from tracker.errors import Unavailable
from tracker.model import Family, InfoHash, Totals
from tracker.store.keys import KEY_SIZE, STATISTICS, SWARM_TAG, swarm_key
from tracker.store.phrases import Tails
from tracker.store.pipeline import Pipeline, Reply
from tracker.store.reading import COUNTING
from tracker.store.resp import command

STEP = 100  # keys of one SCAN
PAUSE_S = 0.005


class Census:
    """Counts over one pipeline. Each method raises Unavailable when Redis is away."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def count(self, now_s: int) -> Totals:
        """Count who is live at `now_s`. Takes some seconds for 100,000 swarms."""
        sums: Counter[str] = Counter()
        tails = Tails(now_s, 0, 0)
        cursor = b"0"
        while True:
            cursor, keys = await self._scan(cursor)
            await self._add(sums, keys, tails)
            if cursor == b"0":
                return Totals(counted_at=now_s, **sums)
            await asyncio.sleep(PAUSE_S)

    async def publish(self, totals: Totals, ttl_s: int) -> None:
        """Keep `totals` for `ttl_s` seconds, in place of earlier ones."""
        fields = (word for item in totals._asdict().items() for word in item)
        write = command("DEL", STATISTICS) + command("HSET", STATISTICS, *fields)
        await self._ask(write + command("EXPIRE", STATISTICS, ttl_s), 3)

    async def published(self) -> Totals | None:
        """The totals last published; None if they expired, or another version wrote them."""
        (reply,) = await self._ask(command("HGETALL", STATISTICS), 1)
        words = cast(list[bytes], reply)
        pairs = zip(words[::2], words[1::2], strict=True)
        found = {name.decode(): int(number) for name, number in pairs}
        return Totals(**found) if found.keys() == set(Totals._fields) else None

    async def _scan(self, cursor: bytes) -> tuple[bytes, list[bytes]]:
        """The next cursor, and the keys of this step that may be swarms."""
        scan = command("SCAN", cursor, "COUNT", STEP, "TYPE", "zset")
        (reply,) = await self._ask(scan, 1)
        after, keys = cast(tuple[bytes, list[bytes]], reply)
        return after, [key for key in keys if len(key) == KEY_SIZE]

    async def _add(self, sums: Counter[str], keys: list[bytes], tails: Tails) -> None:
        """Add what lives under `keys`; a swarm of both IP families counts with its IPv4 key."""
        hashes = [[key[1:] for key in keys if key[:1] == tag] for tag in SWARM_TAG]
        live = [await self._live(family, hashes[family], tails) for family in Family]
        ipv4, ipv6, browsers = live
        of_both = await self._live(Family.IPV4, list(ipv6), tails)
        sums["swarms"] += len(ipv4) + len(ipv6) - len(of_both)
        sums["browser_swarms"] += len(browsers)
        for name, swarms in zip(("ipv4", "ipv6", "browser"), live, strict=True):
            sums[f"{name}_seeders"] += sum(seeders for seeders, _ in swarms.values())
            sums[f"{name}_leechers"] += sum(leechers for _, leechers in swarms.values())

    async def _live(
        self, family: Family, info_hashes: list[InfoHash], tails: Tails
    ) -> dict[InfoHash, tuple[int, int]]:
        """Seeders and leechers of those swarms that have any."""
        if not info_hashes:
            return {}
        keys = [swarm_key(family, info_hash) for info_hash in info_hashes]
        parts = [part for key in keys for part in COUNTING.commands(key, tails)]
        replies = await self._ask(b"".join(parts), COUNTING.replies * len(keys))
        numbers = cast(list[int], replies)
        rows = zip(info_hashes, numbers[::2], numbers[1::2], strict=True)
        return {info_hash: (up, down) for info_hash, up, down in rows if up or down}

    async def _ask(self, commands: bytes, count: int) -> list[Reply]:
        future: asyncio.Future[list[Reply] | Unavailable] = asyncio.Future()

        def done(result: list[Reply] | Unavailable) -> None:
            if not future.done():  # who asked may have been cancelled
                future.set_result(result)

        self._pipeline.submit(commands, count, done)
        result = await future
        if isinstance(result, Unavailable):
            raise result
        return result
