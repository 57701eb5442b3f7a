"""Requests to and responses from the library that renders pages, checked both ways.

The library gets a request of our own making, and nothing of the client's that could change how it
treats the connection. Its response is made to say that the connection closes, whatever it says
itself: a proxy in front must never use the connection for another client.
"""

import re
from collections.abc import Iterator, Mapping

from tracker.wire.http import MOST_PATH, PROTECTION, PUBLIC, SERVER
from tracker.wire.http_head import END, Head
from tracker.wire.visit import Visit

_ABSOLUTE = re.compile(rb"(?i:https?)://[^/?#]*")  # RFC 9112, section 3.2.2
_WEBSITE = re.compile(  # an origin (RFC 6454)
    rb"[a-z][a-z0-9+.-]{0,31}://(?:[A-Za-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?"
)
_ENCODINGS = (b"br", b"gzip")  # that responses may have, the best first
# Headers of our own, by which the library learns of the visitor.
VISITOR_SCHEME, VISITOR_ADDRESS, VISITOR_PROXIED, VISITOR_PORT, VISITOR_REQUESTED = (
    "Visitor-Scheme",
    "Visitor-Address",
    "Visitor-Proxied",
    "Visitor-Local-Port",
    "Visitor-Requested",
)
_NO_WEIGHT = re.compile(rb"q=0(?:\.0*)?")
_INTERIM = re.compile(rb"HTTP/1\.[01] 1\d\d ")
_SET = {b"connection", b"keep-alive", b"server", b"upgrade"}  # by us alone
_END_OF_RESPONSE = f"Server: {SERVER}\r\nConnection: close\r\n\r\n".encode()


def _lines(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.lower().encode(): f"{name}: {value}".encode() for name, value in headers.items()}


# Headers that responses of the admin port and of public ports get. One that depends on the Origin
# says itself which websites may read it.
_PRIVATE, _PUBLIC = _lines(PROTECTION), _lines(PUBLIC)
_VARIES = b"vary: origin"


def page_request(head: Head, visit: Visit) -> bytes:
    """Write a GET or HEAD request for a page: path, visitor, what they accept, and a close.

    No query: no page has one. A longer path than any page has is cut: for 8 KiB of slashes the
    library's router would need as long as for twenty pages. `tracker.web.visitor` reads the
    headers.
    """
    path = head.target
    if absolute := _ABSOLUTE.match(path):
        path = path[absolute.end() :]
    path = path.partition(b"?")[0][:MOST_PATH]
    if not path.startswith(b"/"):
        path = b"/" + path
    host = visit.host if visit.port is None or not visit.host else f"{visit.host}:{visit.port}"
    lines = [
        b"%b %b HTTP/1.%d" % (head.method, path, not head.http10),
        f"Host: {host}".encode(),
        f"{VISITOR_SCHEME}: {'https' if visit.secure else 'http'}".encode(),
        f"{VISITOR_ADDRESS}: {visit.client.hex()}".encode(),
        f"{VISITOR_PROXIED}: {int(visit.proxied)}".encode(),
        f"{VISITOR_PORT}: {visit.local_port}".encode(),
        f"{VISITOR_REQUESTED}: {visit.requested}".encode(),
        *_understood(head),
        b"Connection: close",
    ]
    return b"\r\n".join(lines) + END


def _understood(head: Head) -> Iterator[bytes]:
    """Write the visitor's own headers, as far as pages use and we understand them."""
    fields = head.page
    origin = fields.get(b"origin", b"")
    if origin:  # one that is not understood is as good as hidden (RFC 6454, section 7.1)
        yield b"Origin: " + (origin if _WEBSITE.fullmatch(origin) else b"null")
    if b"text/html" in fields.get(b"accept", b"").lower():
        yield b"Accept: text/html"
    accepted = _encodings(fields.get(b"accept-encoding", b""))
    if accepted:
        yield b"Accept-Encoding: " + b", ".join(accepted)


def _encodings(value: bytes) -> list[bytes]:
    """Return those of `_ENCODINGS` that a client accepts (RFC 9110, section 12.5.3)."""
    words = set()
    for each in value.lower().split(b","):
        word, _, weight = each.partition(b";")
        if not _NO_WEIGHT.fullmatch(weight.strip()):
            words.add(word.strip())
    return [each for each in _ENCODINGS if each in words]


def final_head(head: bytes, *, public: bool) -> bytes | None:
    """Make a response's head say that the connection closes, and add the headers of all responses.

    Args:
        head: the status line and headers, without the empty line.
        public: it is a response of a public port.

    Returns:
        The head with its empty line; None for an interim response (1xx), which no client of a page
        waits for.
    """
    if _INTERIM.match(head):
        return None
    status, *lines = head.split(b"\r\n")
    headers = [(line.partition(b":")[0].lower(), line) for line in lines]
    names = {name for name, _ in headers}
    kept = [line for name, line in headers if name not in _SET]
    varies = any(line.lower() == _VARIES for line in lines)
    ours = _PUBLIC if public and not varies else _PRIVATE
    added = [line for name, line in ours.items() if name not in names]
    return b"\r\n".join([status, *kept, *added, _END_OF_RESPONSE])
