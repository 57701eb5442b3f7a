"""Binding of ports: IPv4 and IPv6, TCP and UDP, the same number where one is asked for."""

import errno
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack

ANY = ("0.0.0.0", "::")  # noqa: S104 - what an empty host stands for
NO_IPV6 = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})
ATTEMPTS = 20  # to find a number that is free everywhere, when any will do

Bind = Callable[[str, int], socket.socket]


def bind_tcp(host: str, port: int) -> socket.socket:
    """A TCP socket, bound and not yet listening.

    Raises:
        OSError: the address can't be had.
    """
    return _bound(socket.SOCK_STREAM, host, port)


def bind_udp(host: str, port: int) -> socket.socket:
    """A UDP socket, bound.

    Raises:
        OSError: the address can't be had.
    """
    return _bound(socket.SOCK_DGRAM, host, port)


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


def _bound(kind: socket.SocketKind, host: str, port: int) -> socket.socket:
    """Sockets of the two families stand apart, so that no address is IPv4-mapped."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, kind)
    try:
        sock.setblocking(False)
        if kind is socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"{error.strerror}: {host} port {port}") from error
    return sock
