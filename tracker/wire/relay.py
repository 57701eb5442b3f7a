"""Frames between frontends: offers, answers, browsers that joined, and probes.

A frame is MessagePack: ``[version, sender's frontend id, [item, …]]``. An item is an array that
begins with the number of its kind:

====  ==========================================================================================
kind  fields
====  ==========================================================================================
0     offer: info_hash, peer_id, to_peer_id, offer_id, offer, number of the offerer's socket.
      Sender and number are the address that its answer goes back to.
1     answer: info_hash, peer_id, offer_id, answer, number of the offerer's socket
2     moved: browsers that joined at the sender, 56 bytes each: info_hash, peer_id, the time at
      which the browser's socket was opened (Unix microseconds by the clock of Redis, big-endian),
      and a digest of its address. An older socket of the same address on the receiving frontend
      gives up its entry.
3     probe: a number
====  ==========================================================================================

Frames that hold a kind 2 have version 2, all others version 1. Frontends of an earlier release
know only version 1, where kind 2 has no digest: during an upgrade frames with a kind 2 are lost in
both directions and everything else arrives.

A frame is checked before any of it is used: anybody who can publish to Redis can send one, and an
offer that is not JSON would spoil the message that it is put into.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2s
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
from tracker.wire.websocket import MAX_OFFER_ID, is_json_object, is_json_string

Packed: TypeAlias = bytes  # an encoded item
AddressDigest: TypeAlias = bytes

VERSION, VERSION_OF_MOVED = 1, 2
OFFER, ANSWER, MOVED, PROBE = range(4)
DIGEST_SIZE = 8
_MEMBER = Struct(f"!{HASH_SIZE}s{PEER_ID_SIZE}sQ{DIGEST_SIZE}s")
MEMBER_SIZE = _MEMBER.size
# The other end handles a frame in one iteration of its event loop, so these bound how long that is
# held up. A single item may be larger than `MAX_FRAME`.
MAX_FRAME = 262_144  # bytes of items: some 170 offers
MAX_ITEMS = 500
# Bytes that an item or a frame has apart from its text: ids, numbers, lengths.
OVERHEAD = 256 + MAX_OFFER_ID


class Moved(NamedTuple):
    """Browsers that joined at the sender."""

    # The last two: Unix microseconds at which the browser's socket was opened, by the clock of
    # Redis; digest of its address.
    members: Sequence[tuple[InfoHash, PeerId, int, AddressDigest]]


class Probe(NamedTuple):
    """A message of a frontend to itself, which shows that its messages arrive."""

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
_Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Id = Annotated[bytes, Meta(max_length=MAX_OFFER_ID)]


class _Item(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    pass


class _Offer(_Item, tag=OFFER):
    info_hash: _Hash
    peer_id: _PeerId
    to_peer_id: _PeerId
    offer_id: _Id
    offer: bytes
    session: _Number


class _Answer(_Item, tag=ANSWER):
    info_hash: _Hash
    peer_id: _PeerId
    offer_id: _Id
    answer: bytes
    session: _Number


class _Moved(_Item, tag=MOVED):
    members: bytes


class _Probe(_Item, tag=PROBE):
    number: _Number


_pack = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(
    tuple[
        Literal[1, 2],
        _Frontend,
        Annotated[list[_Offer | _Answer | _Moved | _Probe], Meta(max_length=MAX_ITEMS)],
    ]
)
_parts_decoder = msgspec.msgpack.Decoder(list[Raw])
_int_decoder = msgspec.msgpack.Decoder(int)


def address_digest(account_key: bytes) -> AddressDigest:
    """Return a digest of an IPv4 address or IPv6 prefix, by which frontends compare addresses.

    It is no secret: whoever reads the messages of frontends sees the addresses in offers, too.
    """
    return blake2s(account_key, digest_size=DIGEST_SIZE).digest()


def encode_frame(sender: FrontendId, items: Iterable[Packed], version: int = VERSION) -> bytes:
    """Return a frame; its version is `VERSION_OF_MOVED` if any of the items is a `Moved`."""
    return _pack((version, sender, list(map(Raw, items))))


def encode_offer(offer: Offer) -> Packed:
    """Return an offer as an item, to be sent by the frontend that it names."""
    return _pack(
        (
            OFFER,
            offer.info_hash,
            offer.peer_id,
            offer.to_peer_id,
            offer.offer_id,
            offer.offer,
            offer.session,
        )
    )


def encode_answer(answer: Answer) -> Packed:
    """Return an answer as an item, to be sent to the frontend of the offer."""
    return _pack(
        (
            ANSWER,
            answer.info_hash,
            answer.peer_id,
            answer.offer_id,
            answer.answer,
            answer.session,
        )
    )


def encode_moved(moved: Moved) -> Packed:
    """Return browsers that joined at the sender as an item."""
    return _pack((MOVED, b"".join(starmap(_MEMBER.pack, moved.members))))


def encode_probe(probe: Probe) -> Packed:
    """Return a probe as an item."""
    return _pack((PROBE, probe.number))


def decode_frame(data: bytes, max_text: int) -> Frame:
    """Read a frame.

    Args:
        max_text: bytes of the largest offer or answer.

    Raises:
        OtherVersion: it has a version that is not ours.
        Malformed: it is not a frame, or one of its items is not valid.
    """
    if len(data) > max(MAX_FRAME, max_text) + OVERHEAD:
        raise Malformed("a frame of too many bytes")
    try:
        version, sender, items = _decoder.decode(data)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise _wrong(data) from error
    return Frame(sender, [_item(sender, item, max_text, version) for item in items])


def _item(
    sender: FrontendId,
    item: _Offer | _Answer | _Moved | _Probe,
    max_text: int,
    version: int,
) -> Item:
    if isinstance(item, _Offer):
        _check(item.offer, item.offer_id, max_text)
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
        _check(item.answer, item.offer_id, max_text)
        return Answer(item.info_hash, item.peer_id, item.offer_id, item.answer, item.session)
    if isinstance(item, _Moved):
        if version == VERSION:  # without digests
            return Moved([])
        if len(item.members) % MEMBER_SIZE:
            raise Malformed("browsers that moved: the last one is truncated")
        return Moved(list(_MEMBER.iter_unpack(item.members)))
    return Probe(item.number)


def _check(text: bytes, offer_id: bytes, max_text: int) -> None:
    """Check what a browser receives byte for byte."""
    if len(text) > max_text:
        raise Malformed("an offer or answer of too many bytes")
    if not is_json_object(text) or not is_json_string(offer_id):
        raise Malformed("an offer or answer that is not JSON")


def _wrong(data: bytes) -> Malformed:
    """Return what is wrong with a frame that could not be read."""
    try:
        version = _int_decoder.decode(_parts_decoder.decode(data)[0])
    except (ValueError, RecursionError, IndexError):
        return Malformed("not a frame")
    if version not in (VERSION, VERSION_OF_MOVED):
        return OtherVersion(f"a frame of version {version}")
    return Malformed("not a frame of its version")
