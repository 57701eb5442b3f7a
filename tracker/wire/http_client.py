"""The client's half of the HTTP tracker protocol: addresses written, replies read.

Strict where `tracker.wire.http` is lenient: what a tracker sends either follows the BEPs or is
`Malformed`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote_from_bytes

from tracker.errors import Malformed
from tracker.model import (
    HASH_SIZE,
    IPV4_SIZE,
    IPV6_SIZE,
    Counts,
    Endpoint,
    Event,
    InfoHash,
    Ip,
    PeerId,
)
from tracker.wire import bencode
from tracker.wire.compact import pack, pack_ip, split

_ANNOUNCE = re.compile(r"/announce([^/]*)\Z")


class AnnounceReply(NamedTuple):
    """What a tracker answers; None where it is silent."""

    interval_s: int
    min_interval_s: int | None
    seeders: int | None
    completed: int | None
    leechers: int | None
    external_ip: Ip | None
    peers: tuple[Endpoint, ...]  # of both families
    warning: str | None


class ScrapeReply(NamedTuple):
    """The counts of the swarms that were asked for; some trackers leave out unknown ones."""

    files: dict[InfoHash, Counts]


class ErrorReply(NamedTuple):
    """Why there is no other reply."""

    reason: str
    retry_in_s: int | None  # None: not told, or never


def announce_url(
    url: str,
    info_hash: InfoHash,
    peer_id: PeerId,
    port: int,
    *,
    event: Event = Event.NONE,
    left: int = 0,
    numwant: int | None = None,
    compact: bool = True,
) -> str:
    """The address to get for an announce to the tracker at `url`.

    Args:
        url: the tracker's announce address.
        info_hash: 20 bytes.
        peer_id: 20 bytes.
        port: the port that the peer listens on.
        event: `Event.NONE` sends none.
        left: bytes to download; 0 is a seeder.
        numwant: peers asked for; None leaves it to the tracker.
        compact: ask for joined endpoints, or for a list of dictionaries.
    """
    fields = {
        "info_hash": _quote(info_hash),
        "peer_id": _quote(peer_id),
        "port": port,
        "uploaded": 0,
        "downloaded": 0,
        "left": left,
        "compact": int(compact),
    }
    if numwant is not None:
        fields["numwant"] = numwant
    if event is not Event.NONE:
        fields["event"] = event.name.lower()
    return _join(url, fields.items())


def scrape_url(url: str, info_hashes: Iterable[InfoHash]) -> str:
    """The address to get for a scrape, from the tracker's announce address (BEP 48).

    Raises:
        Malformed: the text after the last slash does not begin with "announce".
    """
    if not _ANNOUNCE.search(url):
        raise Malformed("this tracker's address has no scrape address")
    scrape = _ANNOUNCE.sub(r"/scrape\1", url)
    return _join(scrape, [("info_hash", _quote(info_hash)) for info_hash in info_hashes])


def decode_announce_reply(body: bytes) -> AnnounceReply | ErrorReply:
    """Read the reply to an announce.

    Raises:
        Malformed: not bencoded, without an interval, or with values of a wrong type.
    """
    reply = _dictionary(_decode(body))
    if b"failure reason" in reply:
        return _error(reply)
    peers = _peers(reply.get(b"peers", b""), IPV4_SIZE)
    peers6 = _peers(reply.get(b"peers6", b""), IPV6_SIZE)
    interval = _integer(reply, b"interval")
    if interval is None:
        raise Malformed("the reply has no interval")
    return AnnounceReply(
        interval,
        _integer(reply, b"min interval"),
        _integer(reply, b"complete"),
        _integer(reply, b"downloaded"),
        _integer(reply, b"incomplete"),
        _string(reply, b"external ip"),
        (*peers, *peers6),
        _text(reply, b"warning message"),
    )


def decode_scrape_reply(body: bytes) -> ScrapeReply | ErrorReply:
    """Read the reply to a scrape.

    Raises:
        Malformed: not bencoded, or not a dictionary of hashes of 20 bytes.
    """
    reply = _dictionary(_decode(body))
    if b"failure reason" in reply:
        return _error(reply)
    files = _dictionary(reply.get(b"files"))
    if any(len(info_hash) != HASH_SIZE for info_hash in files):
        raise Malformed("a hash in the reply is not of 20 bytes")
    return ScrapeReply({info_hash: _counts(file) for info_hash, file in files.items()})


def _quote(raw: bytes) -> str:
    return quote_from_bytes(raw, safe="")


def _join(url: str, fields: Iterable[tuple[str, object]]) -> str:
    query = "&".join(f"{key}={value}" for key, value in fields)
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _decode(body: bytes) -> object:
    try:
        return bencode.decode(body)
    except Malformed as error:
        raise Malformed("the reply is not bencoded") from error


def _dictionary(value: object) -> Mapping[bytes, object]:
    if not isinstance(value, dict):
        raise Malformed("the reply lacks a dictionary")
    return value


def _integer(reply: Mapping[bytes, object], key: bytes) -> int | None:
    value = reply.get(key)
    if value is None or isinstance(value, int):
        return value
    raise Malformed(f"{key.decode()} in the reply is not a number")


def _string(reply: Mapping[bytes, object], key: bytes) -> bytes | None:
    value = reply.get(key)
    if value is None or isinstance(value, bytes):
        return value
    raise Malformed(f"{key.decode()} in the reply is not a string")


def _text(reply: Mapping[bytes, object], key: bytes) -> str | None:
    value = _string(reply, key)
    return None if value is None else value.decode(errors="replace")


def _error(reply: Mapping[bytes, object]) -> ErrorReply:
    retry_in = reply.get(b"retry in")  # minutes, or the text "never" (BEP 31)
    return ErrorReply(
        _text(reply, b"failure reason") or "",
        retry_in * 60 if isinstance(retry_in, int) else None,
    )


def _counts(file: object) -> Counts:
    known = _dictionary(file)
    keys = (b"complete", b"downloaded", b"incomplete")
    return Counts(*(_integer(known, key) or 0 for key in keys))


def _peers(peers: object, size: int) -> list[Endpoint]:
    if isinstance(peers, bytes):
        return split(peers, size)
    if isinstance(peers, list):
        return [_endpoint(_dictionary(peer)) for peer in peers]
    raise Malformed("peers in the reply are neither a string nor a list")


def _endpoint(peer: Mapping[bytes, object]) -> Endpoint:
    ip, port = _text(peer, b"ip"), _integer(peer, b"port")
    if ip is None or port is None or not 0 <= port <= 0xFFFF:
        raise Malformed("a peer in the reply has no address or no port")
    return pack(pack_ip(ip), port)
