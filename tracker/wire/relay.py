"""Frames between frontends: offers, answers and what else one tells another.

A frame is MessagePack: ``[version, sender's frontend id, [item, …]]``. An item is an array that
begins with the number of its kind:

====  ==========================================================================================
kind  fields
====  ==========================================================================================
0     offer: info_hash, peer_id, to_peer_id, offer_id, offer, number of the offerer's socket.
      Sender and number are the address that its answer goes back to.
1     answer: info_hash, peer_id, offer_id, answer, number of the offerer's socket
2     moved: browsers that joined at the sender, 48 bytes each: info_hash, peer_id, and when, in
      Unix microseconds (big-endian). Who joined last is where its newest socket is.
3     probe: a number
====  ==========================================================================================

A change of this is a new version; who does not know it drops the frame and counts it.
"""

from collections.abc import Iterable, Sequence
from itertools import starmap
from struct import Struct
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Raw

from tracker.errors import Malformed
from tracker.model import (
    FRONTEND_ID_SIZE,
    HASH_SIZE,
    PEER_ID_SIZE,
    Answer,
    FrontendId,
    InfoHash,
    Offer,
    PeerId,
)

Packed: TypeAlias = bytes  # an encoded item

VERSION = 1
OFFER, ANSWER, MOVED, PROBE = range(4)
_MEMBER = Struct(f"!{HASH_SIZE}s{PEER_ID_SIZE}sQ")
MEMBER_SIZE = _MEMBER.size


class Moved(NamedTuple):
    """Browsers that joined at the sender."""

    members: Sequence[tuple[InfoHash, PeerId, int]]  # the last: when, in Unix microseconds


class Probe(NamedTuple):
    """What a frontend sends to itself, to see that it arrives."""

    number: int


Item: TypeAlias = Offer | Answer | Moved | Probe


class Frame(NamedTuple):
    """What one message between frontends carries."""

    sender: FrontendId
    items: list[Item]


class OtherVersion(Malformed):
    """A frame of a version that is not ours: the cluster is being upgraded."""

    label = "other_version"


_Hash = Annotated[bytes, Meta(min_length=HASH_SIZE, max_length=HASH_SIZE)]
_PeerId = Annotated[bytes, Meta(min_length=PEER_ID_SIZE, max_length=PEER_ID_SIZE)]
_Frontend = Annotated[bytes, Meta(min_length=FRONTEND_ID_SIZE, max_length=FRONTEND_ID_SIZE)]
_Number = Annotated[int, Meta(ge=0)]


class _Item(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    pass


class _Offer(_Item, tag=OFFER):
    info_hash: _Hash
    peer_id: _PeerId
    to_peer_id: _PeerId
    offer_id: bytes
    offer: bytes
    session: _Number


class _Answer(_Item, tag=ANSWER):
    info_hash: _Hash
    peer_id: _PeerId
    offer_id: bytes
    answer: bytes
    session: _Number


class _Moved(_Item, tag=MOVED):
    members: bytes


class _Probe(_Item, tag=PROBE):
    number: _Number


_pack = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(
    tuple[Literal[1], _Frontend, list[_Offer | _Answer | _Moved | _Probe]]
)
_parts_decoder = msgspec.msgpack.Decoder(list[Raw])
_int_decoder = msgspec.msgpack.Decoder(int)


def encode_frame(sender: FrontendId, items: Iterable[Packed]) -> bytes:
    """A frame of items that `sender` tells."""
    return _pack((VERSION, sender, list(map(Raw, items))))


def encode_offer(offer: Offer) -> Packed:
    """An offer, to be sent by the frontend that it names."""
    info_hash, peer_id, to_peer_id, offer_id, text, _, session = offer
    return _pack((OFFER, info_hash, peer_id, to_peer_id, offer_id, text, session))


def encode_answer(answer: Answer) -> Packed:
    """An answer, to be sent to the frontend of the offer."""
    return _pack((ANSWER, *answer))


def encode_moved(moved: Moved) -> Packed:
    """Browsers that joined at the sender."""
    return _pack((MOVED, b"".join(starmap(_MEMBER.pack, moved.members))))


def encode_probe(probe: Probe) -> Packed:
    """A probe."""
    return _pack((PROBE, probe.number))


def decode_frame(data: bytes) -> Frame:
    """Read a frame.

    Raises:
        OtherVersion: it is of a version that is not ours.
        Malformed: it is no frame.
    """
    try:
        _, sender, items = _decoder.decode(data)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise _wrong(data) from error
    return Frame(sender, [_item(sender, item) for item in items])


def _item(sender: FrontendId, item: _Offer | _Answer | _Moved | _Probe) -> Item:
    if isinstance(item, _Offer):
        return Offer(
            item.info_hash,
            item.peer_id,
            item.to_peer_id,
            item.offer_id,
            item.offer,
            sender,
            item.session,
        )
    if isinstance(item, _Answer):
        return Answer(item.info_hash, item.peer_id, item.offer_id, item.answer, item.session)
    if isinstance(item, _Moved):
        if len(item.members) % MEMBER_SIZE:
            raise Malformed("browsers that moved: a part of one")
        return Moved(list(_MEMBER.iter_unpack(item.members)))
    return Probe(item.number)


def _wrong(data: bytes) -> Malformed:
    """What is wrong with a frame that could not be read."""
    try:
        version = _int_decoder.decode(_parts_decoder.decode(data)[0])
    except (ValueError, RecursionError, IndexError):
        return Malformed("not a frame")
    if version != VERSION:
        return OtherVersion(f"a frame of version {version}")
    return Malformed("not a frame of its version")
