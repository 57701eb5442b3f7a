"""URLs of STUN and TURN servers, as settings name them and browsers take them (RFC 7064, 7065)."""

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Annotated, Final

from pydantic import AfterValidator

_URL: Final = re.compile(
    r"(?P<scheme>[a-z]+):(?P<host>[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>\d{1,5}))?(?P<transport>\?transport=(?:udp|tcp))?"
)
_EXAMPLES: Final = {
    "stun": "stun:stun.example.com:3478 or stuns:stun.example.com",
    "turn": "turn:turn.example.com:3478, turn:turn.example.com?transport=tcp or "
    "turns:turn.example.com:5349",
}


def _check(url: str, kind: str) -> str:
    """Return the URL of a server.

    Args:
        url: as the setting names it.
        kind: ``stun`` or ``turn``; both have a scheme with an ``s`` for TLS.

    Raises:
        ValueError: it is not one that browsers take.
    """
    match = _URL.fullmatch(url)
    if match is None or match["scheme"] not in (kind, kind + "s"):
        raise ValueError(f"not a {kind.upper()} server: {url!r}; write {_EXAMPLES[kind]}")
    if kind == "stun" and match["transport"]:
        raise ValueError(f"the URL of a STUN server names no transport: {url!r}")
    if match["port"] and not 0 < int(match["port"]) <= 65535:
        raise ValueError(f"port {match['port']} does not exist: {url!r}")
    if match["host"].startswith("["):
        try:
            IPv6Address(match["host"][1:-1])
        except AddressValueError as error:
            raise ValueError(f"not an IPv6 address: {url!r}") from error
    return url


StunUrl = Annotated[str, AfterValidator(lambda url: _check(url, "stun"))]
TurnUrl = Annotated[str, AfterValidator(lambda url: _check(url, "turn"))]
