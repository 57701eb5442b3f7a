"""Announces without pause, over any Redis, and what became of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

from tests.store.asking import NOW, a_plan, announce, ipv4, scrape
from tracker.errors import TrackerError
from tracker.model import Counts, InfoHash
from tracker.store.swarms import RedisSwarms

PAUSE_S = 0.005  # of each swarm, between an answer and the next announce


def info_hash(number: int) -> InfoHash:
    """One for each number, in slots of no order."""
    return number.to_bytes(20, "big")


@dataclass
class Load:
    """What became of the announces to some swarms, each by one new peer after the other."""

    swarms: RedisSwarms
    hashes: list[InfoHash]
    peers: dict[InfoHash, int] = field(default_factory=dict)  # that were answered
    failures: list[TrackerError] = field(default_factory=list)
    longest_gap_s: float = 0.0  # between two answers of a swarm, with failures in between
    longest_wait_s: float = 0.0  # of an announce, whatever became of it
    over: bool = False

    async def announce(self, info_hash: InfoHash) -> None:
        """Announce to one swarm until it is over."""
        answered_at, failed = monotonic(), False
        while not self.over:
            number = self.peers.setdefault(info_hash, 0)
            asked_at = monotonic()
            try:
                await announce(self.swarms, a_plan(ipv4(number), info_hash=info_hash, want=0))
            except TrackerError as error:
                self.failures.append(error)
                failed = True
            else:
                self.peers[info_hash] += 1
                if failed:
                    self.longest_gap_s = max(self.longest_gap_s, monotonic() - answered_at)
                answered_at, failed = monotonic(), False
            self.longest_wait_s = max(self.longest_wait_s, monotonic() - asked_at)
            await asyncio.sleep(PAUSE_S)

    async def all_answered(self) -> None:
        """Return when each swarm has been answered once more."""
        before = dict(self.peers)
        while any(self.peers[each] == before[each] for each in self.hashes):  # noqa: ASYNC110
            await asyncio.sleep(PAUSE_S)

    async def counted(self) -> dict[InfoHash, int]:
        """Leechers that Redis has, by swarm."""
        counts: list[Counts] = await scrape(self.swarms, self.hashes, now_s=NOW)
        return {each: row.leechers for each, row in zip(self.hashes, counts, strict=True)}


@asynccontextmanager
async def load(swarms: RedisSwarms, count: int) -> AsyncIterator[Load]:
    """Announces to `count` swarms for the length of the context, begun well."""
    running = Load(swarms, [info_hash(number) for number in range(count)])
    tasks = [asyncio.create_task(running.announce(each)) for each in running.hashes]
    try:
        await asyncio.sleep(0)
        await running.all_answered()
        yield running
    finally:
        running.over = True
        await asyncio.gather(*tasks)
