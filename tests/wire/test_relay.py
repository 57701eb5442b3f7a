"""Frames between frontends: what is sent is what arrives, and nothing else is taken for one."""

from contextlib import suppress

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tracker.errors import Malformed
from tracker.model import Offer, Signal, SignalKind
from tracker.wire.relay import (
    DIGEST_SIZE,
    MAX_FRAME,
    MAX_ITEMS,
    VERSION,
    Frame,
    Item,
    Moved,
    OtherVersion,
    Packed,
    Probe,
    address_digest,
    decode_frame,
    encode_frame,
    encode_moved,
    encode_offer,
    encode_probe,
    encode_signal,
)

SENDER = b"frontend"
HASH, ANNE, BERT = b"h" * 20, b"a" * 20, b"b" * 20
MAX_TEXT = 10_000
DIGEST = b"addressD"
OFFER_ID, SDP, CANDIDATE = b"i" * 20, b'"v=0"', b'{"candidate":"c","sdpMid":null}'
AN_OFFER = [0, HASH, ANNE, BERT, OFFER_ID, SDP, 7, DIGEST]
AN_ANSWER = [1, *AN_OFFER[1:]]
A_CANDIDATE = [4, *AN_OFFER[1:5], CANDIDATE, 7, DIGEST]

ids = st.binary(min_size=20, max_size=20)
numbers = st.integers(0, 2**63 - 1)
digests = st.binary(min_size=DIGEST_SIZE, max_size=DIGEST_SIZE)
sdps = st.text(max_size=64).map(msgspec.json.encode)
candidates = st.text().map(lambda text: msgspec.json.encode({"candidate": text, "sdpMid": text}))
items = st.one_of(
    st.builds(Offer, ids, ids, ids, ids, sdps, st.just(SENDER), numbers, digests),
    st.builds(Signal, st.just(SignalKind.ANSWER), ids, ids, ids, ids, sdps, numbers, digests),
    st.builds(
        Signal,
        st.sampled_from([SignalKind.CANDIDATE, SignalKind.OFFERER_CANDIDATE]),
        *(ids, ids, ids, ids, candidates, numbers, digests),
    ),
    st.builds(Moved, st.lists(st.tuples(ids, ids, numbers, digests))),
    st.builds(Probe, numbers),
)
anything: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def encode(item: Item) -> Packed:
    """Any item."""
    if isinstance(item, Offer):
        return encode_offer(item)
    if isinstance(item, Signal):
        return encode_signal(item)
    return encode_moved(item) if isinstance(item, Moved) else encode_probe(item)


def decoded(data: bytes) -> Frame:
    """A frame, read with room for `MAX_TEXT` bytes in an offer or answer."""
    return decode_frame(data, MAX_TEXT)


def a_frame(*items: object, version: object = VERSION, sender: object = SENDER) -> bytes:
    data: bytes = msgpack.packb([version, sender, list(items)])
    return data


@given(st.lists(items))
def test_any_items_survive_the_way(items: list[Item]) -> None:
    frame = encode_frame(SENDER, map(encode, items))
    assert Frame(SENDER, items) == decoded(frame)


def test_an_answer_goes_back_to_who_sent_the_frame_of_the_offer() -> None:
    offer = Offer(HASH, ANNE, BERT, OFFER_ID, SDP, b"whatever", 7, DIGEST)
    frame = decoded(encode_frame(SENDER, [encode_offer(offer)]))
    assert [replace(offer, frontend=SENDER)] == frame.items


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (Offer(HASH, ANNE, BERT, OFFER_ID, SDP, SENDER, 7, DIGEST), AN_OFFER),
        *(
            (
                Signal(kind, HASH, ANNE, BERT, OFFER_ID, text, 7, DIGEST),
                [number, *AN_OFFER[1:5], text, 7, DIGEST],
            )
            for number, kind, text in zip(
                (1, 4, 5), SignalKind, (SDP, CANDIDATE, CANDIDATE), strict=True
            )
        ),
        (
            Moved([(HASH, ANNE, 1, b"addressA"), (HASH, BERT, 2**40, b"addressB")]),
            [
                2,
                HASH
                + ANNE
                + b"\0\0\0\0\0\0\0\1addressA"
                + HASH
                + BERT
                + b"\0\0\1\0\0\0\0\0addressB",
            ],
        ),
        (Moved([]), [2, b""]),
        (Probe(300), [3, 300]),
    ],
)
def test_frames_read_and_write_the_same_bytes(item: Item, kind: list[object]) -> None:
    assert a_frame(kind) == encode_frame(SENDER, [encode(item)])
    assert Frame(SENDER, [item]) == decoded(a_frame(kind))


def test_addresses_have_digests_of_their_own() -> None:
    digests = {address_digest(bytes([0, 0, 0, number])) for number in range(256)}
    assert (256, {DIGEST_SIZE}) == (len(digests), {len(digest) for digest in digests})


def test_the_bounds_of_a_frame_leave_room_for_all_that_is_sent() -> None:
    text = b'"%b"' % (b" " * (MAX_TEXT - 2))
    large = Offer(HASH, ANNE, BERT, OFFER_ID, text, SENDER, 2**63 - 1, DIGEST)
    assert [large] == decode_frame(encode_frame(SENDER, [encode_offer(large)]), MAX_TEXT).items
    text = b'"%b"' % (b" " * 8_000)
    item = encode_signal(Signal(SignalKind.ANSWER, HASH, ANNE, BERT, OFFER_ID, text, 1, DIGEST))
    full = [item] * (MAX_FRAME // len(item))
    assert len(full) == len(decoded(encode_frame(SENDER, full)).items)
    many = [encode_probe(Probe(1))] * MAX_ITEMS
    assert MAX_ITEMS == len(decoded(encode_frame(SENDER, many)).items)


@pytest.mark.parametrize("version", [0, 1, 2, 4, 255, -1, 2**64 - 1])
@pytest.mark.parametrize("rest", [[], [SENDER, []], [[[[]]], {"of": "the future"}]])
def test_a_frame_of_another_version_is_told_apart(version: int, rest: list[object]) -> None:
    with pytest.raises(OtherVersion, match=f"version {version}$"):
        decoded(msgpack.packb([version, *rest]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93",
        msgpack.packb(1),
        msgpack.packb([]),
        msgpack.packb({1: 2}),
        msgpack.packb([VERSION, SENDER]),
        msgpack.packb([VERSION, SENDER, [], []]),
        msgpack.packb([VERSION, SENDER, None]),
        a_frame(version="1"),
        a_frame(version=True),
        a_frame(version=1.5),
        a_frame(sender="frontend"),
        a_frame(sender=SENDER[:-1]),
        a_frame(sender=SENDER + b"d"),
        a_frame() + b"\0",
        a_frame(AN_OFFER)[:-1],
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 100_000,
        b"\x93\x03" + b"\x91" * 100_000,
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        decoded(data)
    assert "malformed" == caught.value.label


@pytest.mark.parametrize(
    "item",
    [
        None,
        [],
        [6, 1],
        [4, 1],
        [-1],
        ["0"],
        [[]],
        AN_OFFER[:-1],
        [*AN_OFFER, 1],
        *([*AN_OFFER[:6], number, DIGEST] for number in (-1, "7", 7.0, 2**63)),
        *([*AN_OFFER[:7], digest] for digest in (b"", b"short", b"too long.", "addressD")),
        *([*AN_OFFER[:at], b"x" * 19, *AN_OFFER[at + 1 :]] for at in range(1, 5)),
        *([*AN_OFFER[:at], "x" * 20, *AN_OFFER[at + 1 :]] for at in range(1, 6)),
        AN_ANSWER[:-1],
        [*AN_ANSWER, 1],
        *([*AN_ANSWER[:at], b"x" * 21, *AN_ANSWER[at + 1 :]] for at in range(1, 5)),
        [2],
        [2, bytes(47)],
        [2, [HASH, ANNE]],
        [3, -1],
        [3, 2**63],
        [3, b"1"],
        *(
            [*AN_OFFER[:5], text, 7, DIGEST]
            for text in (b"", b"1", b'"', b'"1', b'"1","a":"2"', b'"\xff"', b'"1" ', CANDIDATE)
        ),
        [*AN_OFFER[:5], b'"%b"' % (b" " * (MAX_TEXT - 1)), 7, DIGEST],
        [*AN_ANSWER[:5], b"null", 7, DIGEST],
        [*AN_ANSWER[:5], CANDIDATE, 7, DIGEST],
        *([*A_CANDIDATE[:5], text, 7, DIGEST] for text in (b"", b"{}", SDP, CANDIDATE + b" ")),
    ],
)
def test_one_wrong_item_spoils_the_frame(item: object) -> None:
    with pytest.raises(Malformed):
        decoded(a_frame(AN_ANSWER, item, AN_OFFER))


@pytest.mark.parametrize(
    "data",
    [
        a_frame(*[[3, 1]] * (MAX_ITEMS + 1)),
        a_frame(*[[3, 1]] * 10) + bytes(MAX_FRAME),
        a_frame([2, bytes(56 * 5_000)]),
    ],
)
def test_a_frame_beyond_the_bounds_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        decoded(data)


@given(st.binary())
def test_any_bytes_are_a_frame_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        decoded(data)


@given(anything, st.lists(st.lists(anything) | anything))
def test_any_message_pack_is_a_frame_or_malformed(version: object, items: list[object]) -> None:
    for data in a_frame(*items), a_frame(*items, version=version), msgpack.packb(items):
        with suppress(Malformed):
            decoded(data)
