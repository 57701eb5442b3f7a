"""Floods of datagrams through ``tracker forward``, which good clients use too."""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import pytest

from tests.forwarder_process import ForwarderProcess, running_forwarder
from tests.hostile.arena import FLAGS, THRIFTY, Arena, good_clients
from tests.hostile.attacks.described import spoofed, udp
from tests.hostile.attacks.requests import udp_announce
from tests.redis_servers import redis_servers
from tests.tracker_process import running_tracker
from tracker.wire.udp import encode_connect_request

CONNECT = encode_connect_request(b"evil")
ANNOUNCE = udp_announce(numwant=200)
BEHIND = ("--udp-proxy-protocol", "--trusted-proxies", "127.0.0.1/32")
ADDRESSES = 20_000
_networks = count(200)


class Place(NamedTuple):
    """A tracker behind a forwarder that good clients use."""

    arena: Arena
    forwarder: ForwarderProcess


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A place for all tests of this module."""
    with redis_servers() as start:
        redis = start()
        with (
            running_tracker(*FLAGS, *BEHIND, "--redis-url", redis.url, env=THRIFTY) as tracker,
            running_forwarder(f"127.0.0.1:{tracker.ports['udp']}") as forwarder,
            good_clients({"udp": forwarder.port}) as good,
        ):
            yield Place(Arena(tracker, redis, good, forwarder), forwarder)


@pytest.mark.parametrize("hosts", [1, 250])
async def test_a_flood_of_connects_does_not_disturb_others(place: Place, hosts: int) -> None:
    await place.arena.withstands(
        udp(
            place.forwarder.port,
            network=next(_networks),
            packet=CONNECT,
            per_second=40_000,
            hosts=hosts,
            proven=False,
        )
    )


@pytest.mark.parametrize(("hosts", "per_second"), [(1, 40_000), (250, 10_000)])
async def test_a_flood_of_announces_with_valid_ids_does_not_disturb_others(
    place: Place, hosts: int, per_second: int
) -> None:
    await place.arena.withstands(
        udp(
            place.forwarder.port,
            network=next(_networks),
            packet=ANNOUNCE,
            per_second=per_second,
            hosts=hosts,
        )
    )


@pytest.mark.parametrize("packet", [bytes(16), bytes(36)])
async def test_junk_of_20000_forged_addresses_does_not_disturb_others(
    place: Place, packet: bytes
) -> None:
    await place.arena.withstands(
        spoofed(
            place.forwarder.port,
            network=next(_networks),
            packet=packet,
            per_second=20_000,
            hosts=ADDRESSES,
        )
    )
