"""The announce URLs that a page shows: of the visitor's own URL, or of ``--public-url``."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from tracker.paths import ANNOUNCE_PATHS, KEY, paths_of
from tracker.public_url import at_host, kind_of
from tracker.web.visitor import Visitor

KINDS = ("http", "udp", "ws")


class AnnounceUrl(NamedTuple):
    """One announce URL, and the kind of clients that use it."""

    kind: str  # of `KINDS`
    url: str


class AnnounceUrls:
    """The announce URLs of one tracker.

    Args:
        ports: protocol of `KINDS` -> the port of ours.
        path: of announces over HTTP.
        public: URLs that replace those of their kind, in any number.
    """

    def __init__(
        self, ports: Mapping[str, int], path: str = ANNOUNCE_PATHS[0], public: Iterable[str] = ()
    ) -> None:
        self._ports = dict(ports)
        self._paths = paths_of(path)
        self._public: dict[str, list[str]] = {}
        for url in public:
            kind = kind_of(url)
            self._public.setdefault(kind, []).append(self._with_path(url, kind))

    def of(self, visitor: Visitor) -> list[AnnounceUrl]:
        """Return the URLs for a visitor, in the order of `KINDS`."""
        return [
            AnnounceUrl(kind, url)
            for kind in KINDS
            for url in self._published(kind, visitor) or self._derived(kind, visitor)
        ]

    def _published(self, kind: str, visitor: Visitor) -> list[str]:
        return [at_host(url, visitor.host) for url in self._public.get(kind, ())]

    def _derived(self, kind: str, visitor: Visitor) -> list[str]:
        """Return the URL of a protocol that this process serves, as the visitor reaches it.

        A proxy in front passes HTTP and WebSocket on through the port that the visitor used, and no
        datagrams: UDP then keeps its own port. Without a proxy, protocols that share our port share
        the visitor's as well, whatever it is mapped to.
        """
        port = self._ports.get(kind)
        if port is None:
            return []
        shares = visitor.local_port in (None, port)
        if kind == "udp":
            shown = self._udp_port(port, visitor, shares=shares)
            return [f"udp://{visitor.host}:{shown}{self._paths[kind]}"]
        authority = visitor.authority if visitor.proxied or shares else f"{visitor.host}:{port}"
        return [f"{kind}{'s' * visitor.secure}://{authority}{self._paths[kind]}"]

    def _udp_port(self, port: int, visitor: Visitor, *, shares: bool) -> int:
        if visitor.proxied or not shares:
            return port
        return visitor.port or (443 if visitor.secure else 80)

    def _with_path(self, url: str, kind: str) -> str:
        """Complete a URL without a path."""
        bare = url.rstrip("/")
        return bare + self._paths[kind] if not urlsplit(bare).path else url


def needs_key(urls: Iterable[AnnounceUrl]) -> bool:
    """Return whether a URL has a place for a user's passkey."""
    return any(KEY in url.url.split("/") for url in urls)
