"""haproxy before Caddy as shipped: limits of each address, and its PROXY header."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import NamedTuple

import pytest

from tests.cluster.hosts import Host, hosts
from tests.deploy.balancers import haproxy

CONNECTIONS = 20  # of one address, instead of the default
TIMEOUT_S = 10.0
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"  # of PROXY protocol, version 2

pytestmark = pytest.mark.timeout(60)


class Place(NamedTuple):
    """The load balancer, a host in the place of Caddy, and hosts of clients."""

    balancer: Host
    caddy: Host
    good: Host
    keeps: Host
    reconnects: Host


class Caddy(NamedTuple):
    """Where haproxy connects to."""

    listener: socket.socket

    def accept(self) -> socket.socket:
        """The next connection."""
        connection, _ = self.listener.accept()
        connection.settimeout(TIMEOUT_S)
        return connection


@pytest.fixture
def place() -> Iterator[Place]:
    """All hosts; haproxy is running."""
    with hosts(*Place._fields) as places:
        place = Place(*places)
        with haproxy(
            place.balancer,
            "haproxy-tls.cfg",
            DESCRIPTORS="2000",
            CONNECTIONS_PER_ADDRESS=str(CONNECTIONS),
            CADDY=place.caddy.ip,
            ADMIN=f"{place.balancer.ip}:8405",
        ):
            yield place


@pytest.fixture
def caddy(place: Place) -> Iterator[Caddy]:
    """It accepts connections only when asked to."""
    with place.caddy.inside():
        listener = socket.create_server((place.caddy.ip, 443), backlog=100)
    with listener:
        listener.settimeout(TIMEOUT_S)
        yield Caddy(listener)


def hello() -> bytes:
    """The first message of a TLS client."""
    sent = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(
        ssl.MemoryBIO(), sent, server_hostname="localhost"
    )
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return sent.read()


def connect(place: Place, client: Host, first: bytes) -> socket.socket:
    """A connection of a client that has sent its first bytes."""
    with client.inside():
        connection = socket.create_connection((place.balancer.ip, 443), TIMEOUT_S)
    try:
        connection.sendall(first)
    except OSError:
        connection.close()
        raise
    return connection


def served(place: Place, caddy: Caddy, client: Host) -> bool:
    """Whether Caddy gets a client's message, behind a PROXY header with its address."""
    first = hello()
    with connect(place, client, first), caddy.accept() as arrived:
        got = read(arrived, 28 + len(first))
    assert got.startswith(SIGNATURE)
    assert socket.inet_aton(client.ip) == got[16:20]
    return got[28:] == first


def read(connection: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes."""
    with connection.makefile("rb") as stream:
        return stream.read(size)


def closed(connection: socket.socket) -> bool:
    """Whether haproxy closes a connection without a byte."""
    with connection:
        try:
            return connection.recv(1) == b""
        except ConnectionResetError:
            return True


def refused(place: Place, client: Host) -> bool:
    """Whether haproxy closes a new connection of a client."""
    try:
        return closed(connect(place, client, hello()))
    except (ConnectionResetError, BrokenPipeError):
        return True


def test_caddy_gets_the_address_of_the_client(place: Place, caddy: Caddy) -> None:
    assert served(place, caddy, place.good)


def test_only_tls_reaches_caddy(place: Place, caddy: Caddy) -> None:
    assert closed(connect(place, place.good, b"GET / HTTP/1.1\r\n\r\n"))
    assert closed(connect(place, place.good, b""))  # after five seconds
    assert served(place, caddy, place.good)  # the first connection that arrives


def test_open_connections_of_one_address_are_limited(place: Place, caddy: Caddy) -> None:
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            stack.enter_context(connect(place, place.keeps, hello()))
            stack.enter_context(caddy.accept())
        assert refused(place, place.keeps)
        assert served(place, caddy, place.good)


def test_new_connections_of_one_address_are_limited(place: Place, caddy: Caddy) -> None:
    assert all(served(place, caddy, place.reconnects) for _ in range(CONNECTIONS))
    assert refused(place, place.reconnects)
    assert served(place, caddy, place.good)
