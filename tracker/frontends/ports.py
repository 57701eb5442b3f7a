"""The TCP ports of one process: their doors, and what accepts connections for them."""

import socket
import ssl
from collections.abc import Sequence

from tracker.frontends.door import Door, Shared, close_kept
from tracker.frontends.plain_acceptor import PlainAcceptor
from tracker.frontends.tls_acceptor import TlsAcceptor


class TcpPorts:
    """All TCP ports of one process.

    Args:
        shared: what their connections share.
        backlog: of each listening socket.
        context: of TLS; None: connections are plain.
        handshakes: of TLS, in progress at once on each listening socket.
    """

    def __init__(
        self, shared: Shared, backlog: int, context: ssl.SSLContext | None, handshakes: int
    ) -> None:
        self.connections = shared.connections
        self.listening = False
        self._shared = shared
        self._backlog = backlog
        self._context = context
        self._handshakes = handshakes
        self._doors: list[Door] = []
        self._acceptors: list[PlainAcceptor | TlsAcceptor] = []

    async def listen(self, protocols: Sequence[str], sockets: Sequence[socket.socket]) -> None:
        """Serve one port: these protocols, on its bound sockets."""
        self.listening = True
        door = Door(self._shared, protocols)
        self._doors.append(door)
        for sock in sockets:
            acceptor = self._acceptor(sock, door)
            self._acceptors.append(acceptor)
            await acceptor.start(self._backlog)

    def _acceptor(self, sock: socket.socket, door: Door) -> PlainAcceptor | TlsAcceptor:
        shared = self._shared
        if self._context is None:
            return PlainAcceptor(sock, door, shared.turns)
        timeout_s, closed = shared.http.request_timeout, shared.metrics.closed
        return TlsAcceptor(sock, door, self._context, timeout_s, self._handshakes, closed)

    def drain(self) -> None:
        """Keep no connection for another request."""
        for door in self._doors:
            door.draining = True

    def close_listeners(self) -> None:
        """Accept no more connections."""
        self.listening = False
        for acceptor in self._acceptors:
            acceptor.close()

    def close_kept(self, *, unasked: bool = False) -> None:
        """Close connections kept for another request; `unasked`: for their first one, too."""
        close_kept(self.connections, unasked=unasked)

    async def close(self) -> None:
        """Cut all connections, and the handshakes in progress."""
        self.close_listeners()
        for connection in self.connections:
            connection.owner.abort()
        for acceptor in self._acceptors:
            await acceptor.wait_closed()
