"""The client's half of WebTorrent's tracker protocol: requests written, replies read."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Raw

from tracker.errors import Malformed
from tracker.model import Counts, Event, InfoHash, OfferId, PeerId
from tracker.wire.description import Description, JsonText, encode_sdp
from tracker.wire.websocket import OfferIn, decode_id, encode_id


class AnnounceReply(NamedTuple):
    """What a tracker answers; None where it is silent."""

    info_hash: InfoHash
    interval_s: int
    seeders: int | None
    completed: int | None
    leechers: int | None


class ScrapeReply(NamedTuple):
    """The counts of the swarms that were asked for."""

    files: dict[InfoHash, Counts]


class OfferReply(NamedTuple):
    """Another peer's offer, relayed."""

    info_hash: InfoHash
    peer_id: PeerId  # who offers
    offer_id: OfferId
    sdp: JsonText  # a string


class AnswerReply(NamedTuple):
    """Another peer's answer to our offer, relayed."""

    info_hash: InfoHash
    peer_id: PeerId  # who answers
    offer_id: OfferId
    sdp: JsonText  # a string


class UnusableReply(NamedTuple):
    """Another peer's offer or answer, relayed, which is malformed."""

    info_hash: InfoHash


class ErrorReply(NamedTuple):
    """Why there is no other reply."""

    info_hash: InfoHash | None
    reason: str


Reply = AnnounceReply | ScrapeReply | OfferReply | AnswerReply | UnusableReply | ErrorReply


class _File(msgspec.Struct):
    complete: int = 0
    incomplete: int = 0
    downloaded: int = 0


class _Reply(msgspec.Struct, rename={"failure_reason": "failure reason"}):
    action: str = ""
    info_hash: str | None = None
    failure_reason: str | None = None
    interval: int | None = None
    complete: int | None = None
    downloaded: int | None = None
    incomplete: int | None = None
    files: dict[str, _File] | None = None
    offer: Raw = Raw()  # raw: strangers send these
    answer: Raw = Raw()


class _Relayed(msgspec.Struct):
    peer_id: str
    offer_id: str
    offer: Description | None = None
    answer: Description | None = None


_relayed_decoder = msgspec.json.Decoder(_Relayed)
_decoder = msgspec.json.Decoder(_Reply)


def encode_announce_request(
    info_hash: InfoHash,
    peer_id: PeerId,
    *,
    event: Event = Event.NONE,
    left: int | None = 0,
    numwant: int | None = None,
    offers: Sequence[OfferIn] = (),
) -> bytes:
    """Write an announce.

    Args:
        info_hash: 20 bytes.
        peer_id: 20 bytes.
        event: `Event.NONE` sends none.
        left: bytes to download; 0 is a seeder, None not known.
        numwant: peers asked for; None: as many as offers.
        offers: one for each peer wanted.
    """
    fields: dict[str, object] = {
        "action": "announce",
        "info_hash": Raw(encode_id(info_hash)),
        "peer_id": Raw(encode_id(peer_id)),
        "numwant": len(offers) if numwant is None else numwant,
        "uploaded": 0,
        "downloaded": 0,
        "left": left,
        "offers": [
            {
                "offer": {"type": "offer", "sdp": Raw(one.sdp)},
                "offer_id": Raw(encode_id(one.offer_id)),
            }
            for one in offers
        ],
    }
    if event is not Event.NONE:
        fields["event"] = event.name.lower()
    return msgspec.json.encode(fields)


def encode_answer_request(
    info_hash: InfoHash, peer_id: PeerId, to_peer_id: PeerId, offer_id: OfferId, sdp: JsonText
) -> bytes:
    """Write the answer to an offer of `to_peer_id`; `sdp` is a JSON string."""
    fields = {
        "action": "announce",
        "info_hash": Raw(encode_id(info_hash)),
        "peer_id": Raw(encode_id(peer_id)),
        "to_peer_id": Raw(encode_id(to_peer_id)),
        "offer_id": Raw(encode_id(offer_id)),
        "answer": {"type": "answer", "sdp": Raw(sdp)},
    }
    return msgspec.json.encode(fields)


def encode_scrape_request(info_hashes: Sequence[InfoHash]) -> bytes:
    """Write a scrape of the swarms with these hashes."""
    hashes = [Raw(encode_id(info_hash)) for info_hash in info_hashes]
    return msgspec.json.encode({"action": "scrape", "info_hash": hashes})


def decode_reply(data: bytes) -> Reply:
    """Read whatever a tracker sent.

    Raises:
        Malformed: not a message of a tracker.
    """
    try:
        reply = _decoder.decode(data)
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error
    if reply.failure_reason is not None:
        known = None if reply.info_hash is None else decode_id(reply.info_hash, "info_hash")
        return ErrorReply(known, reply.failure_reason)
    if reply.action == "scrape":
        return ScrapeReply(_files(reply.files or {}))
    info_hash = decode_id(reply.info_hash or "", "info_hash")
    if bytes(reply.offer) or bytes(reply.answer):
        return _relayed(data, info_hash)
    if reply.interval is None:
        raise Malformed("neither a reply, nor an offer, nor an answer")
    return AnnounceReply(
        info_hash, reply.interval, reply.complete, reply.downloaded, reply.incomplete
    )


def _files(files: dict[str, _File]) -> dict[InfoHash, Counts]:
    return {
        decode_id(text, "info_hash"): Counts(file.complete, file.downloaded, file.incomplete)
        for text, file in files.items()
    }


def _relayed(data: bytes, info_hash: InfoHash) -> Reply:
    try:
        reply = _relayed_decoder.decode(data)
        peer_id, offer_id = (
            decode_id(reply.peer_id, "peer_id"),
            decode_id(reply.offer_id, "offer_id"),
        )
    except (msgspec.ValidationError, Malformed):
        return UnusableReply(info_hash)
    if reply.offer is not None:
        return OfferReply(info_hash, peer_id, offer_id, encode_sdp(reply.offer))
    if reply.answer is not None:
        return AnswerReply(info_hash, peer_id, offer_id, encode_sdp(reply.answer))
    return UnusableReply(info_hash)
