"""Our client against our own tracker's bytes, and against what other trackers write."""

from contextlib import suppress

import bencodepy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Malformed
from tracker.model import Announced, Counts, Event
from tracker.wire import http, http_client
from tracker.wire.http_client import AnnounceReply, ErrorReply, ScrapeReply

hashes = st.binary(min_size=20, max_size=20)
counts = st.builds(Counts, *[st.integers(0, 2**40)] * 3)
HASH = b"h" * 20
V4, V6 = b"\x0a\0\0\1\x1a\xe1", bytes(15) + b"\1\x1a\xe1"


@given(
    hashes,
    hashes,
    st.integers(0, 65535),
    st.sampled_from(Event),
    st.integers(0, 2**63 - 1),
    st.none() | st.integers(0, 1000),
    st.booleans(),
)
def test_any_announce_survives_a_round_trip(
    info_hash: bytes,
    peer_id: bytes,
    port: int,
    event: Event,
    left: int,
    numwant: int | None,
    compact: bool,
) -> None:
    url = http_client.announce_url(
        "http://t/announce",
        info_hash,
        peer_id,
        port,
        event=event,
        left=left,
        numwant=numwant,
        compact=compact,
    )
    expected = http.AnnounceQuery(info_hash, peer_id, port, event, left, numwant, compact, (), b"")
    assert expected == http.decode_announce(http.route(url.encode()).query)


@given(st.lists(hashes, min_size=1, max_size=9, unique=True))
def test_any_scrape_survives_a_round_trip(info_hashes: list[bytes]) -> None:
    url = http_client.scrape_url("http://t/secret/announce", info_hashes)
    found = http.route(url.encode())
    assert ("scrape", "secret") == (found.action, found.passkey)
    assert (tuple(info_hashes), 0) == http.decode_scrape(found.query, 9)


@pytest.mark.parametrize(
    ("announce", "scrape"),
    [
        ("http://t/announce", "http://t/scrape?info_hash=a"),
        ("http://t/x/announce", "http://t/x/scrape?info_hash=a"),
        ("http://t/announce.php", "http://t/scrape.php?info_hash=a"),
        ("http://t/announce?x=2", "http://t/scrape?x=2&info_hash=a"),
        ("http://t/announce/announce", "http://t/announce/scrape?info_hash=a"),
    ],
)
def test_the_scrape_address_is_made_of_the_announce_address(announce: str, scrape: str) -> None:
    assert scrape == http_client.scrape_url(announce, [b"a"])


@pytest.mark.parametrize(
    "announce", ["http://t/a", "http://t/", "http://t/announce/", "http://t/announce?x=2/4"]
)
def test_some_trackers_have_no_scrape_address(announce: str) -> None:
    with pytest.raises(Malformed):
        http_client.scrape_url(announce, [HASH])


@pytest.mark.parametrize("compact", [True, False])
def test_a_reply_of_ours_is_read(compact: bool) -> None:
    body = http.encode_announce(
        Announced(1800, 300, Counts(1, 2, 3), V4, V6), b"\1\2\3\4", compact, True
    )
    expected = AnnounceReply(1800, 300, 1, 2, 3, b"\1\2\3\4", (V4, V6), None)
    assert expected == http_client.decode_announce_reply(body)


def test_a_terse_reply_with_a_warning_is_read() -> None:
    body = b"d8:intervali60e15:warning message5:old \xffe"
    expected = AnnounceReply(60, None, None, None, None, None, (), "old \ufffd")
    assert expected == http_client.decode_announce_reply(body)


@given(st.dictionaries(hashes, counts))
def test_any_scrape_reply_survives_a_round_trip(files: dict[bytes, Counts]) -> None:
    body = http.encode_scrape(list(files), list(files.values()))
    assert ScrapeReply(files) == http_client.decode_scrape_reply(body)


def test_counts_that_a_tracker_leaves_out_are_zero() -> None:
    body = bencodepy.encode({"files": {HASH: {"complete": 4}}})
    assert ScrapeReply({HASH: Counts(4, 0, 0)}) == http_client.decode_scrape_reply(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (http.encode_failure("no", None), ErrorReply("no", None)),
        (http.encode_failure("busy", 61), ErrorReply("busy", 120)),
        (b"d14:failure reason2:no8:retry in5:nevere", ErrorReply("no", None)),
    ],
)
def test_a_failure_is_read_whatever_was_asked(body: bytes, expected: ErrorReply) -> None:
    assert expected == http_client.decode_announce_reply(body)
    assert expected == http_client.decode_scrape_reply(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"404 page not found",
        b"de",
        b"le",
        b"i5e",
        b"d8:intervali60ee\r\n",
        b"d8:interval2:60e",
        b"d8:intervali60e5:peers5:abcdee",
        b"d8:intervali60e6:peers617:abcdefghijklmnopqe",
        b"d8:intervali60e5:peersi5ee",
        b"d8:intervali60e5:peersl1:aee",
        b"d8:intervali60e5:peersld2:ip7:1.2.3.4eee",
        b"d8:intervali60e5:peersld2:ip4:host4:porti1eeee",
        b"d8:intervali60e5:peersld2:ip7:1.2.3.44:porti65536eeee",
        b"d8:intervali60e11:external ipi5ee",
        b"d1:a1:b-6:",
        pytest.param(b"l" * 5000, id="deep list"),
        pytest.param(b"i%be" % (b"9" * 5000), id="long number"),
    ],
)
def test_other_bodies_are_no_announce_reply(body: bytes) -> None:
    """One of them, ``d1:a1:b-6:``, has bencodepy run in circles when it is left alone."""
    with pytest.raises(Malformed):
        http_client.decode_announce_reply(body)


@pytest.mark.parametrize(
    "body", [b"", b"de", b"d5:filesle", b"d5:filesd3:abcdeee", b"d5:filesd20:" + HASH + b"i5eee"]
)
def test_other_bodies_are_no_scrape_reply(body: bytes) -> None:
    with pytest.raises(Malformed):
        http_client.decode_scrape_reply(body)


@given(st.binary(max_size=300) | st.text("dlie0123456789:-a", max_size=60).map(str.encode))
def test_any_body_is_read_or_malformed(body: bytes) -> None:
    with suppress(Malformed):
        http_client.decode_announce_reply(body)
    with suppress(Malformed):
        http_client.decode_scrape_reply(body)
