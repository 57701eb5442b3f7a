"""Floods of HTTP requests: pipelined, on new connections, slow, and with answers left unread."""

from itertools import count

import pytest

from tests.frontends.clients import get
from tests.hostile.arena import Arena
from tests.hostile.attacks.described import tcp
from tests.hostile.attacks.requests import CLOSE, http_announce, http_scrape

# Each connection pipelines one of them, and opens again when it is closed.
PIPELINED = {
    "announces": [(b"", http_announce()), (b"", http_announce("X-Padding: " + "x" * 3000))],
    "scrapes": [(b"", http_scrape(100))],
    "refused requests": [
        (b"", get("/announce?info_hash=short")),
        (b"", get("/scrape")),
        (b"", http_announce().replace(b"GET", b"HEAD", 1)),
        (b"", b"\r\n"),
    ],
    "pages": [(b"", get("/stats")), (b"", get("/stats.json")), (b"", get("/nothing"))],
}
SOURCES = {  # addresses, connections, bytes per second
    "20 connections of one address": (1, 20, 8_000_000),
    "250 addresses": (250, 250, 8_000_000),
}
_networks = count(40)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", PIPELINED)
async def test_pipelined_requests_do_not_disturb_others(
    ground: Arena, kind: str, source: str
) -> None:
    hosts, sockets, per_second = SOURCES[source]
    await ground.withstands(
        tcp(
            ground.tracker.ports["http"],
            network=next(_networks),
            programs=PIPELINED[kind],
            hosts=hosts,
            sockets=sockets,
            per_second=per_second,
        )
    )


async def test_answers_that_are_never_read_do_not_fill_memory(ground: Arena) -> None:
    await ground.withstands(
        tcp(
            ground.tracker.ports["http"],
            network=next(_networks),
            programs=[(b"", http_announce()), (b"", http_scrape(100))],
            hosts=5,
            sockets=200,
            per_second=100_000_000,
            reads=False,
        )
    )


@pytest.mark.parametrize("hosts", [1, 250])
@pytest.mark.parametrize(
    "request_", [http_announce(CLOSE), get("/stats", CLOSE)], ids=["announce", "page"]
)
async def test_a_flood_of_new_connections_does_not_disturb_others(
    ground: Arena, request_: bytes, hosts: int
) -> None:
    await ground.withstands(
        tcp(
            ground.tracker.ports["http"],
            network=next(_networks),
            programs=[(b"", request_)],
            hosts=hosts,
            sockets=100,
            once=True,
            per_second=len(request_) * 5000,
        )
    )


@pytest.mark.parametrize("hosts", [1, 250])
async def test_2000_slow_requests_do_not_disturb_others(ground: Arena, hosts: int) -> None:
    await ground.withstands(
        tcp(
            ground.tracker.ports["http"],
            network=next(_networks),
            programs=[(b"GET /announce?", b"a"), (b"GET / HTTP/1.1\r\nX: ", b"a"), (b"", b"\r\n")],
            hosts=hosts,
            sockets=2000,
            per_second=20_000,
            seconds=4.5,  # longer than the deadline of a request
        )
    )
