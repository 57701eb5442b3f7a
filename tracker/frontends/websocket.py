"""A browser's socket: handshake, frames, pings and closing, over the sans-I/O `websockets`."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from websockets.exceptions import PayloadTooBig
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from tracker.frontends.bounded import buffer
from tracker.frontends.metered import NEVER, TURN, UNREAD, WORK, MeteredSocket, Metering
from tracker.frontends.turns import Turns
from tracker.frontends.webtorrent import WebTorrent
from tracker.frontends.wheel import Wheel
from tracker.metrics import Metrics
from tracker.policy.accounts import Account
from tracker.policy.budgets import Budgets
from tracker.policy.origins import Origins
from tracker.settings import WsSettings
from tracker.wire.frames import portion, text_frame, whole_message
from tracker.wire.http import PUBLIC, SERVER
from tracker.wire.http_head import END

MESSAGES = (Opcode.TEXT, Opcode.BINARY)
CLOSE_TIMEOUT_S = 5.0  # for the browser's half of the closing handshake
BUFFER = buffer(16_384)  # bytes of a read; an announce with ten offers is about as long
MOST_FRAMES = 16  # processed in one turn, if they complete no message
FOREIGN = "This tracker does not serve pages of this origin; its operator can, with --ws-origins.\n"
LARGE = 4096  # bytes of a frame above which it must not stay in memory until the next one


class WebSocketFrontend(Metering):
    """What all sockets of a process share."""

    def __init__(
        self,
        settings: WsSettings,
        webtorrent: WebTorrent,
        wheel: Wheel,
        metrics: Metrics,
        *,
        budgets: Budgets,
        turns: Turns,
    ) -> None:
        super().__init__(settings, wheel, metrics, budgets=budgets, turns=turns)
        self.webtorrent = webtorrent
        self.origins = Origins(settings.origins)
        self.connections: set[WebSocketConnection] = set()

    def protocol(self, left: Callable[[], None], account: Account) -> "WebSocketConnection":
        """Return a protocol for one connection.

        Args:
            left: called when the connection is lost.
            account: of the client's address.
        """
        return WebSocketConnection(self, left, account)


class WebSocketConnection(MeteredSocket):
    """One browser's socket."""

    __slots__ = (
        "_alive_by",
        "_close_at",
        "_due",
        "_fragments",
        "_left",
        "_ping_at",
        "_protocol",
        "_silent_s",
    )

    _frontend: WebSocketFrontend

    def __init__(
        self, frontend: WebSocketFrontend, left: Callable[[], None], account: Account
    ) -> None:
        super().__init__(frontend, account)
        self._left = left
        self._protocol = ServerProtocol(max_size=frontend.settings.max_message)
        self._due = 0  # bytes still to come of the frame that `websockets` has the beginning of
        self._fragments: bytearray | None = None
        self._silent_s = 0.0
        self._ping_at = self._close_at = self._alive_by = NEVER

    # -- the connection ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve a connection."""
        self._transport = cast(asyncio.Transport, transport)
        self._watch_output(self._transport)
        self._frontend.connections.add(self)
        self._frontend.webtorrent.opened(self)
        self._ping_at = self._frontend.wheel.clock() + self._frontend.settings.ping_interval
        self._wake_at(self._ping_at)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._forget()
        self._frontend.wheel.cancel(self)
        self._frontend.connections.discard(self)
        self._frontend.webtorrent.closed(self)
        self._left()
        # Cycles, which the garbage collector would find late: half a message stays in their memory.
        self._protocol.parser.close()
        self._protocol.parser_exc = self._protocol.handshake_exc = None

    def _forget(self) -> None:
        self._fragments = None
        super()._forget()

    # -- bytes in ------------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next read goes."""
        return BUFFER

    def received(self, data: bytes) -> None:
        """Process the bytes of one read."""
        if self._transport is None:
            return
        self._silent_s = 0.0
        if self._protocol.state is State.CONNECTING:
            data = self._shake_hands(data)
        if not data:
            return
        self._input = self._input + data if self._input else data
        if not self._pauses:
            self._serve()

    def _shake_hands(self, data: bytes) -> bytes:
        """Answer the opening request; returns what follows it, if the browser was let in.

        `websockets` would read that too, and fail or close over it, before there is an answer.
        """
        protocol = self._protocol
        head, end, rest = data.partition(END)
        protocol.receive_data(head + end)
        for event in protocol.events_received():
            if isinstance(event, Request):
                if self._is_foreign(event):
                    self._frontend.cut("origin")
                    response = protocol.reject(HTTPStatus.FORBIDDEN, FOREIGN)
                else:
                    response = protocol.accept(event)
                response.headers.update({"Server": SERVER, **PUBLIC})
                protocol.send_response(response)
        opened = protocol.state is State.OPEN
        if not opened:
            self._count_failure()
            self._close_within(CLOSE_TIMEOUT_S)
        self._flush()
        if not opened:
            return b""
        self._restart_parser()
        return rest

    def _is_foreign(self, request: Request) -> bool:
        """Return whether a page of a website that is not allowed here asks for the socket.

        A request without an origin comes from a program, which could send any.
        """
        hosts = request.headers.get_all("Host") or [""]
        origins = request.headers.get_all("Origin")
        return not all(self._frontend.origins.allow(each, hosts[0]) for each in origins)

    def _restart_parser(self) -> None:
        """Let `websockets` forget the last frame, or the opening request, which it keeps."""
        self._protocol.parser = self._protocol.parse()
        next(self._protocol.parser)

    def _serve(self) -> None:
        """Process the input, a portion in each turn, until there is a reason to pause."""
        turns = self._frontend.turns
        while self._input and not self._pauses:
            if not turns.take():
                self._wait_for_turn(self._turn)
            elif not self._next_portion():
                break
        self._count_message()

    def _turn(self) -> None:
        """Process a portion in the turn that this socket waited for, and go on."""
        self._pauses &= ~TURN
        if self._input and not self._pauses:
            self._next_portion()
        self._go_on()

    def _next_portion(self) -> bool:
        """Process the first frames of the input; False: it holds no more than part of a header."""
        now = self._frontend.wheel.clock()
        if self._spent_until > now or self.account.work_at > now:
            self._wait_for_budget(now)
            return True
        size, frames, due = portion(self._input, self._due, MOST_FRAMES)
        if not size:
            return False
        data, before = self._input[:size], self._due
        self._input, self._due = self._input[size:], due
        if frames:
            self._spend(frames, now)
        if frames == 1 and not before and not due and self._fragments is None:
            message = whole_message(data, self._frontend.settings.max_message)
            if message is not None:
                self._message(message)
                return True
        self._parse(data)
        return True

    def _parse(self, data: bytes) -> None:
        """Let `websockets` read some frames, or parts of them."""
        protocol = self._protocol
        protocol.receive_data(data)
        largest = 0
        for event in protocol.events_received():
            if isinstance(event, Frame):
                largest = max(largest, len(event.data))
                self._frame(event)
        if protocol.state is not State.OPEN:
            self._closing()
        elif largest > LARGE and not self._due:
            self._restart_parser()
        self._flush()

    def _count_message(self) -> None:
        if self._input or self._due or self._fragments is not None:
            size = len(self._input) + len(self._protocol.reader.buffer)
            self._count_arriving(size + len(self._fragments or b"") + 1)
        elif self._arriving:
            self._count_arriving(0)

    def _closing(self) -> None:
        """Look why `websockets` closes: after a failure or its last frame, it reads no more."""
        if self._protocol.eof_sent:
            self._input, self._fragments = b"", None
            self._count_failure()
        if self._close_at == NEVER:
            self._close_within(CLOSE_TIMEOUT_S)

    def eof_received(self) -> None:
        """The other end sends no more."""
        self._protocol.receive_eof()
        self._flush()

    # -- messages ------------------------------------------------------------------------------

    def send(self, message: bytes) -> None:
        """Send a text message; never waits."""
        if self._transport is None or self._protocol.state is not State.OPEN:
            return
        self._write(text_frame(message))

    def close(self, code: CloseCode, reason: str) -> None:
        """Begin the closing handshake."""
        if self._transport is None or self._protocol.state is not State.OPEN:
            return
        self._protocol.send_close(code, reason)
        self._close_within(CLOSE_TIMEOUT_S)
        self._flush()

    def retire(self) -> None:
        """Leave all swarms, since the socket will be closed soon."""
        self._frontend.webtorrent.retire(self)

    def _frame(self, frame: Frame) -> None:
        """Put a message together; control frames were answered by `websockets` itself.

        A binary message is read as text, as bittorrent-tracker does.
        """
        if frame.opcode in MESSAGES:
            if frame.fin:
                self._message(bytes(frame.data))
            else:
                self._fragments = bytearray(frame.data)
        elif frame.opcode is Opcode.CONT and self._fragments is not None:
            self._fragments += frame.data
            if frame.fin:
                message, self._fragments = bytes(self._fragments), None
                self._message(message)

    def _message(self, data: bytes) -> None:
        if self._protocol.state is State.OPEN:  # else what was on its way is not wanted any more
            self._frontend.webtorrent.received(self, data)

    # -- bytes out -----------------------------------------------------------------------------

    def _flush(self) -> None:
        """Write what `websockets` wants written; an empty piece means: then hang up."""
        pieces = self._protocol.data_to_send()
        if not pieces:
            return
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if data:
            self._write(data)
        if not pieces[-1] and self._transport is not None:
            self._transport.close()

    def _write(self, data: bytes) -> None:
        """Write, unless too much is unread already: then cut the socket."""
        transport = self._transport
        if transport is None:
            return
        if self._pauses & UNREAD:
            if transport.get_write_buffer_size() > self._frontend.settings.max_buffer:
                self._cut("slow")
                return
            self._since_unread += len(data)
        transport.write(data)
        if self._pauses & UNREAD:
            self._count_unsent()

    # -- deadlines -----------------------------------------------------------------------------

    def _close_within(self, seconds: float) -> None:
        self._close_at = self._frontend.wheel.clock() + seconds
        self._wake_at(self._close_at)

    def expired(self, now: float) -> None:
        """The wheel came round: do what is due, and let it come again."""
        self._wakes_at = NEVER
        if now >= self._close_at:
            self._cut("close")
        elif now >= self._read_by and not self._has_read():
            self._cut("unread")
        elif now >= self._alive_by and not self._is_alive(now):
            self._cut("idle")
        elif now >= self._resume_at:
            self._resume(now)
        if now >= self._message_by and not self._pauses & (WORK | TURN):
            self._message_by = NEVER
            self._frontend.cut("slow_message")
            self.close(CloseCode.POLICY_VIOLATION, "incomplete message")
        if now >= self._ping_at:
            self._check_silence(now)
        if self._transport is not None:
            next_at = min(self._ping_at, self._close_at, self._message_by, self._read_by)
            self._wake_at(min(next_at, self._resume_at, self._alive_by))

    def challenge(self) -> None:
        """Ask the browser for a sign of life; cut the socket soon if none comes."""
        if self._alive_by == NEVER and self._protocol.state is State.OPEN:
            self._silent_s = self._frontend.settings.idle_timeout  # any bytes set it to 0
            self._alive_by = (
                self._frontend.wheel.clock() + self._frontend.settings.challenge_timeout
            )
            self._wake_at(self._alive_by)
            self._ping()

    def _is_alive(self, now: float) -> bool:
        """Whether bytes came since the challenge; while we do not read, the answer can wait."""
        if self._silent_s < self._frontend.settings.idle_timeout:
            self._alive_by = NEVER
        elif self._pauses:
            self._alive_by = now + self._frontend.settings.challenge_timeout
        else:
            return False
        return True

    def _check_silence(self, now: float) -> None:
        """Ping, or give up on a socket that is silent although we read it."""
        settings = self._frontend.settings
        self._ping_at = now + settings.ping_interval
        # An unanswered challenge has a deadline of its own, and set the silence to its maximum.
        if not self._pauses and self._alive_by == NEVER:
            self._silent_s += settings.ping_interval
        if self._silent_s > settings.idle_timeout:
            self._cut("idle")
        else:
            self._frontend.webtorrent.idle(self)
            self._ping()

    def _ping(self) -> None:
        if self._transport is not None and self._protocol.state is State.OPEN:
            self._protocol.send_ping(b"")
            self._flush()

    def _count_failure(self) -> None:
        """Count what `websockets` hangs up for."""
        if self._protocol.handshake_exc is not None:
            self._frontend.cut("handshake")
        elif isinstance(self._protocol.parser_exc, PayloadTooBig):
            self._frontend.cut("size")
        elif self._protocol.parser_exc is not None:
            self._frontend.cut("protocol")
