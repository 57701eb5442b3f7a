"""The visitor of a page, read from the request that the door wrote."""

from typing import NamedTuple, Self

from aiohttp import web

from tracker.model import Ip
from tracker.wire.http_page import (
    VISITOR_ADDRESS,
    VISITOR_PORT,
    VISITOR_PROXIED,
    VISITOR_REQUESTED,
    VISITOR_SCHEME,
)

UNKNOWN_HOST = "HOST"  # in URLs, for a visitor whose request names none


class Visitor(NamedTuple):
    """The URL that a visitor used, and what their request says of them."""

    scheme: str  # http or https
    host: str  # a name or an address, an IPv6 address in brackets
    port: int | None  # None: the default port of the scheme
    address: Ip
    origin: str | None  # of the website whose script asks; None: no script, or one of our own
    accept_encoding: frozenset[str]  # of br and gzip
    proxied: bool  # the request came through a trusted proxy
    local_port: int | None  # the port of ours that it came to; None: not known
    requested: str  # the Host header of the request itself, whatever a proxy reports

    @classmethod
    def of(cls, request: web.Request) -> Self:
        """Read the headers that `tracker.wire.http_page.page_request` writes."""
        headers = request.headers
        host, port = _split(headers.get("Host", ""))
        local_port = headers.get(VISITOR_PORT)
        encodings = headers.get("Accept-Encoding", "")
        return cls(
            headers.get(VISITOR_SCHEME, "http"),
            host or UNKNOWN_HOST,
            port,
            bytes.fromhex(headers.get(VISITOR_ADDRESS, "")),
            headers.get("Origin"),
            frozenset(encodings.split(", ")) if encodings else frozenset(),
            headers.get(VISITOR_PROXIED) == "1",
            int(local_port) if local_port else None,
            headers.get(VISITOR_REQUESTED, ""),
        )

    @property
    def secure(self) -> bool:
        """Whether the visitor used https."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Host and port, without a default port."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def origin_url(self) -> str:
        """Scheme, host and port of the page, such as ``https://tracker.example:8443``."""
        return f"{self.scheme}://{self.authority}"


def _split(authority: str) -> tuple[str, int | None]:
    """Split an authority that the door has checked."""
    host, colon, port = authority.rpartition(":")
    return (host, int(port)) if colon and port.isdigit() else (authority, None)
