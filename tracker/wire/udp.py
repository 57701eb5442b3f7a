"""The UDP tracker protocol: BEP 15, its IPv6 part, and the options of BEP 41.

All numbers are big-endian. Transaction ids (4 bytes), connection ids (8) and keys (4) are kept as
bytes: the tracker echoes, checks or compares them as they are.

The decoders of requests take a packet whose action the caller has looked at already; like
libtorrent's, packets may be longer than the BEP's layout.
"""

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

from msgspec.structs import astuple

from tracker.errors import Malformed
from tracker.model import HASH_SIZE, NONE, Counts, Endpoint, Event, InfoHash, PeerId, Value
from tracker.wire.compact import split

CONNECT, ANNOUNCE, SCRAPE, ERROR = range(4)
PROTOCOL_ID = bytes.fromhex("0000041727101980")
CONNECT_HEAD = PROTOCOL_ID + CONNECT.to_bytes(4, "big")  # 12 bytes, as a connect request begins
_MAX_COUNT = 2**31 - 1  # clients read signed numbers

_REQUEST = Struct("!8sI4s")  # connection id, action, transaction id
_ANNOUNCE = Struct("!8sI4s20s20sqqqI4s4siH")  # AnnounceRequest, with the action second
_REPLY = Struct("!I4s")  # action, transaction id
_ANNOUNCE_REPLY = Struct("!I4siii")  # and interval, leechers, seeders
_COUNTS = Struct("!iii")  # seeders, completed, leechers

_END, _NOP, _URL_DATA = range(3)  # option types of BEP 41
_MAX_OPTION = 255  # bytes; the length of an option is one byte
# More are not read: no URL is that long, and 64 KiB of one-byte options would take milliseconds.
_MOST_OPTIONS = 16


class AnnounceRequest(Value, frozen=True):
    """A peer's announce, field by field in the order of the packet."""

    connection_id: bytes  # 8 bytes
    transaction_id: bytes  # 4 bytes
    info_hash: InfoHash
    peer_id: PeerId
    downloaded: int  # bytes, like `left` and `uploaded`
    left: int  # 0: a seeder; clients that don't know send any other number
    uploaded: int
    event: Event
    ip: bytes  # 4 bytes: the address that the peer would like to be known by; zeros: its own
    key: bytes  # 4 bytes, chosen by the client; zeros: none
    numwant: int | None  # None: the default
    port: int  # 0 comes through: refusing it is policy
    url_data: bytes  # path and query of the announce URL (BEP 41); empty: not told


class ScrapeRequest(NamedTuple):
    """A question for the counts of swarms."""

    connection_id: bytes
    transaction_id: bytes
    info_hashes: tuple[InfoHash, ...]  # one or more, in the order asked, repeats kept


class ConnectReply(NamedTuple):
    """The id to announce and scrape with."""

    transaction_id: bytes
    connection_id: bytes


class AnnounceReply(NamedTuple):
    """When to announce again, and other peers."""

    transaction_id: bytes
    interval_s: int
    leechers: int
    seeders: int
    peers: tuple[Endpoint, ...]


class ScrapeReply(NamedTuple):
    """The counts of the swarms that were asked for, in that order."""

    transaction_id: bytes
    counts: tuple[Counts, ...]


class ErrorReply(NamedTuple):
    """Why there is no other reply."""

    transaction_id: bytes
    reason: str


Reply = ConnectReply | AnnounceReply | ScrapeReply | ErrorReply

_EVENTS = {event.value: event for event in Event}


def decode_announce(data: bytes) -> AnnounceRequest:
    """Read an announce. Unknown events, also the "paused" (4) of some clients, are `Event.NONE`.

    Raises:
        Malformed: shorter than the 98 bytes of an announce.
    """
    if len(data) < 98:
        raise Malformed("announce too short")
    (
        connection_id, _, transaction_id, info_hash, peer_id, downloaded, left, uploaded,
        event, ip, key, numwant, port,
    ) = _ANNOUNCE.unpack_from(data)  # fmt: skip
    return AnnounceRequest(
        connection_id, transaction_id, info_hash, peer_id, downloaded, left, uploaded,
        _EVENTS.get(event, NONE), ip, key, numwant if numwant >= 0 else None, port,
        _decode_url_data(data) if len(data) > 98 else b"",
    )  # fmt: skip


def _decode_url_data(data: bytes) -> bytes:
    """The URLData options after an announce, joined. A cut option is ignored (BEP 41)."""
    url_data = b""
    at, last = _ANNOUNCE.size, len(data) - 1
    for _ in range(_MOST_OPTIONS):
        if at >= last:  # a single byte left can be no URLData
            break
        kind = data[at]
        if kind == _END:
            break
        if kind == _NOP:
            at += 1
            continue
        start = at + 2
        at = start + data[at + 1]
        if kind == _URL_DATA and at <= len(data):
            url_data += data[start:at]
    return url_data


def encode_announce_request(request: AnnounceRequest) -> bytes:
    """Write an announce; `url_data` is cut into options of at most 255 bytes."""
    connection_id, *fields, numwant, port, url_data = astuple(request)
    head = _ANNOUNCE.pack(
        connection_id, ANNOUNCE, *fields, -1 if numwant is None else numwant, port
    )
    return head + _encode_url_data(url_data)


def _encode_url_data(url_data: bytes) -> bytes:
    starts = range(0, len(url_data), _MAX_OPTION)
    parts = [url_data[at : at + _MAX_OPTION] for at in starts]
    return b"".join([bytes((_URL_DATA, len(part))) + part for part in parts])


def decode_scrape(data: bytes) -> ScrapeRequest:
    """Read a scrape; an incomplete info_hash at its end is left out.

    Raises:
        Malformed: no info_hash.
    """
    if len(data) < _REQUEST.size + HASH_SIZE:
        raise Malformed("scrape without info_hash")
    connection_id, _, transaction_id = _REQUEST.unpack_from(data)
    starts = range(_REQUEST.size, len(data) - HASH_SIZE + 1, HASH_SIZE)
    hashes = tuple([data[at : at + HASH_SIZE] for at in starts])
    return ScrapeRequest(connection_id, transaction_id, hashes)


def encode_scrape_request(request: ScrapeRequest) -> bytes:
    """Write a scrape."""
    head = _REQUEST.pack(request.connection_id, SCRAPE, request.transaction_id)
    return head + b"".join(request.info_hashes)


def encode_connect_request(transaction_id: bytes) -> bytes:
    """Write the request for a connection id, 16 bytes."""
    return CONNECT_HEAD + transaction_id


def encode_connect_reply(transaction_id: bytes, connection_id: bytes) -> bytes:
    """Write the reply to a connect: 16 bytes, no more than were asked with."""
    return _REPLY.pack(CONNECT, transaction_id) + connection_id


def encode_announce_reply(
    transaction_id: bytes, interval_s: int, leechers: int, seeders: int, peers: bytes
) -> bytes:
    """Write the reply to an announce; `peers` are endpoints of the packet's own family."""
    head = _ANNOUNCE_REPLY.pack(ANNOUNCE, transaction_id, interval_s, leechers, seeders)
    return head + peers


def encode_scrape_reply(transaction_id: bytes, counts: Sequence[Counts]) -> bytes:
    """Write the counts in the order of the hashes asked for; larger ones than fit are cut."""
    rows = [_COUNTS.pack(*[min(count, _MAX_COUNT) for count in row]) for row in counts]
    return _REPLY.pack(SCRAPE, transaction_id) + b"".join(rows)


def encode_error(transaction_id: bytes, reason: str) -> bytes:
    """Write an error; its text ends with the packet, without a NUL."""
    return _REPLY.pack(ERROR, transaction_id) + reason.encode()


def decode_reply(data: bytes, endpoint_size: int) -> Reply:
    """Read what a tracker sent.

    Args:
        data: the packet.
        endpoint_size: of a peer in it, 6 where it came over IPv4, 18 over IPv6.

    Raises:
        Malformed: no reply of BEP 15.
    """
    if len(data) < _REPLY.size:
        raise Malformed("reply too short")
    action, transaction_id = _REPLY.unpack_from(data)
    body = data[_REPLY.size :]
    if action == CONNECT and len(body) >= 8:
        return ConnectReply(transaction_id, body[:8])
    if action == ANNOUNCE and len(data) >= _ANNOUNCE_REPLY.size:
        _, _, interval_s, leechers, seeders = _ANNOUNCE_REPLY.unpack_from(data)
        peers = tuple(split(data[_ANNOUNCE_REPLY.size :], endpoint_size))
        return AnnounceReply(transaction_id, interval_s, leechers, seeders, peers)
    if action == SCRAPE and len(body) % _COUNTS.size == 0:
        return ScrapeReply(transaction_id, tuple(Counts(*row) for row in _COUNTS.iter_unpack(body)))
    if action == ERROR:
        # Some trackers end the text with a NUL.
        return ErrorReply(transaction_id, body.decode(errors="replace").rstrip("\0"))
    raise Malformed("not a tracker's reply")
