"""One announce after another of HTTP and UDP peers: asked, checked, and written down."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.cluster.balancer import Balancer
from tests.cluster.http_asking import Connection, Gone, Reply
from tests.cluster.population import Peer
from tests.cluster.records import SILENCE, Outcome, Protocol
from tests.cluster.server import Server
from tests.cluster.udp_asking import Refused, UdpClient
from tracker.errors import Malformed
from tracker.model import Endpoint
from tracker.wire import http_client

NUMWANT = 10
KEPT = 16  # idle connections to each frontend

EXPECTED = (OSError, EOFError, TimeoutError, Malformed, Refused)  # of a request that fails


class Answer(NamedTuple):
    """A good one, of any protocol."""

    interval_s: int
    seeders: int
    leechers: int
    peers: Sequence[Endpoint]


class Announces:
    """The peers' side.

    Args:
        balancer: chooses the frontend of each request.
        patience_s: after which an answer counts as failed.
        reconnects: a request on a connection that is closed before the first byte of an answer is
            sent again on a new one, as HTTP clients may do: it is idempotent (RFC 9110, section
            9.2.2; RFC 9112, section 9.3.1).
        outcome: takes what became of each announce.
    """

    def __init__(
        self,
        balancer: Balancer,
        patience_s: float,
        reconnects: bool,
        outcome: Callable[[Outcome], None],
    ) -> None:
        self._balancer = balancer
        self._patience_s = patience_s
        self._reconnects = reconnects
        self._outcome = outcome
        self._kept: dict[str, list[Connection]] = {}

    async def http(self, peer: Peer) -> None:
        """Announce on a connection of its own."""
        outcome = _Writing("http", peer, self._balancer.pick())
        try:
            async with asyncio.timeout(self._patience_s):
                try:
                    reply = await self._alone(outcome.frontend, peer)
                except Gone:
                    if not self._reconnects:
                        raise
                    reply = await self._alone(outcome.frontend, peer)
            outcome.good(_read(reply))
        except EXPECTED as error:
            outcome.bad(error)
        self._outcome(outcome.record())

    async def kept(self, peer: Peer) -> None:
        """Announce on a connection that was used before, if there is one to spare."""
        outcome = _Writing("kept", peer, self._balancer.pick())
        idle = self._kept.setdefault(outcome.frontend.name, [])
        try:
            async with asyncio.timeout(self._patience_s):
                reply = await self._again(idle, peer) if idle else None
                if reply is None:
                    fresh = await Connection.open(outcome.frontend.address("http"))
                    reply = await self._ask(fresh, idle, peer)
            outcome.good(_read(reply))
        except EXPECTED as error:
            outcome.bad(error)
        self._outcome(outcome.record())

    async def udp(self, client: UdpClient, peer: Peer) -> None:
        """Announce with a connection id that perhaps another frontend gave."""
        outcome = _Writing("udp", peer, self._balancer.pick())
        try:
            async with asyncio.timeout(self._patience_s):
                proof = client.proof()
                if proof is None:
                    proof = await client.connect(outcome.frontend)
                    outcome = _Writing("udp", peer, self._balancer.pick())
                reply = await client.announce(outcome.frontend, proof, peer, NUMWANT)
            outcome.good(Answer(reply.interval_s, reply.seeders, reply.leechers, reply.peers))
        except EXPECTED as error:
            outcome.bad(error)
        self._outcome(outcome.record())

    def part(self) -> None:
        """Close the kept connections to frontends that should get no more requests."""
        for name, idle in self._kept.items():
            if not self._balancer.good(name):
                _close(idle)

    def close(self) -> None:
        """Close all kept connections."""
        for idle in self._kept.values():
            _close(idle)

    async def _alone(self, frontend: Server, peer: Peer) -> Reply:
        connection = await Connection.open(frontend.address("http"))
        try:
            return await connection.get(_target(peer), "Connection: close")
        finally:
            connection.close()

    async def _again(self, idle: list[Connection], peer: Peer) -> Reply | None:
        try:
            return await self._ask(idle.pop(), idle, peer)
        except Gone:
            if self._reconnects:
                return None
            raise

    async def _ask(self, connection: Connection, idle: list[Connection], peer: Peer) -> Reply:
        try:
            reply = await connection.get(_target(peer))
        except BaseException:
            connection.close()
            raise
        if connection.kept and len(idle) < KEPT:
            idle.append(connection)
        else:
            connection.close()
        return reply


class _Writing:
    """An outcome while it is not known."""

    def __init__(self, protocol: Protocol, peer: Peer, frontend: Server) -> None:
        self.frontend = frontend
        self._protocol: Protocol = protocol
        self._peer = peer
        self._at_s = time.monotonic()
        self._failure: str | None = None
        self._whole = False
        self._interval_s = 0

    def good(self, answer: Answer) -> None:
        """There is an answer, of which this is to be seen whether it may be true."""
        swarm = self._peer.swarm
        self._failure = self._peer.wrong(answer.seeders, answer.leechers, answer.peers)
        self._whole = (swarm.seeders, swarm.leechers) == (answer.seeders, answer.leechers)
        self._interval_s = answer.interval_s

    def bad(self, error: Exception) -> None:
        """There is none."""
        silent = isinstance(error, TimeoutError)
        self._failure = SILENCE if silent else f"{type(error).__name__}: {error}"

    def record(self) -> Outcome:
        """Return the outcome."""
        return Outcome(
            self._at_s,
            time.monotonic() - self._at_s,
            self._protocol,
            self.frontend.name,
            self._peer.swarm.info_hash,
            self._failure,
            self._whole,
            self._interval_s,
        )


def _target(peer: Peer) -> str:
    return http_client.announce_url(
        "/announce",
        peer.swarm.info_hash,
        peer.peer_id,
        peer.port,
        left=0 if peer.seeding else 1,
        numwant=NUMWANT,
    )


def _read(reply: Reply) -> Answer:
    if reply.status != 200:
        raise Refused(f"status {reply.status}")
    answer = http_client.decode_announce_reply(reply.body)
    if isinstance(answer, http_client.ErrorReply):
        raise Refused(answer.reason)
    return Answer(answer.interval_s, answer.seeders or 0, answer.leechers or 0, answer.peers)


def _close(idle: list[Connection]) -> None:
    while idle:
        idle.pop().close()
