"""Floods of datagrams, from addresses that have proven themselves and from forged ones."""

import time
from itertools import count

import pytest

from tests.hostile.addresses import addresses
from tests.hostile.arena import Arena
from tests.hostile.attacks.described import spoofed, udp
from tests.hostile.attacks.requests import udp_announce, udp_scrape
from tracker.wire.compact import pack, pack_ip
from tracker.wire.udp import encode_connect_request

PROVEN = {  # a packet, and how many a second
    "announces": (udp_announce(numwant=200), 40_000),
    "scrapes": (udp_scrape(74), 5_000),
    "oversized announces": (udp_announce(url_data=b"x" * 50_000), 2_000),
    "unknown actions": (bytes(8) + b"\0\0\0\7" + bytes(84), 40_000),
}
FORGED = {
    "junk of 16 bytes": bytes(16),
    "connects": encode_connect_request(b"evil"),
    "empty datagrams": b"",
}
ADDRESSES = 20_000
CROWDED = b"swarm of 20 networks"
_networks = count(80)


@pytest.mark.parametrize(
    ("kind", "hosts"),
    [
        *(("announces", 1), ("announces", 250)),
        *(("scrapes", 1), ("scrapes", 250)),
        *(("oversized announces", 1), ("unknown actions", 250)),
    ],
)
async def test_a_flood_of_datagrams_does_not_disturb_others(
    ground: Arena, kind: str, hosts: int
) -> None:
    packet, per_second = PROVEN[kind]
    await ground.withstands(
        udp(
            ground.tracker.ports["udp"],
            network=next(_networks),
            packet=packet,
            per_second=per_second,
            hosts=hosts,
        )
    )


@pytest.mark.parametrize(("hosts", "per_second"), [(4, 40_000), (250, 20_000)])
async def test_a_flood_of_announces_in_a_crowded_swarm_does_not_disturb_others(
    ground: Arena, hosts: int, per_second: int
) -> None:
    """Its answers are chosen from more members, so they take longer than the requests."""
    with ground.redis.client() as redis:
        expiry = int(time.time()) + 2700
        key = b"4{:" + CROWDED + b"}"
        redis.zadd(key, dict.fromkeys(endpoints(next(_networks), 20, ports=90), expiry))
    await ground.withstands(
        udp(
            ground.tracker.ports["udp"],
            network=next(_networks),
            packet=udp_announce(info_hash=CROWDED, numwant=200),
            per_second=per_second,
            hosts=hosts,
        )
    )


def endpoints(network: int, hosts: int, *, ports: int) -> list[bytes]:
    """Return `ports` endpoints of each of `hosts` addresses."""
    sources = map(pack_ip, addresses(network, hosts))
    return [pack(source, port) for source in sources for port in range(1, ports + 1)]


@pytest.mark.parametrize("kind", FORGED)
async def test_datagrams_of_20000_forged_addresses_do_not_disturb_others(
    ground: Arena, kind: str
) -> None:
    await ground.withstands(
        spoofed(
            ground.tracker.ports["udp"],
            network=next(_networks),
            packet=FORGED[kind],
            per_second=20_000,
            hosts=ADDRESSES,
        )
    )
