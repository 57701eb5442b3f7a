"""Packed addresses and compact endpoints: 6 bytes (BEP 23, IPv4) or 18 (BEP 7, IPv6).

An endpoint is the IP in network order, then the port in 2 bytes, big-endian. Which addresses
may be dialled is policy, not told here.
"""

from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from tracker.errors import Malformed
from tracker.model import Endpoint, Ip

_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96 (RFC 4291, section 2.5.5.2)


def pack_ip(host: str) -> Ip:
    """4 or 16 bytes of a numeric address.

    IPv4-mapped IPv6 comes out as IPv4; a scope such as ``%eth0``, which means something on one
    machine only, is dropped.

    Raises:
        Malformed: `host` is not a numeric address.
    """
    try:
        if ":" in host:
            return unmap(inet_pton(AF_INET6, host.partition("%")[0]))
        return inet_pton(AF_INET, host)
    except (OSError, ValueError) as error:  # ValueError: a NUL or a lone surrogate in it
        raise Malformed("not an IP address") from error


def unmap(ip: bytes) -> Ip:
    """`ip` (4 or 16 bytes), or the IPv4 address that it is the IPv6 notation of."""
    return ip[12:] if len(ip) == 16 and ip.startswith(_MAPPED) else ip


def format_ip(ip: Ip) -> str:
    """The usual text of a packed address.

    Raises:
        Malformed: `ip` has neither 4 nor 16 bytes.
    """
    try:
        return inet_ntop(AF_INET if len(ip) == 4 else AF_INET6, ip)
    except ValueError as error:
        raise Malformed("not a packed IP address") from error


def pack(ip: Ip, port: int) -> Endpoint:
    """The endpoint of a packed address and a port of 0 to 65535."""
    return ip + port.to_bytes(2, "big")


def unpack(endpoint: Endpoint) -> tuple[str, int]:
    """Address in text, and port.

    Raises:
        Malformed: `endpoint` has neither 6 nor 18 bytes.
    """
    return format_ip(endpoint[:-2]), int.from_bytes(endpoint[-2:], "big")


def split(blob: bytes, size: int) -> list[Endpoint]:
    """Endpoints of `size` bytes each that were joined into one string.

    Raises:
        Malformed: the last one is cut.
    """
    if len(blob) % size:
        raise Malformed("ragged list of peers")
    return [blob[at : at + size] for at in range(0, len(blob), size)]
