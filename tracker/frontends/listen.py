"""Binding of ports: IPv4 and IPv6, TCP and UDP, the same number where one is asked for.

Several processes on the same ports have sockets of their own, among which the kernel shares out
connections and datagrams (SO_REUSEPORT): always the same socket for the same client address and
port, as long as none of them is closed.
"""

import errno
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from tracker.frontends.port_in_use import PortInUse
from tracker.settings import ListenSettings, ProtocolName

ANY = ("0.0.0.0", "::")  # noqa: S104 - what an empty host stands for
NO_IPV6 = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})
PROTOCOLS: tuple[ProtocolName, ...] = ("http", "ws", "udp")
ATTEMPTS = 20  # to find a number that is free everywhere, when any will do

Bind = Callable[[str, int], socket.socket]
S = TypeVar("S")
T = TypeVar("T")


class Listeners(NamedTuple, Generic[S]):
    """The sockets of one process, or what stands for them, such as their descriptors."""

    ports: Mapping[str, int]  # protocol -> its number
    tcp: Sequence[tuple[Sequence[str], Sequence[S]]]  # of each TCP port: its protocols, its sockets
    udp: Sequence[S]

    def all(self) -> list[S]:
        """Every socket."""
        return [sock for _, sockets in self.tcp for sock in sockets] + [*self.udp]

    def map(self, convert: Callable[[S], T]) -> "Listeners[T]":
        """The same of what `convert` makes of each socket."""
        tcp = [(names, [convert(sock) for sock in sockets]) for names, sockets in self.tcp]
        return Listeners(self.ports, tcp, [convert(sock) for sock in self.udp])


def open_ports(settings: ListenSettings) -> list[Listeners[socket.socket]]:
    """Bind the ports of all protocols; those of the same number share its TCP sockets.

    Returns:
        The sockets of each of ``settings.processes``. If there are several their TCP sockets
        listen already: the kernel counts only those in.

    Raises:
        OSError: a port cannot be bound.
    """
    wanted: dict[int, list[ProtocolName]] = {}
    for name in PROTOCOLS:
        if name in settings.only:
            wanted.setdefault(settings.port_of(name)[0], []).append(name)
    ports: dict[str, int] = {}
    bound: list[tuple[list[str], list[_Share]]] = []
    with ExitStack() as undo:
        for port, names in wanted.items():
            streams: list[str] = [name for name in names if name != "udp"]
            shares = _bind_port(settings, port, names)
            for sock in (sock for share in shares for sock in (*share.tcp, *share.udp)):
                undo.callback(sock.close)
                ports.update(dict.fromkeys(names, sock.getsockname()[1]))
            bound.append((streams, shares))
        undo.pop_all()
    return [
        Listeners(
            ports,
            [(streams, shares[at].tcp) for streams, shares in bound if streams],
            [sock for _, shares in bound for sock in shares[at].udp],
        )
        for at in range(settings.processes)
    ]


class _Share(NamedTuple):
    """What one process has of one port."""

    tcp: list[socket.socket]
    udp: list[socket.socket]


def _bind_port(settings: ListenSettings, port: int, names: Sequence[ProtocolName]) -> list[_Share]:
    """Bind the port of these protocols, UDP last, for each process."""
    tcp, udp = names[0] != "udp", names[-1] == "udp"
    binds: list[partial[socket.socket]] = []
    if tcp:
        flag = settings.port_of(names[0])[1]
        binds.append(partial(bind_tcp, buffer=settings.socket_buffer, flag=flag))
    if udp:
        binds.append(partial(bind_udp, flag=settings.port_of("udp")[1]))
    rows = bind_all(settings.host, port, binds)
    if settings.processes > 1:
        # Nobody else has it, then: sockets that share join those of another tracker, and no error.
        port = rows[0][0].getsockname()[1]
        for sock in (sock for row in rows for sock in row):
            sock.close()
        shared = [partial(bind, shared=True) for bind in binds]
        rows = bind_all(settings.host, port, shared * settings.processes)
        for sock in (sock for row in rows for sock in row):
            if sock.type is socket.SOCK_STREAM:
                sock.listen(settings.backlog)
    each = iter(rows)
    return [
        _Share(next(each) if tcp else [], next(each) if udp else [])
        for _ in range(settings.processes)
    ]


def inherited(descriptor: int) -> socket.socket:
    """The socket of a descriptor that another process left us."""
    sock = socket.socket(fileno=descriptor)
    sock.setblocking(False)
    return sock


def bind_tcp(
    host: str,
    port: int,
    *,
    shared: bool = False,
    buffer: int | None = None,
    flag: str = "--port",
) -> socket.socket:
    """Return a TCP socket, bound and not yet listening.

    Args:
        host: an address.
        port: 0: any that is free.
        shared: with others, bound likewise.
        buffer: bytes of the kernel's buffers, each way, of every connection; None: its own choice.
        flag: that chooses another port, for the error.

    Raises:
        PortInUse: another socket has the port.
        OSError: the address cannot be bound.
    """
    sock = _bound(socket.SOCK_STREAM, host, port, shared, flag)
    if buffer is not None:  # before listen(), so that connections inherit it
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
    return sock


def bind_udp(host: str, port: int, *, shared: bool = False, flag: str = "--port") -> socket.socket:
    """Return a bound UDP socket; arguments and errors as those of `bind_tcp`."""
    return _bound(socket.SOCK_DGRAM, host, port, shared, flag)


def bind_all(host: str, port: int, binds: Sequence[Bind]) -> list[list[socket.socket]]:
    """Bind one port with each of `binds`; an empty `host`: all addresses, IPv6 if there is any.

    Port 0: any number that is free for all of them.

    Returns:
        For each of `binds` its sockets.

    Raises:
        OSError: an address can't be had.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return _bind_once(host, port, binds)
        except OSError as error:
            if port != 0 or error.errno != errno.EADDRINUSE:
                raise
    return _bind_once(host, port, binds)


def _bind_once(host: str, port: int, binds: Sequence[Bind]) -> list[list[socket.socket]]:
    rows: list[list[socket.socket]] = []
    with ExitStack() as undo:
        for bind in binds:
            rows.append([])
            for each in [host] if host else ANY:
                try:
                    sock = undo.enter_context(bind(each, port))
                except OSError as error:
                    if not host and each == "::" and error.errno in NO_IPV6:
                        continue
                    raise
                rows[-1].append(sock)
                port = sock.getsockname()[1]  # the others must have the same
        undo.pop_all()
    return rows


def _bound(kind: socket.SocketKind, host: str, port: int, shared: bool, flag: str) -> socket.socket:
    """Sockets of the two families stand apart, so that no address is IPv4-mapped."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, kind)
    try:
        sock.setblocking(False)
        if kind is socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family is socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(kind, host, port, flag) from error
        raise OSError(error.errno, f"{error.strerror}: {host} port {port}") from error
    return sock
