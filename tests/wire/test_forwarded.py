"""The notes of proxies, well-meant and forged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.wire.compact import format_ip, pack_ip
from tracker.wire.forwarded import MOST_HOPS, UNKNOWN, hops


def texts(x_forwarded_for: bytes | None, forwarded: bytes | None) -> list[str]:
    found = hops(x_forwarded_for, forwarded)
    return ["?" if ip == UNKNOWN else format_ip(ip) for ip in found]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"10.0.0.1", ["10.0.0.1"]),
        (b"10.0.0.1, 10.0.0.2,10.0.0.3", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
        (b"10.0.0.1:4711", ["10.0.0.1"]),
        (b"2001:DB8::1", ["2001:db8::1"]),
        (b"[2001:db8::1]", ["2001:db8::1"]),
        (b"[2001:db8::1]:4711", ["2001:db8::1"]),
        (b'"[2001:db8::1]:4711"', ["2001:db8::1"]),
        (b"::ffff:10.0.0.1", ["10.0.0.1"]),
        (b"[::ffff:10.0.0.1]:80", ["10.0.0.1"]),
        (b"unknown, 10.0.0.2", ["?", "10.0.0.2"]),
        (b"10.0.0.1, \xff\x00, 10.0.0.2", ["10.0.0.1", "?", "10.0.0.2"]),
        (b"999.0.0.1, 10.0.0, 1:2:3, [], [::1", ["?", "?", "?", "?", "::1"]),
        (b",10.0.0.1, ,", ["10.0.0.1"]),
        (b"", []),
    ],
)
def test_x_forwarded_for(value: bytes, expected: list[str]) -> None:
    assert expected == texts(value, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"for=192.0.2.60;proto=http;by=203.0.113.43", ["192.0.2.60"]),
        (b'For="[2001:db8:cafe::17]:4711"', ["2001:db8:cafe::17"]),
        (b"for=192.0.2.43, for=198.51.100.17", ["192.0.2.43", "198.51.100.17"]),
        (b'proto=https; FOR = "192.0.2.43:80"', ["192.0.2.43"]),
        (b'for=_hidden, for=unknown, for="_SEVKISEK", for=10.0.0.1', ["?", "?", "?", "10.0.0.1"]),
        (b"by=203.0.113.43", ["?"]),
        (b"nonsense", ["?"]),
        (b"for=", ["?"]),
        (b"", []),
    ],
)
def test_forwarded(value: bytes, expected: list[str]) -> None:
    """The first four lines are those of RFC 7239, section 4, and near them."""
    assert expected == texts(None, value)


def test_no_header_means_no_hop() -> None:
    assert hops(None, None) == []


def test_x_forwarded_for_wins_over_forwarded() -> None:
    assert texts(b"10.0.0.1", b"for=10.0.0.2") == ["10.0.0.1"]


def test_a_client_cannot_quote_away_what_a_proxy_appends() -> None:
    assert texts(None, b'for="10.9.9.9, for=10.0.0.1')[1:] == ["10.0.0.1"]


def test_of_a_long_list_the_nearest_hops_are_read() -> None:
    expected = [f"10.0.0.{n}" for n in range(200 - MOST_HOPS, 200)]
    assert expected == texts(", ".join(f"10.0.0.{n}" for n in range(200)).encode(), None)


@given(st.lists(st.ip_addresses(), max_size=MOST_HOPS))
def test_any_addresses_are_read_in_order(addresses: list[object]) -> None:
    expected = [pack_ip(str(address)) for address in addresses]
    assert expected == hops(", ".join(map(str, addresses)).encode(), None)
    elements = ", ".join(f'for="[{a}]"' if ":" in str(a) else f"for={a}" for a in addresses)
    assert expected == hops(None, elements.encode())


@given(st.binary(max_size=300))
def test_any_header_gives_addresses_or_unknowns(value: bytes) -> None:
    for found in hops(value, None), hops(None, value):
        assert len(found) <= MOST_HOPS
        assert {len(ip) for ip in found} <= {0, 4, 16}
