"""Connections that are opened and held, also in the middle of a handshake."""

import ssl
from collections.abc import Iterator

import pytest

from tests.hostile.arena import Arena, arena
from tests.hostile.attacks.described import encrypted as over_tls
from tests.hostile.attacks.described import tcp
from tests.hostile.attacks.frames import HANDSHAKE, PING, frame, header
from tests.redis_servers import TlsFiles

IDLE = [(b"", b""), (HANDSHAKE, b""), (b"GET /announce HTTP/1.1\r\n", b"")]
PINGS = HANDSHAKE + frame(b"", PING) * 50_000
HALF_MESSAGE = HANDSHAKE + header(65_000) + b"[" * 60_000
MOST = 3000  # connections of the tracker below


def client_hello() -> bytes:
    """Return the first message of a TLS handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname = False
    tls = context.wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@pytest.fixture(scope="module")
def small() -> Iterator[Arena]:
    """A tracker that a few thousand connections fill."""
    with arena("--max-connections", str(MOST)) as running:
        yield running


@pytest.fixture(scope="module")
def encrypted(tls_files: TlsFiles) -> Iterator[Arena]:
    """A tracker with TLS, and good clients that use it."""
    certificate = ("--tls-cert", str(tls_files.cert), "--tls-key", str(tls_files.key))
    with arena(*certificate, authority=tls_files.ca) as running:
        yield running


@pytest.mark.parametrize(("hosts", "network"), [(1, 100), (250, 101)])
async def test_connections_that_fill_the_tracker_leave_room_for_good_clients(
    small: Arena, hosts: int, network: int
) -> None:
    await small.withstands(
        tcp(
            small.tracker.ports["http"],
            network=network,
            programs=IDLE,
            hosts=hosts,
            sockets=2 * MOST,
            per_second=1000,
        )
    )


async def test_connections_that_come_and_go_leave_room_for_good_clients(small: Arena) -> None:
    await small.withstands(
        tcp(
            small.tracker.ports["http"],
            network=102,
            programs=[(b"", b"!\r\n\r\n")],
            hosts=250,
            sockets=200,
            once=True,
            per_second=6 * 4000,
        )
    )


@pytest.mark.parametrize(("hosts", "network"), [(1, 103), (250, 104)])
async def test_handshakes_that_never_end_do_not_disturb_others(
    encrypted: Arena, hosts: int, network: int
) -> None:
    hello = client_hello()
    await encrypted.withstands(
        tcp(
            encrypted.tracker.ports["http"],
            network=network,
            programs=[(b"", b""), (hello[:100], b""), (hello, b"")],
            hosts=hosts,
            sockets=2000,
            per_second=2_000_000,
        )
    )


@pytest.mark.parametrize(("hosts", "network"), [(1, 105), (250, 106)])
async def test_a_flood_of_handshakes_does_not_disturb_others(
    encrypted: Arena, hosts: int, network: int
) -> None:
    hello = client_hello()
    await encrypted.withstands(
        tcp(
            encrypted.tracker.ports["http"],
            network=network,
            programs=[(b"", hello)],
            hosts=hosts,
            sockets=100,
            once=True,
            per_second=2000 * len(hello),
        )
    )


@pytest.fixture(scope="module")
def tight(tls_files: TlsFiles) -> Iterator[Arena]:
    """The same with so little memory that there is room for 341 connections."""
    certificate = ("--tls-cert", str(tls_files.cert), "--tls-key", str(tls_files.key))
    with arena("--limits-memory-mib", "16", *certificate, authority=tls_files.ca) as running:
        assert "tracker.little_memory" in running.tracker.stderr
        yield running


@pytest.mark.parametrize(
    ("hosts", "network", "data"),
    [(1, 108, PINGS), (250, 109, HALF_MESSAGE)],
    ids=["pings", "half messages"],
)
async def test_what_comes_over_tls_does_not_fill_memory(
    tight: Arena, hosts: int, network: int, data: bytes
) -> None:
    port = tight.tracker.ports["ws"]
    await tight.withstands(over_tls(port, network=network, hosts=hosts, sockets=500, data=data))


@pytest.fixture(scope="module")
def proxied() -> Iterator[Arena]:
    """A tracker behind proxies that send a PROXY header; the good clients use UDP."""
    flags = ("--proxy-protocol", "--trusted-proxies", "127.107.0.0/16")
    with arena(*flags, protocols=("udp",)) as running:
        yield running


async def test_proxies_that_send_no_header_do_not_disturb_others(proxied: Arena) -> None:
    await proxied.withstands(
        tcp(
            proxied.tracker.ports["http"],
            network=107,
            programs=[(b"", b""), (b"PROXY TCP4 ", b""), (b"PROXY UNKNOWN", b" ")],
            hosts=250,
            sockets=4000,
            per_second=100_000,
        )
    )
