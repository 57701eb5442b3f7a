"""A server that speaks Redis's language badly: what no real one can be brought to do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tracker.store.resp import command

WORDS = ("server", "redis", "version", "7.0.15", "proto", 2, "mode", "standalone", "role", "master")
HELLO = command(*WORDS)  # a reply of bulk strings looks like a command


@asynccontextmanager
async def fake_redis(says: bytes, hello: bytes = HELLO) -> AsyncIterator[str]:
    """The URL of a server that greets so, and says the same to each request that comes alone."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"tracker\r\n")
            writer.write(hello)
            while await reader.read(65_536):
                writer.write(says)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"redis://{host}:{port}"
    finally:
        server.close()
