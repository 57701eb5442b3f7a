"""Requests to and responses from the library that renders pages, checked both ways.

The library gets a request of our own making, and nothing of the client's that could change how it
treats the connection. Its response is made to say that the connection closes, whatever it says
itself: a proxy in front must never use the connection for another client.
"""

import re
from collections.abc import Mapping

from tracker.wire.http import PROTECTION, PUBLIC, SERVER
from tracker.wire.http_head import END, Head

_ORIGIN = re.compile(rb"(?i:https?)://([^/?#]*)")  # of the absolute form (RFC 9112, section 3.2.2)
_INTERIM = re.compile(rb"HTTP/1\.[01] 1\d\d ")
_SET = {b"connection", b"keep-alive", b"server", b"upgrade"}  # by us alone
_END_OF_RESPONSE = f"Server: {SERVER}\r\nConnection: close\r\n\r\n".encode()


def _lines(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.lower().encode(): f"{name}: {value}".encode() for name, value in headers.items()}


_ADDED = _lines(PROTECTION), _lines(PUBLIC)  # by whether the port is public


def page_request(head: Head) -> bytes:
    """Write a GET or HEAD request for a page: its path and host, no body, and a close."""
    host, path = head.host or b"", head.target
    if absolute := _ORIGIN.match(path):
        host, path = absolute[1], path[absolute.end() :]
    path = path.partition(b"?")[0]
    if not path.startswith(b"/"):
        path = b"/" + path
    return b"%b %b HTTP/1.%d\r\nHost: %b\r\nConnection: close%b" % (
        *(head.method, path, not head.http10, host),
        END,
    )


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
    added = [line for name, line in _ADDED[public].items() if name not in names]
    return b"\r\n".join([status, *kept, *added, _END_OF_RESPONSE])
