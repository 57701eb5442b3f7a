"""Good BitTorrent clients: HTTP with new and with kept connections, and UDP."""

import asyncio
import os
import ssl
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import quote_from_bytes

from websockets.exceptions import WebSocketException

from tracker.errors import Malformed
from tracker.model import Event
from tracker.wire import http_client, udp

PATIENCE_S = 2.0  # for one answer

INFO_HASH = b"swarm of good peers."
WRONG = (OSError, EOFError, TimeoutError, AssertionError, Malformed, WebSocketException)

Requests = Iterator[tuple[str, Callable[[], Awaitable[None]]]]


class Client(ABC):
    """One good client with an address of its own."""

    def __init__(self, source: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._source, self._port, self._tls = source, port, tls
        self._peer_id = b"-GO0001-" + os.urandom(6).hex().encode()

    async def open(self) -> None:  # noqa: B027 - most keep nothing
        """Open what the client keeps."""

    def close(self) -> None:  # noqa: B027
        """Close it."""

    @abstractmethod
    def requests(self) -> Requests:
        """Yield what is asked in one period, with the name of its protocol."""


class HttpClient(Client):
    """What both HTTP clients share."""

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            "127.0.0.1", self._port, local_addr=(self._source, 0), ssl=self._tls
        )

    async def _announce(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: str
    ) -> bytes:
        query = f"info_hash={quote_from_bytes(INFO_HASH)}&peer_id={quote_from_bytes(self._peer_id)}"
        writer.write(
            f"GET /announce?{query}&port=6881&left=1&compact=1 HTTP/1.1\r\n"
            f"Host: tracker.test\r\nConnection: {connection}\r\n\r\n".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200 "), head.partition(b"\r\n")[0]
        size = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        reply = http_client.decode_announce_reply(await reader.readexactly(size))
        assert isinstance(reply, http_client.AnnounceReply), str(getattr(reply, "reason", reply))
        assert reply.interval_s > 0
        return head


class NewConnections(HttpClient):
    """A client that connects for each announce, as most do."""

    def requests(self) -> Requests:
        """Announce on a new connection."""
        yield "http", self._ask

    async def _ask(self) -> None:
        reader, writer = await self._connect()
        try:
            await self._announce(reader, writer, "close")
        finally:
            writer.transport.abort()


class KeptConnection(HttpClient):
    """A client that keeps its connection."""

    _pair: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def requests(self) -> Requests:
        """Announce on the kept connection."""
        yield "kept", self._ask

    def close(self) -> None:
        """Close the connection."""
        if self._pair is not None:
            self._pair[1].transport.abort()
            self._pair = None

    async def _ask(self) -> None:
        if self._pair is None:
            self._pair = await self._connect()
        try:
            head = await self._announce(*self._pair, "keep-alive")
        except BaseException:
            self.close()
            raise
        if b"connection: close" in head:
            self.close()


class Datagrams(Client, asyncio.DatagramProtocol):
    """A client that gets a connection id for each announce (BEP 15)."""

    _transport: asyncio.DatagramTransport
    _waiting: tuple[bytes, asyncio.Future[udp.Reply]] | None = None
    _connection_id = bytes(8)

    async def open(self) -> None:
        """Open the socket."""
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self,
            local_addr=(self._source, 0),
            remote_addr=("127.0.0.1", self._port),
        )

    def close(self) -> None:
        """Close the socket."""
        self._transport.abort()

    def requests(self) -> Requests:
        """Connect, then announce."""
        yield "udp connect", self._connect
        yield "udp announce", self._announce

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Match an answer with its request."""
        if self._waiting is not None and data[4:8] == self._waiting[0]:
            future, self._waiting = self._waiting[1], None
            if not future.done():
                future.set_result(udp.decode_reply(data, 6))

    async def _connect(self) -> None:
        transaction_id = os.urandom(4)
        reply = await self._ask(transaction_id, udp.encode_connect_request(transaction_id))
        assert isinstance(reply, udp.ConnectReply), reply
        self._connection_id = reply.connection_id

    async def _announce(self) -> None:
        transaction_id = os.urandom(4)
        request = udp.AnnounceRequest(
            self._connection_id, transaction_id, INFO_HASH, self._peer_id, 0, 1, 0, Event.NONE,
            bytes(4), bytes(4), None, 6881, b"",
        )  # fmt: skip
        reply = await self._ask(transaction_id, udp.encode_announce_request(request))
        assert isinstance(reply, udp.AnnounceReply), str(getattr(reply, "reason", reply))
        assert reply.interval_s > 0

    async def _ask(self, transaction_id: bytes, packet: bytes) -> udp.Reply:
        future: asyncio.Future[udp.Reply] = asyncio.get_running_loop().create_future()
        self._waiting = transaction_id, future
        self._transport.sendto(packet)
        return await future
