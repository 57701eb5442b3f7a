"""How a visitor of a page reached the tracker: scheme, host and port of the URL that they used.

A proxy reports them in X-Forwarded-Proto, -Host and -Port, or in Forwarded (RFC 7239). Only values
that are understood are used, so nothing else from a request can get into a page.
"""

import re
from ipaddress import AddressValueError, IPv6Address

from tracker.model import Ip, Value
from tracker.wire.http_head import Head

DEFAULT_PORTS = {"http": 80, "https": 443}
SECURE = {b"https": True, b"wss": True, b"http": False, b"ws": False}
_HOST = re.compile(
    rb"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
)
_ORIGIN = re.compile(rb"(?i:https?)://([^/?#]*)")  # of the absolute form (RFC 9112, section 3.2.2)


class Visit(Value, frozen=True):
    """The URL that a visitor used, as far as it is known, and where the connection came from."""

    secure: bool
    host: str  # a name or an address, an IPv6 address in brackets; empty: not known
    port: int | None  # None: the default port of the scheme
    client: Ip
    proxied: bool  # a trusted proxy sent the request
    local_port: int  # the port of ours that the connection came to
    requested: str = ""  # host and port that the request itself names; empty: not known


def visit_of(head: Head, *, secure: bool, client: Ip, proxied: bool, local_port: int) -> Visit:
    """Return how the sender of a request reached the tracker.

    Args:
        head: of the request.
        secure: the connection itself is encrypted.
        client: the visitor's address.
        proxied: a trusted proxy sent the request, so that its forwarding headers count.
        local_port: of the connection.
    """
    absolute = _ORIGIN.match(head.target)
    host, port = _split(absolute[1] if absolute else head.host or b"")
    requested = host if port is None else f"{host}:{port}"
    if proxied:
        reported = _forwarded(head)
        proto = reported.get("proto", b"").lower()
        secure = SECURE.get(proto, secure)
        forwarded_host, forwarded_port = _split(reported.get("host", b""))
        if forwarded_host:
            host, port = forwarded_host, forwarded_port
        if port is None:
            port = _other_port(reported.get("port", b""), secure=secure)
    if port == DEFAULT_PORTS["https" if secure else "http"]:
        port = None
    return Visit(secure, host, port, client, proxied, local_port, requested)


def _split(authority: bytes) -> tuple[str, int | None]:
    """Return host and port; no host if it is none."""
    match = _HOST.fullmatch(authority.strip())
    if match is None:
        return "", None
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port <= 65_535:
        return "", None
    name = match["name"].decode().lower()
    if name.startswith("["):
        try:
            IPv6Address(name[1:-1])
        except AddressValueError:
            return "", None
    return name, port


def _forwarded(head: Head) -> dict[str, bytes]:
    """Return what a proxy reports of the visitor's request, by ``proto``, ``host`` and ``port``.

    The first element of a list is that of the visitor's own request. Visitors may write it
    themselves; then they see wrong URLs, and nobody else does, since no page may be cached.
    """
    fields = head.page
    reported = {
        part: fields[name].partition(b",")[0].strip()
        for part, name in (
            ("proto", b"x-forwarded-proto"),
            ("host", b"x-forwarded-host"),
            ("port", b"x-forwarded-port"),
        )
        if name in fields
    }
    element = (head.forwarded or b"").partition(b",")[0]
    for pair in element.split(b";"):
        key, _, value = pair.partition(b"=")
        part = key.strip().lower().decode("latin-1")
        if part in ("proto", "host"):
            reported.setdefault(part, value.strip().strip(b'"'))
    return reported


def _other_port(port: bytes, *, secure: bool) -> int | None:
    """Return a forwarded port; None: the scheme's own, or certainly a mistake.

    A proxy behind the one that ends TLS reports its own port, 80, for a request to port 443.
    """
    if not (port.isdigit() and 0 < int(port[:6]) <= 65_535):
        return None
    number = int(port)
    return None if number in DEFAULT_PORTS.values() else number
