"""The response of an HTTP library, changed so that it ends the connection.

The library may want to keep a connection for another request, whatever we set: it does so after
some of its own errors. A proxy in front would then give the connection to another client.
"""

import asyncio
from collections.abc import Iterable

from tracker.wire.http_head import END
from tracker.wire.http_page import final_head


class FinalResponse(asyncio.Transport):
    """A transport for the library: the response that it writes says that the connection closes.

    Args:
        transport: of the connection.
        public: it is one of a public port.
    """

    def __init__(self, transport: asyncio.Transport, *, public: bool) -> None:
        super().__init__()
        self._transport = transport
        self._public = public
        self.written = 0  # bytes that went to the client's buffer
        self._head: bytes | None = b""  # its first bytes; None: it has been written

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write part of the response; its head is kept back until it is whole."""
        if self._head is None:
            self._send(data)
            return
        head, end, rest = (self._head + data).partition(END)
        self._head = head
        if end:
            final = final_head(head, public=self._public)
            self._head = b"" if final is None else None
            if final is not None:
                self._send(final)
            if rest:
                self.write(rest)

    def _send(self, data: bytes | bytearray | memoryview) -> None:
        self.written += len(data)
        self._transport.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Write several pieces."""
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        """End the response."""
        self.close()

    def can_write_eof(self) -> bool:
        """Return False: the end is a close."""
        return False

    def close(self) -> None:
        """Close the connection once everything is written."""
        self._transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Return whether the connection closes or is closed."""
        return self._transport.is_closing()

    def is_reading(self) -> bool:
        """Return True: there is nothing to read, so it never pauses."""
        return True

    def pause_reading(self) -> None:
        """Do nothing."""

    def resume_reading(self) -> None:
        """Do nothing."""

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait to be sent."""
        return self._transport.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set when `pause_writing` is called."""
        self._transport.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return what is known of the connection."""
        return self._transport.get_extra_info(name, default)
