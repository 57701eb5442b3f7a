"""Our client against our own tracker's bytes, and against what other trackers write."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Malformed
from tracker.model import Counts, Event
from tracker.wire import websocket
from tracker.wire import websocket_client as client
from tracker.wire.websocket import AnnounceMessage, OfferIn, ScrapeMessage, SignalMessage

ids = st.binary(min_size=20, max_size=20)
counts = st.builds(Counts, *[st.integers(0, 2**40)] * 3)
sdps = st.text(max_size=20).map(msgspec.json.encode)  # the shortest text, as after decoding
HASH, PEER = b"h" * 20, b"p" * 20


@given(
    ids,
    ids,
    st.sampled_from(Event),
    st.none() | st.integers(0, 2**63 - 1),
    st.none() | st.integers(0, 99),
    st.lists(st.builds(OfferIn, sdps, ids), max_size=3),
)
def test_any_announce_survives_a_round_trip(
    info_hash: bytes,
    peer_id: bytes,
    event: Event,
    left: int | None,
    numwant: int | None,
    offers: list[OfferIn],
) -> None:
    data = client.encode_announce_request(
        info_hash, peer_id, event=event, left=left, numwant=numwant, offers=offers
    )
    wanted = len(offers) if numwant is None else numwant
    expected = AnnounceMessage(info_hash, peer_id, event, left == 0, wanted, tuple(offers), 0, 0)
    assert expected == websocket.decode(data, 10, 100)


@given(ids, ids, ids, ids, sdps)
def test_any_answer_survives_a_round_trip(
    info_hash: bytes, peer_id: bytes, to_peer_id: bytes, offer_id: bytes, sdp: bytes
) -> None:
    data = client.encode_answer_request(info_hash, peer_id, to_peer_id, offer_id, sdp)
    expected = SignalMessage("answer", info_hash, peer_id, to_peer_id, offer_id, sdp)
    assert expected == websocket.decode(data, 10, 100)


@given(st.lists(ids, min_size=1, unique=True))
def test_any_scrape_survives_a_round_trip(info_hashes: list[bytes]) -> None:
    expected = ScrapeMessage(tuple(info_hashes), len(info_hashes))
    assert expected == websocket.decode(client.encode_scrape_request(info_hashes), 10, 100)


@given(ids, st.integers(1, 9999), counts)
def test_any_announce_reply_of_ours_is_read(info_hash: bytes, interval: int, swarm: Counts) -> None:
    expected = client.AnnounceReply(info_hash, interval, swarm.seeders, None, swarm.leechers)
    data = websocket.encode_announce_reply(info_hash, interval, swarm)
    assert expected == client.decode_reply(data)


def test_a_terse_announce_reply_is_read() -> None:
    data = b'{"action":"announce","info_hash":"%b","interval":60,"peers":[]}' % HASH
    assert client.AnnounceReply(HASH, 60, None, None, None) == client.decode_reply(data)


@given(st.dictionaries(ids, counts))
def test_any_scrape_reply_of_ours_is_read(files: dict[bytes, Counts]) -> None:
    data = websocket.encode_scrape_reply(list(files), list(files.values()))
    assert client.ScrapeReply(files) == client.decode_reply(data)


@given(sdps, ids, ids, ids)
def test_any_relay_of_ours_is_read(
    sdp: bytes, offer_id: bytes, peer_id: bytes, info_hash: bytes
) -> None:
    encoded = tuple(map(websocket.encode_id, (offer_id, peer_id, info_hash)))
    offer = websocket.encode_offer(sdp, *encoded)
    answer = websocket.encode_signal("answer", sdp, *encoded)
    about = (info_hash, peer_id, offer_id, sdp)
    assert client.OfferReply(*about) == client.decode_reply(offer)
    assert client.AnswerReply(*about) == client.decode_reply(answer)


@pytest.mark.parametrize(
    "fields",
    [
        b'"offer":{},"peer_id":"x"',
        b'"offer":null,"peer_id":"pppppppppppppppppppp","offer_id":"oooooooooooooooooooo"',
        b'"offer":{"sdp":5},"peer_id":"pppppppppppppppppppp","offer_id":"oooooooooooooooooooo"',
        b'"answer":{"sdp":""},"peer_id":"pppppppppppppppppppp","offer_id":"o"',
        b'"answer":5,"peer_id":5,"offer_id":5',
    ],
)
def test_relays_of_malformed_offers_and_answers_are_read_as_such(fields: bytes) -> None:
    """Other trackers relay what strangers send."""
    data = b'{"action":"announce","info_hash":"%b",%b}' % (HASH, fields)
    assert client.UnusableReply(HASH) == client.decode_reply(data)


@pytest.mark.parametrize("info_hash", [None, HASH])
def test_an_error_is_read(info_hash: bytes | None) -> None:
    data = websocket.encode_error("announce", info_hash, "no", 120)
    assert client.ErrorReply(info_hash, "no") == client.decode_reply(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"action":"announce","info_hash":"hhhhhhhhhhhhhhhhhhhh"}',
        b'{"action":"announce","interval":120}',
        b'{"action":"announce","info_hash":"hhhhhhhhhhhhhhhhhhhh","interval":"x"}',
        b'{"action":"scrape","files":{"x":{}}}',
        b'{"failure reason":"no","info_hash":"x"}',
        pytest.param(b"[" * 60_000, id="deep list"),
    ],
)
def test_other_messages_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        client.decode_reply(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        client.decode_reply(data)
