"""A client that announces over IPv4 and IPv6, over HTTP and UDP."""

import pytest

from tests.frontends.clients import announced, udp_peer
from tests.nodes import RunningNode
from tracker.wire.compact import pack, pack_ip

FAMILIES = ("127.0.0.1", "::1")
STRANGER = b"-XX0001-stranger...."


async def over_http(tracker: RunningNode, host: str, **fields: bytes | str | int) -> list[object]:
    """Announce, and return seeders, leechers and the peers of both families."""
    reply = await announced(await tracker.tcp(host), **fields)
    peers = reply[b"peers"], reply.get(b"peers6", b"")
    return [reply[b"complete"], reply[b"incomplete"], *peers]


async def over_udp(tracker: RunningNode, host: str, **fields: object) -> tuple[int, int]:
    """Announce, and return seeders and leechers."""
    async with udp_peer(tracker.port("udp"), host) as peer:
        reply = await peer.announce(await peer.connect(), **fields)
    return reply.seeders, reply.leechers


@pytest.mark.parametrize("hosts", [FAMILIES, FAMILIES[::-1]])
async def test_over_http_it_is_counted_once_and_is_not_given_itself(
    tracker: RunningNode, hosts: tuple[str, str]
) -> None:
    for host in hosts * 2:
        assert [0, 1, b"", b""] == await over_http(tracker, host, key="0AFFE001")
    both = [pack(pack_ip(host), 6881) for host in FAMILIES]
    assert [0, 3, *both] == await over_http(tracker, hosts[0], peer_id=STRANGER, port=7000)


@pytest.mark.parametrize("hosts", [FAMILIES, FAMILIES[::-1]])
async def test_over_udp_it_is_counted_once(tracker: RunningNode, hosts: tuple[str, str]) -> None:
    for host in hosts * 2:
        assert (0, 1) == await over_udp(tracker, host, key=b"\x0a\xff\xe0\1")
    assert (0, 3) == await over_udp(tracker, hosts[0], peer_id=STRANGER, port=7000)


async def test_without_a_key_it_is_two(tracker: RunningNode) -> None:
    own = pack(pack_ip(FAMILIES[0]), 6881)
    assert [0, 1, b"", b""] == await over_http(tracker, FAMILIES[0])
    assert [0, 2, own, b""] == await over_http(tracker, FAMILIES[1])
    assert (0, 2) == await over_udp(tracker, FAMILIES[0], key=bytes(4))
    assert (0, 2) == await over_udp(tracker, FAMILIES[1], key=bytes(4))
