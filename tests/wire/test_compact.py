"""Packed addresses and compact endpoints."""

import contextlib
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Malformed
from tracker.wire.compact import format_ip, pack, pack_ip, split, unmap, unpack

ports = st.integers(0, 65535)

ADDRESSES = [
    ("127.0.0.1", "7f000001"),
    ("0.0.0.0", "00000000"),
    ("255.255.255.255", "ffffffff"),
    ("::", "00000000000000000000000000000000"),
    ("::1", "00000000000000000000000000000001"),
    ("2001:db8::a:1", "20010db80000000000000000000a0001"),
    ("::1.2.3.4", "00000000000000000000000001020304"),  # "IPv4-compatible": not mapped
]


@pytest.mark.parametrize(("host", "ip"), ADDRESSES)
def test_addresses_read_and_write_the_same_bytes(host: str, ip: str) -> None:
    assert bytes.fromhex(ip) == pack_ip(host)
    assert host == format_ip(bytes.fromhex(ip))


@pytest.mark.parametrize(
    ("host", "usual"),
    [
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:207", "192.0.2.7"),
        ("::ffff:192.0.2.7%eth0", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::1%", "fe80::1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
    ],
)
def test_one_address_has_one_packed_form(host: str, usual: str) -> None:
    assert usual == format_ip(pack_ip(host))


@pytest.mark.parametrize(
    "host",
    [
        "", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "0x7f.0.0.1", "127.1", "1",
        "1.2.3.4%eth0", ":", ":::", "1::2::3", "::ffff:1.2.3", "[::1]", "%eth0", "1.2.3.4\0",
        "::1\0", "\ud800", "::\ud800", "\u0661.2.3.4",
    ],
)  # fmt: skip
def test_what_is_no_numeric_address_is_malformed(host: str) -> None:
    """The lenient forms of `inet_aton` ("127.1") are among them."""
    with pytest.raises(Malformed):
        pack_ip(host)


@pytest.mark.parametrize(
    ("endpoint", "host", "port"),
    [
        ("7f0000011ae1", "127.0.0.1", 6881),
        ("c00002010000", "192.0.2.1", 0),
        ("20010db8000000000000000000000001ffff", "2001:db8::1", 65535),
    ],
)
def test_endpoints_read_and_write_the_same_bytes(endpoint: str, host: str, port: int) -> None:
    assert bytes.fromhex(endpoint) == pack(pack_ip(host), port)
    assert (host, port) == unpack(bytes.fromhex(endpoint))


@pytest.mark.parametrize("size", [0, 1, 2, 5, 7, 17, 19])
def test_endpoints_of_another_size_are_malformed(size: int) -> None:
    with pytest.raises(Malformed):
        unpack(bytes(size))


def test_a_joined_list_is_split_into_endpoints() -> None:
    assert [] == split(b"", 6)
    assert [b"abcdef", b"ghijkl"] == split(b"abcdefghijkl", 6)
    assert [b"a" * 18, b"b" * 18] == split(b"a" * 18 + b"b" * 18, 18)


@pytest.mark.parametrize(("length", "size"), [(5, 6), (7, 6), (12, 18), (19, 18)])
def test_a_cut_list_is_malformed(length: int, size: int) -> None:
    with pytest.raises(Malformed):
        split(bytes(length), size)


@given(st.ip_addresses(v=4))
def test_the_mapped_notation_of_an_ipv4_address_is_that_address(address: IPv4Address) -> None:
    assert address.packed == pack_ip(str(address))
    assert address.packed == pack_ip(f"::ffff:{address}")
    assert address.packed == unmap(bytes(10) + b"\xff\xff" + address.packed)


@given(st.ip_addresses(), ports)
def test_any_endpoint_survives_a_round_trip(address: IPv4Address | IPv6Address, port: int) -> None:
    endpoint = pack(address.packed, port)
    host, unpacked_port = unpack(endpoint)
    assert endpoint == pack(IPv6Address(host).packed if ":" in host else pack_ip(host), port)
    assert port == unpacked_port


@given(st.text())
def test_any_text_is_an_address_or_malformed(host: str) -> None:
    with contextlib.suppress(Malformed):
        assert len(pack_ip(host)) in (4, 16)


@given(st.binary(max_size=40))
def test_any_bytes_are_an_endpoint_or_malformed(endpoint: bytes) -> None:
    with contextlib.suppress(Malformed):
        unpack(endpoint)
