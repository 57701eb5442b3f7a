"""HTTP tracker protocol: requests read, replies written (BEP 3, 7, 23, 24, 31, 48, 52).

Lenient in what is read: only what cannot be answered without a guess is `Malformed`. A failure
is a bencoded reply with status 200, since clients hide the text of any other status.
"""

import re
from codecs import unicode_escape_decode
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from typing import Final, Literal
from urllib.parse import unquote_to_bytes

import bencodepy

from tracker.errors import Malformed
from tracker.model import (
    HASH_SIZE,
    IPV4_SIZE,
    IPV6_SIZE,
    Announced,
    Counts,
    Event,
    InfoHash,
    Ip,
    Value,
)
from tracker.paths import ANNOUNCE_PATHS, KEY, scrape_path
from tracker.wire import compact as endpoints

Action = Literal["announce", "scrape", "elsewhere", "unnamed"]

SERVER: Final = "tracker-cluster"  # in every response; versions of libraries concern no client
PROTECTION: Final = {  # in every response: content is what its type says, and no page frames it
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "frame-ancestors 'none'",
}
PUBLIC: Final = {  # in every response of a public port: any website may read it
    **PROTECTION,
    "Access-Control-Allow-Origin": "*",
}

WRONG_HASH = "info_hash must be 20 bytes"
METHODS: Final = "GET, HEAD, OPTIONS"
_HASH2_SIZE = 32  # bytes of a SHA-256 hash (BEP 52), of which trackers see the first 20
_MOST_DIGITS = 20  # of an unsigned 64-bit number
_PERCENT, _BACKSLASH = b"%\\"

_EVENTS: Final = {
    b"started": Event.STARTED,
    b"completed": Event.COMPLETED,
    b"stopped": Event.STOPPED,
}
_ADDRESS_KEYS: Final = (b"ip", b"ipv4", b"ipv6")

_ORIGIN: Final = rb"(?:(?i:https?)://[^/]*)?"  # of the absolute form, as sent to proxies
# A character that needs no percent-encoding, percent-encoded (RFC 3986, section 2.3)
_ESCAPED: Final = re.compile(rb"(?i:%(2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE]))")
MOST_PATH: Final = 512  # bytes; to compare 8 KiB of slashes would cost as much as ten announces
_WORD: Final = rb"([A-Za-z0-9._~-]{1,64})"  # a passkey


class Route(Value, frozen=True):
    """Where a request goes.

    `action` is None where no tracker lives, ``elsewhere`` if it names an info_hash there, and
    ``unnamed`` for an announce of which a proxy does not say from whom it is.
    """

    action: Action | None
    passkey: str | None
    query: bytes


class AnnounceQuery(Value, frozen=True):
    """What an announce says, before policy judges it."""

    info_hash: bytes  # 20 bytes
    peer_id: bytes  # 20 bytes
    port: int | None  # 0 to 65535; 0 if it is missing, None if it is no such number
    event: Event
    left: int | None  # bytes to download; None: not known
    numwant: int | None  # None: the default
    compact: bool
    addresses: tuple[str, ...]  # of ip=, ipv4=, ipv6=, as sent: an address, a name, [v6]:port
    key: bytes  # as sent, percent-encoding included; empty: none


class Routes:
    """Splits request targets by the paths that a tracker serves.

    Args:
        paths: of announces, see `tracker.paths`; those of scrapes follow from them.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        actions: dict[str, Action] = {}
        for path in paths:
            actions[path] = "announce"
            if scrape := scrape_path(path):
                actions[scrape] = "scrape"
        # Nearly all requests are found here; the others are compared with each pattern.
        self._usual = {path.encode(): action for path, action in actions.items() if KEY not in path}
        self._patterns = [(_pattern(path), action) for path, action in actions.items()]

    def __call__(self, target: bytes) -> Route:
        """Return where a request target leads.

        Slashes may be doubled, the form absolute, and any character of the path escaped.
        """
        path, _, query = target.partition(b"?")
        action = self._usual.get(path)
        if action is not None:
            return Route(action, None, query)
        if len(path) > MOST_PATH:
            return _elsewhere(query)
        if _PERCENT in path:
            path = _ESCAPED.sub(_unescaped, path)
        for pattern, action in self._patterns:
            if found := pattern.fullmatch(path):
                return Route(action, found[1].decode() if pattern.groups else None, query)
        return _elsewhere(query)


def _elsewhere(query: bytes) -> Route:
    return Route("elsewhere" if b"info_hash=" in query else None, None, query)


def _unescaped(escape: re.Match[bytes]) -> bytes:
    return bytes.fromhex(escape[1].decode())


def _pattern(path: str) -> re.Pattern[bytes]:
    segments = path.encode().split(b"/")
    words = [_WORD if each == KEY.encode() else re.escape(each) for each in segments]
    return re.compile(_ORIGIN + rb"/+".join(words))


route = Routes(ANNOUNCE_PATHS)


def decode_announce(query: bytes) -> AnnounceQuery:
    """Read an announce from the bytes after the target's first ``?``.

    Raises:
        Malformed: without an info_hash and a peer_id, or with one that is not valid.
    """
    fields = _fields(query)
    if b"info_hash" not in fields:  # proxies may encode any character (RFC 3986, section 6.2.2.2)
        fields = {_unquote(name): value for name, value in fields.items()}
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
        get(b"key", b""),
    )


def decode_scrape(query: bytes, most: int) -> tuple[tuple[InfoHash, ...], int]:
    """Read the info_hashes of a scrape, in order, each once, and how many are no hashes.

    Raises:
        Malformed: for none (that asks for every swarm), more than `most`, or only wrong ones.
    """
    prefix = b"info_hash="
    values = [field[len(prefix) :] for field in query.split(b"&") if field.startswith(prefix)]
    if not values:
        pairs = [field.partition(b"=")[::2] for field in query.split(b"&")]
        values = [value for name, value in pairs if _unquote(name) == b"info_hash"]
    if not values:
        raise Malformed("full scrape is off, name an info_hash")
    if len(values) > most:
        raise Malformed(f"too many info_hashes, at most {most}")
    hashes = [raw for value in values if (raw := _hash_or_none(value)) is not None]
    if not hashes:
        raise Malformed(WRONG_HASH)
    return tuple(dict.fromkeys(hashes)), len(values) - len(hashes)


def scrape_size(query: bytes) -> int:
    """Return about how many info_hashes a scrape has, at least 1, without decoding them."""
    return query.count(b"info_hash=") or 1


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
    seeders, completed, leechers = announced.counts
    peers, peers6 = announced.peers, announced.peers6
    head = _ANNOUNCED % (
        *(seeders, completed, len(external_ip), external_ip, leechers),
        *(announced.interval_s, announced.min_interval_s),
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


def encode_refusal(status: HTTPStatus, *, head_only: bool) -> bytes:
    """Write a response whose body is the name of its status, and after which we close."""
    body = status.phrase.encode() + b"\n"
    return encode_response(status, body, keep_alive=False, http10=False, head_only=head_only)


# The response to OPTIONS, and to the question whether a website may ask (Fetch standard, "HTTP
# responses"); the connection closes after it.
OPTIONS: Final = "\r\n".join(
    [
        "HTTP/1.1 200 OK",
        f"Server: {SERVER}",
        *map(": ".join, PUBLIC.items()),
        f"Allow: {METHODS}",
        f"Access-Control-Allow-Methods: {METHODS}",
        "Access-Control-Allow-Headers: *",
        "Access-Control-Max-Age: 86400",
        "Connection: close",
        "Content-Length: 0",
        "\r\n",
    ]
).encode()

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
        f"Server: {SERVER}",
        "Content-Type: text/plain",
        *map(": ".join, PUBLIC.items()),
    ]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append(f"Allow: {METHODS}")
    if not keep_alive:
        lines.append("Connection: close")
    elif http10:
        lines.append("Connection: keep-alive")
    return "\r\n".join([*lines, "Content-Length: "]).encode()


def _fields(query: bytes) -> dict[bytes, bytes]:
    """Return the fields of a query, the first of each name.

    Only "&" separates fields: sloppy clients send the ";" of a hash unescaped.
    """
    fields = query.split(b"&")
    fields.reverse()  # the last one that a dictionary gets wins
    try:
        return dict([field.split(b"=", 1) for field in fields])
    except ValueError:  # a field without "=": rare, and slower to read
        return dict([field.partition(b"=")[::2] for field in fields])


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
    raw = _hash_or_none(value)
    if raw is None:
        raise Malformed(WRONG_HASH)
    return raw


def _hash_or_none(value: bytes) -> InfoHash | None:
    raw = _unquote(value)
    if len(raw) == HASH_SIZE:
        return raw
    return raw[:HASH_SIZE] if len(raw) == _HASH2_SIZE else None


def _peer_id(value: bytes) -> bytes:
    raw = _unquote(value)
    if len(raw) != HASH_SIZE:
        raise Malformed("peer_id must be 20 bytes")
    return raw


def _port(value: bytes) -> int | None:
    port = _number(value) if value else 0
    return None if port is None or port > 0xFFFF else port


def _number(value: bytes) -> int | None:
    return int(value) if value.isdigit() and len(value) <= _MOST_DIGITS else None


def _addresses(fields: dict[bytes, bytes]) -> tuple[str, ...]:
    return tuple(_unquote(fields[key]).decode("latin-1") for key in _ADDRESS_KEYS if key in fields)
