"""The end of a connection whose client may still be sending.

A socket that is closed with unread bytes is reset, and the client may lose the response that tells
why. So the response is followed by an end of file, and what still arrives is read and dropped, for
a limited time and size, until the client closes its side.
"""

import asyncio

from tracker.frontends.bounded import BoundedProtocol
from tracker.frontends.connections import Connection
from tracker.frontends.wheel import UNSCHEDULED, Wheel

MAX_DROPPED = 65_536  # bytes


class ClosingConnection(BoundedProtocol):
    """A connection on which nothing is answered any more."""

    __slots__ = ("_connection", "_left", "_transport", "_wheel", "wheel_slot")

    def __init__(self, transport: asyncio.Transport, connection: Connection, wheel: Wheel) -> None:
        self.wheel_slot = UNSCHEDULED
        self._transport = transport
        self._connection = connection
        self._wheel = wheel
        self._left = MAX_DROPPED

    def begin(self, response: bytes, timeout_s: float) -> None:
        """Take over the transport, and send the last response."""
        self._connection.owner = self
        self._wheel.schedule(self, timeout_s)
        self._transport.set_protocol(self)
        self._transport.write(response)
        if self._transport.is_closing():
            return  # the client has left
        if self._transport.can_write_eof():
            self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self._transport.close()

    def received(self, data: bytes) -> None:
        """Drop what the client sends."""
        self._left -= len(data)
        if self._left < 0:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection no more."""
        self._wheel.cancel(self)
        self._connection.left()

    def expired(self, now: float) -> None:
        """Cut the connection: the client did not close its side in time."""
        self.abort()

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()
