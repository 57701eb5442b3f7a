"""The whole cluster counted: swarms, live peers, requests; and that, kept for every frontend.

A swarm that comes, goes, or is seen twice meanwhile is counted a little wrong: the numbers are
for people.
"""

from heapq import nlargest
from operator import attrgetter
from typing import NamedTuple, cast

import msgspec

from tracker.errors import Corrupt
from tracker.model import Family, InfoHash, Snapshot, SwarmSize, Totals
from tracker.policy.rates import activity, total
from tracker.store.fenced import publish
from tracker.store.frontends import registered
from tracker.store.keys import STATISTICS, SWARM_TAG, info_hash_of, swarm_key
from tracker.store.phrases import Tails
from tracker.store.reading import COUNTING
from tracker.store.resp import command
from tracker.store.topology import Part, Redis
from tracker.store.unpack import unpacked
from tracker.store.walk import walk

SNAPSHOT = "snapshot"  # the field that holds it, in MessagePack
SWARMS = b"[46w]{:*"
COUNTED = [field for field in Totals._fields if field != "counted_at"]
LEAST_KEPT = 1000  # candidates for the largest swarms, sorted out when there are twice as many


class Size(NamedTuple):
    """Live peers of one family of a swarm."""

    seeders: int
    leechers: int


class Census:
    """Counts over one Redis. Each method raises Unavailable when that is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def take(self, now_s: int, top: int) -> Snapshot:
        """Count who is live at `now_s`. Takes some seconds for 100,000 swarms of a primary.

        Args:
            now_s: Unix seconds.
            top: how many of the largest swarms to name.
        """
        before = await self.published()
        known = {} if before is None else before.activity
        alive = [each for each in await registered(self._redis) if each.expires_at > now_s]
        active = {each.id: activity(each.facts, known.get(each.id)) for each in alive if each.facts}
        count = _Count(self._redis, now_s, top)
        await walk(self._redis, SWARMS, count.add)
        return Snapshot(
            totals=Totals(counted_at=now_s, **count.sums),
            frontends=len(alive),
            rates=total(active.values()),
            activity=active,
            top=count.largest(),
        )

    async def publish(self, snapshot: Snapshot, *, token: int, ttl_s: int) -> None:
        """Keep `snapshot` for `ttl_s` seconds, in place of earlier ones.

        Raises:
            Superseded: a worker with a newer token published already.
        """
        fields = {SNAPSHOT: msgspec.msgpack.encode(snapshot)}
        await publish(self._redis, STATISTICS, fields, token=token, ttl_s=ttl_s)

    async def published(self) -> Snapshot | None:
        """Return the last published totals; None if they expired or are damaged."""
        try:
            (reply,) = await self._redis.ask(STATISTICS, command("HGET", STATISTICS, SNAPSHOT), 1)
        except Corrupt:
            return None
        data = cast(bytes | None, reply)
        if data is None:
            return None
        try:
            return unpacked(data, Snapshot)
        except ValueError as error:
            self._redis.damage.found(STATISTICS, error)
            return None


class _Count:
    """One counting, as far as it has come."""

    def __init__(self, redis: Redis, now_s: int, top: int) -> None:
        self.sums = dict.fromkeys(COUNTED, 0)  # by field of `Totals`
        self._redis = redis
        self._tails = Tails(now_s, 0)
        self._top = top
        self._candidates: dict[tuple[InfoHash, bool], SwarmSize] = {}

    async def add(self, keys: list[bytes]) -> None:
        """Add what lives under `keys`; a swarm of both IP families counts with its IPv4 key."""
        hashes = [[info_hash_of(key) for key in keys if key.startswith(tag)] for tag in SWARM_TAG]
        live = [await self._live(family, hashes[family]) for family in Family]
        ipv4, ipv6, browsers = live
        of_both = await self._live(Family.IPV4, list(ipv6))
        self.sums["swarms"] += len(ipv4) + len(ipv6) - len(of_both)
        self.sums["browser_swarms"] += len(browsers)
        for name, swarms in zip(("ipv4", "ipv6", "browser"), live, strict=True):
            self.sums[f"{name}_seeders"] += sum(size.seeders for size in swarms.values())
            self.sums[f"{name}_leechers"] += sum(size.leechers for size in swarms.values())
        whole = {hash_: _joined(size, of_both.get(hash_)) for hash_, size in ipv6.items()}
        self._rank(ipv4 | whole, browsers=False)
        self._rank(browsers, browsers=True)

    def largest(self) -> list[SwarmSize]:
        """The largest swarms so far, the largest first."""
        return nlargest(self._top, self._candidates.values(), key=attrgetter("peers"))

    async def _live(self, family: Family, info_hashes: list[InfoHash]) -> dict[InfoHash, Size]:
        """The sizes of those swarms that have anyone."""
        if not info_hashes:
            return {}
        keys = [swarm_key(family, info_hash) for info_hash in info_hashes]
        parts = [
            Part(key, b"".join(COUNTING.commands(key, self._tails)), COUNTING.replies)
            for key in keys
        ]
        sizes = {
            info_hash: Size(*cast(list[int], replies))
            for info_hash, replies in zip(
                info_hashes, await self._redis.ask_each(parts), strict=True
            )
            if not isinstance(replies, Corrupt)
        }
        return {info_hash: size for info_hash, size in sizes.items() if any(size)}

    def _rank(self, swarms: dict[InfoHash, Size], *, browsers: bool) -> None:
        """Let `swarms` compete. One of both IP families is whole only when seen by its IPv6 key."""
        if not self._top:
            return
        for info_hash, size in swarms.items():
            found = SwarmSize(info_hash, browsers, *size)
            other = self._candidates.get((info_hash, browsers))
            if other is None or other.peers < found.peers:
                self._candidates[info_hash, browsers] = found
        if len(self._candidates) > 2 * max(self._top, LEAST_KEPT):
            self._candidates = {(each.info_hash, each.browsers): each for each in self.largest()}


def _joined(one: Size, other: Size | None) -> Size:
    """Both families of a swarm."""
    return one if other is None else Size(*map(sum, zip(one, other, strict=True)))
