"""Requests over HTTP: good, changed, endless, and none at all."""

from collections.abc import Callable
from random import Random
from urllib.parse import quote_from_bytes

from tests.frontends.clients import announce, get
from tests.fuzz.mutation import mutated, noise

HASHES = tuple(bytes((number,)) * 20 for number in range(64))
PATHS = ("/", "/announce", "/scrape", "/stats", "/stats.json", "/key/announce", "/nothing", "*", "")
METHODS = ("GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "PRI", "get", "G\0T")
ODD_HEADERS = (
    "Content-Length: 5",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Content-Length: 0",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip, chunked",
    "Connection: close",
    "Connection: keep-alive, Upgrade",
    "Connection: upgrade",
    "Upgrade: websocket",
    "Upgrade: h2c",
    "Sec-WebSocket-Key: !",
    "Expect: 100-continue",
    "X-Forwarded-For: 1.2.3.4, , nobody, ::1, 999.1.1.1",
    'Forwarded: for="[::1"; by=;;,for=_x',
    "Host: \xff\0",
    ": empty",
    " folded",
    "\0",
)


def requests(rng: Random) -> bytes:
    """What one client sends on its connection."""
    return b"".join(rng.choice(KINDS)(rng) for _ in range(rng.choice((1, 1, 1, 2, 20))))


def _announce(rng: Random) -> bytes:
    event = rng.choice(("", "started", "stopped", "completed", "paused", "\0"))
    numwant = rng.choice((None, "", -1, 0, 50, 10**30, "x"))
    return announce(
        *rng.sample(ODD_HEADERS, rng.choice((0, 0, 1))),
        info_hash=rng.choice(HASHES),
        port=rng.randint(1, 65535),
        left=rng.choice((0, 1, None, "")),
        compact=rng.choice((0, 1, None)),
        event=event,
        numwant=numwant,
    )


def _scrape(rng: Random) -> bytes:
    hashes = rng.choices(HASHES, k=rng.choice((0, 1, 5, 110)))
    return get("/scrape?" + "&".join(f"info_hash={quote_from_bytes(each)}" for each in hashes))


def _mutated(rng: Random) -> bytes:
    return mutated(rng, rng.choice((_announce, _scrape, _odd))(rng))


def _odd(rng: Random) -> bytes:
    headers = rng.choices(ODD_HEADERS, k=rng.randint(0, 4))
    method, path = rng.choice(METHODS), rng.choice(PATHS)
    head = get(path, *headers, method=method, version=rng.choice(("1.0", "1.1", "2.0", "9")))
    return head + rng.choice(
        (b"", noise(rng), b"5\r\nhello\r\n0\r\n\r\n", b"fffffffffffffffff\r\n")
    )


def _with_body(rng: Random) -> bytes:
    """What no announce has."""
    method = rng.choice(("GET", "POST"))
    return get("/announce", "Content-Length: 5", method=method) + b"hello"


def _percents(rng: Random) -> bytes:
    pieces = ("%", "%0", "%zz", "%00", "%ff", "&", ";", "=", "?", "+", "#", "info_hash=", "\xff")
    return get(f"/{rng.choice(('announce', 'scrape'))}?" + "".join(rng.choices(pieces, k=200)))


def _many_headers(rng: Random) -> bytes:
    count = rng.choice((100, 400, 5000))
    return get(rng.choice(PATHS), *(f"X-{number}: {number}" for number in range(count)))


def _endless(rng: Random) -> bytes:
    filling = rng.choice((b"a", b"\0", b"%41", b"/", b"\r\n", b"a: b\r\n", b"GET / "))
    return rng.choice((b"", b"GET /announce?", b"GET / HTTP/1.1\r\n")) + filling * 20_000


def _cut(rng: Random) -> bytes:
    """A head without its end; what follows becomes part of it."""
    whole = _announce(rng)
    return whole[: rng.randrange(len(whole))]


KINDS: tuple[Callable[[Random], bytes], ...] = (
    _announce,
    _scrape,
    _mutated,
    _mutated,
    _odd,
    _with_body,
    _percents,
    _many_headers,
    _endless,
    _cut,
    noise,
)
