"""15,000 idle WebSockets, and good clients while a flood runs beside them."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.hostile.arena import Arena, Attack, arena
from tests.hostile.attacks import frames
from tests.hostile.attacks.described import tcp, udp
from tests.hostile.attacks.frames import HANDSHAKE, PING, PONG, frame
from tests.hostile.attacks.requests import http_announce, udp_announce
from tests.vitals import metrics

IDLE = 15_000
OPENED_S = 40.0
LIFE_S = 600.0
POLL_S = 0.2
# Each holds a place in a swarm, and answers pings.
PROGRAM = (HANDSHAKE + frames.announce(b"swarm of idle %06d" % 1), b"")


@pytest.fixture(scope="module")
def crowded() -> Iterator[Arena]:
    """A tracker with idle sockets of 150 addresses, and good clients."""
    with arena("--limits-memory-mib", "256") as running:
        crowd = tcp(
            running.tracker.ports["ws"],
            network=160,
            programs=[PROGRAM],
            hosts=150,
            sockets=IDLE,
            per_second=20_000_000,
            reply=frame(b"", PONG).decode("latin-1"),
        ).start(seconds=LIFE_S)
        try:
            asyncio.run(_opened(running))
            yield running
            crowd.stop()
        finally:
            crowd.kill()


async def _opened(running: Arena) -> None:
    async with asyncio.timeout(OPENED_S):
        while True:
            if (await metrics(running.tracker))["tracker_browsers",] >= IDLE:
                break
            await asyncio.sleep(POLL_S)
    await running.good.steady(OPENED_S)


def flood(running: Arena, kind: str) -> Attack:
    """Return an attack over one protocol."""
    ports = running.tracker.ports
    if kind == "udp":
        return udp(ports["udp"], network=161, packet=udp_announce(), per_second=20_000)
    program = (HANDSHAKE, frame(b"", PING)) if kind == "ws" else (b"", http_announce())
    return tcp(ports[kind], network=162, programs=[program], sockets=20)


@pytest.mark.parametrize("kind", ["http", "udp", "ws"])
async def test_good_clients_are_served_beside_15000_idle_sockets_and_a_flood(
    crowded: Arena, kind: str
) -> None:
    await crowded.withstands(flood(crowded, kind))
    assert (await metrics(crowded.tracker))["tracker_browsers",] >= IDLE * 0.99
