"""The scopes of addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.scope import EMBEDDING, IPV4_NETWORKS, IPV6_NETWORKS, Scope, scope_of
from tracker.wire.compact import pack, pack_ip


@pytest.mark.parametrize(
    ("scope", "addresses"),
    [
        (Scope.HOST, "127.0.0.0 127.0.0.1 127.255.255.255 ::1"),
        (Scope.LINK, "169.254.0.0 169.254.255.255 fe80:: fe80::1 febf:ffff::1"),
        (Scope.PRIVATE, "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255"),
        (Scope.PRIVATE, "192.168.0.0 192.168.255.255 100.64.0.0 100.127.255.255"),
        (Scope.PRIVATE, "fc00:: fd12:3456::1 fdff:ffff::1 fec0::1 feff:ffff::1"),
        (Scope.PRIVATE, "198.18.0.0 198.19.255.255 2002:c0a8:105::1 2002:a00:1::"),
        (Scope.PRIVATE, "64:ff9b::c0a8:105 64:ff9b:1::808:808 64:ff9b:1:ffff::1"),
        (Scope.HOST, "2002:7f00:1:: 64:ff9b::127.0.0.1"),
        (Scope.GLOBAL, "2002:808:808:: 64:ff9b::8.8.8.8 198.17.255.255 198.20.0.0"),
        (Scope.GLOBAL, "9.255.255.255 11.0.0.0 126.255.255.255 128.0.0.0 169.253.0.1 169.255.0.1"),
        (Scope.GLOBAL, "172.15.255.255 172.32.0.0 192.167.0.1 192.169.0.1 100.63.0.1 100.128.0.1"),
        (Scope.GLOBAL, "192.0.2.1 198.51.100.1 203.0.113.1 254.128.0.1 252.0.0.1"),
        (Scope.GLOBAL, "2001:db8::1 2a00::1 fbff::1 fe7f::1 ff00::1 1::1"),
        (Scope.GLOBAL, "a00::1 7f00::1 a9fe::1 ac10::1 c0a8::1 6440::1"),
    ],
)
def test_the_first_and_the_last_address_of_each_network_have_its_scope(
    scope: Scope, addresses: str
) -> None:
    for address in addresses.split():
        assert scope is scope_of(pack_ip(address)), address
        assert scope is scope_of(pack(pack_ip(address), 6881)), address


@given(ip=st.ip_addresses(v=4).map(lambda ip: ip.packed))
def test_an_ipv4_address_outside_of_all_networks_is_global(ip: bytes) -> None:
    found = [s for n, s in IPV4_NETWORKS.items() if n[0].packed <= ip <= n[-1].packed]
    assert (found or [Scope.GLOBAL]) == [scope_of(ip)]


@given(ip=st.ip_addresses(v=6).map(lambda ip: ip.packed).filter(lambda ip: ip[:2] not in EMBEDDING))
def test_an_ipv6_address_outside_of_all_networks_is_global(ip: bytes) -> None:
    found = [s for n, s in IPV6_NETWORKS.items() if n[0].packed <= ip <= n[-1].packed]
    assert (found or [Scope.GLOBAL]) == [scope_of(ip)]
