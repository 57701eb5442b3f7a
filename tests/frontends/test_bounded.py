"""Bounded reads over plain TCP and TLS, on both event loops."""

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, cast

import pytest
import trustme
import uvloop

from tracker.frontends.bounded import BoundedProtocol

DEADLINE_S = 10
SENT = bytes(range(256)) * 400

Run = Callable[[Coroutine[Any, Any, None]], None]


class Small(BoundedProtocol):
    """Reads at most `size` bytes at once; after each read another one takes over."""

    def __init__(self, reads: list[bytes], size: int, done: asyncio.Event) -> None:
        self.reads, self.size, self.done = reads, size, done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def read_size(self) -> int:
        return self.size

    def received(self, data: bytes) -> None:
        assert len(data) <= self.size
        self.reads.append(data)
        if sum(map(len, self.reads)) == len(SENT):
            self.done.set()
        successor = Small(self.reads, 13 + len(self.reads) % 1000, self.done)
        successor.connection_made(self.transport)
        self.transport.set_protocol(successor)
        if len(self.reads) % 10 == 0:
            self.transport.pause_reading()
            asyncio.get_running_loop().call_soon(self.transport.resume_reading)


async def send_to_small(server_tls: ssl.SSLContext | None, tls: ssl.SSLContext | None) -> None:
    reads: list[bytes] = []
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        partial(Small, reads, 100, done), "127.0.0.1", 0, ssl=server_tls
    )
    _, writer = await asyncio.open_connection(
        *server.sockets[0].getsockname()[:2],
        ssl=tls,
        server_hostname="localhost" if tls else None,
    )
    writer.write(SENT)
    await writer.drain()
    async with asyncio.timeout(DEADLINE_S):
        await done.wait()
    writer.close()
    assert b"".join(reads) == SENT
    assert len(reads) > 100
    server.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("secure", [False, True], ids=["tcp", "tls"])
def test_reads_are_bounded_and_each_may_change_the_protocol(run: Run, secure: bool) -> None:
    server_tls = tls = None
    if secure:
        authority = trustme.CA()
        server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(server_tls)
        tls = ssl.create_default_context()
        authority.configure_trust(tls)
    run(send_to_small(server_tls, tls))
