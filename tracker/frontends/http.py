"""Announces and scrapes over HTTP, and the way of every other request on the same port.

Each request's head is found whole, and bounded, before it is read, so any request can be handed
over to the WebSocket frontend or to the pages. One request is answered at a time; of what a client
pipelines, at most one head's size waits in the buffer, and the rest in the kernel.
"""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from tracker.errors import Malformed, TrackerError
from tracker.frontends.bounded import READ_SIZE, USUAL, BoundedProtocol
from tracker.frontends.closing import ClosingConnection
from tracker.frontends.connections import Connection, socket_ip
from tracker.frontends.http_requests import ask, refused_head, refused_method, scrape_units
from tracker.frontends.wheel import UNSCHEDULED
from tracker.model import Ip
from tracker.policy.accounts import Account
from tracker.service.peers import Peers
from tracker.wire.http import Route, encode_failure, encode_refusal, encode_response
from tracker.wire.http_head import END, Head, decode_head, take_empty_body

if TYPE_CHECKING:
    from tracker.frontends.door import Door

PAGE_COST = 20  # units of work: a page takes about 20 times the CPU of an announce
PAGE_S = 0.001  # seconds of work that a page causes after its turn
HANDSHAKE_COST = 5  # units of work of a WebSocket's handshake
UNREAD = 4096  # bytes of answers that a client need not have read before the next one
TOO_MANY = "too many requests from this address"
TRIVIAL = 512  # bytes that a connection may buffer without being counted


class HttpConnection(BoundedProtocol):
    """A TCP connection, until something else than announces and scrapes is requested on it."""

    __slots__ = (
        "_answering",
        "_behind_proxy",
        "_buffer",
        "_connection",
        "_deadline",
        "_door",
        "_eof",
        "_head",
        "_ip",
        "_paused",
        "_route",
        "_searched",
        "_socket_ip",
        "_transport",
        "_unread",
        "account",
        "held",
        "wheel_slot",
    )

    account: Account  # of the client whose request is read or answered

    def __init__(
        self, door: "Door", connection: Connection | None = None, ip: Ip | None = None
    ) -> None:
        """`connection`, `ip`: None if it is not counted yet, and from the socket's address."""
        self.wheel_slot = UNSCHEDULED
        self.held = 0
        self._door = door
        self._connection = connection
        self._socket_ip = self._ip = ip
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._searched = 0  # bytes of the buffer that do not begin the end of a head
        self._answering = False  # a request waits for its turn or for its answer
        self._eof = False
        self._unread = self._paused = False
        self._deadline = 0.0  # of the next head: passed, whenever the wheel looks first
        self._head: Head | None = None
        self._route = Route(None, None, b"")

    # -- the connection ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request, if the connection is admitted."""
        self._transport = cast(asyncio.Transport, transport)
        if self._connection is None:
            self._socket_ip = self._ip = ip = socket_ip(transport)
            if ip is not None:
                self._connection = self._door.connections.admit(self, ip)
        if self._connection is None:
            self._transport.abort()
            return
        self._connection.owner = self
        self.account = self._connection.account
        self._behind_proxy = not self._connection.counted
        self._transport.set_write_buffer_limits(high=UNREAD)
        self._door.wheel.schedule(self, self._door.http.request_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection no more."""
        self._door.wheel.cancel(self)
        self._transport, self._buffer, self._head = None, b"", None
        if self.held:
            self._door.memory.release(self)
        connection, self._connection = self._connection, None  # no cycle for the collector
        if connection is not None:
            self._door.connections.remove(connection)

    def expired(self, now: float) -> None:
        """A head took too long, or a kept connection was idle for too long; or not yet."""
        left = self._door.http.request_timeout if self._answering else self._deadline - now
        if self._transport is None:
            return
        if left > 0:
            self._door.wheel.schedule(self, left)
        elif self._unread or self._transport.is_closing():
            if self._transport.get_write_buffer_size():
                self._door.count_closed("http", "unread")
            self._transport.abort()
        elif self._buffer:
            self._door.count_closed("http", "slow")
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._end()
            self._door.wheel.schedule(self, self._door.http.request_timeout)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next read goes."""
        return super().get_buffer(sizehint) if self._buffer else USUAL

    def read_size(self) -> int:
        """Return how much may be read: the buffer holds little more than a head."""
        return min(READ_SIZE, max(1, self._door.max_head - len(self._buffer)))

    def received(self, data: bytes) -> None:
        """Begin with the next request, or keep the bytes for later."""
        fresh = not self._buffer
        self._buffer = self._buffer + data if self._buffer else data
        if not self._answering and not self._unread:
            self._next(fresh)
        if self._buffer or self.held or len(data) > TRIVIAL:
            if len(self._buffer) >= self._door.max_head and self._transport is not None:
                self._paused = True  # until the request is answered
                self._transport.pause_reading()
            self._count_memory()

    def eof_received(self) -> bool:
        """The client sends no more: what it asked is still answered, where TLS lets us."""
        self._eof = True
        asked = self._answering or END in self._buffer
        return asked and self._transport is not None and self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """Begin no further request: the client does not read its answers."""
        self._unread = True
        self._count_memory()

    def resume_writing(self) -> None:
        """Continue: the client has read its answers."""
        self._unread = False
        self._count_memory()
        asyncio.get_running_loop().call_soon(self._resume)

    def close(self, *, unasked: bool) -> None:
        """Close if it is kept for another request, of which nothing came yet; for a drain.

        `unasked`: also if it waits for its first request.
        """
        waits = not self._answering and not self._buffer
        if waits and (unasked or self._route.action) and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Cut the connection, without a word."""
        if self._transport is not None:
            self._transport.abort()

    # -- memory --------------------------------------------------------------------------------

    def _count_memory(self) -> None:
        """Count what is buffered for this client, both ways, unless it is trivial."""
        size = len(self._buffer) + len(self._route.query)
        if self._unread and self._transport is not None:
            size += self._transport.get_write_buffer_size()
        if size <= TRIVIAL:
            size = 0
        if size == self.held or self._transport is None:
            return
        of = self._door.memory.refuses(self, size - self.held) if size > self.held else None
        if of is not None:
            self._door.count_refused("memory", of)
            self.shed()
            return
        for holder in self._door.memory.hold(self, size - self.held):
            self._door.count_refused("memory", "process")
            holder.shed()

    def shed(self) -> None:
        """Close at once: this connection is one of the largest holders of memory."""
        self._door.count_closed("http", "memory")
        self._door.memory.release(self)  # at once, so that no other is closed in its place
        self.abort()

    # -- a request -----------------------------------------------------------------------------

    def _next(self, fresh: bool) -> None:
        """Serve the next request when it has a turn, if its head is whole."""
        buffer = self._buffer
        if buffer[:2] == b"\r\n":
            buffer = self._buffer = buffer.lstrip(b"\r\n")
            self._searched = 0
        end = buffer.find(END, self._searched)
        if end >= 0:
            self._searched = end
            # Behind a proxy, the header names the client whose turn it is.
            if self._behind_proxy and not self._read_head():
                return
            if self._door.turns.take():
                self._serve()
            else:
                self._answering = True
                self._door.turns.wait(self.account, self._serve)
        else:
            self._searched = max(0, len(buffer) - len(END) + 1)
            self._wait_for_more(fresh and bool(buffer))

    def _wait_for_more(self, fresh: bool) -> None:
        """Wait for the rest of a request, unless it will be none."""
        if refused := refused_head(self._buffer, self._door.max_head):
            reason, status = refused
            self._door.count_closed("http", reason)
            self._refuse(status)
        elif fresh:  # the clock of a head runs from its first byte
            self._deadline = self._door.wheel.clock() + self._door.http.request_timeout
            self._door.wheel.schedule(self, self._door.http.request_timeout)

    def _read_head(self) -> bool:
        """Move the head out of the buffer; False: it was refused, or its body is incomplete."""
        size, self._searched = self._searched + len(END), 0
        raw, rest = self._buffer[:size], self._buffer[size:]
        if raw.count(b"\n") > self._door.most_lines:
            self._door.count_closed("http", "head")
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return False
        try:
            head = decode_head(raw, self._door.client_header)
        except Malformed:
            self._door.count_closed("http", "malformed")
            self._refuse(HTTPStatus.BAD_REQUEST)
            return False
        if head.chunked:
            taken = take_empty_body(head, rest)
            if taken is None:
                self._searched = size - len(END)  # the head is read again then
                self._wait_for_more(True)
                return False
            head, rest = taken
        self._head, self._buffer = head, rest
        self._route = self._door.route(head.target)
        if self._behind_proxy:
            self._identify(head)
        return True

    def _identify(self, head: Head) -> None:
        """Find the client behind a trusted proxy by its forwarded address."""
        door, ip = self._door, self._socket_ip
        assert ip is not None
        client = door.client(ip, head)
        if client is None and door.report_unnamed(ip, head, self._route):
            self._route = Route("unnamed", None, b"")
        self._ip = client or ip
        account = door.accounts.of(self._ip, door.now())
        if account is not self.account:
            if self.held:
                door.memory.release(self)
            self.account = account

    def _serve(self) -> None:
        """Serve the request that has been read, now that it has a turn."""
        door = self._door
        self._answering = False
        if self._transport is None:
            return  # the client left while its request waited
        if self._head is None and not self._read_head():
            return
        head = self._head
        assert head is not None
        if head.websocket and door.serves_websocket and not head.body:
            self._hand_over(head, HANDSHAKE_COST)
        elif head.body or head.method not in (b"GET", b"HEAD"):
            may = door.may_work(self.account, 1)
            self._refuse(*(refused_method(head) if may else (HTTPStatus.TOO_MANY_REQUESTS,)))
        elif head.websocket or self._route.action is None:
            self._hand_over(head, PAGE_COST)
        else:
            self._serve_tracker(door.peers, self._route)

    def _serve_tracker(self, peers: Peers | None, to: Route) -> None:
        door = self._door
        units = 1 if to.action == "announce" else scrape_units(door, to.query)
        if door.accounts.work(self.account, units, door.now()):  # as `may_work`, without a call
            assert self._ip is not None
            if peers is None:
                self._refuse(HTTPStatus.NOT_FOUND)
                return
            self._answering = True
            ask(door, peers, to, self._ip, self.account, self._answer)
            return
        door.count_refused("work", "address")
        wait_s = int(door.accounts.work_wait_s(self.account, units, door.now())) + 1
        self._reply(encode_failure(TOO_MANY, wait_s), "denied", keep=False)

    def _hand_over(self, head: Head, units: int) -> None:
        """Give the connection, all unread bytes included, to what serves such requests."""
        door, transport, connection = self._door, self._transport, self._connection
        assert transport is not None
        assert connection is not None
        assert self._ip is not None
        if not (door.may_work(self.account, units) and door.connections.move(connection, self._ip)):
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS)
            return
        if not head.websocket:
            door.turns.charge(PAGE_S)
        door.count_request("websocket" if head.websocket else "page", "ok")
        door.hand_over(connection, transport, head, self._give_away(), self._ip, self._behind_proxy)

    # -- its answer ----------------------------------------------------------------------------

    def _answer(self, result: bytes | TrackerError) -> None:
        """A failure of the protocol is a success of HTTP: clients hide the text of others."""
        if isinstance(result, TrackerError):
            self._reply(encode_failure(result.reason, result.retry_in_s), result.label)
        else:
            self._reply(result)

    def _reply(self, body: bytes, outcome: str = "ok", *, keep: bool = True) -> None:
        self._door.count_request(str(self._route.action), outcome)
        self._answering = False
        transport, head = self._transport, self._head
        if transport is None or head is None:
            return  # the client did not wait; its announce stands
        more = not self._eof or END in self._buffer
        keep_alive = keep and head.keep_alive and more and not self._door.draining
        response = encode_response(
            200, body, keep_alive=keep_alive, http10=head.http10, head_only=head.method == b"HEAD"
        )
        if not keep_alive and not self._eof and (self._buffer or not keep):
            self._close_after(response)
            return
        transport.write(response)
        self._head = None
        self._route = Route(self._route.action, None, b"")
        if not keep_alive:
            self._end()
            return
        if self.held:
            self._count_memory()
        self._deadline = self._door.wheel.clock() + self._door.http.keepalive
        if self._paused:
            self._paused = False
            transport.resume_reading()
        if self._buffer:
            # Not at once: a pipeline of refusals must not become a recursion.
            asyncio.get_running_loop().call_soon(self._resume)

    def _resume(self) -> None:
        if self._transport is not None and not self._answering and not self._unread:
            self._next(fresh=True)
            self._count_memory()

    def _refuse(self, status: HTTPStatus, response: bytes = b"") -> None:
        """This is not BitTorrent, or too much of it: an HTTP response, and the end."""
        self._door.count_request("other", str(int(status)))
        head_only = self._head is not None and self._head.method == b"HEAD"
        self._close_after(response or encode_refusal(status, head_only=head_only))

    def _close_after(self, response: bytes) -> None:
        """Send the last response to a client that is perhaps still sending."""
        transport, connection = self._transport, self._connection
        if transport is None or connection is None:
            return
        self._give_away()
        closing = ClosingConnection(transport, connection, self._door.wheel)
        closing.begin(response, self._door.http.request_timeout)

    def _give_away(self) -> bytes:
        """Leave the connection to another protocol; returns the unread bytes."""
        self._door.wheel.cancel(self)
        if self.held:
            self._door.memory.release(self)
        unread, self._buffer, self._transport = self._buffer, b"", None
        return unread

    def _end(self) -> None:
        """Close once the client has read its answer, for which it has some time."""
        self._buffer = b""
        self._head = None
        if self._transport is not None:
            if self._transport.get_write_buffer_size():
                self._deadline = self._door.wheel.clock() + self._door.http.request_timeout
            self._transport.close()
