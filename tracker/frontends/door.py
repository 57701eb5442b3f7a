"""The TCP port: lets connections in, and hands each to the protocol that its request asks for.

HTTP and WebSocket come through one port. Every connection begins as `HttpConnection`; a request
for a WebSocket moves it to `WebSocketConnection`, one for a page to aiohttp. Behind a proxy that
speaks the PROXY protocol, `ProxiedConnection` reads that head first.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from tracker.errors import Malformed
from tracker.frontends.http import HttpConnection, socket_ip
from tracker.frontends.pages import Pages
from tracker.frontends.websocket import WebSocketFrontend
from tracker.frontends.wheel import UNSCHEDULED, Wheel
from tracker.metrics import Metrics
from tracker.model import Ip
from tracker.policy.addresses import Networks, client
from tracker.service.peers import Peers
from tracker.settings import HttpSettings, ListenSettings
from tracker.wire import proxy_protocol
from tracker.wire.compact import pack_ip


class Door:
    """What the connections of one TCP listener share."""

    def __init__(
        self,
        listen: ListenSettings,
        http: HttpSettings,
        *,
        peers: Peers | None,
        websocket: WebSocketFrontend | None,
        pages: Pages,
        wheel: Wheel,
        metrics: Metrics,
        client_addresses: bool,
    ) -> None:
        """`peers` or `websocket` is None where this port does not serve that protocol."""
        self.http = http
        self.peers = peers
        self.wheel = wheel
        self.trusted = Networks(listen.trusted_proxies)
        self.draining = False  # no connection is kept for another request
        self._listen = listen
        self._websocket = websocket
        self._pages = pages
        self._metrics = metrics
        self._client_addresses = client_addresses
        self._open: dict[HttpConnection, Ip] = {}
        self._per_address: dict[Ip, int] = {}

    def __call__(self) -> asyncio.Protocol:
        """A protocol for a new connection."""
        return ProxiedConnection(self) if self._listen.proxy_protocol else HttpConnection(self)

    # -- connections come and go ---------------------------------------------------------------

    def admit(self, connection: HttpConnection, ip: Ip) -> bool:
        """Let a connection in, or not: too many are open, in all or of its address."""
        most = self._listen.max_connections_per_address
        if len(self._open) >= self._listen.max_connections:
            self.count_closed("tcp", "full")
            return False
        if most:
            count = self._per_address.get(ip, 0) + 1
            if count > most and ip not in self.trusted:
                self.count_closed("tcp", "address")
                return False
            self._per_address[ip] = count
        self._open[connection] = ip
        return True

    def left(self, connection: HttpConnection) -> None:
        """A connection that was let in is gone."""
        ip = self._open.pop(connection, None)
        if ip in self._per_address:
            self._per_address[ip] -= 1
            if not self._per_address[ip]:
                del self._per_address[ip]

    def __len__(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def hand_over(
        self,
        connection: HttpConnection,
        transport: asyncio.Transport,
        data: bytes,
        *,
        websocket: bool,
    ) -> None:
        """Give a connection, and what was read of it, to the WebSocket frontend or the pages."""
        protocol: asyncio.Protocol
        left = partial(self.left, connection)
        if websocket and self._websocket is not None:
            protocol = self._websocket.protocol(left)
        else:
            protocol = LentConnection(self._pages.protocol(), left)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(data)

    def close_kept(self, *, unasked: bool = False) -> None:
        """Close connections kept for another request; `unasked`: for their first one, too."""
        for connection in list(self._open):
            connection.close(unasked=unasked)

    def abort(self) -> None:
        """Cut what is still open."""
        for connection in list(self._open):
            connection.abort()

    # -- what its connections ask --------------------------------------------------------------

    def address(self, ip: Ip, hops: Sequence[Ip]) -> Ip:
        """The client's address, of a connection from `ip` that tells these hops."""
        return client(ip, hops, self.trusted)

    def named_address(self, names: Sequence[str], ip: Ip) -> Ip:
        """The address that an announce names for itself, where such names are believed."""
        if self._client_addresses:
            for name in names:
                try:
                    return pack_ip(name)
                except Malformed:
                    continue  # a name, or an address with a port: the socket's is as good
        return ip

    def count_request(self, action: str, outcome: str) -> None:
        """Count an HTTP request that was answered."""
        self._metrics.requests["http", action, outcome] += 1

    def count_closed(self, protocol: str, reason: str) -> None:
        """Count a connection that we cut."""
        self._metrics.closed[protocol, reason] += 1


class LentConnection(asyncio.Protocol):
    """A connection in aiohttp's hands, of which the door hears when it is over."""

    def __init__(self, inner: asyncio.Protocol, left: Callable[[], None]) -> None:
        self._left = left
        self.connection_made = inner.connection_made  # type: ignore[method-assign]
        self.data_received = inner.data_received  # type: ignore[method-assign]
        self.eof_received = inner.eof_received  # type: ignore[method-assign]
        self.pause_writing = inner.pause_writing  # type: ignore[method-assign]
        self.resume_writing = inner.resume_writing  # type: ignore[method-assign]
        self._inner = inner

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._inner.connection_lost(exc)
        self._left()


class ProxiedConnection(asyncio.Protocol):
    """A connection whose first bytes are to tell who is behind the proxy (PROXY protocol)."""

    def __init__(self, door: Door) -> None:
        self.wheel_slot = UNSCHEDULED
        self._door = door
        self._transport: asyncio.Transport | None = None
        self._proxy: Ip | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)
        self._proxy = socket_ip(transport)
        if self._proxy is None:
            self._transport.abort()
        elif self._proxy in self._door.trusted:
            self._door.wheel.schedule(self, self._door.http.request_timeout)
        else:
            self._abort("proxy")  # anybody can write such a head

    def data_received(self, data: bytes) -> None:
        """Take in what the other end sent."""
        self._buffer += data
        try:
            header = proxy_protocol.decode(self._buffer)
        except Malformed:
            self._abort("proxy")
            return
        if header is not None and self._transport is not None:
            self._door.wheel.cancel(self)
            source = header.source[0] if header.source else self._proxy
            inner = HttpConnection(self._door, source)
            self._transport.set_protocol(inner)
            inner.connection_made(self._transport)
            if rest := self._buffer[header.size :]:
                inner.data_received(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._door.wheel.cancel(self)

    def expired(self, now: float) -> None:
        """The head took too long."""
        self._abort("slow")

    def _abort(self, reason: str) -> None:
        self._door.count_closed("tcp", reason)
        if self._transport is not None:
            self._transport.abort()
