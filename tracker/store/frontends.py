"""The registry of frontends: which are alive, and the facts that each publishes about itself.

Each frontend gives a sign of life every few seconds: the second at which it counts as dead unless
another sign follows, by Redis's clock. A frontend that dies silently is found by that, or sooner by
a message that reached no subscriber.
"""

import math
from collections.abc import Container, Iterable, Iterator
from typing import Final, NamedTuple, cast

import msgpack
import msgspec

from tracker.errors import Corrupt
from tracker.model import FRONTEND_ID_SIZE, Facts, FrontendId
from tracker.store.damage import Damage
from tracker.store.keys import FRONTENDS, facts_key
from tracker.store.link import Reply
from tracker.store.redis_time import Now
from tracker.store.resp import command
from tracker.store.scripts import Script
from tracker.store.topology import Part, Redis
from tracker.store.unpack import unpacked
from tracker.text import printable

SCORES: Final = ("WITHSCORES",)
MOST: Final = 10_000  # entries of the registry that are read
MOST_HEARD: Final = 64  # frontends that become known by messages, between two signs of life
REREAD_BEATS: Final = 12
MOST_FACTS: Final = 65_536  # bytes
LONGEST_HOST: Final = 64
LONGEST_NAME: Final = 32  # of a version or a protocol
MOST_PROTOCOLS: Final = 8
LATEST_S: Final = 2**40  # a time beyond this is none

FACTS_KEPT = 2  # times as long as a sign of life: a dead frontend is still shown for a while

_beat, _put = Script("beat"), Script("put")

_Told = msgspec.defstruct(
    "_Told", list(Facts.__annotations__.items()), forbid_unknown_fields=True
)  # how facts are packed: a map


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
        now: the time of Redis.
    """

    def __init__(self, redis: Redis, me: FrontendId, dead_after_s: float, now: Now) -> None:
        self.me = me
        self._redis = redis
        self._dead_after_s = round(dead_after_s)
        self._now = now
        self._seen_at_s = 0  # when a sign of life last succeeded
        self._known: dict[FrontendId, int] = {}  # expiry of each, as last seen
        # Expiry of each when it was found dead: its sign of life is overdue, or no one received a
        # message to it. 0: its sign of life was never seen.
        self._dead: dict[FrontendId, int] = {}
        self._alive = {me}
        self._heard: set[FrontendId] = set()  # since the last sign of life
        # The protocols of registered frontends, this one among them. They are read once in
        # `REREAD_BEATS`: one that drains serves none.
        self._protocols: dict[FrontendId, frozenset[str] | None] = {}  # None: could not be read
        self._beats = 0

    @property
    def dead(self) -> Container[FrontendId]:
        """Those that cannot be reached. One that is in neither `dead` nor `self` is worth a try."""
        return self._dead

    def __iter__(self) -> Iterator[FrontendId]:
        """The others that are known to be alive."""
        return iter([frontend for frontend in self._alive if frontend != self.me])

    @property
    def sharing(self) -> int:
        """How many live frontends serve any of this one's protocols, this one among them.

        A client that uses one protocol reaches no others. A registered frontend whose facts could
        not be read is counted; one that was only heard is not.
        """
        own = self._protocols.get(self.me) or frozenset()
        served = [self._protocols[frontend] for frontend in self if frontend in self._protocols]
        return 1 + sum(names is None or not own.isdisjoint(names) for names in served)

    def lost(self, frontend: FrontendId) -> None:
        """A message to it reached nobody: it can't be reached until its next sign of life."""
        self._bury(frontend, self._known.get(frontend, 0))
        self._alive.discard(frontend)

    def heard(self, frontend: FrontendId) -> None:
        """A message from it arrived: it can be reached, even if no sign of life was seen yet.

        A frontend sends one to all others before it is ready, see `beat`.
        """
        if frontend not in self._known and frontend != self.me and len(self._heard) < MOST_HEARD:
            self._heard.add(frontend)
            self._known[frontend] = self._seen_at_s + self._dead_after_s
            self._dead.pop(frontend, None)
            self._alive.add(frontend)

    async def beat(self, facts: Facts) -> list[FrontendId]:
        """Give a sign of life, and learn which other frontends gave one, and their protocols.

        Returns:
            The frontends that this one did not know. A message to each makes this one known there
            too, before their next sign of life.

        Raises:
            Unavailable: Redis is unreachable; frontends that were alive still count as alive.
        """
        now_s = await self._now()
        ttl_s = self._dead_after_s
        beat = _beat.call(FRONTENDS, args=(self.me, now_s + ttl_s, now_s, MOST))
        key = facts_key(self.me)
        publish = _put.call(key, args=(_packed(facts), FACTS_KEPT * ttl_s))
        parts = [Part(FRONTENDS, beat, 1), Part(key, publish, 1)]
        found, _ = await self._redis.ask_all(parts)
        expiries = _by_id(cast(list[bytes], found), self._redis.damage)
        self._protocols[self.me] = frozenset(facts.ports)
        await self._learn_protocols(expiries)
        new = [id_ for id_ in expiries if id_ not in self._known and id_ != self.me]
        self._update(expiries, now_s)
        return new

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
        await self._redis.ask_all(parts)

    async def _learn_protocols(self, registered: Iterable[FrontendId]) -> None:
        """Read the protocols of frontends for which they are not known yet; forget the dead."""
        living = {self.me, *registered, *self._known}
        served = {id_: names for id_, names in self._protocols.items() if id_ in living}
        if self._beats % REREAD_BEATS == 0:
            served = {self.me: served[self.me]}
        self._beats += 1
        unknown = [id_ for id_ in registered if served.get(id_) is None]
        for id_, facts in zip(unknown, await _read_facts(self._redis, unknown), strict=True):
            served[id_] = None if facts is None else frozenset(facts.ports)
        self._protocols = served

    def _update(self, expiries: dict[FrontendId, int], now_s: int) -> None:
        """Merge the registry's entries.

        A frontend that is missing (Redis lost its data) stays alive until its own expiry. If this
        frontend could give no sign of life for a while, the others could not either, probably, so
        the known ones get the time to give theirs.
        """
        late = now_s - self._seen_at_s > self._dead_after_s
        least = now_s + self._dead_after_s if late else 0
        self._seen_at_s = now_s
        for id_ in self._heard.difference(expiries):  # it registers before it greets
            self._known.pop(id_, None)
        self._heard.clear()
        known = {id_: max(at, least) for id_, at in self._known.items()} | expiries
        self._known = {id_: at for id_, at in known.items() if at > now_s}
        for id_ in known.keys() - self._known.keys():
            self._bury(id_, known[id_])
        self._dead = {id_: at for id_, at in self._dead.items() if known.get(id_, 0) <= at}
        self._alive = {self.me, *(self._known.keys() - self._dead.keys())}

    def _bury(self, frontend: FrontendId, expires_at: int) -> None:
        """Note that a frontend is dead; the oldest of too many is forgotten, and tried again."""
        if len(self._dead) >= MOST and frontend not in self._dead:
            del self._dead[next(iter(self._dead))]
        self._dead[frontend] = expires_at


async def registered(redis: Redis) -> list[Frontend]:
    """All entries, in the order of their ids; the dead that are not buried among them.

    What cannot be read is left out, and reported as damage.

    Raises:
        Unavailable: Redis is away.
    """
    try:
        (found,) = await redis.ask(FRONTENDS, command("ZRANGE", FRONTENDS, 0, MOST - 1, *SCORES), 1)
    except Corrupt:
        return []
    expiries = _by_id(cast(list[bytes], found), redis.damage)
    ids = sorted(expiries)
    return [
        Frontend(frontend, expiries[frontend], facts)
        for frontend, facts in zip(ids, await _read_facts(redis, ids), strict=True)
    ]


async def _read_facts(redis: Redis, frontends: Iterable[FrontendId]) -> list[Facts | None]:
    """Return the facts of each frontend; None: expired, damaged, or of another version.

    Raises:
        Unavailable: Redis is unreachable.
    """
    keys = [facts_key(frontend) for frontend in frontends]
    looks = [Part(key, command("GETRANGE", key, 0, MOST_FACTS), 1) for key in keys]
    replies = await redis.ask_each(looks)
    return [_facts(key, reply, redis.damage) for key, reply in zip(keys, replies, strict=True)]


def _by_id(found: list[bytes], damage: Damage) -> dict[FrontendId, int]:
    """From members and scores by turns, without those that no frontend wrote."""
    expiries = {}
    for id_, score in zip(found[::2], found[1::2], strict=True):
        second = _number(score)
        if len(id_) != FRONTEND_ID_SIZE:
            damage.found(FRONTENDS, f"member {id_[:20].hex()} is no frontend's id")
        elif not 0 <= second <= LATEST_S:
            damage.found(FRONTENDS, f"score {second} of member {id_.hex()} is no time")
        else:
            expiries[id_] = int(second)
    return expiries


def _number(score: bytes) -> float:
    try:
        return float(score)
    except (TypeError, ValueError):
        return math.nan


def _packed(facts: Facts) -> bytes:
    return cast(bytes, msgpack.packb(facts._asdict()))


def _facts(key: bytes, reply: list[Reply] | Corrupt, damage: Damage) -> Facts | None:
    if isinstance(reply, Corrupt):
        return None
    data = cast(bytes, reply[0])
    if not data:
        return None  # expired, or never written
    try:
        told = unpacked(data, _Told)
    except ValueError as error:
        damage.found(key, f"no facts: {error}")
        return None
    return None if told is None else _shown(Facts(*msgspec.structs.astuple(told)))


def _shown(facts: Facts) -> Facts:
    """Fit for a terminal: any text may have been written by anybody."""
    return facts._replace(
        version=printable(facts.version, LONGEST_NAME),
        host=printable(facts.host, LONGEST_HOST),
        ports=_named(facts.ports),
        requests=_named(facts.requests),
    )


def _named(numbers: dict[str, int]) -> dict[str, int]:
    few = list(numbers.items())[:MOST_PROTOCOLS]
    return {printable(name, LONGEST_NAME): number for name, number in few}
