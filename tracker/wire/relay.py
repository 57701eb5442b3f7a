"""Frames between frontends: offers, answers, ICE candidates, browsers that joined, and probes.

A frame is MessagePack: ``[version, sender's frontend id, [item, …]]``. One without items only makes
its sender known. An item is an array that begins with the number of its kind:

====  ==========================================================================================
kind  fields
====  ==========================================================================================
0     offer: info_hash, peer_id, to_peer_id, offer_id, sdp, number of the offerer's socket,
      digest of its address. Sender and number are the address that its answer goes back to.
1     answer: info_hash, peer_id, to_peer_id, offer_id, sdp, number of the offerer's socket on
      the receiving frontend, digest of its address. With number 0, or if that socket has closed,
      it goes to the socket that has the entry of to_peer_id, if its address is the same.
2     moved: browsers that joined at the sender, 56 bytes each: info_hash, peer_id, the time at
      which the browser's socket was opened (Unix microseconds by the clock of Redis, big-endian),
      and a digest of its address. An older socket of the same address on the receiving frontend
      gives up its entry.
3     probe: a number
4     candidate to the offerer: as an answer, with the candidate in place of the SDP
5     candidate from the offerer: the same fields, number 0. It goes to the socket that has the
      entry of to_peer_id and got the offer from a socket of the same address.
====  ==========================================================================================

SDP and candidates are JSON text, as `tracker.wire.description` writes them.

During an upgrade from a release with other frames, frames between frontends of different releases
are lost, and counted.

A frame is checked before any of it is used: anybody who can publish to Redis can send one, and
text that is not such JSON would spoil the message that it is put into.
"""

from collections.abc import Callable, Iterable, Sequence
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
    OFFER_ID_SIZE,
    PEER_ID_SIZE,
    AddressDigest,
    FrontendId,
    InfoHash,
    Offer,
    PeerId,
    Signal,
    SignalKind,
)
from tracker.wire.description import is_candidate, is_sdp

Packed: TypeAlias = bytes  # an encoded item

VERSION = 3
OFFER, ANSWER, MOVED, PROBE, CANDIDATE, OFFERER_CANDIDATE = range(6)
SIGNALS = ANSWER, CANDIDATE, OFFERER_CANDIDATE  # by SignalKind
DIGEST_SIZE = 8
_MEMBER = Struct(f"!{HASH_SIZE}s{PEER_ID_SIZE}sQ{DIGEST_SIZE}s")
MEMBER_SIZE = _MEMBER.size
# The other end handles a frame in one iteration of its event loop, so these bound how long that is
# held up. A single item may be larger than `MAX_FRAME`.
MAX_FRAME = 262_144  # bytes of items: some 170 offers
MAX_ITEMS = 500
# Bytes that an item or a frame has apart from its text: ids, numbers, lengths.
OVERHEAD = 256


class Moved(NamedTuple):
    """Browsers that joined at the sender."""

    # The last two: Unix microseconds at which the browser's socket was opened, by the clock of
    # Redis; digest of its address.
    members: Sequence[tuple[InfoHash, PeerId, int, AddressDigest]]


class Probe(NamedTuple):
    """A message of a frontend to itself, which shows that its messages arrive."""

    number: int


Item: TypeAlias = Offer | Signal | Moved | Probe


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
_OfferId = Annotated[bytes, Meta(min_length=OFFER_ID_SIZE, max_length=OFFER_ID_SIZE)]
_Digest = Annotated[bytes, Meta(min_length=DIGEST_SIZE, max_length=DIGEST_SIZE)]


class _Item(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    pass


class _Offer(_Item, tag=OFFER):
    info_hash: _Hash
    peer_id: _PeerId
    to_peer_id: _PeerId
    offer_id: _OfferId
    sdp: bytes
    session: _Number
    address: _Digest


class _Signal(_Item):
    info_hash: _Hash
    peer_id: _PeerId
    to_peer_id: _PeerId
    offer_id: _OfferId
    text: bytes
    session: _Number
    address: _Digest


class _Answer(_Signal, tag=ANSWER):
    pass


class _Candidate(_Signal, tag=CANDIDATE):
    pass


class _OffererCandidate(_Signal, tag=OFFERER_CANDIDATE):
    pass


class _Moved(_Item, tag=MOVED):
    members: bytes


class _Probe(_Item, tag=PROBE):
    number: _Number


_KINDS = {
    _Answer: SignalKind.ANSWER,
    _Candidate: SignalKind.CANDIDATE,
    _OffererCandidate: SignalKind.OFFERER_CANDIDATE,
}
_AnyItem: TypeAlias = _Offer | _Answer | _Candidate | _OffererCandidate | _Moved | _Probe
_pack = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(
    tuple[Literal[3], _Frontend, Annotated[list[_AnyItem], Meta(max_length=MAX_ITEMS)]]
)
_parts_decoder = msgspec.msgpack.Decoder(list[Raw])
_int_decoder = msgspec.msgpack.Decoder(int)


def address_digest(account_key: bytes) -> AddressDigest:
    """Return a digest of an IPv4 address or IPv6 prefix, by which frontends compare addresses.

    It is no secret: whoever reads the messages of frontends sees the addresses in offers, too.
    """
    return blake2s(account_key, digest_size=DIGEST_SIZE).digest()


def encode_frame(sender: FrontendId, items: Iterable[Packed]) -> bytes:
    """Return a frame."""
    return _pack((VERSION, sender, list(map(Raw, items))))


def encode_offer(offer: Offer) -> Packed:
    """Return an offer as an item, to be sent by the frontend that it names."""
    return _pack(
        (
            OFFER,
            offer.info_hash,
            offer.peer_id,
            offer.to_peer_id,
            offer.offer_id,
            offer.sdp,
            offer.session,
            offer.address,
        )
    )


def encode_signal(signal: Signal) -> Packed:
    """Return an answer or a candidate as an item."""
    return _pack(
        (
            SIGNALS[signal.kind],
            signal.info_hash,
            signal.peer_id,
            signal.to_peer_id,
            signal.offer_id,
            signal.text,
            signal.session,
            signal.address,
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
        max_text: bytes of the largest offer, answer or candidate.

    Raises:
        OtherVersion: it has a version that is not ours.
        Malformed: it is not a frame, or one of its items is not valid.
    """
    if len(data) > max(MAX_FRAME, max_text) + OVERHEAD:
        raise Malformed("a frame of too many bytes")
    try:
        _, sender, items = _decoder.decode(data)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise _wrong(data) from error
    return Frame(sender, [_item(sender, item, max_text) for item in items])


def _item(sender: FrontendId, item: _AnyItem, max_text: int) -> Item:
    if isinstance(item, _Offer):
        _check(item.sdp, max_text, is_sdp)
        return Offer(
            item.info_hash,
            item.peer_id,
            item.to_peer_id,
            item.offer_id,
            item.sdp,
            sender,
            item.session,
            item.address,
        )
    if isinstance(item, _Signal):
        _check(item.text, max_text, is_sdp if isinstance(item, _Answer) else is_candidate)
        return Signal(
            _KINDS[type(item)],
            item.info_hash,
            item.peer_id,
            item.to_peer_id,
            item.offer_id,
            item.text,
            item.session,
            item.address,
        )
    if isinstance(item, _Moved):
        if len(item.members) % MEMBER_SIZE:
            raise Malformed("browsers that moved: the last one is truncated")
        return Moved(list(_MEMBER.iter_unpack(item.members)))
    return Probe(item.number)


def _check(text: bytes, max_text: int, relayable: Callable[[bytes], bool]) -> None:
    """Check the JSON that a browser receives."""
    if len(text) > max_text:
        raise Malformed("an offer, answer or candidate of too many bytes")
    if not relayable(text):
        raise Malformed("an offer, answer or candidate that cannot be relayed")


def _wrong(data: bytes) -> Malformed:
    """Return what is wrong with a frame that could not be read."""
    try:
        version = _int_decoder.decode(_parts_decoder.decode(data)[0])
    except (ValueError, RecursionError, IndexError):
        return Malformed("not a frame")
    if version != VERSION:
        return OtherVersion(f"a frame of version {version}")
    return Malformed("not a frame of its version")
