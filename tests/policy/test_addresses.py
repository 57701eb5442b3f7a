"""Which address a client has, and which addresses a peer may have."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Denied
from tracker.model import Ip
from tracker.policy.addresses import (
    Networks,
    Proxies,
    check_address,
    client,
    client_behind,
    listens,
)

PROXIES = Networks([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])
UNREADABLE = b""


def ip(text: str) -> bytes:
    return ip_address(text).packed


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("9.255.255.255", False),
        ("10.0.0.0", True),
        ("10.255.255.255", True),
        ("11.0.0.0", False),
        ("fcff:ffff::", False),
        ("fd00::", True),
        ("fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", True),
        ("fe00::", False),
        ("a00::", False),  # begins with the bytes of 10.0
    ],
)
def test_networks_hold_the_addresses_between_their_first_and_their_last(
    address: str, inside: bool
) -> None:
    assert inside is (ip(address) in PROXIES)


@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 32))
def test_networks_agree_with_the_standard_library(
    address: object, base: object, prefix: int
) -> None:
    network = ip_network(f"{base}/{prefix}", strict=False)
    expected = ip_address(str(address)) in network
    assert expected is (ip(str(address)) in Networks([network]))


def test_a_set_of_networks_is_true_when_it_has_any() -> None:
    assert PROXIES
    assert not Networks([])
    assert ip("10.0.0.1") not in Networks([])


@pytest.mark.parametrize(
    ("socket", "hops", "expected"),
    [
        ("1.1.1.1", [], "1.1.1.1"),
        ("1.1.1.1", ["2.2.2.2"], "1.1.1.1"),  # not our proxy: anybody can send a header
        ("10.0.0.1", ["2.2.2.2"], "2.2.2.2"),
        ("10.0.0.1", ["3.3.3.3", "2.2.2.2"], "2.2.2.2"),  # the client's own invention is not read
        ("10.0.0.1", ["2.2.2.2", "10.0.0.2"], "2.2.2.2"),  # two proxies of ours
        ("10.0.0.1", ["fd00::1", "10.0.0.2"], "fd00::1"),  # a client inside our own network
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
    ],
)
def test_the_client_is_the_last_hop_that_no_proxy_of_ours_vouches_for(
    socket: str, hops: list[str], expected: str
) -> None:
    assert ip(expected) == client(ip(socket), [ip(hop) for hop in hops], PROXIES)


@pytest.mark.parametrize(
    ("hops", "expected"),
    [
        ([ip("2.2.2.2"), UNREADABLE], None),
        ([UNREADABLE, ip("10.0.0.2")], None),
        ([UNREADABLE, ip("2.2.2.2")], ip("2.2.2.2")),
    ],
)
def test_nothing_before_a_hop_that_cannot_be_read_is_believed(
    hops: list[bytes], expected: bytes | None
) -> None:
    assert expected == client(ip("10.0.0.1"), hops, PROXIES)


@pytest.mark.parametrize(
    "address",
    [
        "1.2.3.4",
        "127.0.0.1",
        "10.0.0.1",
        "223.255.255.255",
        "::1",
        "2001:db8::1",
        "64:ff9b::808:808",
        "fd00::1",
        "fe80::1",
        "feff::1",
    ],
)
def test_addresses_that_a_peer_may_have_pass(address: str) -> None:
    check_address(ip(address) + b"\x1a\xe1")


@pytest.mark.parametrize("address", ["1.2.3.4", "2001:db8::1"])
@pytest.mark.parametrize(
    ("port", "expected"), [(0, False), (1, False), (2, True), (256, True), (65_535, True)]
)
def test_who_announces_port_0_or_1_does_not_listen(address: str, port: int, expected: bool) -> None:
    assert expected == listens(ip(address) + port.to_bytes(2, "big"))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.0.0.1",
        "0.255.255.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.254",
        "255.255.255.255",
        "::",
        "ff02::1",
        "ffff::",
    ],
)
def test_addresses_that_are_nobodys_are_denied(address: str) -> None:
    with pytest.raises(Denied, match="this address"):
        check_address(ip(address) + b"\x1a\xe1")


@pytest.mark.parametrize(
    ("hops", "proxies", "expected"),
    [
        ([], 1, None),
        ([b"aaaa"], 1, b"aaaa"),
        ([b"aaaa", b"bbbb"], 1, b"bbbb"),
        ([b"aaaa", b"bbbb"], 2, b"aaaa"),
        ([b"aaaa", b"bbbb"], 3, None),
        ([b"aaaa", b"", b"cccc"], 2, None),
        ([b"aaaa", b"bbbb", b"cccc"], 2, b"bbbb"),
    ],
)
def test_a_number_of_proxies_names_the_client(
    hops: list[Ip], proxies: int, expected: Ip | None
) -> None:
    assert expected == client_behind(hops, proxies)
    assert b"sock" in Proxies((), proxies)
    assert expected == Proxies((), proxies).client(b"sock", hops)


def test_proxies_known_by_network_are_asked_in_turn() -> None:
    proxies = Proxies([ip_network("10.0.0.0/8")])
    near, far, client_ip = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), bytes([192, 0, 2, 1])
    assert near in proxies
    assert client_ip not in proxies
    assert client_ip == proxies.client(near, [b"liar", client_ip, far])
    assert client_ip == proxies.client(client_ip, [far])
    assert far == proxies.client(near, [far])  # a client on the proxies' own network
    for hops in ([], [b""], [b"liar", b"", far]):
        assert proxies.client(near, hops) is None
