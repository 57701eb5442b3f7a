"""Accepts plain connections by a server of the event loop, and under overload also in batches.

The server accepts one connection per iteration of the event loop, and costs less than a batch.
While requests wait for turns, iterations take milliseconds, and new clients would queue.
"""

import asyncio
import math
import socket
from functools import partial
from time import monotonic
from typing import TypeAlias

import structlog

from tracker.frontends.door import Door
from tracker.frontends.turns import Turns

log = structlog.get_logger(__name__)

Opening: TypeAlias = asyncio.Task[tuple[asyncio.Transport, asyncio.BaseProtocol]]

ACCEPTS = 128  # connections that are being opened at once, while requests wait
ACCEPT_S = 0.004  # seconds in an iteration


class PlainAcceptor:
    """Accepts the connections of one listening socket, which it closes.

    Args:
        sock: bound, and non-blocking.
        door: gives each connection its protocol.
        turns: call the acceptor in each iteration in which requests wait.
    """

    def __init__(self, sock: socket.socket, door: Door, turns: Turns) -> None:
        self._sock = sock
        self._door = door
        self._turns = turns
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.Server | None = None
        self._backlog = 0
        self._tasks: set[Opening] = set()  # of accepted connections

    async def start(self, backlog: int) -> None:
        """Listen and accept."""
        self._backlog = backlog
        self._server = await self._loop.create_server(self._door, sock=self._sock, backlog=backlog)
        self._turns.while_waiting.add(self._accept)

    def close(self) -> None:
        """Accept what the kernel has established, which it would reset, and then no more."""
        self._turns.while_waiting.discard(self._accept)
        if self._server is not None:
            self._accept_some(self._backlog, math.inf)
            self._server.close()
            self._server = None

    async def wait_closed(self) -> None:
        """Cut the connections that are not open yet."""
        self.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self) -> None:
        self._accept_some(ACCEPTS - len(self._tasks), monotonic() + ACCEPT_S)

    def _accept_some(self, most: int, until: float) -> None:
        for _ in range(most):
            if monotonic() >= until:
                return
            try:
                sock, _ = self._sock.accept()
            except OSError:  # none is left, or the event loop's own `accept` meets the same error
                return
            sock.setblocking(False)
            opening = self._loop.connect_accepted_socket(self._door, sock)
            task = self._loop.create_task(opening, name="accepted connection")
            self._tasks.add(task)
            task.add_done_callback(partial(self._opened, sock))

    def _opened(self, sock: socket.socket, task: Opening) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or error is not None:
            log.debug("tcp.open_failed", error=repr(error))
            sock.close()
