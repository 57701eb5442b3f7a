"""PROXY heads, whole, in pieces, and false."""

import contextlib
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Malformed
from tracker.wire.proxy_protocol import (
    MAX_SIZE,
    MAX_SIZE_V1,
    Address,
    Header,
    Path,
    decode,
    decode_datagram,
    encode_datagram,
    encode_v1,
    encode_v2,
)

IPV4: Address = (bytes([192, 0, 2, 1]), 56324)
IPV4_TO: Address = (bytes([198, 51, 100, 2]), 443)
IPV6: Address = (bytes.fromhex("20010db8000000000000000000000001"), 65535)
IPV6_TO: Address = (bytes.fromhex("20010db8000000000000000000000002"), 0)

SIGNATURE = "0d0a0d0a000d0a515549540a"
IPV4_BLOCK = "c0000201 c6336402 dc04 01bb"
IPV6_BLOCK = "20010db8000000000000000000000001 20010db8000000000000000000000002 ffff 0000"
MAPPED_BLOCK = "00000000000000000000ffffc0000201 00000000000000000000ffffc6336402 dc04 01bb"
REST = b"GET / HTTP/1.1\r\n\r\n"


def v2(head: str, block: str = "") -> bytes:
    return bytes.fromhex(SIGNATURE + head + block)


# name, head, whom it tells
HEADS: list[tuple[str, bytes, Address | None]] = [
    ("v1 IPv4", b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", IPV4),
    ("v1 IPv6", b"PROXY TCP6 2001:db8::1 2001:db8::2 65535 0\r\n", IPV6),
    ("v1 mapped", b"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 56324 443\r\n", IPV4),
    ("v1 unknown", b"PROXY UNKNOWN\r\n", None),
    ("v1 unknown, talking", b"PROXY UNKNOWN ffff:f...f:ffff ? 65535 65535\r\n", None),
    ("v1 longest", b"PROXY UNKNOWN " + b"f" * (MAX_SIZE_V1 - 16) + b"\r\n", None),
    ("v2 TCP over IPv4", v2("21 11 000c", IPV4_BLOCK), IPV4),
    ("v2 UDP over IPv4", v2("21 12 000c", IPV4_BLOCK), IPV4),
    ("v2 TCP over IPv6", v2("21 21 0024", IPV6_BLOCK), IPV6),
    ("v2 UDP over IPv6", v2("21 22 0024", IPV6_BLOCK), IPV6),
    ("v2 mapped", v2("21 21 0024", MAPPED_BLOCK), IPV4),
    ("v2 with TLVs", v2("21 11 0014", IPV4_BLOCK + "01 0002 6832 04 0000"), IPV4),
    ("v2 largest", v2("21 11 0ff0", IPV4_BLOCK + "00" * (0xFF0 - 12)), IPV4),
    ("v2 LOCAL", v2("20 00 0000"), None),
    ("v2 LOCAL with addresses", v2("20 11 000c", IPV4_BLOCK), None),
    ("v2 LOCAL of a family to come", v2("20 f7 0001", "00"), None),
    ("v2 unspecified", v2("21 00 0000"), None),
    ("v2 unspecified, talking", v2("21 00 0003", "000000"), None),
    ("v2 unspecified transport", v2("21 10 000c", IPV4_BLOCK), None),
    ("v2 UNIX", v2("21 31 00d8", "61" * 216), None),
]
heads = pytest.mark.parametrize(
    ("head", "source"), [case[1:] for case in HEADS], ids=[case[0] for case in HEADS]
)


@heads
def test_a_head_tells_the_source_and_its_own_size(head: bytes, source: Address | None) -> None:
    assert Header(len(head), source) == decode(head)
    assert Header(len(head), source) == decode(head + REST)


@heads
def test_every_piece_of_a_head_asks_for_more(head: bytes, source: Address | None) -> None:
    assert {None} == {decode(head[:size]) for size in range(len(head))}


@pytest.mark.parametrize(
    "data",
    [
        b"G", REST, b"POST", b"PROXX", b"proxy ", b"PROXY\r", b"\r\n\r\n\r", b"\x16\x03\x01",
        b"PROXY \r\n",
        b"PROXY UNKNOWNS\r\n",
        b"PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n",
        b"PROXY TCP4\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n",
        b"PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n\r\n",
        b"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
        b"PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 everyone 1 2\r\n",
        b"PROXY TCP4 192.0.2.\xff 198.51.100.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 000001 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 +1 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 1_0 2\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2  2\r\n",
        b"PROXY UNKNOWN " + b"f" * (MAX_SIZE_V1 - 15) + b"\r\n",
        b"PROXY UNKNOWN " + b"f" * MAX_SIZE_V1,
        v2("11 11 000c", IPV4_BLOCK),
        v2("31 11 000c", IPV4_BLOCK),
        v2("22 11 000c", IPV4_BLOCK),
        v2("21 13 000c", IPV4_BLOCK),
        v2("21 41 000c", IPV4_BLOCK),
        v2("21 11 000b", IPV4_BLOCK),
        v2("21 21 000c", IPV4_BLOCK),
        v2("21 11 0000"),
        v2("21 11 0ff1"),  # told at once, before all has come
        v2("20 00 ffff"),
    ],
)  # fmt: skip
def test_what_can_become_no_head_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode(data)


@pytest.mark.parametrize(
    ("written", "head"),
    [
        (encode_v1(IPV4, IPV4_TO), b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"),
        (encode_v1(IPV6, IPV6_TO), b"PROXY TCP6 2001:db8::1 2001:db8::2 65535 0\r\n"),
        (encode_v2(IPV4, IPV4_TO), v2("21 11 000c", IPV4_BLOCK)),
        (encode_v2(IPV6, IPV6_TO), v2("21 21 0024", IPV6_BLOCK)),
    ],
)
def test_heads_are_written_as_the_specification_shows(written: bytes, head: bytes) -> None:
    assert head == written


ports = st.integers(0, 65535)
unmapped = st.ip_addresses().filter(lambda ip: getattr(ip, "ipv4_mapped", None) is None)


@given(unmapped, ports, st.binary(max_size=20))
def test_any_source_survives_a_round_trip(ip: object, port: int, rest: bytes) -> None:
    source = (ip_address(str(ip)).packed, port)
    destination = IPV4_TO if len(source[0]) == 4 else IPV6_TO
    for head in (encode_v1(source, destination), encode_v2(source, destination)):
        assert Header(len(head), source) == decode(head + rest)


beginnings = st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", b"PROXY TCP6 ", v2("21"), v2("")])


@given(beginnings, st.binary(max_size=300))
def test_any_bytes_are_a_head_or_need_more_or_are_malformed(start: bytes, rest: bytes) -> None:
    data = start + rest
    with contextlib.suppress(Malformed):
        header = decode(data)
        assert header is None or 0 < header.size <= len(data)


@pytest.mark.parametrize("start", [b"PROXY ", v2("21 11"), v2("20 00")])
@given(filler=st.binary(min_size=2, max_size=2))
def test_nobody_is_waited_for_beyond_the_largest_head(start: bytes, filler: bytes) -> None:
    with contextlib.suppress(Malformed):
        assert decode(start + filler * (MAX_SIZE // 2)) is not None


# Headers that an answer returns

ENDS4 = (bytes((192, 0, 2, 1)), 1000), (bytes((192, 0, 2, 9)), 6969)
ENDS6 = (bytes(range(16)), 1000), (bytes(range(16, 32)), 6969)


@pytest.mark.parametrize(("source", "destination"), [ENDS4, ENDS6])
def test_a_header_for_a_datagram_asks_for_its_return(source: Address, destination: Address) -> None:
    header = encode_datagram(source, destination)
    assert Header(len(header), source, returned=True) == decode(header + b"request")
    assert Path(len(header), source, destination) == decode_datagram(header + b"answer")
    plain = decode(encode_v2(source, destination))
    assert plain
    assert not plain.returned


@pytest.mark.parametrize(("source", "destination"), [ENDS4, ENDS6])
def test_other_bytes_are_no_returned_header(source: Address, destination: Address) -> None:
    header = encode_datagram(source, destination)
    for data in (
        b"",
        b"answer",
        header[:-1],
        header[1:],
        header[:-1] + b"x",
        encode_v2(source, destination),
        encode_v1(source, destination),
    ):
        assert decode_datagram(data) is None


@given(st.binary(max_size=100))
def test_any_bytes_are_read_as_a_returned_header_or_none(data: bytes) -> None:
    path = decode_datagram(data)
    assert path is None or data.startswith(encode_datagram(path.source, path.destination))
