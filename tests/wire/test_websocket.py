"""What browsers, libtorrent and others send as JSON, and what we write and relay."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Malformed
from tracker.model import Counts, Event
from tracker.wire import websocket
from tracker.wire.websocket import (
    AnnounceMessage,
    BadMessage,
    OfferIn,
    ScrapeMessage,
    SignalMessage,
    SignalName,
)

HASH, PEER, OTHER = bytes(range(20)), bytes(range(236, 256)), b'-"\\\x7f ' * 4
OFFER = {"type": "offer", "sdp": "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\n\u00e9\u20ac"}
SDP = '"v=0\\r\\no=- 4611 2 IN IP4 127.0.0.1\\r\\n\u00e9\u20ac"'.encode()
OFFER_ID = "\u00e9" * 10 + "0123456789"
NO_EVENTS: list[object] = ["", "paused", "update", "x", None, 2, 1.5, {}, [[]]]

ids = st.binary(min_size=20, max_size=20)
numbers = st.integers(0, 2**63 - 1)
counts = st.builds(Counts, numbers, numbers, numbers)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def message(**changed: object) -> dict[str, object]:
    """A plain announce; the changes go on top."""
    plain = {"action": "announce", "info_hash": text(HASH), "peer_id": text(PEER)}
    return plain | changed


def text(raw: bytes) -> str:
    return raw.decode("latin-1")


def sent(fields: object, *, ascii_only: bool = True) -> bytes:
    return json.dumps(fields, ensure_ascii=ascii_only).encode()


def decoded(data: bytes) -> AnnounceMessage | SignalMessage | ScrapeMessage:
    return websocket.decode(data, max_offers=10, max_scrape=100)


def announce(**changed: object) -> AnnounceMessage:
    read = decoded(sent(message(**changed)))
    assert isinstance(read, AnnounceMessage)
    return read


def refusal(data: bytes) -> BadMessage:
    with pytest.raises(BadMessage) as caught:
        decoded(data)
    return caught.value


# Announces


def test_the_announce_of_webtorrent_is_read() -> None:
    offer = OfferIn(SDP, OFFER_ID.encode("latin-1"))
    expected = AnnounceMessage(HASH, PEER, Event.STARTED, False, 5, (offer, offer), 0, 0)
    assert expected == announce(
        numwant=5,
        uploaded=0,
        downloaded=0,
        left=1000,
        event="started",
        offers=[{"offer": OFFER, "offer_id": OFFER_ID}] * 2,
        trackerid="x",
    )


def test_the_least_announce_is_read() -> None:
    assert AnnounceMessage(HASH, PEER, Event.NONE, False, None, (), 0, 0) == announce()


@given(ids, ids, st.booleans())
def test_ids_of_any_bytes_are_read_escaped_or_not(
    info_hash: bytes, peer_id: bytes, ascii_only: bool
) -> None:
    fields = message(info_hash=text(info_hash), peer_id=text(peer_id))
    read = decoded(sent(fields, ascii_only=ascii_only))
    assert AnnounceMessage(info_hash, peer_id, Event.NONE, False, None, (), 0, 0) == read


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("started", Event.STARTED),
        ("completed", Event.COMPLETED),
        ("stopped", Event.STOPPED),
        *[(other, Event.NONE) for other in NO_EVENTS],
    ],
)
def test_events(event: object, expected: Event) -> None:
    assert expected is announce(event=event).event


@pytest.mark.parametrize("left", [0, 0.0, "0"], ids=repr)
def test_nothing_left_makes_a_seeder(left: object) -> None:
    assert announce(left=left).seeding


@pytest.mark.parametrize(
    "left", [1, 2**63 - 1, 10**30, None, "", "NaN", "x", -1, True, False, [], [0], {}]
)
def test_anything_else_left_makes_a_leecher(left: object) -> None:
    """Magnet links of WebTorrent have null: they do not know yet."""
    assert not announce(left=left).seeding


@pytest.mark.parametrize(
    ("numwant", "expected"),
    [
        (0, 0),
        (5, 5),
        ("5", 5),
        (2**63, 2**63),
        *[(other, None) for other in (-1, 2.5, "", "x", None, True, [5], {"5": 5}, 10**30)],
    ],
    ids=repr,
)
def test_numwant_is_a_number_or_not_told(numwant: object, expected: int | None) -> None:
    assert expected == announce(numwant=numwant).numwant


@pytest.mark.parametrize("offers", [None, []])
def test_no_offers_are_no_error(offers: object) -> None:
    assert announce(offers=offers, answer=None).offers == ()


@pytest.mark.parametrize(
    ("sdp", "offer_id"),
    [(r'"\u00e9\u00e9\/\r\n"', r'"\u0041' + "é" * 19 + '"'), (r'"éé/\r\n"', f'"A{"é" * 19}"')],
)
def test_only_the_sdp_of_an_offer_is_read_however_it_is_escaped(sdp: str, offer_id: str) -> None:
    offer = f'{{ "sdp":"x", "sdp":{sdp}, "type" : 5,"x":{{"deep":[1.0e+400]}}, "n":1e999999 }}'
    offers = f'{{"offers":[ {{"offer_id" : {offer_id} , "offer" :  {offer} }}],'
    read = decoded(offers.encode() + sent(message())[1:])
    assert isinstance(read, AnnounceMessage)
    assert (OfferIn(r'"éé/\r\n"'.encode(), b"A" + b"\xe9" * 19),) == read.offers


# Answers and scrapes

ANSWER_RULE = "answer must be an object with a string sdp"
CANDIDATE_RULE = "candidate must be an RTCIceCandidateInit object"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("answer", {"type": "answer", "sdp": "v=0\r\n"}, rb'"v=0\r\n"'),
        ("candidate", {"candidate": "c", "sdpMid": "0"}, b'{"candidate":"c","sdpMid":"0"}'),
    ],
)
def test_a_message_with_an_answer_or_candidate_is_one(
    name: SignalName, value: dict[str, str], expected: bytes
) -> None:
    fields = message(to_peer_id=text(OTHER), offer_id=OFFER_ID, offers=[], answer=None)
    signal = SignalMessage(name, HASH, PEER, OTHER, OFFER_ID.encode("latin-1"), expected)
    assert signal == decoded(sent(fields | {name: value}))


@pytest.mark.parametrize("given", [{}, {"answer": None}, {"candidate": None}, {"candidate": "x"}])
def test_a_message_to_another_peer_is_never_an_announce(given: dict[str, None]) -> None:
    error = refusal(sent(message(to_peer_id=text(OTHER), offer_id=OFFER_ID, offers=[]) | given))
    assert error.reason == (CANDIDATE_RULE if "candidate" in given else ANSWER_RULE)
    assert (error.action, error.info_hash) == ("announce", HASH)


@pytest.mark.parametrize(
    ("info_hash", "expected"),
    [
        (text(HASH), ScrapeMessage((HASH,), 1)),
        ([text(HASH)], ScrapeMessage((HASH,), 1)),
        ([text(PEER), text(HASH), text(PEER)], ScrapeMessage((PEER, HASH), 3)),
        ([text(HASH)] * 100, ScrapeMessage((HASH,), 100)),
        ([text(HASH)] * 101, ScrapeMessage((), 101)),
    ],
    ids=range(5),
)
def test_a_scrape_names_one_hash_or_several(info_hash: object, expected: ScrapeMessage) -> None:
    assert expected == decoded(sent({"action": "scrape", "info_hash": info_hash}))


# Refusals

ID_RULE = "must be 20 characters from 0 to 255"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"action": "dance"}, "action must be announce or scrape"),
        ({"action": 5}, "Expected `str`, got `int` - at `$.action`"),
        ({"peer_id": None}, "Expected `str`, got `null` - at `$.peer_id`"),
        ({"peer_id": "a" * 19}, f"peer_id {ID_RULE}"),
        ({"peer_id": "\u0100" * 20}, f"peer_id {ID_RULE}"),
        ({"answer": {}}, f"to_peer_id {ID_RULE}"),
        ({"answer": {}, "to_peer_id": text(OTHER)}, ANSWER_RULE),
        ({"answer": 5, "to_peer_id": text(OTHER), "offer_id": ""}, ANSWER_RULE),
        ({"answer": OFFER, "to_peer_id": text(OTHER)}, f"offer_id {ID_RULE}"),
        ({"answer": OFFER, "to_peer_id": text(OTHER), "offer_id": "a" * 21}, f"offer_id {ID_RULE}"),
    ],
)
def test_a_refusal_knows_the_swarm(changed: dict[str, object], reason: str) -> None:
    error = refusal(sent(message(**changed)))
    assert (reason, "announce", HASH) == (error.reason, error.action, error.info_hash)


@pytest.mark.parametrize(
    "info_hash", [None, "", "a" * 19, "a" * 32, "a" * 40, "\u0100" * 20, 5, {}, [text(HASH)]]
)
def test_an_announce_needs_one_good_hash(info_hash: object) -> None:
    error = refusal(sent(message(info_hash=info_hash)))
    assert (error.action, error.info_hash) == ("announce", None)


@pytest.mark.parametrize("fields", [{}, {"info_hash": None}, {"info_hash": []}, {"info_hash": ""}])
def test_a_full_scrape_is_refused(fields: dict[str, object]) -> None:
    error = refusal(sent({"action": "scrape"} | fields))
    assert (error.reason, error.action) == ("full scrape is off, name an info_hash", "scrape")


@pytest.mark.parametrize("info_hash", ["a", ["a"], [None], 5])
def test_a_scrape_of_what_is_no_hash_is_refused(info_hash: object) -> None:
    assert refusal(sent({"action": "scrape", "info_hash": info_hash})).action == "scrape"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b'"announce"',
        b"{}",
        b"{",
        b"\x00\x01",
        b"\xef\xbb\xbf{}",
        b'{"action":"announce"} {}',
        b'{"action":"announce","left":NaN}',
        pytest.param(b"[" * 60_000, id="many brackets"),
        pytest.param(b'{"action":' * 6_000, id="many objects"),
        pytest.param(b'{"left":%b%b}' % (b"[" * 30_000, b"]" * 30_000), id="deep field"),
        pytest.param(b'{"x":%b0%b}' % (b'{"a":' * 10_000, b"}" * 10_000), id="deep unknown field"),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    error = refusal(data)
    assert (error.action, error.info_hash) == ("announce", None)


@pytest.mark.parametrize(
    "part",
    [
        b'"offers":[{"offer":{"sdp":"\xff"},"offer_id":"a"}]',
        b'"offers":[{"offer":{},"offer_id":"\xc3"}]',
        b'"x":"\xed\xa0\x80"',
        b'"\xfe":0',
    ],
)
def test_what_is_not_utf_8_is_refused_wherever_it_stands(part: bytes) -> None:
    """A browser closes the socket over which it is told such text."""
    error = refusal(sent(message())[:-1] + b"," + part + b"}")
    assert "utf-8" in error.reason
    assert error.info_hash == HASH


@pytest.mark.parametrize(
    "offer", [b'{"a":01}', b'{"a":"\x01"}', b'{"a":"\\q"}', b'{"a":nul}', b'{"a":1,}', b"{'a':1}"]
)
def test_an_offer_that_is_not_quite_json_is_refused(offer: bytes) -> None:
    data = sent(message(offers=[{"offer": 0, "offer_id": "a"}])).replace(b"0", offer, 1)
    assert refusal(data).reason.startswith("JSON is malformed")


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda data: data.encode()))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(BadMessage):
        decoded(data)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("action", "info_hash", "peer_id", "to_peer_id", "event", "left", "numwant"),
                *("offers", "offer_id", "answer", "candidate"),
            ]
        ),
        anything,
    )
)
def test_any_json_is_read_or_refused(changed: dict[str, object]) -> None:
    with suppress(BadMessage):
        decoded(sent(message(**changed)))


def test_a_refusal_is_counted_as_malformed() -> None:
    assert refusal(b"").label == "malformed"
    assert issubclass(BadMessage, Malformed)


# Replies


@given(ids)
def test_any_id_survives_a_round_trip(raw: bytes) -> None:
    encoded = websocket.encode_id(raw)
    assert raw == websocket.decode_id(json.loads(encoded), "id")


def test_an_announce_reply_has_whole_numbers() -> None:
    expected = (
        b'{"action":"announce","info_hash":"aaaaaaaaaaaaaaaaaaaa","interval":120,'
        b'"complete":1,"incomplete":3}'
    )
    assert expected == websocket.encode_announce_reply(b"a" * 20, 120, Counts(1, 2, 3))


@given(ids, numbers, counts)
def test_any_announce_reply_is_json(info_hash: bytes, interval_s: int, swarm: Counts) -> None:
    assert {
        "action": "announce",
        "info_hash": text(info_hash),
        "interval": interval_s,
        "complete": swarm.seeders,
        "incomplete": swarm.leechers,
    } == json.loads(websocket.encode_announce_reply(info_hash, interval_s, swarm))


@given(ids, ids, ids, st.text())
def test_relays_carry_what_was_sent_and_no_counts(
    info_hash: bytes, peer_id: bytes, offer_id: bytes, sdp: str
) -> None:
    about = message(info_hash=text(info_hash), peer_id=text(peer_id), offer_id=text(offer_id))
    encoded = tuple(map(websocket.encode_id, (offer_id, peer_id, info_hash)))
    candidate = {"candidate": sdp}
    for name, value, data in (
        ("offer", {"type": "offer", "sdp": sdp}, websocket.encode_offer(sent(sdp), *encoded)),
        (
            "answer",
            {"type": "answer", "sdp": sdp},
            websocket.encode_signal("answer", sent(sdp), *encoded),
        ),
        ("candidate", candidate, websocket.encode_signal("candidate", sent(candidate), *encoded)),
    ):
        assert about | {name: value} == json.loads(data)


def test_an_offer_in_bytes() -> None:
    expected = (
        b'{"action":"announce","info_hash":"h","peer_id":"p","offer_id":"o",'
        b'"offer":{"type":"offer","sdp":"v=0"}}'
    )
    assert expected == websocket.encode_offer(b'"v=0"', b'"o"', b'"p"', b'"h"')


@given(st.dictionaries(ids, counts))
def test_scrape_replies_are_json(swarms: dict[bytes, Counts]) -> None:
    files = {
        text(info_hash): {
            "complete": swarm.seeders,
            "incomplete": swarm.leechers,
            "downloaded": swarm.completed,
        }
        for info_hash, swarm in swarms.items()
    }
    written = websocket.encode_scrape_reply(list(swarms), list(swarms.values()))
    assert {"action": "scrape", "files": files} == json.loads(written)


@pytest.mark.parametrize(("info_hash", "known"), [(None, {}), (PEER, {"info_hash": text(PEER)})])
def test_an_error_carries_an_action_and_the_hash_where_known(
    info_hash: bytes | None, known: dict[str, str]
) -> None:
    written = websocket.encode_error("announce", info_hash, 'no "é"', 120)
    expected = {"action": "announce", "failure reason": 'no "é"', "interval": 120} | known
    assert expected == json.loads(written)
