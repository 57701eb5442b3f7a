"""Which peers an announcer is shown, by the scopes of both."""

from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.model import IPV4, IPV6, Family
from tracker.policy.visibility import Visibility
from tracker.scope import Scope, scope_of
from tracker.wire.compact import pack, pack_ip, split, unpack

SIZES = {IPV4: 6, IPV6: 18}
# One of each scope, from the narrowest to the widest.
ALL = {
    IPV4: ("127.0.0.1", "169.254.3.4", "192.168.1.5", "203.0.113.9"),
    IPV6: ("::1", "fe80::4", "fd00::5", "2001:db8::9"),
}
PRIVATE = ("10.2.3.4", "172.16.0.1", "172.31.255.1", "192.168.0.1", "100.64.0.1", "100.127.0.1")
VIEWERS = [(viewer, Scope(at)) for each in ALL.values() for at, viewer in enumerate(each)]
EXTERNAL = {IPV4: "198.51.100.1", IPV6: "2001:db8:ffff::1"}

families = pytest.mark.parametrize("family", [IPV4, IPV6])


def endpoint(address: str, port: int = 6881) -> bytes:
    return pack(pack_ip(address), port)


def joined(*addresses: str) -> bytes:
    """Endpoints with the ports 1, 2 and so on."""
    return b"".join([endpoint(each, at) for at, each in enumerate(addresses, 1)])


def shown(viewer: str, family: Family, peers: bytes, *external: str) -> list[tuple[str, int]]:
    visibility = Visibility([pack_ip(each) for each in external])
    return [*map(unpack, split(visibility.shown(endpoint(viewer), family, peers), SIZES[family]))]


@families
@pytest.mark.parametrize(("viewer", "scope"), VIEWERS)
def test_a_peer_is_shown_to_its_own_scope_and_to_narrower_ones(
    viewer: str, scope: Scope, family: Family
) -> None:
    expected = [(each, at + 1) for at, each in enumerate(ALL[family]) if at >= scope]
    assert expected == shown(viewer, family, joined(*ALL[family]))


@pytest.mark.parametrize(
    "hidden", ["2002:c0a8:105::1", "64:ff9b::c0a8:105", "64:ff9b:1::c0a8:105", "fec0::5"]
)
def test_an_address_that_holds_a_private_one_is_not_shown_to_strangers(hidden: str) -> None:
    peers = joined("2002:808:808::1", hidden, "64:ff9b::808:808")
    assert [("2002:808:808::1", 1), ("64:ff9b::808:808", 3)] == shown("9.9.9.9", IPV6, peers)
    assert 3 == len(shown("10.0.0.1", IPV6, peers))


@families
@pytest.mark.parametrize(("viewer", "scope"), VIEWERS)
def test_the_external_address_stands_for_those_that_are_not_shown_and_the_port_stays(
    viewer: str, scope: Scope, family: Family
) -> None:
    expected = [
        (each if at >= scope else EXTERNAL[family], at + 1) for at, each in enumerate(ALL[family])
    ]
    assert expected == shown(viewer, family, joined(*ALL[family]), *EXTERNAL.values())


def test_an_external_address_stands_for_peers_of_its_own_family_only() -> None:
    assert [] == shown("203.0.113.9", IPV4, joined("10.0.0.1"), EXTERNAL[IPV6])
    assert [] == shown("203.0.113.9", IPV6, joined("fd00::1"), EXTERNAL[IPV4])


def test_peers_that_share_an_external_endpoint_are_named_once() -> None:
    peers = endpoint("10.0.0.1") + endpoint("10.0.0.2") + endpoint(EXTERNAL[IPV4])
    assert [(EXTERNAL[IPV4], 6881)] == shown("203.0.113.9", IPV4, peers, EXTERNAL[IPV4])


@pytest.mark.parametrize(("at", "address"), [*product([0, 25, 49], PRIVATE)])
def test_a_private_address_is_found_wherever_it_stands(at: int, address: str) -> None:
    others = [f"192.{number}.172.168" for number in range(100, 149)]
    addresses = [*others[:at], address, *others[at:]]
    found = [each for each, _ in shown("203.0.113.9", IPV4, joined(*addresses))]
    assert others == found


@given(
    seed=st.randoms(use_true_random=False),
    family=st.sampled_from([IPV4, IPV6]),
    scope=st.sampled_from(Scope),
    count=st.integers(0, 60),
)
def test_what_is_shown_is_what_one_by_one_would_be(
    seed: Random, family: Family, scope: Scope, count: int
) -> None:
    first = seed.choice([bytes(range(256)), bytes([10, 100, 127, 169, 172, 192, 0xFD, 0xFE, 0])])
    size = SIZES[family]
    peers = [
        bytes([seed.choice(first)]) + seed.randbytes(size - 1 if seed.random() < 0.9 else 0)
        for _ in range(count)
    ]
    peers = [*dict.fromkeys(peer.ljust(size, b"\0") for peer in peers)]
    expected = [peer for peer in peers if scope_of(peer) >= scope]
    viewer = endpoint(ALL[IPV4][scope])
    assert expected == split(Visibility().shown(viewer, family, b"".join(peers)), size)
