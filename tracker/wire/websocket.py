"""WebTorrent's tracker protocol over WebSocket: messages read, replies and relays written.

It has no BEP; bittorrent-tracker's client is the reference. Ids are 20 raw bytes, one character
of 0 to 255 each. Offers, answers and offer ids stay the JSON text that they came as: nothing of
them is ours to understand, and what is relayed is what was sent, byte for byte.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Raw

from tracker.errors import Malformed
from tracker.model import HASH_SIZE, Counts, Event, InfoHash, PeerId

Action = Literal["announce", "scrape"]
JsonText: TypeAlias = bytes  # a JSON value in UTF-8

# Of an offer_id's text: 64 characters, each escaped. Clients use 20, libtorrent demands them.
MAX_OFFER_ID = 64 * len(r"\u0000") + len('""')

_MOST_DIGITS = 20  # of an unsigned 64-bit number
_EVENTS: Final = {
    b'"started"': Event.STARTED,
    b'"completed"': Event.COMPLETED,
    b'"stopped"': Event.STOPPED,
}
# Anything else leaves something to download, or does not know: for a magnet link, whose size
# is unknown, clients send null.
_NOTHING_LEFT: Final = frozenset((b"0", b"0.0", b'"0"'))


class OfferIn(NamedTuple):
    """An offer to one peer that the tracker may choose."""

    offer: JsonText  # an object
    offer_id: JsonText  # a string


class AnnounceMessage(NamedTuple):
    """A browser's announce."""

    info_hash: InfoHash
    peer_id: PeerId
    event: Event
    seeding: bool
    numwant: int | None  # None: not told
    offers: tuple[OfferIn, ...]


class AnswerMessage(NamedTuple):
    """A browser's answer to an offer that was relayed to it."""

    info_hash: InfoHash
    peer_id: PeerId
    to_peer_id: PeerId
    offer_id: JsonText  # a string
    answer: JsonText  # an object


class ScrapeMessage(NamedTuple):
    """A question for the counts of swarms."""

    info_hashes: tuple[InfoHash, ...]  # in the order asked, each once


class BadMessage(Malformed):
    """A message that cannot be served, with what the error reply should carry."""

    def __init__(
        self, reason: str, action: Action = "announce", info_hash: InfoHash | None = None
    ) -> None:
        super().__init__(reason)
        self.action, self.info_hash = action, info_hash


class _Head(msgspec.Struct):
    """What an error reply needs, whatever else is wrong."""

    action: Any = None
    info_hash: Any = None


class _Offer(msgspec.Struct, gc=False):
    offer: Raw
    offer_id: Raw


class _Message(msgspec.Struct, gc=False):
    action: str
    info_hash: str | list[str] | None = None
    peer_id: str = ""
    to_peer_id: str = ""
    event: Raw = Raw()  # raw: of whatever type, it must not spoil the rest
    left: Raw = Raw()
    numwant: Raw = Raw()
    offers: list[_Offer] | None = None
    offer_id: Raw = Raw()
    answer: Raw = Raw()


_head_decoder = msgspec.json.Decoder(_Head)
_decoder = msgspec.json.Decoder(_Message)
_encode = msgspec.json.Encoder().encode


def decode(data: bytes) -> AnnounceMessage | AnswerMessage | ScrapeMessage:
    """Read a message.

    Raises:
        BadMessage: not JSON in UTF-8, or without what its action needs.
    """
    try:
        if not data.isascii():
            str(data, "utf-8")  # msgspec does not look into what it keeps raw or skips
        message = _decoder.decode(data)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise _bad(str(error), data) from error
    try:
        return _interpret(message)
    except Malformed as error:
        raise _bad(error.reason, data) from error


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
    offer: JsonText, offer_id: JsonText, peer_id: JsonText, info_hash: JsonText
) -> bytes:
    """Write an offer to the peer chosen for it; all but `offer` come as JSON strings.

    Args:
        offer: as received.
        offer_id: as received.
        peer_id: who offers, by `encode_id`.
        info_hash: by `encode_id`.
    """
    return _OFFER % (info_hash, peer_id, offer_id, offer)


def encode_answer(
    answer: JsonText, offer_id: JsonText, peer_id: JsonText, info_hash: JsonText
) -> bytes:
    """Write an answer to the peer that made the offer; arguments as of `encode_offer`."""
    return _ANSWER % (info_hash, peer_id, offer_id, answer)


def encode_scrape_reply(info_hashes: Sequence[InfoHash], counts: Sequence[Counts]) -> bytes:
    """Write the reply to a scrape: the counts of each hash, in the same order."""
    files = [
        _SCRAPED % (encode_id(info_hash), seeders, leechers, completed)
        for info_hash, (seeders, completed, leechers) in zip(info_hashes, counts, strict=True)
    ]
    return b'{"action":"scrape","files":{%b}}' % b",".join(files)


def encode_error(action: str, info_hash: InfoHash | None, reason: str) -> bytes:
    """Write an error; clients drop the socket over one without an action or known info_hash."""
    error = {"action": action, "failure reason": reason}
    if info_hash is not None:
        error["info_hash"] = info_hash.decode("latin-1")
    return _encode(error)


# Integers only: libtorrent ignores 120.0. No counts on relays: clients would take them for the
# reply to their own announce.
_ANNOUNCED = b'{"action":"announce","info_hash":%b,"interval":%d,"complete":%d,"incomplete":%d}'
_OFFER = b'{"action":"announce","info_hash":%b,"peer_id":%b,"offer_id":%b,"offer":%b}'
_ANSWER = b'{"action":"announce","info_hash":%b,"peer_id":%b,"offer_id":%b,"answer":%b}'
_SCRAPED = b'%b:{"complete":%d,"incomplete":%d,"downloaded":%d}'


def _bad(reason: str, data: bytes) -> BadMessage:
    try:
        head = _head_decoder.decode(data)
    except (ValueError, RecursionError):
        return BadMessage(reason)
    action: Action = "scrape" if head.action == "scrape" else "announce"
    return BadMessage(reason, action, _readable(head.info_hash))


def _readable(info_hash: object) -> InfoHash | None:
    try:
        return decode_id(info_hash, "info_hash") if isinstance(info_hash, str) else None
    except Malformed:
        return None


def _interpret(message: _Message) -> AnnounceMessage | AnswerMessage | ScrapeMessage:
    if message.action == "scrape":
        return ScrapeMessage(_scraped(message.info_hash))
    if message.action != "announce":
        raise Malformed("action must be announce or scrape")
    if not isinstance(message.info_hash, str):
        raise Malformed("info_hash must be a string")
    info_hash = decode_id(message.info_hash, "info_hash")
    peer_id = decode_id(message.peer_id, "peer_id")
    if bytes(message.answer) not in (b"", b"null"):
        to_peer_id = decode_id(message.to_peer_id, "to_peer_id")
        answer, offer_id = _relayed(message.answer, message.offer_id, "answer")
        return AnswerMessage(info_hash, peer_id, to_peer_id, offer_id, answer)
    offers = message.offers or ()
    return AnnounceMessage(
        info_hash,
        peer_id,
        _EVENTS.get(bytes(message.event), Event.NONE),
        bytes(message.left) in _NOTHING_LEFT,
        _numwant(bytes(message.numwant)),
        tuple([_relayed(offer.offer, offer.offer_id, "offer") for offer in offers]),
    )


def _scraped(info_hash: str | list[str] | None) -> tuple[InfoHash, ...]:
    if not info_hash:
        raise Malformed("full scrape is off, name an info_hash")
    texts = [info_hash] if isinstance(info_hash, str) else dict.fromkeys(info_hash)
    return tuple(decode_id(text, "info_hash") for text in texts)


def _relayed(payload: Raw, offer_id: Raw, name: str) -> OfferIn:
    """An offer or an answer, as `name` says, with its id."""
    text, id_text = bytes(payload), bytes(offer_id)
    if text[:1] != b"{":
        raise Malformed(f"{name} must be an object")
    if id_text[:1] != b'"' or len(id_text) > MAX_OFFER_ID:
        raise Malformed("offer_id must be a string of at most 64 characters")
    return OfferIn(text, id_text)


def _numwant(text: JsonText) -> int | None:
    digits = text.strip(b'"')
    return int(digits) if digits.isdigit() and len(digits) <= _MOST_DIGITS else None
