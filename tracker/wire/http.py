"""HTTP tracker protocol: requests read, replies written (BEP 3, 7, 23, 24, 31, 48, 52).

Lenient in what is read: only what cannot be answered without a guess is `Malformed`. A failure
is a bencoded reply with status 200, since clients hide the text of any other status.
"""

import re
from codecs import unicode_escape_decode
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from typing import Final, Literal, NamedTuple
from urllib.parse import unquote_to_bytes

import bencodepy

from tracker.errors import Malformed
from tracker.model import HASH_SIZE, IPV4_SIZE, IPV6_SIZE, Announced, Counts, Event, InfoHash, Ip
from tracker.wire import compact as endpoints

Action = Literal["announce", "scrape"]

_HASH2_SIZE = 32  # bytes of a SHA-256 hash (BEP 52), of which trackers see the first 20
_MOST_DIGITS = 20  # of an unsigned 64-bit number
_PERCENT, _BACKSLASH = b"%\\"

_EVENTS: Final = {
    b"started": Event.STARTED,
    b"completed": Event.COMPLETED,
    b"stopped": Event.STOPPED,
}
_ADDRESS_KEYS: Final = (b"ip", b"ipv4", b"ipv6")

_ROUTES: Final[dict[bytes, Action]] = {b"/announce": "announce", b"/scrape": "scrape"}
_TARGET = re.compile(
    rb"(?:(?i:https?)://[^/]*)?"  # the absolute form, as sent to proxies
    rb"/+(?:([A-Za-z0-9._~-]{1,64})/+)?"  # a passkey
    rb"(announce|scrape)"
)


class Route(NamedTuple):
    """Where a request goes; `action` is None where no tracker lives."""

    action: Action | None
    passkey: str | None
    query: bytes


class AnnounceQuery(NamedTuple):
    """What an announce says, before policy judges it."""

    info_hash: bytes  # 20 bytes
    peer_id: bytes  # 20 bytes
    port: int  # 0 to 65535
    event: Event
    left: int | None  # bytes to download; None: not known
    numwant: int | None  # None: the default
    compact: bool
    addresses: tuple[str, ...]  # of ip=, ipv4=, ipv6=, as sent: an address, a name, [v6]:port


def route(target: bytes) -> Route:
    """Split a request target: ``/announce``, ``/KEY/scrape``, doubled slashes, absolute form.

    A path that goes on, as in ``/announce/``, is not ours: the scrape address that clients make
    of it (BEP 48) would not be either.
    """
    path, _, query = target.partition(b"?")
    if path in _ROUTES:
        return Route(_ROUTES[path], None, query)
    if found := _TARGET.fullmatch(path):
        key, action = found.groups()
        return Route(_ROUTES[b"/" + action], key.decode() if key else None, query)
    return Route(None, None, query)


def decode_announce(query: bytes) -> AnnounceQuery:
    """Read an announce from the bytes after the target's first ``?``.

    Raises:
        Malformed: without an info_hash, peer_id and port that are well-formed.
    """
    fields: dict[bytes, bytes] = {}
    # Only "&" parts fields: sloppy clients send the ";" of a hash unescaped.
    for field in query.split(b"&"):
        key, _, value = field.partition(b"=")
        if key not in fields:
            fields[key] = value
    get = fields.get
    return AnnounceQuery(
        _info_hash(get(b"info_hash", b"")),
        _peer_id(get(b"peer_id", b"")),
        _port(get(b"port", b"")),
        _EVENTS.get(get(b"event", b""), Event.NONE),
        _number(get(b"left", b"")),
        _number(get(b"numwant", b"")),
        get(b"compact") != b"0",
        () if fields.keys().isdisjoint(_ADDRESS_KEYS) else _addresses(fields),
    )


def decode_scrape(query: bytes, most: int) -> tuple[InfoHash, ...]:
    """Read the info_hashes of a scrape, in order, each once.

    Raises:
        Malformed: for none (that asks for every swarm), more than `most`, or a wrong length.
    """
    prefix = b"info_hash="
    values = [field[len(prefix) :] for field in query.split(b"&") if field.startswith(prefix)]
    if not values:
        raise Malformed("full scrape is off, name an info_hash")
    if len(values) > most:
        raise Malformed(f"too many info_hashes, at most {most}")
    return tuple(dict.fromkeys(map(_info_hash, values)))


def encode_announce(
    announced: Announced, external_ip: Ip, compact: bool, with_peers6: bool
) -> bytes:
    """Write the reply to an announce.

    Args:
        announced: what to say.
        external_ip: the client's address, packed (BEP 24).
        compact: peers as joined endpoints (BEP 23, 7); otherwise a list of dictionaries of both
            families. These go without ``peer id``: we keep none, and libtorrent and Transmission
            do not miss it.
        with_peers6: write ``peers6`` also when it is empty, for a client on IPv6.
    """
    interval, min_interval, (seeders, completed, leechers), peers, peers6 = announced
    head = _ANNOUNCED % (
        *(seeders, completed, len(external_ip), external_ip, leechers),
        *(interval, min_interval),
    )
    if not compact:
        return b"%bl%bee" % (head, _listed(peers, IPV4_SIZE) + _listed(peers6, IPV6_SIZE))
    if peers6 or with_peers6:
        return b"%b%d:%b6:peers6%d:%be" % (head, len(peers), peers, len(peers6), peers6)
    return b"%b%d:%be" % (head, len(peers), peers)


def encode_scrape(info_hashes: Sequence[InfoHash], counts: Sequence[Counts]) -> bytes:
    """Write the reply to a scrape: the counts of each hash, in the same order (BEP 48)."""
    files = sorted(zip(info_hashes, counts, strict=True))
    return b"d5:filesd%bee" % b"".join([_SCRAPED % (info_hash, *c) for info_hash, c in files])


def encode_failure(reason: str, retry_in_s: int | None) -> bytes:
    """Write a failure; `retry_in_s`: seconds after which asking again may help (BEP 31)."""
    failure: dict[bytes, str | int] = {b"failure reason": reason}
    if retry_in_s is not None:
        failure[b"retry in"] = -(-retry_in_s // 60)  # whole minutes, rounded up
    return bytes(bencodepy.encode(failure))


def encode_response(
    status: int, body: bytes, *, keep_alive: bool, http10: bool, head_only: bool
) -> bytes:
    """Write a whole HTTP response.

    Args:
        status: one of `http.HTTPStatus`.
        body: counted in Content-Length also where it is not sent.
        keep_alive: the connection stays open.
        http10: the client speaks HTTP/1.0 and must be told so.
        head_only: the request was HEAD, the body stays here.
    """
    head = _head(status, keep_alive, http10)
    return b"%b%d\r\n\r\n%b" % (head, len(body), b"" if head_only else body)


_ANNOUNCED = (  # keys sorted, as bencoding wants them, up to the value of the last
    b"d8:completei%de10:downloadedi%de11:external ip%d:%b10:incompletei%de"
    b"8:intervali%de12:min intervali%de5:peers"
)
_PEER = b"d2:ip%d:%b4:porti%dee"
_SCRAPED = b"20:%bd8:completei%de10:downloadedi%de10:incompletei%dee"


def _listed(peers: bytes, size: int) -> bytes:
    """Joined endpoints as dictionaries, joined."""
    addresses = map(endpoints.unpack, endpoints.split(peers, size))
    return b"".join([_PEER % (len(ip), ip.encode(), port) for ip, port in addresses])


@cache
def _head(status: int, keep_alive: bool, http10: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Content-Type: text/plain",
        "Access-Control-Allow-Origin: *",
    ]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append("Allow: GET, HEAD")
    if not keep_alive:
        lines.append("Connection: close")
    elif http10:
        lines.append("Connection: keep-alive")
    return "\r\n".join([*lines, "Content-Length: "]).encode()


def _unquote(value: bytes) -> bytes:
    """Undo percent-encoding. A "+" stays: RFC 3986 gives it no other meaning."""
    if _PERCENT not in value:
        return value
    if _BACKSLASH not in value:
        # A third of the time of unquote_to_bytes: the escapes become Python's, undone in C.
        try:
            return unicode_escape_decode(value.replace(b"%", rb"\x"))[0].encode("latin-1")
        except UnicodeDecodeError:
            pass  # a stray "%", which unquote_to_bytes keeps
    return unquote_to_bytes(value)


def _info_hash(value: bytes) -> InfoHash:
    raw = _unquote(value)
    if len(raw) == HASH_SIZE:
        return raw
    if len(raw) == _HASH2_SIZE:
        return raw[:HASH_SIZE]
    raise Malformed("info_hash must be 20 bytes")


def _peer_id(value: bytes) -> bytes:
    raw = _unquote(value)
    if len(raw) != HASH_SIZE:
        raise Malformed("peer_id must be 20 bytes")
    return raw


def _port(value: bytes) -> int:
    port = _number(value)
    if port is None or port > 0xFFFF:
        raise Malformed("port must be a number from 0 to 65535")
    return port


def _number(value: bytes) -> int | None:
    return int(value) if value.isdigit() and len(value) <= _MOST_DIGITS else None


def _addresses(fields: dict[bytes, bytes]) -> tuple[str, ...]:
    return tuple(_unquote(fields[key]).decode("latin-1") for key in _ADDRESS_KEYS if key in fields)
