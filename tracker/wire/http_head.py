"""The head of an HTTP request, read by llhttp; only what a tracker looks at is kept."""

import httptools

from tracker.errors import Malformed
from tracker.model import Value

END = b"\r\n\r\n"  # where a head is over (RFC 9112, section 2.1)


class Head(Value, frozen=True):
    """A request without its body."""

    method: bytes
    target: bytes
    http10: bool
    keep_alive: bool  # the client lets the connection stay open
    websocket: bool  # it asks for one (RFC 6455, section 4.2.1), and no proxy does for it
    body: bool  # it says that a body follows
    x_forwarded_for: bytes | None
    forwarded: bytes | None
    host: bytes | None  # the first, if there are several
    named: bytes | None  # the last header of the name asked for


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
        pass  # a wish; who serves the request decides
    except httptools.HttpParserError as error:
        raise Malformed("this is not HTTP") from error
    version = parser.get_http_version()
    if version not in ("1.0", "1.1"):
        raise Malformed("this is not HTTP/1")
    http10 = version == "1.0"
    return Head(
        parser.get_method(),
        notes.target,
        http10,
        # RFC 9112, section 9.3; llhttp's own verdict is gone when the message is complete
        b"keep-alive" in notes.connection if http10 else b"close" not in notes.connection,
        notes.upgrade and notes.key,  # proxies add the headers of an upgrade, but not the key
        notes.body,
        notes.x_forwarded_for,
        notes.forwarded,
        notes.host,
        notes.named,
    )


class _Notes:
    """What the parser calls back with. The parser knows it, not it the parser: no cycle."""

    __slots__ = (
        "body",
        "connection",
        "forwarded",
        "host",
        "key",
        "name",
        "named",
        "target",
        "upgrade",
        "x_forwarded_for",
    )

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.named: bytes | None = None
        self.target = self.connection = b""
        self.upgrade = self.key = self.body = False
        self.forwarded: bytes | None = None
        self.x_forwarded_for: bytes | None = None
        self.host: bytes | None = None

    def on_url(self, url: bytes) -> None:
        """Part of the target."""
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        name = name.lower()
        if name == self.name:
            self.named = value
        if name == b"host":
            if self.host is None:
                self.host = value
        elif name == b"connection":
            self.connection += value.lower()
        elif name == b"upgrade":
            self.upgrade = b"websocket" in value.lower()
        elif name == b"sec-websocket-key":
            self.key = True
        elif name == b"x-forwarded-for":
            self.x_forwarded_for = _joined(self.x_forwarded_for, value)
        elif name == b"forwarded":
            self.forwarded = _joined(self.forwarded, value)
        elif name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            self.body = True


def _joined(before: bytes | None, value: bytes) -> bytes:
    """A header that comes twice is one list (RFC 9110, section 5.3)."""
    return value if before is None else before + b"," + value
