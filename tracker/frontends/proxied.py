"""A connection whose first bytes name the client behind a proxy (PROXY protocol)."""

import asyncio
from typing import TYPE_CHECKING, cast

from tracker.errors import Malformed
from tracker.frontends.bounded import BoundedProtocol
from tracker.frontends.connections import Connection, socket_ip
from tracker.frontends.http import HttpConnection
from tracker.frontends.wheel import UNSCHEDULED
from tracker.model import Ip
from tracker.wire import proxy_protocol

if TYPE_CHECKING:
    from tracker.frontends.door import Door


class ProxiedConnection(BoundedProtocol):
    """Reads the PROXY header; then `HttpConnection` takes over."""

    __slots__ = ("_buffer", "_connection", "_door", "_proxy", "_transport", "wheel_slot")

    def __init__(self, door: "Door") -> None:
        self.wheel_slot = UNSCHEDULED
        self._door = door
        self._connection: Connection | None = None
        self._transport: asyncio.Transport | None = None
        self._proxy: Ip = b""
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit connections of trusted proxies only: anybody can write such a header."""
        self._transport = cast(asyncio.Transport, transport)
        ip = socket_ip(transport)
        if ip is not None:
            self._proxy = ip
            if ip not in self._door.proxies:
                self._door.count_closed("tcp", "proxy")
            else:
                self._connection = self._door.connections.admit(self, ip)
        if self._connection is None:
            self._transport.abort()
        else:
            self._door.wheel.schedule(self, self._door.http.request_timeout)

    def received(self, data: bytes) -> None:
        """Look for the end of the header."""
        self._buffer += data
        try:
            header = proxy_protocol.decode(self._buffer)
        except Malformed:
            self._cut("proxy")
            return
        if header is not None:
            self._take(header)

    def _take(self, header: proxy_protocol.Header) -> None:
        transport, connection = self._transport, self._connection
        if transport is None or connection is None:
            return
        source = header.source[0] if header.source else self._proxy
        if not self._door.connections.move(connection, source):
            self.abort()
            return
        self._door.wheel.cancel(self)
        inner = HttpConnection(self._door, connection, source)
        transport.set_protocol(inner)
        inner.connection_made(transport)
        if rest := self._buffer[header.size :]:
            inner.received(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection no more."""
        self._transport = None
        self._door.wheel.cancel(self)
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.left()

    def expired(self, now: float) -> None:
        """Cut a connection whose header took too long."""
        self._cut("slow")

    def close(self, *, unasked: bool) -> None:
        """Close if nothing came yet, for a drain that does not wait for first requests."""
        if unasked and not self._buffer and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _cut(self, reason: str) -> None:
        self._door.count_closed("tcp", reason)
        self.abort()
