"""Announce URLs as operators write them for others: ``--public-url``."""

import re
from typing import Final
from urllib.parse import urlsplit

KIND: Final = {"http": "http", "https": "http", "udp": "udp", "ws": "ws", "wss": "ws"}
_AT_VISITORS_HOST: Final = re.compile(r"[a-z]+://:\d+(/.*)?")
_PRINTABLE: Final = re.compile(r"[!-~]+")


def kind_of(url: str) -> str:
    """Return the protocol of a checked URL: ``http``, ``udp`` or ``ws``."""
    return KIND[urlsplit(url).scheme]


def checked_url(url: str) -> str:
    """Return an announce URL that clients can use, or ``udp://:PORT``: at the visitor's host.

    Raises:
        ValueError: it is none.
    """
    example = "write udp://tracker.example:6969 or https://tracker.example/announce"
    if not _PRINTABLE.fullmatch(url):
        raise ValueError(f"not a URL: {url!r}: {example}")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"not a URL: {url!r}: {example}") from error
    if parts.scheme not in KIND or not (parts.hostname or _AT_VISITORS_HOST.fullmatch(url)):
        raise ValueError(f"not an http, https, udp, ws or wss URL: {url!r}: {example}")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(f"an announce URL has no user, query or fragment: {url!r}: {example}")
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"not a port from 1 to 65535: {url!r}") from error
    if port is None and parts.scheme == "udp":
        raise ValueError(f"a udp URL needs a port: {url!r}: {example}")
    return url


def at_host(url: str, host: str) -> str:
    """Put a visitor's host into a checked URL that has none."""
    return url.replace("://:", f"://{host}:", 1)
