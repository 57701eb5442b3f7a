"""Reads of bounded size: the base of all protocols on the TCP port.

An `asyncio.Protocol` gets whatever the event loop reads: uvloop reads up to 256,000 bytes at once,
and up to 32 times before any other socket is served. A buffered protocol chooses the size itself,
and what it does not read stays in the kernel, whose buffers are bounded.

All connections share one buffer: the loop fills it and reports the bytes before it reads from
another socket.
"""

import asyncio

READ_SIZE = 4096  # bytes of one read, unless a protocol chooses otherwise
MAX_READ_SIZE = 65_536

_BUFFER = memoryview(bytearray(MAX_READ_SIZE))
USUAL = _BUFFER[:READ_SIZE]  # where reads go that have the usual size


def buffer(size: int) -> memoryview:
    """Return where reads of at most `size` bytes go; for `BoundedProtocol.get_buffer` only."""
    return _BUFFER[:size]


class BoundedProtocol(asyncio.BufferedProtocol):
    """A protocol that gets at most `read_size` bytes at a time.

    It must not derive from `asyncio.Protocol`, too: uvloop would take it for one.
    """

    __slots__ = ()

    def read_size(self) -> int:
        """Return the most bytes of the next read, 1 to `MAX_READ_SIZE`."""
        return READ_SIZE

    def received(self, data: bytes) -> None:
        """Process the bytes of one read."""
        raise NotImplementedError

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the event loop puts the bytes of the next read."""
        size = self.read_size()
        return USUAL if size == READ_SIZE else buffer(size)

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on the bytes that the event loop read."""
        self.received(bytes(_BUFFER[:nbytes]))
