"""TCP connections that behave badly: odd pieces, pauses, replies left unread, sudden ends."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from struct import pack

RESET = pack("ii", 1, 0)  # SO_LINGER: close drops what is unsent, and tells by a reset
CHUNK = 65536
MOST_PIECES = 50
LONG_S = 2.5  # longer than the timeouts of the tracker, and its wheel's tick


@asynccontextmanager
async def connection(port: int, rng: Random) -> AsyncIterator["BadPeer"]:
    """A connection from some address of this machine, reset at its end if it still stands."""
    ipv6 = rng.random() < 0.1
    with socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET) as sock:
        sock.setblocking(False)
        sock.bind(("::1" if ipv6 else loopback(rng), 0))
        if rng.random() < 0.1:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("::1" if ipv6 else "127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        yield BadPeer(sock, rng)


def loopback(rng: Random) -> str:
    """One of many addresses, so that no storm runs out of ports."""
    return f"127.0.{rng.randrange(256)}.{rng.randrange(1, 255)}"


class BadPeer:
    """One end of a connection. All methods raise `ConnectionError` once the tracker has cut it."""

    def __init__(self, sock: socket.socket, rng: Random) -> None:
        self._socket, self._rng = sock, rng
        self._loop = asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        """Send it all: mostly whole, else in pieces, some of them late."""
        rng = self._rng
        size = len(data) if rng.random() < 0.7 else rng.randint(1, 200)
        size = max(size, len(data) // MOST_PIECES + 1)
        for at in range(0, len(data), size):
            await self._loop.sock_sendall(self._socket, data[at : at + size])
            if rng.random() < 0.02:
                await asyncio.sleep(rng.random() * 0.03)

    async def receive(self) -> bytes:
        """What is there, or comes next; nothing: the tracker sends no more."""
        return await self._loop.sock_recv(self._socket, CHUNK)

    async def glance(self, seconds: float = 0.03) -> bytes:
        """What comes within so many seconds, or until the tracker sends no more."""
        received = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while piece := await self.receive():
                    received += piece
        return received

    async def leave(self) -> bytes:
        """Say no more; what the tracker sent until one of the ends has hung up."""
        way = self._rng.random()
        if way < 0.4:  # gone at once
            return b""
        if way < 0.5:  # an orderly end
            with suppress(OSError):  # of a connection that the tracker has cut already
                self._socket.shutdown(socket.SHUT_WR)
        if way < 0.52:  # the tracker is the first to lose patience
            return await self.glance(LONG_S)
        return await self.glance()
