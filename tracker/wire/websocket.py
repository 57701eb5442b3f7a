"""WebTorrent's tracker protocol over WebSocket: messages read, replies and relays written.

It has no BEP; bittorrent-tracker's client is the reference. Ids are 20 raw bytes, one character
of 0 to 255 each. Of offers, answers and candidates only those parts are read and relayed that
`tracker.wire.description` names.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Literal

import msgspec
from msgspec import Raw

from tracker.errors import Malformed
from tracker.model import HASH_SIZE, Counts, Event, InfoHash, OfferId, PeerId, Value
from tracker.wire.description import (
    Description,
    JsonText,
    encode_sdp,
    read_answer,
    read_candidate,
)

Action = Literal["announce", "scrape"]
SignalName = Literal["answer", "candidate"]

MAX_ID_TEXT = HASH_SIZE * len(r"\u0000") + len('""')  # bytes of an info_hash or peer_id in JSON

_MOST_DIGITS = 20  # of an unsigned 64-bit number
_EVENTS: Final = {
    b'"started"': Event.STARTED,
    b'"completed"': Event.COMPLETED,
    b'"stopped"': Event.STOPPED,
}
_ABSENT: Final = (b"", b"null")
_NO_HASHES: Final = (*_ABSENT, b"[]", b'""')
# Anything else leaves something to download, or does not know: for a magnet link, whose size
# is unknown, clients send null.
_NOTHING_LEFT: Final = frozenset((b"0", b"0.0", b'"0"'))


class OfferIn(Value, frozen=True):
    """An offer to one peer that the tracker may choose."""

    sdp: JsonText  # a string
    offer_id: OfferId


class AnnounceMessage(Value, frozen=True):
    """A browser's announce."""

    info_hash: InfoHash
    peer_id: PeerId
    event: Event
    seeding: bool
    numwant: int | None  # None: not told
    offers: tuple[OfferIn, ...]  # the first ones, as far as they are offers
    unusable: int  # of the first ones
    ignored: int  # offers beyond the first ones


class SignalMessage(Value, frozen=True):
    """A browser's answer to an offer that was relayed to it, or an ICE candidate to either side.

    Candidates (trickle ICE, RFC 8838) are an extension: a message like an answer, with `candidate`
    in place of `answer`.
    """

    name: SignalName
    info_hash: InfoHash
    peer_id: PeerId
    to_peer_id: PeerId
    offer_id: OfferId
    text: JsonText  # the SDP of an answer, a string; or a candidate, an object


class ScrapeMessage(Value, frozen=True):
    """A question for the counts of swarms."""

    info_hashes: tuple[InfoHash, ...]  # in the order asked, each once; empty if too many were asked
    asked: int  # hashes that the message names
    unusable: int = 0  # of these


class BadMessage(Malformed):
    """A message that cannot be served, with what the error reply should carry."""

    def __init__(
        self, reason: str, action: Action = "announce", info_hash: InfoHash | None = None
    ) -> None:
        super().__init__(reason)
        self.action, self.info_hash = action, info_hash


class _Head(msgspec.Struct, gc=False):
    """What an error reply needs, whatever else is wrong."""

    action: Raw = Raw()
    info_hash: Raw = Raw()


class _Offer(msgspec.Struct, gc=False):
    offer: Description | None = None
    offer_id: str = ""


class _Fields(msgspec.Struct, gc=False):
    action: str
    info_hash: Raw = Raw()
    peer_id: str = ""
    to_peer_id: Raw = Raw()
    event: Raw = Raw()  # raw: of whatever type, it must not spoil the rest
    left: Raw = Raw()
    numwant: Raw = Raw()
    offer_id: Raw = Raw()
    answer: Raw = Raw()
    candidate: Raw = Raw()


class _Message(_Fields, gc=False):
    offers: list[_Offer] | None = None


class _Unread(_Fields, gc=False):
    """A message whose offers are not decoded yet: they may be too many, or no offers."""

    offers: Raw = Raw()


_head_decoder = msgspec.json.Decoder(_Head)
_decoder = msgspec.json.Decoder(_Message)
_unread_decoder = msgspec.json.Decoder(_Unread)
_list_decoder = msgspec.json.Decoder(list[Raw])
_offer_decoder = msgspec.json.Decoder(_Offer)
_string_decoder = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode


def decode(
    data: bytes, max_offers: int, max_scrape: int
) -> AnnounceMessage | SignalMessage | ScrapeMessage:
    """Read a message.

    Nothing of the result refers to `data`, and its size is bounded by that of `max_offers` offers
    or `max_scrape` hashes.

    Args:
        data: JSON in UTF-8.
        max_offers: offers of an announce to decode; others are counted.
        max_scrape: hashes that a scrape may name; with more, they are counted.

    Raises:
        BadMessage: not JSON in UTF-8, or without what its action needs.
    """
    try:
        if not data.isascii():
            str(data, "utf-8")  # msgspec does not look into what it keeps raw or skips
        # Each offer has two opening braces, so this finds every message with too many offers.
        message: _Message | _Unread | None = None
        if data.count(b"{") <= 2 * max_offers + 2:
            with suppress(msgspec.ValidationError):  # of an offer, or of what the next one reports
                message = _decoder.decode(data)
        message = message or _unread_decoder.decode(data)
        return _interpret(message, max_offers, max_scrape)
    except Malformed as error:
        raise _bad(error.reason, data) from error
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise _bad(str(error), data) from error


def encode_id(raw: bytes) -> JsonText:
    """The text of an info_hash or peer_id, quotes included."""
    return _encode(raw.decode("latin-1"))


def decode_id(text: str, name: str) -> bytes:
    """The 20 bytes of an id called `name`.

    Raises:
        Malformed: not 20 characters from 0 to 255.
    """
    try:
        raw = text.encode("latin-1")
    except UnicodeEncodeError:
        raw = b""
    if len(raw) != HASH_SIZE:
        raise Malformed(f"{name} must be 20 characters from 0 to 255")
    return raw


def encode_announce_reply(info_hash: InfoHash, interval_s: int, counts: Counts) -> bytes:
    """Write the reply to an announce."""
    return _ANNOUNCED % (encode_id(info_hash), interval_s, counts.seeders, counts.leechers)


def encode_offer(
    sdp: JsonText, offer_id: JsonText, peer_id: JsonText, info_hash: JsonText
) -> bytes:
    """Write an offer to the peer chosen for it. All arguments are JSON strings.

    Args:
        sdp: by `encode_sdp`.
        offer_id: by `encode_id`.
        peer_id: of the peer that offers, by `encode_id`.
        info_hash: by `encode_id`.
    """
    return _OFFER % (info_hash, peer_id, offer_id, sdp)


def encode_signal(
    name: SignalName, text: JsonText, offer_id: JsonText, peer_id: JsonText, info_hash: JsonText
) -> bytes:
    """Write an answer or a candidate to the other peer of an offer.

    Args:
        name: which of them it is.
        text: the SDP of an answer by `read_answer`, or a candidate by `read_candidate`.
        offer_id: this and the others as for `encode_offer`.
    """
    return (_ANSWER if name == "answer" else _CANDIDATE) % (info_hash, peer_id, offer_id, text)


def encode_scrape_reply(info_hashes: Sequence[InfoHash], counts: Sequence[Counts]) -> bytes:
    """Write the reply to a scrape: the counts of each hash, in the same order."""
    files = [
        _SCRAPED % (encode_id(info_hash), seeders, leechers, completed)
        for info_hash, (seeders, completed, leechers) in zip(info_hashes, counts, strict=True)
    ]
    return b'{"action":"scrape","files":{%b}}' % b",".join(files)


def encode_error(action: str, info_hash: InfoHash | None, reason: str, interval_s: int) -> bytes:
    """Write an error.

    Clients drop the socket over one without an action or known info_hash. libtorrent (2.1.1) takes
    a message for the reply to its announce only if it has an `interval`; without one, it would
    announce that torrent never again.

    Args:
        action: of the message that failed.
        info_hash: None if it could not be read.
        reason: may be shown to the user.
        interval_s: seconds after which the client is to try again.
    """
    error: dict[str, object] = {
        "action": action,
        "failure reason": reason,
        "interval": interval_s,
    }
    if info_hash is not None:
        error["info_hash"] = info_hash.decode("latin-1")
    return _encode(error)


# Integers only: libtorrent ignores 120.0. No counts on relays: clients would take them for the
# reply to their own announce.
_ANNOUNCED = b'{"action":"announce","info_hash":%b,"interval":%d,"complete":%d,"incomplete":%d}'
_RELAYED = b'{"action":"announce","info_hash":%b,"peer_id":%b,"offer_id":%b,'
_OFFER = _RELAYED + b'"offer":{"type":"offer","sdp":%b}}'
_ANSWER = _RELAYED + b'"answer":{"type":"answer","sdp":%b}}'
_CANDIDATE = _RELAYED + b'"candidate":%b}'
_SCRAPED = b'%b:{"complete":%d,"incomplete":%d,"downloaded":%d}'


def _bad(reason: str, data: bytes) -> BadMessage:
    try:
        head = _head_decoder.decode(data)
    except (ValueError, RecursionError):
        return BadMessage(reason)
    action: Action = "scrape" if bytes(head.action) == b'"scrape"' else "announce"
    return BadMessage(reason, action, _readable(bytes(head.info_hash)))


def _readable(info_hash: JsonText) -> InfoHash | None:
    if len(info_hash) > MAX_ID_TEXT:
        return None
    try:
        return decode_id(_string_decoder.decode(info_hash), "info_hash")
    except (Malformed, ValueError):
        return None


def _interpret(
    message: _Message | _Unread, max_offers: int, max_scrape: int
) -> AnnounceMessage | SignalMessage | ScrapeMessage:
    if message.action == "scrape":
        return _scraped(bytes(message.info_hash), max_scrape)
    if message.action != "announce":
        raise Malformed("action must be announce or scrape")
    info_hash = _id(bytes(message.info_hash), "info_hash")
    peer_id = decode_id(message.peer_id, "peer_id")
    signals = bytes(message.answer)[:1], bytes(message.candidate)[:1]
    if bytes(message.to_peer_id) not in _ABSENT or b"{" in signals:
        return _signal(message, info_hash, peer_id)
    offers, unusable, ignored = _offered(message, max_offers)
    return AnnounceMessage(
        info_hash,
        peer_id,
        _EVENTS.get(bytes(message.event), Event.NONE),
        bytes(message.left) in _NOTHING_LEFT,
        _numwant(bytes(message.numwant)),
        offers,
        unusable,
        ignored,
    )


def _signal(message: _Message | _Unread, info_hash: InfoHash, peer_id: PeerId) -> SignalMessage:
    """Read a message to another peer. It is no announce, even if what it brings is null."""
    name: SignalName = "answer"
    payload = message.answer
    if bytes(payload) in _ABSENT and bytes(message.candidate):
        name, payload = "candidate", message.candidate
    to_peer_id = _id(bytes(message.to_peer_id), "to_peer_id")
    text = (read_answer if name == "answer" else read_candidate)(payload)
    offer_id = _id(bytes(message.offer_id), "offer_id")
    return SignalMessage(name, info_hash, peer_id, to_peer_id, offer_id, text)


def _offered(message: _Message | _Unread, most: int) -> tuple[tuple[OfferIn, ...], int, int]:
    """Return the offers among the first `most`, how many of those are none, and how many follow."""
    if isinstance(message, _Unread):
        items = _items(bytes(message.offers))
        given, ignored = [_offer(item) for item in items[:most]], max(0, len(items) - most)
    else:
        given, ignored = message.offers or [], 0
    offers = []
    for each in given:
        if each.offer is not None:
            try:
                offer_id = decode_id(each.offer_id, "offer_id")
            except Malformed:
                continue  # counted by the caller; the others are as good
            offers.append(OfferIn(encode_sdp(each.offer), offer_id))
    return tuple(offers), len(given) - len(offers), ignored


def _items(text: JsonText) -> list[Raw]:
    """Return the items of a JSON list; none of anything else."""
    try:
        return _list_decoder.decode(text) if text else []
    except msgspec.ValidationError:
        return []


def _offer(text: Raw) -> _Offer:
    """Return an offer; one without content for anything else."""
    try:
        return _offer_decoder.decode(text)
    except msgspec.ValidationError:
        return _Offer()


def _scraped(info_hash: JsonText, most: int) -> ScrapeMessage:
    if info_hash in _NO_HASHES:
        raise Malformed("full scrape is off, name an info_hash")
    if info_hash[:1] != b"[":
        return ScrapeMessage((_id(info_hash, "info_hash"),), 1)
    texts = _items(info_hash)
    asked = len(texts)
    if asked > most:
        return ScrapeMessage((), asked)
    found: list[InfoHash] = []
    for text in texts:
        try:
            found.append(_id(bytes(text), "info_hash"))
        except Malformed as error:
            unusable = error
    if not found:
        raise unusable
    return ScrapeMessage(tuple(dict.fromkeys(found)), asked, asked - len(found))


def _id(text: JsonText, name: str) -> bytes:
    """Return the 20 bytes of an id called `name`, whose JSON text this is; empty: it is missing."""
    try:
        string = _string_decoder.decode(text) if text else ""
    except ValueError as error:
        raise Malformed(f"{name} must be a string") from error
    return decode_id(string, name)


def _numwant(text: JsonText) -> int | None:
    digits = text.strip(b'"')
    return int(digits) if digits.isdigit() and len(digits) <= _MOST_DIGITS else None
