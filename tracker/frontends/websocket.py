"""A browser's socket: handshake, frames, pings and limits, over the sans-I/O `websockets`.

No task and no timer for a socket: the process's one wheel sends its pings and finds it silent.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from websockets.exceptions import PayloadTooBig
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from tracker.frontends.sessions import Session
from tracker.frontends.webtorrent import WebTorrent
from tracker.frontends.wheel import UNSCHEDULED, Wheel
from tracker.metrics import Metrics
from tracker.policy.limits import Bucket
from tracker.settings import WsSettings
from tracker.wire.http_head import END

CLOSE_TIMEOUT_S = 5.0  # for the browser's half of the closing handshake


class WebSocketFrontend:
    """What all sockets of a process share."""

    def __init__(
        self, settings: WsSettings, webtorrent: WebTorrent, wheel: Wheel, metrics: Metrics
    ) -> None:
        self.settings = settings
        self.webtorrent = webtorrent
        self.wheel = wheel
        self._closed = metrics.closed
        self.connections: set[WebSocketConnection] = set()

    def protocol(self, left: Callable[[], None]) -> "WebSocketConnection":
        """A protocol for one connection; `left` is called when that is lost."""
        return WebSocketConnection(self, left)

    def cut(self, reason: str) -> None:
        """Count a socket that we had to cut."""
        self._closed["ws", reason] += 1


class WebSocketConnection(Session, asyncio.Protocol):
    """One browser's socket."""

    __slots__ = (
        "_bucket",
        "_fragments",
        "_frontend",
        "_left",
        "_loop",
        "_protocol",
        "_silent_s",
        "_transport",
        "wheel_slot",
    )

    def __init__(self, frontend: WebSocketFrontend, left: Callable[[], None]) -> None:
        super().__init__()
        self.wheel_slot = UNSCHEDULED
        settings = frontend.settings
        self._frontend = frontend
        self._left = left
        self._loop = asyncio.get_running_loop()
        self._protocol = ServerProtocol(max_size=settings.max_message)
        self._transport: asyncio.Transport | None = None
        self._fragments: bytearray | None = None
        self._bucket = Bucket(settings.message_burst, self._loop.time())
        self._silent_s = 0.0

    # -- the connection ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)
        self._frontend.connections.add(self)
        self._frontend.webtorrent.opened(self)
        self._frontend.wheel.schedule(self, self._frontend.settings.ping_interval)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._transport = None
        self._frontend.wheel.cancel(self)
        self._frontend.connections.discard(self)
        self._frontend.webtorrent.closed(self)
        self._left()

    def data_received(self, data: bytes) -> None:
        """Take in what the other end sent."""
        self._silent_s = 0.0
        protocol = self._protocol
        if protocol.state is State.CONNECTING:
            data = self._shake_hands(data)
        if not data:
            return
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event)
        if protocol.state is not State.OPEN:
            self._count_failure()
        self._flush()

    def _shake_hands(self, data: bytes) -> bytes:
        """Answer the opening request; returns what follows it, if the browser was let in.

        `websockets` would read that too, and fail or close over it, before there is an answer.
        """
        protocol = self._protocol
        head, end, rest = data.partition(END)
        protocol.receive_data(head + end)
        for event in protocol.events_received():
            if isinstance(event, Request):
                protocol.send_response(protocol.accept(event))
        opened = protocol.state is State.OPEN
        if not opened:
            self._count_failure()
        self._flush()
        return rest if opened else b""

    def eof_received(self) -> None:
        """The other end sends no more."""
        self._protocol.receive_eof()
        self._flush()

    def expired(self, now: float) -> None:
        """The wheel came round: ping, or give up on a socket that is silent or won't close."""
        if self._protocol.state is not State.OPEN:
            self._cut("close")
            return
        settings = self._frontend.settings
        self._silent_s += settings.ping_interval
        if self._silent_s > settings.idle_timeout:
            self._cut("idle")
            return
        self._protocol.send_ping(b"")
        self._flush()
        self._frontend.wheel.schedule(self, settings.ping_interval)

    # -- messages ------------------------------------------------------------------------------

    def send(self, message: bytes) -> None:
        """Send a text message; never waits."""
        if self._transport is None or self._protocol.state is not State.OPEN:
            return
        self._protocol.send_text(message)
        self._flush()

    def close(self, code: CloseCode, reason: str) -> None:
        """Begin the closing handshake."""
        if self._transport is None or self._protocol.state is not State.OPEN:
            return
        self._protocol.send_close(code, reason)
        self._flush()
        self._frontend.wheel.schedule(self, CLOSE_TIMEOUT_S)

    def abort(self) -> None:
        """Cut the connection, without a word."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def _frame(self, frame: Frame) -> None:
        """Put a message together; control frames were answered by `websockets` itself."""
        if frame.opcode is Opcode.TEXT:
            if frame.fin:
                self._message(bytes(frame.data))
            else:
                self._fragments = bytearray(frame.data)
        elif frame.opcode is Opcode.CONT and self._fragments is not None:
            self._fragments += frame.data
            if frame.fin:
                message, self._fragments = bytes(self._fragments), None
                self._message(message)
        elif frame.opcode is Opcode.BINARY:
            self._frontend.cut("binary")
            self.close(CloseCode.UNSUPPORTED_DATA, "text messages only")

    def _message(self, data: bytes) -> None:
        if self._protocol.state is not State.OPEN:
            return  # we are closing; what was on its way is not wanted any more
        settings = self._frontend.settings
        if not self._bucket.take(
            settings.messages_per_second, settings.message_burst, self._loop.time()
        ):
            self._frontend.cut("flood")
            self.close(CloseCode.POLICY_VIOLATION, "too many messages")
            return
        self._frontend.webtorrent.received(self, data)

    # -- bytes out -----------------------------------------------------------------------------

    def _flush(self) -> None:
        """Write what `websockets` wants written; an empty piece means: then hang up.

        A browser too slow to read what waits for it is cut.
        """
        transport = self._transport
        if transport is None:
            return
        for piece in self._protocol.data_to_send():
            if not piece:
                transport.close()
            elif transport.get_write_buffer_size() <= self._frontend.settings.max_buffer:
                transport.write(piece)
            else:
                self._cut("slow")
                return

    def _count_failure(self) -> None:
        """Count what `websockets` hangs up for."""
        if self._protocol.handshake_exc is not None:
            self._frontend.cut("handshake")
        elif isinstance(self._protocol.parser_exc, PayloadTooBig):
            self._frontend.cut("size")
        elif self._protocol.parser_exc is not None:
            self._frontend.cut("protocol")

    def _cut(self, reason: str) -> None:
        self._frontend.cut(reason)
        self.abort()
