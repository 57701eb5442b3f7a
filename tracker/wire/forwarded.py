"""The addresses that proxies note: X-Forwarded-For, and Forwarded (RFC 7239).

Only the notes of trusted proxies are worth anything, and those stand on the right: each proxy
appends what it saw. Hence lists are cut at every comma, quoted or not: a client cannot open a
quote that swallows what a proxy appends.
"""

from tracker.errors import Malformed
from tracker.model import Ip
from tracker.wire.compact import pack_ip

UNKNOWN: Ip = b""  # a hop that hides its address ("unknown", "_hidden") or wrote none
MOST_HOPS = 32  # read at most, from the right; real chains have two or three


def hops(x_forwarded_for: bytes | None, forwarded: bytes | None) -> list[Ip]:
    """The noted addresses from the client to the last proxy's sight, `UNKNOWN` where unreadable.

    X-Forwarded-For wins where both are there; a proxy that writes only Forwarded must remove
    the X-Forwarded-For of its clients.

    Args:
        x_forwarded_for: the header's value, several lines joined by commas; None: not there.
        forwarded: likewise.
    """
    if x_forwarded_for is not None:
        return [_address(entry) for entry in _entries(x_forwarded_for)]
    if forwarded is not None:
        return [_address(_for(entry)) for entry in _entries(forwarded)]
    return []


def single(value: bytes | None) -> list[Ip]:
    """The address in a header such as X-Real-IP, in which the last proxy names the client."""
    return [] if value is None else [_address(value.decode("latin-1"))]


def _entries(value: bytes) -> list[str]:
    nearest = value.decode("latin-1").rsplit(",", MOST_HOPS)[-MOST_HOPS:]
    return [entry for entry in nearest if entry.strip()]


def _for(element: str) -> str:
    """The node of ``for=node;by=...;proto=...``; empty where it has none."""
    for pair in element.split(";"):
        key, _, node = pair.partition("=")
        if key.strip().lower() == "for":
            return node
    return ""


def _address(node: str) -> Ip:
    """The packed address of ``1.2.3.4``, ``1.2.3.4:80``, ``::1``, ``[::1]:80``, also quoted."""
    host = node.strip().strip('"')
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return pack_ip(host)
    except Malformed:
        return UNKNOWN
