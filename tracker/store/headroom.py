"""Watches the memory of each primary, so that new peers never fill it.

A frontend asks every primary for its memory once a second, and learns at once when one refuses a
write. `tracker.policy.headroom` decides what announces may do then.
"""

import asyncio
from collections.abc import Mapping
from typing import cast

import structlog
from msgspec.structs import replace

from tracker.errors import Corrupt, Unavailable
from tracker.metrics import Metrics
from tracker.policy.headroom import AMPLE, EXHAUSTED, WARNINGS, Room, room, within
from tracker.service.ports import Plan
from tracker.store.link import Reply
from tracker.store.pipeline import Pipeline
from tracker.store.resp import command
from tracker.store.topology import Redis

log = structlog.get_logger()

PERIOD_S = 1.0  # a flood of 20 MB/s fills 2 % of a 1 GiB server between two looks
ASK = command("INFO", "memory")
UNLIMITED = "unlimited"  # reported in place of a policy, which is of no use without maxmemory


class Headroom:
    """A `workers.runner.Job` of each frontend: knows the primaries that have no room for new peers.

    Args:
        redis: whose primaries are watched.
        limit: share of a server's maxmemory above which no new swarms are created.
        metrics: count the announces that could not enter.

    Attributes:
        scarce: whether any primary lacks room.
    """

    name = "headroom"
    period_s = PERIOD_S
    limit_s = 10.0

    def __init__(self, redis: Redis, limit: float, metrics: Metrics) -> None:
        self._redis = redis
        self._limit = limit
        self._refused = metrics.refused
        self._rooms: dict[Pipeline, Room] = {}  # of those that lack room
        self._policies: dict[Pipeline, str] = {}  # as last logged
        self.scarce = False

    @property
    def exhausted(self) -> bool:
        """Whether some primary refuses every write."""
        return EXHAUSTED in self._rooms.values()

    def warnings(self) -> list[str]:
        """Return what an operator should know of the primaries' memory."""
        warnings = []
        if UNLIMITED in self._policies.values():
            warnings.append("redis has no maxmemory: a flood of peers fills its machine")
        if self._rooms:
            warnings.append(WARNINGS[max(self._rooms.values())])
        return warnings

    def within(self, plan: Plan, key: bytes) -> Plan:
        """Return what is left of `plan` for a swarm at `key`.

        Raises:
            Unavailable: no primary has `key`.
        """
        room = self._rooms.get(self._redis.primary(key), AMPLE)
        if plan.leaving or not room:
            return plan
        entry = within(room, plan.entry)
        if entry is not plan.entry:
            self._refused["entries", "redis"] += 1
        return replace(plan, entry=entry)

    def refused(self, key: bytes) -> None:
        """Note that the primary of `key` refused a write, until the next look."""
        self._set({**self._rooms, self._redis.primary(key): EXHAUSTED})

    async def run_once(self) -> Mapping[str, int]:
        """Look at all primaries. One that does not answer counts as having room."""
        primaries = self._redis.primaries()
        rooms = dict(zip(primaries, await asyncio.gather(*map(self._look, primaries)), strict=True))
        self._set({primary: room for primary, room in rooms.items() if room})
        return {"scarce": len(self._rooms)}

    async def _look(self, primary: Pipeline) -> Room:
        try:
            (reply,) = await primary.ask(ASK, 1)
        except Unavailable:  # the connection reports it
            return AMPLE
        used, most, policy = parse_memory(reply)
        self._check(primary, policy if most else UNLIMITED)
        evicts = policy != "noeviction"
        before = self._rooms.get(primary, AMPLE)
        return room(used, most, self._limit, before, evicts=evicts)

    def _check(self, primary: Pipeline, policy: str) -> None:
        """Log, once, a server that would evict keys of the cluster, refuse writes, or swap."""
        if self._policies.get(primary) != policy:
            self._policies = {**self._policies, primary: policy}
            if not policy.startswith("volatile-"):
                log.warning("redis.eviction", address=str(primary.address), policy=policy)

    def _set(self, rooms: dict[Pipeline, Room]) -> None:
        for primary in rooms.keys() | self._rooms.keys():
            now, before = rooms.get(primary, AMPLE), self._rooms.get(primary, AMPLE)
            if now is not before:
                tell = log.warning if now else log.info
                tell("redis.room", address=str(primary.address), room=now.name.lower())
        self._rooms = rooms
        self.scarce = bool(rooms)


def parse_memory(reply: Reply) -> tuple[int, int, str]:
    """Return the bytes used, the most that may be, and the policy, from a reply to `ASK`.

    Raises:
        Corrupt: the reply is not what Redis says.
    """
    try:
        lines = cast(bytes, reply).decode().splitlines()
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        return int(fields["used_memory"]), int(fields["maxmemory"]), fields["maxmemory_policy"]
    except (AttributeError, KeyError, ValueError) as error:
        raise Corrupt("INFO memory", f"odd reply: {error!r}") from error
