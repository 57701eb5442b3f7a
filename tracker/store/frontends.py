"""The registry of frontends: who is alive, and what each tells of itself.

Each frontend gives a sign of life every few seconds: the second at which it counts as dead unless
another sign comes. Who dies without a word is found by that, or sooner by a message that reached
nobody. Clocks of all machines must agree to a few seconds, as the expiries of peers want anyway.
"""

from collections.abc import Callable, Container, Iterator
from typing import NamedTuple, cast

import msgpack

from tracker.model import Facts, FrontendId
from tracker.store.keys import FRONTENDS, facts_key
from tracker.store.pipeline import asked
from tracker.store.resp import command
from tracker.store.topology import Part, Redis

FACTS_KEPT = 2  # times as long as a sign of life: a dead frontend is still told of for a while


class Frontend(NamedTuple):
    """One entry of the registry."""

    id: FrontendId
    expires_at: int  # Unix seconds; in the past: dead, and not yet buried
    facts: Facts | None  # None: another version's, or expired


class Frontends:
    """The registry as one frontend sees it.

    Args:
        redis: where it is.
        me: this frontend.
        dead_after_s: how long a sign of life lasts.
        clock: Unix seconds.
    """

    def __init__(
        self, redis: Redis, me: FrontendId, dead_after_s: float, clock: Callable[[], int]
    ) -> None:
        self.me = me
        self._redis = redis
        self._dead_after_s = round(dead_after_s)
        self._clock = clock
        self._known: dict[FrontendId, int] = {}  # expiry of each, as last seen
        self._lost: dict[FrontendId, int] = {}  # its expiry when a message reached nobody
        self._alive = {me}

    @property
    def alive(self) -> Container[FrontendId]:
        """Those that can be reached now, this one among them."""
        return self._alive

    def __iter__(self) -> Iterator[FrontendId]:
        """The others that can be reached now."""
        return iter([frontend for frontend in self._alive if frontend != self.me])

    def lost(self, frontend: FrontendId) -> None:
        """A message to it reached nobody: it can't be reached until its next sign of life."""
        self._lost[frontend] = self._known.get(frontend, 0)
        self._alive.discard(frontend)

    async def beat(self, facts: Facts) -> None:
        """Give a sign of life, and see who else gave one.

        Raises:
            Unavailable: Redis is away; who was alive is still taken for alive.
        """
        now_s = self._clock()
        ttl_s = self._dead_after_s
        register = command("ZADD", FRONTENDS, now_s + ttl_s, self.me)
        look = command("ZRANGEBYSCORE", FRONTENDS, f"({now_s}", "+inf", "WITHSCORES")
        key = facts_key(self.me)
        tell = command("SET", key, _packed(facts), "EX", FACTS_KEPT * ttl_s)
        parts = [Part(FRONTENDS, register + look, 2), Part(key, tell, 1)]
        _, found, _ = await asked(lambda done: self._redis.submit_all(parts, done))
        self._update(cast(list[bytes], found), now_s)

    async def resign(self) -> None:
        """Leave: nobody shall wait for this frontend's next sign of life.

        Raises:
            Unavailable: Redis is away; it counts as dead after its time.
        """
        key = facts_key(self.me)
        parts = [
            Part(FRONTENDS, command("ZREM", FRONTENDS, self.me), 1),
            Part(key, command("DEL", key), 1),
        ]
        await asked(lambda done: self._redis.submit_all(parts, done))

    def _update(self, found: list[bytes], now_s: int) -> None:
        """Take over what the registry says. Whom it lost (with its data) lives till its time."""
        known = {frontend: at for frontend, at in self._known.items() if at > now_s}
        known.update(_by_id(found))
        self._known = known
        self._lost = {id_: at for id_, at in self._lost.items() if known.get(id_, 0) == at}
        self._alive = {self.me, *(known.keys() - self._lost.keys())}


async def registered(redis: Redis) -> list[Frontend]:
    """All entries, in the order of their ids; the dead that are not buried among them.

    Raises:
        Unavailable: Redis is away.
    """
    (found,) = await redis.ask(FRONTENDS, command("ZRANGE", FRONTENDS, 0, -1, "WITHSCORES"), 1)
    expiries = _by_id(cast(list[bytes], found))
    ids = sorted(expiries)
    keys = [facts_key(frontend) for frontend in ids]
    parts = [Part(key, command("GET", key), 1) for key in keys]
    replies = await asked(lambda done: redis.submit_all(parts, done)) if parts else []
    return [
        Frontend(frontend, expiries[frontend], _unpacked(cast(bytes | None, reply)))
        for frontend, reply in zip(ids, replies, strict=True)
    ]


def _by_id(found: list[bytes]) -> dict[FrontendId, int]:
    """From members and scores by turns."""
    return {id_: int(score) for id_, score in zip(found[::2], found[1::2], strict=True)}


def _packed(facts: Facts) -> bytes:
    return cast(bytes, msgpack.packb(facts._asdict()))


def _unpacked(data: bytes | None) -> Facts | None:
    told = msgpack.unpackb(data) if data else {}
    return Facts(**told) if told.keys() == set(Facts._fields) else None
