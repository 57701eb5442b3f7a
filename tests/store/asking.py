"""The store's calls, awaited, and plans made short: for tests, which have time for a future."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from structlog.typing import EventDict

from tracker.errors import TrackerError, Unavailable
from tracker.metrics import Metrics
from tracker.model import Counts, Family, InfoHash, PeerId
from tracker.policy.crowds import ENTER, Entry
from tracker.service.ports import Member, Plan, View
from tracker.settings import RedisSettings
from tracker.store.address import Address
from tracker.store.connect import connect
from tracker.store.headroom import Headroom
from tracker.store.link import Done, Link, Reply
from tracker.store.pipeline import Pipeline
from tracker.store.redis_time import Now
from tracker.store.resp import command
from tracker.store.swarms import RedisSwarms
from tracker.store.topology import Part, Redis

NOW = 1_800_000_000
TTL_S = 2700
HASH = bytes(range(100, 120))

SETTINGS = RedisSettings(timeout=2.0, reconnect_max=0.1)

FAMILY_OF_SIZE = {6: Family.IPV4, 18: Family.IPV6, 28: Family.BROWSER}

T = TypeVar("T")


async def answer(ask: Callable[[Callable[[T | TrackerError], None]], None]) -> T:
    """What `ask` gives to its callback; an error is raised."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def done(result: T | TrackerError) -> None:
        if isinstance(result, TrackerError):
            future.set_exception(result)
        else:
            future.set_result(result)

    ask(done)
    return await future


async def replies_to(asked: Redis | Pipeline | Link, *words: bytes | str | int) -> list[Reply]:
    """The reply to one command, in a list; its second word is taken for its key."""
    key = words[1] if len(words) > 1 else b""
    name = key if isinstance(key, bytes) else str(key).encode()
    return await replies_of(asked, command(*words), 1, name)


async def replies_of(
    asked: Redis | Pipeline | Link, commands: bytes, count: int, key: bytes = b""
) -> list[Reply]:
    """The replies to some commands in one request."""
    if isinstance(asked, Link):
        return await answer(lambda done: asked.send(commands, count, done))
    if isinstance(asked, Pipeline):
        return await asked.ask(commands, count)
    return await asked.ask(key, commands, count)


async def announce(swarms: RedisSwarms, plan: Plan, now_s: int = NOW) -> View:
    """The view of one announce."""
    return await answer(lambda done: swarms.announce(plan, now_s, done))


async def announce_all(swarms: RedisSwarms, plans: Sequence[Plan], now_s: int = NOW) -> list[View]:
    """The views of announces that are asked in one turn of the loop."""
    return await asyncio.gather(*(announce(swarms, plan, now_s) for plan in plans))


async def find(
    swarms: RedisSwarms, members: Sequence[Member], *, info_hash: InfoHash = HASH, now_s: int = NOW
) -> list[Member]:
    """Which of some browsers are in a swarm."""
    return await answer(lambda done: swarms.find(info_hash, members, now_s, done))


async def scrape(
    swarms: RedisSwarms,
    info_hashes: Sequence[InfoHash] = (HASH,),
    family: Family = Family.IPV4,
    now_s: int = NOW,
) -> list[Counts]:
    """The counts of some swarms."""
    return await answer(lambda done: swarms.scrape(info_hashes, family, now_s, done))


def ipv4(number: int) -> Member:
    """An endpoint of its own for each number."""
    return (0x05000000 + number).to_bytes(4, "big") + b"\x1a\xe1"


def ipv6(number: int) -> Member:
    """An endpoint of its own for each number, of a global address."""
    return b"\x20\x01\x0d\xb8" + number.to_bytes(12, "big") + b"\x1a\xe1"


def browser(number: int) -> Member:
    """A browser of its own for each number, all of one frontend."""
    return number.to_bytes(20, "big") + b"frontend"


MEMBERS = (ipv4, ipv6, browser)


def a_plan(  # noqa: PLR0913 - as many as a plan has
    member: Member,
    *,
    info_hash: InfoHash = HASH,
    peer_id: PeerId = b"-TR3000-peerpeerpeer",
    seeding: bool = False,
    leaving: bool = False,
    completed: bool = False,
    want: int = 50,
    full: bool = True,
    entry: Entry = ENTER,
) -> Plan:
    """The plan of a member, whose size tells its family."""
    family = FAMILY_OF_SIZE[len(member)]
    return Plan(info_hash, peer_id, family, member, seeding, leaving, completed, want, full, entry)


def at(second: int) -> Now:
    """A clock of Redis that stands still."""

    async def now() -> int:
        return second

    return now


class WatchedRedis(Redis):
    """Any Redis, that notes what goes through to it, and can be told to break.

    Attributes:
        round_trips: how often it was asked.
        longest: members in the longest reply.
        members: in all replies.
        before: called with the number of each round trip before it is made; may raise.
    """

    round_trips = 0
    longest = 0
    members = 0
    before: Callable[[int], None] | None = None

    def __init__(self, redis: Redis) -> None:
        super().__init__(Metrics())
        self.damage = redis.damage
        self._redis = redis
        redis.on_change(self._changed)

    @property
    def up(self) -> bool:
        """As of what is watched; so are all that follow."""
        return self._redis.up

    @property
    def trouble(self) -> str:
        """Why it is not up."""
        return self._redis.trouble

    @property
    def in_flight(self) -> int:
        """How many requests wait for replies."""
        return self._redis.in_flight

    def primary(self, key: bytes) -> Pipeline:
        """Who has `key` now."""
        return self._redis.primary(key)

    def primaries(self) -> Sequence[Pipeline]:
        """All of them."""
        return self._redis.primaries()

    def one_key_each(self, keys: Iterable[bytes]) -> Sequence[bytes]:
        """The first of endless `keys` that each primary has."""
        return self._redis.one_key_each(keys)

    def submit(self, key: bytes, commands: bytes, count: int, done: Done) -> None:
        """Noted."""
        self._redis.submit(key, commands, count, self._noted(done))

    def submit_all(self, parts: Sequence[Part], done: Done) -> None:
        """Noted, as one round trip."""
        self._redis.submit_all(parts, self._noted(done))

    async def start(self) -> None:
        """Begin to connect."""
        await self._redis.start()

    async def wait_up(self) -> None:
        """Return once all are connected."""
        await self._redis.wait_up()

    async def close(self) -> None:
        """Close."""
        await self._redis.close()

    def _noted(self, done: Done) -> Done:
        self.round_trips += 1
        if self.before:
            self.before(self.round_trips)

        def noted(result: list[Reply] | Unavailable) -> None:
            if not isinstance(result, Unavailable):
                sizes = [len(reply) for reply in result if isinstance(reply, list)]
                self.longest = max([self.longest, *sizes])
                self.members += sum(sizes)
            done(result)

        return noted

    def forget(self) -> None:
        """Begin to note anew."""
        self.round_trips = self.longest = self.members = 0


async def until(condition: Callable[[], bool]) -> None:
    """Return once it is so: for what tells nobody. The test's time limit is the bound."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


def events(logs: Sequence[EventDict]) -> list[str]:
    """The names of what was logged."""
    return [entry["event"] for entry in logs]


@asynccontextmanager
async def connected(
    url: str, settings: RedisSettings = SETTINGS, metrics: Metrics | None = None
) -> AsyncIterator[WatchedRedis]:
    """A Redis whose connection stands."""
    redis = WatchedRedis(connect(url, settings, metrics or Metrics()))
    await redis.start()
    try:
        await redis.wait_up()
        yield redis
    finally:
        await redis.close()


@asynccontextmanager
async def piped(
    url: str, settings: RedisSettings = SETTINGS, metrics: Metrics | None = None
) -> AsyncIterator[Pipeline]:
    """A pipeline to one server, connected."""
    pipeline = Pipeline(Address(url), settings, metrics or Metrics())
    pipeline.start()
    try:
        await pipeline.wait_up()
        yield pipeline
    finally:
        await pipeline.close()


def swarms_on(redis: Redis) -> RedisSwarms:
    """The store of a process that has seen no swarm yet."""
    return RedisSwarms(redis, Headroom(redis, 0.9, Metrics()), ttl_s=TTL_S)
