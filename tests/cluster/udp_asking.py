"""UDP as clients speak it (BEP 15), over several frontends with one connection id."""

import asyncio
import time
from itertools import count
from typing import NamedTuple, cast

from tests.cluster.population import Peer
from tests.cluster.server import Server
from tracker.model import IPV4_SIZE, Event
from tracker.wire import udp

CONNECTION_S = 1.0  # for which a client keeps its id; here so short that many are fetched


class Refused(Exception):
    """The tracker sent an error, or something that no tracker should."""


class Proof(NamedTuple):
    """A connection id."""

    id: bytes
    until_s: float


class UdpClient(asyncio.DatagramProtocol):
    """One socket; any number of requests may be under way.

    Args:
        resend_s: after which a request without an answer is sent again, once more and once more, as
            clients do (BEP 15, "Time outs"). None: never, so what is lost counts as lost.
    """

    def __init__(self, resend_s: float | None = None) -> None:
        self._resend_s = resend_s
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}
        self._numbers = count(1)
        self._proof = Proof(b"", 0.0)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, source: tuple[str | int, ...]) -> None:
        """A reply; whom it answers tells its transaction id."""
        waiting = self._waiting.get(data[4:8])
        if waiting is not None and not waiting.done():
            waiting.set_result(data)

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.abort()

    def proof(self) -> bytes | None:
        """The connection id that this client has; None: it must connect first."""
        return self._proof.id if time.monotonic() < self._proof.until_s else None

    async def connect(self, frontend: Server) -> bytes:
        """Get a connection id.

        Raises:
            Refused: see there.
        """
        transaction_id = self._transaction_id()
        packet = udp.encode_connect_request(transaction_id)
        reply = await self._ask(frontend, packet, transaction_id)
        if not isinstance(reply, udp.ConnectReply):
            raise Refused(f"{reply}")
        self._proof = Proof(reply.connection_id, time.monotonic() + CONNECTION_S)
        return reply.connection_id

    async def announce(
        self, frontend: Server, proof: bytes, peer: Peer, numwant: int
    ) -> udp.AnnounceReply:
        """Announce with a connection id, which any frontend gave.

        Raises:
            Refused: see there.
        """
        transaction_id = self._transaction_id()
        request = udp.AnnounceRequest(
            connection_id=proof,
            transaction_id=transaction_id,
            info_hash=peer.swarm.info_hash,
            peer_id=peer.peer_id,
            downloaded=0,
            left=0 if peer.seeding else 1,
            uploaded=0,
            event=Event.NONE,
            ip=bytes(4),
            key=bytes(4),
            numwant=numwant,
            port=peer.port,
            url_data=b"",
        )
        packet = udp.encode_announce_request(request)
        reply = await self._ask(frontend, packet, transaction_id)
        if not isinstance(reply, udp.AnnounceReply):
            raise Refused(reply.reason if isinstance(reply, udp.ErrorReply) else f"{reply}")
        return reply

    async def _ask(self, frontend: Server, packet: bytes, transaction_id: bytes) -> udp.Reply:
        assert self._transport is not None, "no socket"
        waiting = self._waiting[transaction_id] = asyncio.get_running_loop().create_future()
        try:
            while True:
                self._transport.sendto(packet, frontend.address("udp"))
                await asyncio.wait([waiting], timeout=self._resend_s)
                if waiting.done():
                    return udp.decode_reply(waiting.result(), IPV4_SIZE)
        finally:
            del self._waiting[transaction_id]

    def _transaction_id(self) -> bytes:
        return next(self._numbers).to_bytes(4, "big")
