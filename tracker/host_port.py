"""Addresses as people write them."""

from collections.abc import Set as AbstractSet
from typing import Final

_ANY: Final = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound


def split_host_port(text: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``; the brackets of an IPv6 address are taken off.

    Raises:
        ValueError: `text` is not of that form.
    """
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"not HOST:PORT: {text!r}")
    if ":" in bare and bare == host:
        raise ValueError(f"an IPv6 address needs brackets: {text!r}")
    return bare, int(port)


def shared_port(host_port: str, host: str, ports: AbstractSet[int]) -> int | None:
    """Return the port of ``HOST:PORT`` if a socket at `host` with one of `ports` needs it, too.

    Port 0 stands for any free one, so it never collides.
    """
    other, port = split_host_port(host_port)
    meet = host == other or host in _ANY or other in _ANY
    return port if meet and port and port in ports else None
