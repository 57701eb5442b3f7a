"""Frontends reduced to what the relay needs: a Redis connection, the registry, and sockets."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import count

from tests.recorder import HOME, Recorder
from tests.redis_servers import RedisServer
from tests.store.asking import SETTINGS, connected
from tracker.errors import TrackerError
from tracker.frontends.sessions import Sessions
from tracker.metrics import Metrics
from tracker.model import Facts, FrontendId, InfoHash, Offer, PeerId, Signal, SignalKind
from tracker.settings import RedisSettings, WsSettings
from tracker.store.frontends import Frontends
from tracker.store.redis_time import redis_time
from tracker.store.relay import RedisRelay
from tracker.store.topology import Redis
from tracker.wire.relay import address_digest

HASH, OTHER = b"h" * 20, b"o" * 20
ANNE, BERT, CARL = b"a" * 20, b"b" * 20, b"c" * 20
A, B, C = b"frontenA", b"frontenB", b"frontenC"
GONE = 2**40  # the number of no socket
AWAY = bytes((10, 0, 0, 2))  # another address than `HOME`
MAX_BYTES = 16_777_216
MAX_TEXT = 600_000
CLOCK_US = count(1)  # of all parties: it moves on whenever it is looked at

FACTS = Facts("1", "here", 1, 0, 0.0, {}, {}, 0, 0, None)


class Entries:
    """The swarms, as far as the relay knows them.

    Attributes:
        gone: the members that the relay had removed.
        places: the frontends on which a browser is said to be.
        asked: how often that was asked.
    """

    def __init__(self) -> None:
        self.gone: list[tuple[InfoHash, PeerId]] = []
        self.places: dict[PeerId, list[FrontendId]] = {}
        self.asked = 0

    def leave(self, info_hash: InfoHash, peer_id: PeerId) -> None:
        """Note it."""
        self.gone.append((info_hash, peer_id))

    def find(
        self,
        info_hash: InfoHash,
        peer_id: PeerId,
        done: Callable[[list[FrontendId] | TrackerError], None],
    ) -> None:
        """Look it up in `places`."""
        self.asked += 1
        done(self.places.get(peer_id, []))


class Party:
    """One frontend."""

    def __init__(self, redis: Redis, me: FrontendId, settings: RedisSettings, most: int) -> None:
        self.me, self.redis = me, redis
        self.metrics = Metrics()
        self.frontends = Frontends(redis, me, 15, partial(redis_time, redis))
        settings_ws = WsSettings(max_pending=100, offers_burst=100_000)  # a source gets a quarter
        self.sessions = Sessions(settings_ws, self.metrics, clock_us=lambda: next(CLOCK_US))
        self.entries = Entries()
        self.gone = self.entries.gone
        self.relay = RedisRelay(
            redis,
            settings,
            self.frontends,
            self.sessions,
            self.entries,
            self.metrics,
            most,
            MAX_TEXT,
        )
        self.relayed = self.metrics.relayed

    def socket(self, peer_id: PeerId | None = None, address: bytes = HOME) -> Recorder:
        """A browser's socket, in the swarm `HASH` if it has a peer_id."""
        socket = Recorder(address)
        self.sessions.open(socket)
        if peer_id is not None:
            self.join(socket, HASH, peer_id)
        return socket

    def join(self, socket: Recorder, info_hash: InfoHash, peer_id: PeerId) -> None:
        """Let a browser enter a swarm."""
        self.sessions.join(socket, info_hash, peer_id)
        self.relay.joined(info_hash, peer_id, socket.number, socket.account.key)


@asynccontextmanager
async def party(
    url: str, me: FrontendId, settings: RedisSettings = SETTINGS, most: int = MAX_BYTES
) -> AsyncIterator[Party]:
    """A frontend that listens, and has given a sign of life."""
    async with connected(url, settings) as redis:
        party = Party(redis, me, settings, most)
        party.relay.start()
        try:
            await party.relay.wait_up()
            await party.frontends.beat(FACTS)
            yield party
        finally:
            await party.relay.close()


async def acquaint(*parties: Party) -> None:
    """Let all know of each other."""
    for each in parties:
        await each.frontends.beat(FACTS)


def an_offer(
    sender: Party, to: PeerId, number: int = 1, text: bytes = b'"v=0"', session: int = 0
) -> Offer:
    """Anne's."""
    address = address_digest(HOME)
    return Offer(HASH, ANNE, to, b"%020d" % number, text, sender.me, session, address)


def an_answer(to: int, number: int = 1, text: bytes = b'"v=0"', address: bytes = HOME) -> Signal:
    """Bert's, to the socket of that number, which Anne offered from."""
    digest = address_digest(address)
    return Signal(SignalKind.ANSWER, HASH, BERT, ANNE, b"%020d" % number, text, to, digest)


def never() -> None:
    """What becomes of an offer that must not be in vain."""
    raise AssertionError("in vain")


def listeners(redis_server: RedisServer) -> int:
    """How many frontends listen, as Redis sees it."""
    with redis_server.client() as client:
        return len(client.client_list(_type="pubsub"))
