"""Accepts TLS connections: looks at the address before any work is done for the handshake.

A server of the event loop would start each handshake by itself. Handshakes in progress are bounded,
and addresses share the places equally: clients that send nothing keep no other address waiting.
Accepted connections that wait for a place count as connections of their address, and have a
deadline.
"""

import asyncio
import socket
import ssl
from functools import partial

import structlog

from tracker.frontends.connections import COST, Connection
from tracker.frontends.door import Door
from tracker.frontends.handshake_messages import PER_UNIT
from tracker.metrics import Counter
from tracker.model import Ip
from tracker.policy.places import Places
from tracker.wire.compact import pack_ip

log = structlog.get_logger(__name__)

HANDSHAKE_COST = 20  # units of work: about as much CPU as 20 announces
ACCEPTS = 16  # connections in an iteration of the event loop
MATURE_S = 2.0  # after which a handshake may be cut in favour of one that waits
READ_BUFFER = 16_384  # encrypted bytes of a read, and of those that wait for the next one
PAUSE_S = 0.1  # after `accept` failed, when files have run out


class Handshake:
    """A connection until its TLS handshake is complete."""

    def __init__(self, sock: socket.socket, ip: Ip, place: asyncio.Future[None]) -> None:
        self.sock = sock
        self.ip = ip
        self.place = place  # done once the handshake may start
        self.task: asyncio.Task[None] | None = None

    def abort(self) -> None:
        """Close at once."""
        if self.task is not None:
            self.task.cancel()


class TlsAcceptor:
    """Accepts the connections of one listening socket, which it closes.

    Args:
        sock: bound.
        door: gives each connection its protocol.
        context: of TLS.
        timeout_s: for a handshake, and before it for the wait for a place.
        most: handshakes in progress at once.
        closed: counts handshakes that failed.
    """

    def __init__(
        self,
        sock: socket.socket,
        door: Door,
        context: ssl.SSLContext,
        timeout_s: float,
        most: int,
        closed: Counter,
    ) -> None:
        self._sock = sock
        self._door = door
        self._context = context
        self._timeout_s = timeout_s
        self._closed = closed
        self._loop = asyncio.get_running_loop()
        self.places: Places[Handshake] = Places(most)
        self._tasks: set[asyncio.Task[None]] = set()  # in progress or waiting
        self._accepting = False
        self._open = True
        self._backlog = 0
        self._retry: asyncio.TimerHandle | None = None
        self._cut: asyncio.TimerHandle | None = None

    async def start(self, backlog: int) -> None:
        """Listen and accept."""
        # Connections inherit it. A read fills a buffer that TLS keeps until the end.
        usual = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2  # Linux doubles it
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, min(usual, READ_BUFFER))
        self._backlog = backlog
        self._sock.listen(backlog)
        self._go_on()

    def close(self) -> None:
        """Accept what the kernel has established, which it would reset, and then no more.

        Handshakes in progress, and those that wait, go on.
        """
        if self._open:
            self._accept(self._backlog)
        self._pause()
        self._open = False
        self._sock.close()

    async def wait_closed(self) -> None:
        """Cut the handshakes in progress and those that wait."""
        self.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._cut is not None:
            self._cut.cancel()

    def _go_on(self) -> None:
        self._retry = None
        if self._open:
            self._accepting = True
            self._loop.add_reader(self._sock, self._accept)

    def _pause(self) -> None:
        """Leave connections in the kernel."""
        if self._accepting:
            self._accepting = False
            self._loop.remove_reader(self._sock)
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _accept(self, most: int = ACCEPTS) -> None:
        for _ in range(most):
            try:
                sock, address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.warning("tcp.accept_failed", error=str(error))
                self._pause()
                self._retry = self._loop.call_later(PAUSE_S, self._go_on)
                return
            self._admit(sock, pack_ip(address[0]))

    def _admit(self, sock: socket.socket, ip: Ip) -> None:
        handshake = Handshake(sock, ip, self._loop.create_future())
        connection = self._door.connections.admit(handshake, ip, COST + HANDSHAKE_COST)
        if connection is None:
            sock.close()
            return
        sock.setblocking(False)
        task = self._loop.create_task(self._shake_hands(handshake, connection), name="handshake")
        handshake.task = task
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, handshake, connection))
        entry = self.places.enter(handshake, ip, self._loop.time())
        if entry.cut is not None:
            entry.cut.abort()
        if entry.starts:
            handshake.place.set_result(None)
        elif self._cut is None:
            self._cut_overdue()

    def _cut_overdue(self) -> None:
        """Cut handshakes older than `MATURE_S` while others wait; check again at the next."""
        self._cut = None
        while (found := self.places.oldest()) is not None:
            oldest, started_at = found
            due = started_at + MATURE_S
            if due > self._loop.time():
                self._cut = self._loop.call_at(due, self._cut_overdue)
                return
            oldest.abort()
            self._leave(oldest)

    def _leave(self, handshake: Handshake) -> None:
        """Pass the place of a handshake on."""
        successor = self.places.leave(handshake, handshake.ip, self._loop.time())
        if successor is not None and not successor.place.done():
            successor.place.set_result(None)

    async def _shake_hands(self, handshake: Handshake, connection: Connection) -> None:
        async with asyncio.timeout(self._timeout_s):
            await handshake.place
        protocol = self._door.after_handshake(connection, handshake.ip)
        transport, _ = await self._loop.connect_accepted_socket(
            lambda: protocol,
            handshake.sock,
            ssl=self._context,
            ssl_handshake_timeout=self._timeout_s,
        )
        transport.set_read_buffer_limits(high=READ_BUFFER)  # type: ignore[attr-defined]
        tls = transport.get_extra_info("ssl_object")
        # Not with the transport: a cycle would keep its buffers until the garbage collector runs.
        tls.limit(partial(self._exceeded, connection))

    def _exceeded(self, connection: Connection, messages: int) -> None:
        """Cut a connection that goes on with handshakes; its address pays for what they cost."""
        if not connection.is_open:
            return
        if connection.counted:
            units = messages // PER_UNIT
            self._door.accounts.charge(connection.account, units, self._loop.time())
        self._closed["tcp", "handshake_messages"] += 1
        connection.owner.abort()

    def _ended(
        self, handshake: Handshake, connection: Connection, task: asyncio.Task[None]
    ) -> None:
        self._tasks.remove(task)
        self._leave(handshake)
        error = None if task.cancelled() else task.exception()
        if error is None and not task.cancelled():
            return
        self._closed["tcp", "handshake"] += 1
        log.debug("tls.handshake_failed", error=repr(error))
        handshake.sock.close()  # no harm if the event loop has closed it
        if connection.owner is handshake:  # no protocol has it, and it was not shed
            connection.left()
