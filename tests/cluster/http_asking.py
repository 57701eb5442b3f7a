"""HTTP as clients speak it: each request on a connection of its own, or on kept ones."""

import asyncio
from typing import NamedTuple

from tests.cluster.server import Address


class Reply(NamedTuple):
    """One response."""

    status: int
    body: bytes


class Gone(EOFError):
    """The connection was closed before the first byte of a response."""


class Connection:
    """A TCP connection for one request after another."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.kept = True  # it may be used again

    @classmethod
    async def open(cls, address: Address) -> "Connection":
        """Connect.

        Raises:
            OSError: nobody is there.
        """
        return cls(*await asyncio.open_connection(*address))

    async def get(self, target: str, *headers: str) -> Reply:
        """Ask, and read the response.

        Raises:
            Gone: it was closed, or reset, before the first byte of the response.
            OSError: it broke later.
            EOFError: it was closed before the response was whole.
        """
        lines = (f"GET {target} HTTP/1.1", "Host: tracker", *headers, "", "")
        self._writer.write("\r\n".join(lines).encode("latin-1"))
        try:
            first = await self._reader.readexactly(1)
        except (OSError, EOFError) as error:
            raise Gone(f"no answer: {error}") from error
        head = (first + await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        self.kept = "connection: close" not in head
        size = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return Reply(int(head.split(" ", 2)[1]), await self._reader.readexactly(size))

    def close(self) -> None:
        """Close it."""
        self._writer.transport.abort()


async def get(address: Address, target: str) -> Reply:
    """One request on a connection of its own; errors as of `Connection`."""
    connection = await Connection.open(address)
    try:
        return await connection.get(target, "Connection: close")
    finally:
        connection.close()
