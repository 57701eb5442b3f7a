"""Attackers that fill Redis with swarms: from one address, and from thousands."""

from collections.abc import Iterator

import pytest

from tests.hostile.arena import Arena, arena, until
from tests.hostile.attacks.described import spoofed, udp
from tests.hostile.attacks.requests import udp_announce
from tests.vitals import metrics
from tracker.model import Event

MIB = 1 << 20
MOST_OF_ONE_ADDRESS = 10 * MIB  # in its first minute
SECRET = "a secret that the test knows, too"
TTL_S = 14
RECOVERED_S = 3 * TTL_S


@pytest.fixture(scope="module")
def spacious() -> Iterator[Arena]:
    """A tracker with a Redis that one address could fill within a minute."""
    with arena(redis_options=("--maxmemory", "128mb")) as running:
        yield running


@pytest.fixture
def full() -> Iterator[Arena]:
    """A tracker with a Redis that is soon full, and peers that soon expire."""
    with arena(
        *("--announce-interval", "10", "--announce-min-interval", "5"),
        *("--announce-peer-ttl", str(TTL_S)),
        *("--udp-secret", SECRET),
        redis_options=("--maxmemory", "12mb"),
    ) as running:
        yield running


def used(arena: Arena) -> int:
    """Return the bytes that the data of Redis take."""
    with arena.redis.client() as redis:
        memory: int = redis.info("memory")["used_memory"]
        return memory


@pytest.mark.parametrize(
    ("event", "network"),
    [(Event.STARTED, 140), (Event.COMPLETED, 141)],
    ids=["started", "completed"],
)
async def test_one_address_adds_little_to_redis(
    spacious: Arena, event: Event, network: int
) -> None:
    before = used(spacious)
    await spacious.withstands(
        udp(
            spacious.tracker.ports["udp"],
            network=network,
            packet=udp_announce(event=event, left=0),
            per_second=20_000,
            random_hash=True,
        )
    )
    assert used(spacious) - before <= MOST_OF_ONE_ADDRESS


async def test_peers_are_served_while_thousands_of_addresses_fill_redis(full: Arena) -> None:
    """And Redis has room again, once the attackers' entries have expired."""
    before = used(full)
    await full.withstands(
        spoofed(
            full.tracker.ports["udp"],
            network=142,
            packet=udp_announce(event=Event.COMPLETED, left=0),
            per_second=15_000,
            hosts=10_000,
            secret=SECRET,
        )
    )
    assert 1.0 == (await metrics(full.tracker))["tracker_store_up",]
    await until(lambda: used(full) - before <= 2 * MIB, RECOVERED_S)
    await full.good.steady(TTL_S)
