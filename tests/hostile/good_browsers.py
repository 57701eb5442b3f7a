"""Good browsers: WebSockets that announce with an offer and answer the offers of others."""

import asyncio
import os
import ssl
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.hostile.good_peers import PATIENCE_S, Requests
from tracker.errors import Malformed
from tracker.wire import websocket_client as wire
from tracker.wire.websocket import OfferIn

INFO_HASH = b"swarm of good people"
SDP = b'"%b"' % (b"v=0 " * 200)


class Browser:
    """One good browser with an address of its own. It reconnects when its socket is closed."""

    def __init__(
        self, source: str, port: int, number: int, tls: ssl.SSLContext | None = None
    ) -> None:
        self._source, self._port, self._tls = source, port, tls
        self._peer_id = b"-WWGOOD-" + f"{number:012}".encode()
        self._socket: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._announced: asyncio.Future[None] | None = None
        self._answered: asyncio.Future[None] | None = None
        self._offer_id = b""

    async def open(self) -> None:
        """Connect and announce, so that offers of others find this browser."""
        await self._reconnect()
        await self._announce()

    def close(self) -> None:
        """Close the socket."""
        if self._reading is not None:
            self._reading.cancel()
        if self._socket is not None:
            self._socket.transport.abort()
            self._socket = None

    def requests(self) -> Requests:
        """Announce with one offer, and wait for its answer."""
        yield "ws announce", self._announce
        yield "ws offer", self._offer

    async def _announce(self) -> None:
        if self._socket is None:
            await self._reconnect()
        loop = asyncio.get_running_loop()
        self._announced, self._answered = loop.create_future(), loop.create_future()
        self._offer_id = os.urandom(20)
        message = wire.encode_announce_request(
            INFO_HASH, self._peer_id, left=1, offers=[OfferIn(SDP, self._offer_id)]
        )
        await self._send(message)
        await self._announced

    async def _offer(self) -> None:
        """Wait for the answer to the offer that the announce carried."""
        assert self._answered is not None
        await self._answered

    async def _send(self, message: bytes) -> None:
        assert self._socket is not None, "closed"
        await self._socket.send(message, text=True)

    async def _reconnect(self) -> None:
        self.close()
        self._socket = await connect(
            f"{'wss' if self._tls else 'ws'}://127.0.0.1:{self._port}/",
            ssl=self._tls,
            local_addr=(self._source, 0),
            compression=None,
            ping_interval=None,
            open_timeout=PATIENCE_S,
            proxy=None,
        )
        self._reading = asyncio.create_task(self._read(self._socket))

    async def _read(self, socket: ClientConnection) -> None:
        try:
            with suppress(WebSocketException, OSError):
                async for message in socket:
                    await self._hear(wire.decode_reply(str(message).encode()))
        finally:
            if self._socket is socket:
                self._socket = None

    async def _hear(self, reply: wire.Reply) -> None:
        if isinstance(reply, wire.OfferReply):
            await self._send(
                wire.encode_answer_request(
                    reply.info_hash, self._peer_id, reply.peer_id, reply.offer_id, SDP
                )
            )
        elif isinstance(reply, wire.AnswerReply):
            if reply.offer_id == self._offer_id:
                _finish(self._answered)
        elif isinstance(reply, wire.AnnounceReply):
            _finish(self._announced)
        else:
            _finish(self._announced, Malformed(str(getattr(reply, "reason", reply))))


def _finish(future: asyncio.Future[None] | None, error: Exception | None = None) -> None:
    if future is None or future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
