"""The packets of BEP 15, with the options of BEP 41."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tracker.errors import Malformed
from tracker.model import IPV4_SIZE, IPV6_SIZE, Counts, Event
from tracker.wire.udp import (
    CONNECT_HEAD,
    AnnounceReply,
    AnnounceRequest,
    ConnectReply,
    ErrorReply,
    Reply,
    ScrapeReply,
    ScrapeRequest,
    decode_announce,
    decode_reply,
    decode_scrape,
    encode_announce_reply,
    encode_announce_request,
    encode_connect_reply,
    encode_connect_request,
    encode_error,
    encode_scrape_reply,
    encode_scrape_request,
)

TID, CID = bytes.fromhex("a1a2a3a4"), bytes.fromhex("c1c2c3c4c5c6c7c8")
HASH, PEER_ID = bytes(range(20)), b"-XX0001-abcdefghijkl"

ANNOUNCE_REQUEST = AnnounceRequest(
    connection_id=CID,
    transaction_id=TID,
    info_hash=HASH,
    peer_id=PEER_ID,
    downloaded=1,
    left=2**63 - 1,  # Transmission, before it has the metadata
    uploaded=3,
    event=Event.STARTED,
    ip=bytes([192, 0, 2, 1]),
    key=b"\xde\xad\xbe\xef",
    numwant=None,
    port=6881,
    url_data=b"",
)
# BEP 15, "IPv4 announce request"; a line a field or two
ANNOUNCE_BYTES = bytes.fromhex(
    "c1c2c3c4c5c6c7c8"
    "00000001a1a2a3a4"
    "000102030405060708090a0b0c0d0e0f10111213"
    "2d5858303030312d6162636465666768696a6b6c"
    "0000000000000001"
    "7fffffffffffffff"
    "0000000000000003"
    "00000002c0000201deadbeef"
    "ffffffff1ae1"
)  # fmt: skip
EVENT_AT, NUMWANT_AT, PORT_AT = 80, 92, 96

REPLIES = [
    (
        encode_connect_reply(TID, CID),
        "00000000 a1a2a3a4 c1c2c3c4c5c6c7c8",
        ConnectReply(TID, CID),
    ),
    (
        encode_announce_reply(TID, 1800, 2, 5, b""),
        "00000001 a1a2a3a4 00000708 00000002 00000005",
        AnnounceReply(TID, 1800, 2, 5, ()),
    ),
    (
        encode_announce_reply(TID, 1800, 2, 5, b"\x7f\0\0\1\x1a\xe1\xc0\0\2\1\xff\xff"),
        "00000001 a1a2a3a4 00000708 00000002 00000005 7f0000011ae1 c0000201ffff",
        AnnounceReply(TID, 1800, 2, 5, (b"\x7f\0\0\1\x1a\xe1", b"\xc0\0\2\1\xff\xff")),
    ),
    (
        encode_scrape_reply(TID, [Counts(seeders=1, completed=2, leechers=3), Counts(4, 5, 6)]),
        "00000002 a1a2a3a4 00000001 00000002 00000003 00000004 00000005 00000006",
        ScrapeReply(TID, (Counts(1, 2, 3), Counts(4, 5, 6))),
    ),
    (
        encode_scrape_reply(TID, [Counts(2**31 - 1, 2**31, 2**64)]),
        "00000002 a1a2a3a4 7fffffff 7fffffff 7fffffff",
        ScrapeReply(TID, (Counts(2**31 - 1, 2**31 - 1, 2**31 - 1),)),
    ),
    (
        encode_error(TID, "not in the list: é"),
        "00000003 a1a2a3a4 6e6f7420696e20746865206c6973743a20c3a9",
        ErrorReply(TID, "not in the list: é"),
    ),
]


def with_field(at: int, field: str) -> bytes:
    raw = bytes.fromhex(field)
    return ANNOUNCE_BYTES[:at] + raw + ANNOUNCE_BYTES[at + len(raw) :]


def test_a_connect_is_16_bytes_with_the_magic() -> None:
    request = encode_connect_request(TID)
    assert bytes.fromhex("0000041727101980 00000000 a1a2a3a4") == request
    assert CONNECT_HEAD == request[:12]


def test_an_announce_reads_and_writes_the_bytes_of_the_bep() -> None:
    assert ANNOUNCE_REQUEST == decode_announce(ANNOUNCE_BYTES)
    assert ANNOUNCE_BYTES == encode_announce_request(ANNOUNCE_REQUEST)


@pytest.mark.parametrize(
    ("field", "event"),
    [
        ("00000000", Event.NONE),
        ("00000001", Event.COMPLETED),
        ("00000002", Event.STARTED),
        ("00000003", Event.STOPPED),
        ("00000004", Event.NONE),  # "paused" of partial seeds
        ("ffffffff", Event.NONE),
        ("01000003", Event.NONE),  # all four bytes count
    ],
)
def test_the_event_is_a_32_bit_number_and_unknown_ones_are_none(field: str, event: Event) -> None:
    assert event is decode_announce(with_field(EVENT_AT, field)).event


@pytest.mark.parametrize(
    ("field", "numwant"),
    [
        ("ffffffff", None),
        ("80000000", None),
        ("00000000", 0),
        ("00000032", 50),
        ("7fffffff", 2**31 - 1),
    ],
)
def test_a_negative_numwant_is_the_default(field: str, numwant: int | None) -> None:
    assert numwant == decode_announce(with_field(NUMWANT_AT, field)).numwant


@pytest.mark.parametrize(("field", "port"), [("0000", 0), ("ffff", 65535)])
def test_every_port_comes_through(field: str, port: int) -> None:
    assert port == decode_announce(with_field(PORT_AT, field)).port


@pytest.mark.parametrize(
    ("options", "url_data"),
    [
        (b"", b""),
        (b"\x02\x03/an", b"/an"),
        (b"\x02\x02/a\x02\x03nno\x02\x00", b"/anno"),  # parts are joined
        (b"\x01\x01\x02\x03/an\x01", b"/an"),  # NOP has no length
        (b"\x02\x03/an\x00\x02\x01x", b"/an"),  # nothing counts after the end
        (b"\x00\x02\x03/an", b""),
        (b"\x7f\x02\x02\x02\x02\x03/an", b"/an"),  # an unknown option is passed over
        (b"\x02\x03/an\x02", b"/an"),  # a length that is missing
        (b"\x02\x03/an\x02\x09nounce", b"/an"),  # a part that is cut
        (b"\x7f\xff", b""),
        (b"\x02", b""),
        (b"\xff" * 7, b""),
    ],
)
def test_url_data_is_read_from_whole_options(options: bytes, url_data: bytes) -> None:
    expected = replace(ANNOUNCE_REQUEST, url_data=url_data)
    assert expected == decode_announce(ANNOUNCE_BYTES + options)


def test_long_url_data_is_written_in_parts_of_255_bytes() -> None:
    url_data = bytes(range(256)) + b"?"
    packet = encode_announce_request(replace(ANNOUNCE_REQUEST, url_data=url_data))
    assert b"\x02\xff" + url_data[:255] + b"\x02\x02" + url_data[255:] == packet[98:]
    assert url_data == decode_announce(packet).url_data


def test_options_far_behind_are_not_read() -> None:
    """So that a datagram full of one-byte options costs no more than others."""
    url_data = b"\x02\x03/an"
    assert decode_announce(ANNOUNCE_BYTES + b"\x01" * 15 + url_data).url_data == b"/an"
    assert decode_announce(ANNOUNCE_BYTES + b"\x01" * 16 + url_data).url_data == b""


@pytest.mark.parametrize("size", range(98))
def test_a_short_announce_is_malformed(size: int) -> None:
    with pytest.raises(Malformed):
        decode_announce(ANNOUNCE_BYTES[:size])


def test_a_scrape_reads_and_writes_the_bytes_of_the_bep() -> None:
    """Order and repeats are kept."""
    request = ScrapeRequest(CID, TID, (HASH, bytes(20), HASH))
    packet = bytes.fromhex("c1c2c3c4c5c6c7c8 00000002 a1a2a3a4") + HASH + bytes(20) + HASH
    assert request == decode_scrape(packet)
    assert packet == encode_scrape_request(request)


@pytest.mark.parametrize("size", range(36))
def test_a_scrape_without_a_hash_is_malformed(size: int) -> None:
    packet = encode_scrape_request(ScrapeRequest(CID, TID, (HASH,) * 4))
    with pytest.raises(Malformed):
        decode_scrape(packet[:size])


@pytest.mark.parametrize("size", range(36, 76))
def test_an_incomplete_hash_at_the_end_of_a_scrape_is_left_out(size: int) -> None:
    packet = encode_scrape_request(ScrapeRequest(CID, TID, (HASH,) * 3))
    assert (HASH,) * ((size - 16) // 20) == decode_scrape(packet[:size]).info_hashes


@pytest.mark.parametrize(("written", "packet", "reply"), REPLIES)
def test_replies_read_and_write_the_bytes_of_the_bep(
    written: bytes, packet: str, reply: Reply
) -> None:
    assert bytes.fromhex(packet) == written
    assert reply == decode_reply(written, IPV4_SIZE)


def test_over_ipv6_peers_are_18_bytes() -> None:
    """BEP 15, "IPv6"."""
    peers = (b"a" * 18, b"b" * 18)
    reply = decode_reply(encode_announce_reply(TID, 1, 0, 2, b"".join(peers)), IPV6_SIZE)
    assert AnnounceReply(TID, 1, 0, 2, peers) == reply


def test_what_other_trackers_send_is_read_too() -> None:
    assert ErrorReply(TID, "no") == decode_reply(encode_error(TID, "no\0"), IPV4_SIZE)
    assert ErrorReply(TID, "�") == decode_reply(b"\0\0\0\3" + TID + b"\xff", IPV4_SIZE)
    longer = encode_connect_reply(TID, CID) + b"more"
    assert ConnectReply(TID, CID) == decode_reply(longer, IPV4_SIZE)


@pytest.mark.parametrize(
    "packet",
    [
        "",
        "00000003 a1a2a3",
        "00000000 a1a2a3a4 c1c2c3c4c5c6c7",
        "00000001 a1a2a3a4 00000708 00000002 000000",
        "00000001 a1a2a3a4 00000708 00000002 00000005 7f0000011a",
        "00000002 a1a2a3a4 00000001 00000002",
        "00000004 a1a2a3a4",
        "01000000 a1a2a3a4 c1c2c3c4c5c6c7c8",
    ],
)
def test_a_reply_that_is_cut_or_of_no_known_action_is_malformed(packet: str) -> None:
    with pytest.raises(Malformed):
        decode_reply(bytes.fromhex(packet), IPV4_SIZE)


def raw(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


i64 = st.integers(-(2**63), 2**63 - 1)
i31 = st.integers(0, 2**31 - 1)
announces = st.builds(
    AnnounceRequest,
    connection_id=raw(8),
    transaction_id=raw(4),
    info_hash=raw(20),
    peer_id=raw(20),
    downloaded=i64,
    left=i64,
    uploaded=i64,
    event=st.sampled_from(Event),
    ip=raw(4),
    key=raw(4),
    numwant=st.none() | i31,
    port=st.integers(0, 65535),
    url_data=st.binary(max_size=1000),
)


@given(announces)
def test_any_announce_survives_a_round_trip(request: AnnounceRequest) -> None:
    assert request == decode_announce(encode_announce_request(request))


@given(st.builds(ScrapeRequest, raw(8), raw(4), st.lists(raw(20), min_size=1).map(tuple)))
def test_any_scrape_survives_a_round_trip(request: ScrapeRequest) -> None:
    assert request == decode_scrape(encode_scrape_request(request))


@pytest.mark.parametrize("endpoint_size", [IPV4_SIZE, IPV6_SIZE])
@given(data=st.data(), transaction_id=raw(4), numbers=st.tuples(i31, i31, i31))
def test_any_announce_reply_survives_a_round_trip(
    endpoint_size: int, data: st.DataObject, transaction_id: bytes, numbers: tuple[int, int, int]
) -> None:
    peers = tuple(data.draw(st.lists(raw(endpoint_size))))
    packet = encode_announce_reply(transaction_id, *numbers, b"".join(peers))
    assert AnnounceReply(transaction_id, *numbers, peers) == decode_reply(packet, endpoint_size)


@given(raw(4), st.lists(st.builds(Counts, i31, i31, i31)).map(tuple))
def test_any_counts_survive_a_round_trip(transaction_id: bytes, counts: tuple[Counts, ...]) -> None:
    packet = encode_scrape_reply(transaction_id, counts)
    assert ScrapeReply(transaction_id, counts) == decode_reply(packet, IPV4_SIZE)


@given(raw(4), st.text().map(lambda text: text.rstrip("\0")))
def test_any_reason_survives_a_round_trip(transaction_id: bytes, reason: str) -> None:
    packet = encode_error(transaction_id, reason)
    assert ErrorReply(transaction_id, reason) == decode_reply(packet, IPV4_SIZE)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_malformed(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        decode_announce(data)
    with contextlib.suppress(Malformed):
        decode_scrape(data)


@given(st.binary(max_size=300))
def test_any_bytes_behind_an_announce_are_options_or_ignored(options: bytes) -> None:
    request = decode_announce(ANNOUNCE_BYTES + options)
    assert ANNOUNCE_REQUEST == replace(request, url_data=b"")
    assert len(request.url_data) <= len(options)


@given(st.integers(0, 4), st.binary(max_size=100), st.sampled_from([IPV4_SIZE, IPV6_SIZE]))
def test_any_bytes_are_a_reply_or_malformed(action: int, body: bytes, endpoint_size: int) -> None:
    with contextlib.suppress(Malformed):
        decode_reply(action.to_bytes(4, "big") + body, endpoint_size)
    with contextlib.suppress(Malformed):
        decode_reply(body, endpoint_size)
