"""Frontends reduced to what the relay needs: a Redis connection, the registry, and sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count

from tests.recorder import HOME, Recorder
from tests.store.asking import SETTINGS, connected
from tracker.frontends.sessions import Sessions
from tracker.metrics import Metrics
from tracker.model import Facts, FrontendId, InfoHash, Offer, PeerId
from tracker.settings import RedisSettings, WsSettings
from tracker.store.frontends import Frontends
from tracker.store.redis_time import redis_time
from tracker.store.relay import RedisRelay
from tracker.store.topology import Redis

HASH, OTHER = b"h" * 20, b"o" * 20
ANNE, BERT, CARL = b"a" * 20, b"b" * 20, b"c" * 20
A, B, C = b"frontenA", b"frontenB", b"frontenC"
MAX_BYTES = 16_777_216
MAX_TEXT = 600_000
CLOCK_US = count(1)  # of all parties: it moves on whenever it is looked at

FACTS = Facts("1", "here", 1, 0, 0.0, {}, {}, 0, 0, None)


class Party:
    """One frontend.

    Attributes:
        gone: the members that the relay had removed from swarms.
    """

    def __init__(self, redis: Redis, me: FrontendId, settings: RedisSettings, most: int) -> None:
        self.me, self.redis = me, redis
        self.metrics = Metrics()
        self.frontends = Frontends(redis, me, 15, partial(redis_time, redis))
        settings_ws = WsSettings(max_pending=100, offers_burst=100_000)  # a source gets a quarter
        self.sessions = Sessions(settings_ws, self.metrics, clock_us=lambda: next(CLOCK_US))
        self.gone: list[tuple[InfoHash, PeerId]] = []
        self.relay = RedisRelay(
            redis,
            settings,
            self.frontends,
            self.sessions,
            lambda info_hash, peer_id: self.gone.append((info_hash, peer_id)),
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
    sender: Party, to: PeerId, number: int = 1, text: bytes = b"{}", session: int = 0
) -> Offer:
    """Anne's."""
    return Offer(HASH, ANNE, to, b'"%d"' % number, text, sender.me, session)


def never() -> None:
    """What becomes of an offer that must not be in vain."""
    raise AssertionError("in vain")
