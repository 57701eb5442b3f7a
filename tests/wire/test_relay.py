"""Frames between frontends: what is sent is what arrives, and nothing else is taken for one."""

from contextlib import suppress

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Malformed
from tracker.model import Answer, Offer
from tracker.wire.relay import (
    Frame,
    Item,
    Moved,
    OtherVersion,
    Packed,
    Probe,
    decode_frame,
    encode_answer,
    encode_frame,
    encode_moved,
    encode_offer,
    encode_probe,
)

SENDER = b"frontend"
HASH, ANNE, BERT = b"h" * 20, b"a" * 20, b"b" * 20
AN_OFFER = [0, HASH, ANNE, BERT, b'"1"', b"{}", 7]
AN_ANSWER = [1, HASH, ANNE, b'"1"', b"{}", 7]

ids = st.binary(min_size=20, max_size=20)
numbers = st.integers(0, 2**63)
items = st.one_of(
    st.builds(Offer, ids, ids, ids, st.binary(), st.binary(), st.just(SENDER), numbers),
    st.builds(Answer, ids, ids, st.binary(), st.binary(), numbers),
    st.builds(Moved, st.lists(st.tuples(ids, ids, numbers))),
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
    if isinstance(item, Answer):
        return encode_answer(item)
    return encode_moved(item) if isinstance(item, Moved) else encode_probe(item)


def a_frame(*items: object, version: object = 1, sender: object = SENDER) -> bytes:
    data: bytes = msgpack.packb([version, sender, list(items)])
    return data


@given(st.lists(items))
def test_any_items_survive_the_way(items: list[Item]) -> None:
    assert Frame(SENDER, items) == decode_frame(encode_frame(SENDER, map(encode, items)))


def test_an_answer_goes_back_to_who_sent_the_frame_of_the_offer() -> None:
    offer = Offer(HASH, ANNE, BERT, b'"1"', b"{}", b"whatever", 7)
    frame = decode_frame(encode_frame(SENDER, [encode_offer(offer)]))
    assert [offer._replace(frontend=SENDER)] == frame.items


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (Offer(HASH, ANNE, BERT, b'"1"', b"{}", SENDER, 7), AN_OFFER),
        (Answer(HASH, ANNE, b'"1"', b"{}", 7), AN_ANSWER),
        (
            Moved([(HASH, ANNE, 1), (HASH, BERT, 2**40)]),
            [2, HASH + ANNE + b"\0\0\0\0\0\0\0\1" + HASH + BERT + b"\0\0\1\0\0\0\0\0"],
        ),
        (Moved([]), [2, b""]),
        (Probe(300), [3, 300]),
    ],
)
def test_frames_read_and_write_the_same_bytes(item: Item, kind: list[object]) -> None:
    assert a_frame(kind) == encode_frame(SENDER, [encode(item)])
    assert Frame(SENDER, [item]) == decode_frame(a_frame(kind))


@pytest.mark.parametrize("version", [0, 2, 255, -1, 2**64 - 1])
@pytest.mark.parametrize("rest", [[], [SENDER, []], [[[[]]], {"of": "the future"}]])
def test_a_frame_of_another_version_is_told_apart(version: int, rest: list[object]) -> None:
    with pytest.raises(OtherVersion, match=f"version {version}$"):
        decode_frame(msgpack.packb([version, *rest]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93",
        msgpack.packb(1),
        msgpack.packb([]),
        msgpack.packb({1: 2}),
        msgpack.packb([1, SENDER]),
        msgpack.packb([1, SENDER, [], []]),
        msgpack.packb([1, SENDER, None]),
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
        b"\x93\x01" + b"\x91" * 100_000,
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        decode_frame(data)
    assert "malformed" == caught.value.label


@pytest.mark.parametrize(
    "item",
    [
        None,
        [],
        [4, 1],
        [-1],
        ["0"],
        [[]],
        AN_OFFER[:-1],
        [*AN_OFFER, 1],
        [*AN_OFFER[:-1], -1],
        [*AN_OFFER[:-1], "7"],
        [*AN_OFFER[:-1], 7.0],
        *([*AN_OFFER[:at], b"x" * 19, *AN_OFFER[at + 1 :]] for at in (1, 2, 3)),
        *([*AN_OFFER[:at], "x" * 20, *AN_OFFER[at + 1 :]] for at in range(1, 6)),
        AN_ANSWER[:-1],
        [*AN_ANSWER, 1],
        *([*AN_ANSWER[:at], b"x" * 21, *AN_ANSWER[at + 1 :]] for at in (1, 2)),
        [2],
        [2, bytes(47)],
        [2, [HASH, ANNE]],
        [3, -1],
        [3, b"1"],
    ],
)
def test_one_wrong_item_spoils_the_frame(item: object) -> None:
    with pytest.raises(Malformed):
        decode_frame(a_frame(AN_ANSWER, item, AN_OFFER))


@given(st.binary())
def test_any_bytes_are_a_frame_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        decode_frame(data)


@given(anything, st.lists(st.lists(anything) | anything))
def test_any_message_pack_is_a_frame_or_malformed(version: object, items: list[object]) -> None:
    for data in a_frame(*items), a_frame(*items, version=version), msgpack.packb(items):
        with suppress(Malformed):
            decode_frame(data)
