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
from tracker.policy.memory import Memory

LEAST_READ = 16_384  # bytes that a client must read in the time, if that many wait for it
MAX_IGNORED = 65_536  # bytes after the request that are read and dropped; more stay in the kernel


class LentConnection(BoundedProtocol):
    """The protocol of a connection while the library answers.

    Args:
        library: the library's own protocol, which is not connected yet.
        memory: counts what the client leaves unread.
        refused: count what `memory` refuses.
        timeout_s: in which the response must begin, and the client must read `LEAST_READ`.
    """

    __slots__ = (
        "_closed",
        "_connection",
        "_final",
        "_library",
        "_memory",
        "_read",
        "_refused",
        "_timeout_s",
        "_to_ignore",
        "_transport",
        "_wheel",
        "account",
        "held",
        "wheel_slot",
    )

    def __init__(
        self,
        library: asyncio.Protocol,
        connection: Connection,
        wheel: Wheel,
        closed: Counter,
        memory: Memory,
        refused: Counter,
        timeout_s: float,
    ) -> None:
        self.wheel_slot = UNSCHEDULED
        self._library = library
        self._connection = connection
        self._wheel = wheel
        self._closed = closed
        self._memory = memory
        self._refused = refused
        self.account = connection.account
        self.held = 0  # bytes that the client has not read
        self._read = 0  # bytes that it had read at the last look
        self._timeout_s = timeout_s
        self._to_ignore = MAX_IGNORED
        self._transport: asyncio.Transport | None = None
        self._final: FinalResponse | None = None

    def serve(self, transport: asyncio.Transport, request: bytes) -> None:
        """Take over the transport, and let the library answer the request."""
        self._transport = transport
        self._connection.owner = self
        transport.set_protocol(self)
        transport.resume_reading()  # to notice that the client leaves
        self._wheel.schedule(self, self._timeout_s)
        self._final = FinalResponse(transport, public=True)
        self._library.connection_made(self._final)
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
        """Count what the client does not read, and pass on that it does not."""
        self._library.pause_writing()
        if self._transport is not None:
            self._count_memory(self._transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Pass on that the client has read."""
        self._count_memory(0)
        self._library.resume_writing()

    def _count_memory(self, size: int) -> None:
        of = self._memory.refuses(self, size - self.held) if size > self.held else None
        if of is not None:
            self._refused["memory", of] += 1
            self.shed()
            return
        for holder in self._memory.hold(self, size - self.held):
            self._refused["memory", "process"] += 1
            holder.shed()

    def shed(self) -> None:
        """Close at once: this connection is one of the largest holders of memory."""
        self._closed["http", "memory"] += 1
        self._memory.release(self)
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the library's part."""
        self._transport = self._final = None
        self._wheel.cancel(self)
        self._memory.release(self)
        # Not at once: if the client left just before `serve`, the library has not yet run the task
        # that `connection_made` starts, which expects a connection.
        asyncio.get_running_loop().call_soon(self._library.connection_lost, exc)
        self._connection.left()

    def expired(self, now: float) -> None:
        """Cut a response that does not begin, or that the client does not read."""
        if self._transport is None or self._final is None:
            return
        unread = self._transport.get_write_buffer_size()
        read = self._final.written - unread
        if self._final.written and (not unread or read - self._read >= LEAST_READ):
            self._read = read
            self._wheel.schedule(self, self._timeout_s)
            return
        self._closed["http", "page"] += 1
        self.abort()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()
