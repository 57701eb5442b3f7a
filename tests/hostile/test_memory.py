"""Sockets that make the tracker hold memory: the largest are closed, and the others stay."""

from collections.abc import Iterator

import pytest

from tests.frontends.clients import get
from tests.hostile.arena import Arena, arena
from tests.hostile.attacks import frames
from tests.hostile.attacks.described import tcp
from tests.hostile.attacks.frames import HANDSHAKE, header
from tests.hostile.attacks.requests import http_scrape
from tests.hostile.attacks.streams import NUMBER

HALF_MESSAGE = HANDSHAKE + header(65_000) + b"[" * 60_000
SWARMS = HANDSHAKE + b"".join(frames.announce(b"%012d" % number + NUMBER) for number in range(2000))


@pytest.fixture(scope="module")
def tight() -> Iterator[Arena]:
    """A tracker with the least memory that can be set, which is reached sooner."""
    with arena("--limits-memory-mib", "16") as running:
        yield running


@pytest.mark.parametrize(("hosts", "network"), [(1, 120), (250, 121)])
async def test_half_messages_do_not_fill_memory(ground: Arena, hosts: int, network: int) -> None:
    await ground.withstands(
        tcp(
            ground.tracker.ports["ws"],
            network=network,
            programs=[(HALF_MESSAGE, b"")],
            hosts=hosts,
            sockets=4000,
            per_second=200_000_000,
        )
    )


@pytest.mark.parametrize(("hosts", "network"), [(1, 122), (250, 123)])
async def test_browsers_that_never_read_do_not_fill_memory(
    ground: Arena, hosts: int, network: int
) -> None:
    await ground.withstands(
        tcp(
            ground.tracker.ports["ws"],
            network=network,
            programs=[(HANDSHAKE, frames.scrape(100))],
            hosts=hosts,
            sockets=500,
            per_second=100_000_000,
            reads=False,
        )
    )


@pytest.mark.parametrize(("hosts", "network"), [(1, 124), (250, 125)])
async def test_sockets_in_thousands_of_swarms_do_not_fill_memory(
    tight: Arena, hosts: int, network: int
) -> None:
    await tight.withstands(
        tcp(
            tight.tracker.ports["ws"],
            network=network,
            programs=[(SWARMS, b"")],
            hosts=hosts,
            sockets=500,
            per_second=50_000_000,
        )
    )


async def test_unfinished_heads_do_not_fill_memory(tight: Arena) -> None:
    head = get("/announce?" + "x" * 8100)[:8100]
    await tight.withstands(
        tcp(
            tight.tracker.ports["http"],
            network=126,
            programs=[(head, b"")],
            hosts=250,
            sockets=12_000,
            per_second=200_000_000,
        )
    )


async def test_pipelines_that_are_never_read_do_not_fill_memory(tight: Arena) -> None:
    await tight.withstands(
        tcp(
            tight.tracker.ports["http"],
            network=127,
            programs=[(b"", http_scrape(100))],
            hosts=250,
            sockets=1000,
            per_second=200_000_000,
            reads=False,
        )
    )
