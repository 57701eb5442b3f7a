"""A connection lent to the library that renders pages, for one request and one response.

The library never gets a byte of the client's: its request is written by us. What it writes passes
through `FinalResponse`. When it closes, or the time is over, the connection closes.
"""

import asyncio

from tracker.frontends.bounded import BoundedProtocol
from tracker.frontends.connections import Connection
from tracker.frontends.final_response import FinalResponse
from tracker.frontends.wheel import UNSCHEDULED, Wheel
from tracker.metrics import Counter

MAX_IGNORED = 65_536  # bytes after the request that are read and dropped; more stay in the kernel


class LentConnection(BoundedProtocol):
    """The protocol of a connection while the library answers.

    Args:
        library: the library's own protocol, which is not connected yet.
        timeout_s: for the whole response, until the client has read it.
    """

    __slots__ = (
        "_closed",
        "_connection",
        "_library",
        "_timeout_s",
        "_to_ignore",
        "_transport",
        "_wheel",
        "wheel_slot",
    )

    def __init__(
        self,
        library: asyncio.Protocol,
        connection: Connection,
        wheel: Wheel,
        closed: Counter,
        timeout_s: float,
    ) -> None:
        self.wheel_slot = UNSCHEDULED
        self._library = library
        self._connection = connection
        self._wheel = wheel
        self._closed = closed
        self._timeout_s = timeout_s
        self._to_ignore = MAX_IGNORED
        self._transport: asyncio.Transport | None = None

    def serve(self, transport: asyncio.Transport, request: bytes) -> None:
        """Take over the transport, and let the library answer the request."""
        self._transport = transport
        self._connection.owner = self
        transport.set_protocol(self)
        transport.resume_reading()  # to notice that the client leaves
        self._wheel.schedule(self, self._timeout_s)
        self._library.connection_made(FinalResponse(transport, public=True))
        self._library.data_received(request)

    def received(self, data: bytes) -> None:
        """Ignore what the client sends after its request."""
        self._to_ignore -= len(data)
        if self._to_ignore < 0 and self._transport is not None:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Finish the response for a client that sends no more, where TLS allows it."""
        return self._transport is not None and self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """Pass on that the client does not read."""
        self._library.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the client has read."""
        self._library.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the library's part."""
        self._transport = None
        self._wheel.cancel(self)
        # Not at once: if the client left just before `serve`, the library has not yet run the task
        # that `connection_made` starts, which expects a connection.
        asyncio.get_running_loop().call_soon(self._library.connection_lost, exc)
        self._connection.left()

    def expired(self, now: float) -> None:
        """Cut a response that is not written or not read in time."""
        self._closed["http", "page"] += 1
        self.abort()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()
