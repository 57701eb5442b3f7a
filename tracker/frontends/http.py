"""Announces and scrapes over HTTP, and the way of every other request on the same port.

One protocol object for a connection. Each request's head is found whole, and bounded, before it
is read; so a request that is not ours can be handed over, head and all, to the WebSocket
frontend or to the pages. One request is answered at a time; what a client pipelines waits in
the buffer.
"""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from tracker.errors import Malformed, TrackerError
from tracker.frontends.wheel import UNSCHEDULED
from tracker.model import Announce, Announced, Counts, InfoHash, Ip
from tracker.service.peers import Peers
from tracker.wire.compact import pack, pack_ip
from tracker.wire.forwarded import hops
from tracker.wire.http import (
    AnnounceQuery,
    Route,
    decode_announce,
    decode_scrape,
    encode_announce,
    encode_failure,
    encode_response,
    encode_scrape,
    route,
)
from tracker.wire.http_head import END, Head, decode_head

if TYPE_CHECKING:
    from tracker.frontends.door import Door


class HttpConnection(asyncio.Protocol):
    """A TCP connection, until something else than announces and scrapes is asked on it."""

    __slots__ = (
        "_answering",
        "_buffer",
        "_client",
        "_deadline",
        "_door",
        "_eof",
        "_head",
        "_route",
        "_transport",
        "_unread",
        "wheel_slot",
    )

    def __init__(self, door: "Door", client: Ip | None = None) -> None:
        """`client`: whom a PROXY head named; None: who is at the other end."""
        self.wheel_slot = UNSCHEDULED
        self._door = door
        self._client = client
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._answering = False
        self._eof = False
        self._unread = False
        self._deadline = 0.0
        self._head: Head | None = None
        self._route = Route(None, None, b"")

    # -- the connection ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)
        if self._client is None:
            self._client = socket_ip(transport)
        if self._client is not None and self._door.admit(self, self._client):
            self._expect_within(self._door.http.request_timeout)
            self._door.wheel.schedule(self, self._door.http.request_timeout)
        else:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._door.wheel.cancel(self)
        self._transport = None
        self._door.left(self)

    def expired(self, now: float) -> None:
        """A head took too long, or a kept connection was idle for too long; or not yet."""
        left = self._door.http.request_timeout if self._answering else self._deadline - now
        if self._transport is None:
            return
        if left > 0:
            self._door.wheel.schedule(self, left)
        elif self._unread:
            self._door.count_closed("http", "unread")
            self._transport.abort()
        elif self._buffer:
            self._door.count_closed("http", "slow")
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._transport.close()

    def _expect_within(self, seconds: float) -> None:
        """Note when the next head is due; the wheel looks at it when it comes round."""
        self._deadline = self._door.wheel.clock() + seconds

    def data_received(self, data: bytes) -> None:
        """Take in what the other end sent."""
        fresh = not self._buffer
        self._buffer = self._buffer + data if self._buffer else data
        if not self._answering and not self._unread:
            self._next(fresh)
        elif self._transport is not None and len(self._buffer) > self._door.http.max_head:
            self._transport.pause_reading()  # pipelined further than one head: until we are there

    def eof_received(self) -> bool:
        """The client sends no more: what it asked is still answered, where TLS lets us."""
        self._eof = True
        asked = self._answering or END in self._buffer
        return asked and self._transport is not None and self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """The client does not read its answers: no more of them until it does."""
        self._unread = True

    def resume_writing(self) -> None:
        """The client has read."""
        self._unread = False
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

    # -- a request -----------------------------------------------------------------------------

    def _next(self, fresh: bool) -> None:
        """Begin with the next request, if its head is whole."""
        buffer = self._buffer
        if buffer[:2] == b"\r\n":
            buffer = self._buffer = buffer.lstrip(b"\r\n")  # RFC 9112, section 2.2
        end = buffer.find(END)
        if end > self._door.http.max_head or (end < 0 and len(buffer) > self._door.http.max_head):
            self._door.count_closed("http", "head")
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif end >= 0:
            self._begin(buffer[: end + len(END)], buffer[end + len(END) :])
        elif fresh and buffer:  # the clock of a head runs from its first byte
            self._expect_within(self._door.http.request_timeout)
            self._door.wheel.schedule(self, self._door.http.request_timeout)

    def _begin(self, raw: bytes, rest: bytes) -> None:
        try:
            head = self._head = decode_head(raw)
        except Malformed:
            self._door.count_closed("http", "malformed")
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        self._route = route(head.target)
        if head.websocket or self._route.action is None:
            self._hand_over(head)
            return
        self._buffer = rest
        if head.method not in (b"GET", b"HEAD"):
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED)
        elif head.body:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        elif self._door.peers is None:
            self._refuse(HTTPStatus.NOT_FOUND)
        else:
            self._answering = True
            self._ask(self._door.peers, head)

    def _hand_over(self, head: Head) -> None:
        """Give the connection, all unread bytes included, to who serves such requests."""
        assert self._transport is not None
        self._door.wheel.cancel(self)
        transport, self._transport = self._transport, None
        transport.resume_reading()
        self._door.hand_over(
            self,
            transport,
            self._buffer,
            websocket=head.websocket,
        )

    def _ask(self, peers: Peers, head: Head) -> None:
        action, query = self._route.action, self._route.query
        try:
            if action == "announce":
                self._announce(peers, decode_announce(query), self._address(head))
            else:
                self._scrape(peers, decode_scrape(query, self._door.http.max_scrape))
        except TrackerError as error:
            self._fail(error)

    def _address(self, head: Head) -> Ip:
        """The client's address: behind proxies that we trust, the one that they tell."""
        assert self._client is not None
        if self._client not in self._door.trusted:
            return self._client
        return self._door.address(self._client, hops(head.x_forwarded_for, head.forwarded))

    def _announce(self, peers: Peers, query: AnnounceQuery, ip: Ip) -> None:
        announce = Announce(
            query.info_hash,
            query.peer_id,
            pack(self._door.named_address(query.addresses, ip), query.port),
            query.event,
            query.left == 0,
            query.numwant,
            True,
        )

        def announced(result: Announced | TrackerError) -> None:
            if isinstance(result, TrackerError):
                self._fail(result)
            else:
                self._reply(encode_announce(result, ip, query.compact, len(ip) == 16))

        peers.announce(announce, announced)

    def _scrape(self, peers: Peers, info_hashes: Sequence[InfoHash]) -> None:
        def scraped(result: Sequence[Counts] | TrackerError) -> None:
            if isinstance(result, TrackerError):
                self._fail(result)
            else:
                self._reply(encode_scrape(info_hashes, result))

        peers.scrape(info_hashes, scraped)

    # -- its answer ----------------------------------------------------------------------------

    def _fail(self, error: TrackerError) -> None:
        """A failure of the protocol is a success of HTTP: clients hide the text of others."""
        self._reply(encode_failure(error.reason, error.retry_in_s), error.label)

    def _reply(self, body: bytes, outcome: str = "ok") -> None:
        self._door.count_request(str(self._route.action), outcome)
        self._answering = False
        transport, head = self._transport, self._head
        if transport is None or head is None:
            return  # the client did not wait; its announce stands
        more = not self._eof or END in self._buffer
        keep_alive = head.keep_alive and more and not self._door.draining
        transport.write(
            encode_response(
                200,
                body,
                keep_alive=keep_alive,
                http10=head.http10,
                head_only=head.method == b"HEAD",
            )
        )
        self._head = None
        if not keep_alive:
            transport.close()
            return
        self._expect_within(self._door.http.keepalive)
        if self._buffer:
            transport.resume_reading()
            # Not at once: a pipeline of refusals must not become a recursion.
            asyncio.get_running_loop().call_soon(self._resume)

    def _resume(self) -> None:
        if self._transport is not None and not self._answering and not self._unread:
            self._next(fresh=True)

    def _refuse(self, status: HTTPStatus) -> None:
        """This is not BitTorrent, or too much of it: an HTTP status, and the end."""
        self._door.count_request("other", str(int(status)))
        transport = self._transport
        if transport is None:
            return
        body = status.phrase.encode() + b"\n"
        head_only = self._head is not None and self._head.method == b"HEAD"
        transport.write(
            encode_response(status, body, keep_alive=False, http10=False, head_only=head_only)
        )
        transport.close()
        self._buffer = b""


def socket_ip(transport: asyncio.BaseTransport) -> Ip | None:
    """The packed address of who is at the other end; None: it has gone already."""
    address = transport.get_extra_info("peername")
    return None if address is None else pack_ip(address[0])
