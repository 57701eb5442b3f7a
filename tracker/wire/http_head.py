"""The head of an HTTP request, read by llhttp; only what a tracker looks at is kept."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import httptools
from msgspec.structs import replace

from tracker.errors import Malformed
from tracker.model import Value

END = b"\r\n\r\n"  # where a head is over (RFC 9112, section 2.1)
# The last chunk, its extensions and the trailers (RFC 9112, section 7.1).
EMPTY_BODY: Final = re.compile(
    rb"0{1,16}(?:[ \t]*;[\t\x20-\xff]*)?\r\n(?:[!#-'*+.0-9A-Z^-z|~-]+:[\t\x20-\xff]*\r\n){0,16}\r\n"
)
MOST_EMPTY: Final = 256  # bytes of it; until it is whole, its head is read again with each piece
_KEPT: Final = frozenset(
    (
        b"connection",
        b"content-length",
        b"forwarded",
        b"host",
        b"sec-websocket-key",
        b"sec-websocket-version",
        b"transfer-encoding",
        b"upgrade",
        b"x-forwarded-for",
    )
)
METHODS: Final = (b"GET", b"HEAD", b"OPTIONS")  # of requests that are served
# A value that is repeated in one line or in several (RFC 9112, section 6.3). A line that begins
# with white space would continue the line before the removed one. No part of a match is tried
# again in a shorter form, which a long value that is not zero would make expensive.
_NO_CONTENT: Final = re.compile(
    rb"\r\n(?i:Content-Length):[ \t]*+0++(?:[ \t]*+,[ \t]*+0++)*+[ \t]*+(?=\r\n(?![ \t]))"
)
# Fields that pages look at; the first of each is kept, but all origins.
OF_PAGES: Final = frozenset(
    (
        b"accept",
        b"accept-encoding",
        b"origin",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
    )
)
NO_FIELDS: Mapping[bytes, bytes] = MappingProxyType({})


class Head(Value, frozen=True):
    """A request without its body."""

    method: bytes
    target: bytes
    http10: bool
    keep_alive: bool  # the client lets the connection stay open
    websocket: bytes  # the handshake that it asks for, see `_handshake`; empty: none
    body: bool  # it says that a body follows
    chunked: bool  # its body may be empty, see `take_empty_body`
    x_forwarded_for: bytes | None
    forwarded: bytes | None
    host: bytes | None  # the first, if there are several
    named: bytes | None  # the last header of the name asked for
    page: Mapping[bytes, bytes] = NO_FIELDS  # those of `OF_PAGES`, by name in lower case


def decode_head(data: bytes, name: bytes = b"") -> Head:
    """Read one whole head, empty line included.

    Args:
        data: the head.
        name: of a header to keep, in lower case; empty: none.

    Raises:
        Malformed: it is not one.
    """
    notes = _Notes(name)
    parser = httptools.HttpRequestParser(notes)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        pass  # the server decides whether to upgrade
    except httptools.HttpParserError as error:
        return _without_content(data, name, error)
    version = parser.get_http_version()
    if version not in ("1.0", "1.1"):
        raise Malformed("this is not HTTP/1")
    http10 = version == "1.0"
    shakes_hands = b"sec-websocket-key" in notes.headers and not http10
    method = parser.get_method()
    get = notes.headers.get
    connection = get(b"connection", b"").lower()
    length, coding = get(b"content-length"), get(b"transfer-encoding")
    if coding is not None and (http10 or coding.strip().lower() != b"chunked"):
        raise Malformed("this is not HTTP: the end of its body is ambiguous")
    return Head(
        method,
        notes.target,
        http10,
        # RFC 9112, section 9.3; llhttp's own verdict is gone when the message is complete
        b"keep-alive" in connection if http10 else b"close" not in connection,
        _handshake(method, {**notes.headers, **notes.page}) if shakes_hands else b"",
        coding is not None or (length is not None and length.strip(b"0 \t") != b""),
        coding is not None and method in METHODS,
        get(b"x-forwarded-for"),
        get(b"forwarded"),
        get(b"host"),
        notes.named,
        notes.page,
    )


def take_empty_body(head: Head, rest: bytes) -> tuple[Head, bytes] | None:
    """Take an empty chunked body, which some proxies add to a GET, off the bytes after a head.

    Returns:
        The head, without a body if that was empty, and the bytes that remain; None: more bytes
        are needed to know.
    """
    if empty := EMPTY_BODY.match(rest):
        return replace(head, body=False, chunked=False), rest[empty.end() :]
    begun = rest[:1] in (b"", b"0") and END not in rest and len(rest) <= MOST_EMPTY
    return None if begun else (head, rest)


def _without_content(data: bytes, name: bytes, error: Exception) -> Head:
    """Read a head that has a Content-Length of 0 several times.

    A request with a transfer coding or another length too is malformed: its end is ambiguous.
    """
    rest = _NO_CONTENT.sub(b"", data)
    if rest == data or (head := decode_head(rest, name)).body:
        raise Malformed("this is not HTTP") from error
    return head


def _handshake(method: bytes, headers: Mapping[bytes, bytes]) -> bytes:
    """Write the request for a WebSocket as `websockets` reads it; empty: there is none.

    `Upgrade` is a list from which a server chooses (RFC 9110, section 7.8), and `Connection`
    names headers of one hop. `websockets` wants a single protocol.

    Args:
        method: of the request.
        headers: by name in lower case, Sec-WebSocket-Key among them: proxies add the other headers
            of an upgrade, but not the key.
    """
    get = headers.get
    if b"websocket" not in _options(get(b"upgrade", b"")):
        return b""
    upgrades = b"upgrade" in _options(get(b"connection", b""))
    lines = (
        b"%b / HTTP/1.1" % method,
        b"Upgrade: websocket",
        b"Connection: " + (b"Upgrade" if upgrades else b"close"),
        b"Sec-WebSocket-Key: " + get(b"sec-websocket-key", b""),
        b"Sec-WebSocket-Version: " + get(b"sec-websocket-version", b""),
        # Which website asks.
        *(b"%b: %b" % (name, headers[name]) for name in (b"host", b"origin") if name in headers),
    )
    return b"\r\n".join(lines) + END


def _options(value: bytes) -> list[bytes]:
    """Return the members of a list of case-insensitive names."""
    return [each.strip() for each in value.lower().split(b",")]


class _Notes:
    """What the parser calls back with. The parser knows it, not it the parser: no cycle."""

    __slots__ = ("headers", "name", "named", "page", "target")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.named: bytes | None = None
        self.target = b""
        self.headers: dict[bytes, bytes] = {}
        self.page: dict[bytes, bytes] = {}

    def on_url(self, url: bytes) -> None:
        """Part of the target."""
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. One that comes twice is one list (RFC 9110, section 5.3)."""
        name = name.lower()
        if name == self.name:
            self.named = value
        if name in _KEPT:
            before = self.headers.get(name)
            if before is None:
                self.headers[name] = value
            elif name != b"host":
                self.headers[name] = before + b"," + value
        elif name in OF_PAGES:
            before = self.page.get(name)
            if before is None:
                self.page[name] = value
            elif name == b"origin":  # several are not understood, whichever of them is allowed
                self.page[name] = before + b"," + value
