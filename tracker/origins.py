"""Origins of web pages, as settings name them: ``https://example.com``, ``https://*.example.com``.

A browser sends the origin of a page in the Origin header: scheme, host and port, the default port
left out, or ``null`` for a page that has none (RFC 6454, section 6).
"""

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Annotated, Final

from pydantic import AfterValidator

ANY: Final = "*"  # pages of all origins
NULL: Final = "null"  # a file, or a frame in a sandbox
WILDCARD: Final = "*."  # before a domain: all that are below it
MOST: Final = 512  # characters; a host name has at most 253

_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_ORIGIN: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?P<host>(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]{2,45}\])"
    r"(?::(?P<port>\d{1,5}))?"
)


def normal_origin(text: str) -> str:
    """Return an origin as browsers write it: in lower case, without the scheme's default port.

    Raises:
        ValueError: it is not an origin.
    """
    lower = text.lower() if len(text) <= MOST else ""
    if lower in (ANY, NULL):
        return lower
    match = _ORIGIN.fullmatch(lower)
    if match is None or match["scheme"] in ("ws", "wss"):
        raise ValueError(
            f"not an origin: {text[:100]!r}; write it as a browser does: https://example.com, "
            "http://localhost:3000 or, for all subdomains, https://*.example.com"
        )
    return f"{match['scheme']}://{_authority(match)}"


def own_origins(host: str) -> tuple[str, ...]:
    """Return the origins of pages that were loaded from a host, which a Host header names.

    There are two, since a proxy in front may end TLS; none if `host` is not a host.
    """
    try:
        return tuple(normal_origin(f"{scheme}://{host}") for scheme in _DEFAULT_PORTS)
    except ValueError:
        return ()


def _authority(match: re.Match[str]) -> str:
    """Return the host and, if it is not the scheme's default, the port.

    Raises:
        ValueError: the address in brackets is not one.
    """
    host, port = match["host"], match["port"]
    if host.startswith("["):
        try:
            host = f"[{IPv6Address(host[1:-1])}]"
        except AddressValueError as error:
            raise ValueError(f"not an IPv6 address: {host}") from error
    if port is None or port == _DEFAULT_PORTS.get(match["scheme"]):
        return host
    return f"{host}:{port}"


Origin = Annotated[str, AfterValidator(normal_origin)]
