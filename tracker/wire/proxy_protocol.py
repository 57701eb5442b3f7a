"""The PROXY protocol's head, versions 1 (text) and 2 (binary), as HAProxy specifies it.

A proxy writes it before all else on a TCP connection, to tell whom the connection is from. Read
it only from proxies that are trusted: who can write it can claim any address.
https://www.haproxy.org/download/1.8/doc/proxy-protocol.txt
"""

from struct import Struct
from typing import NamedTuple, TypeAlias

from tracker.errors import Malformed
from tracker.model import Ip
from tracker.wire.compact import format_ip, pack_ip, unmap

Address: TypeAlias = tuple[Ip, int]  # and port

MAX_SIZE_V1 = 107  # bytes, line end included (section 2.1)
# Version 2 could say 65,551. Addresses take at most 216, the rest is notes (TLVs): names of hosts,
# marks of clouds, facts of TLS, hardly ever a kilobyte. Who says more wants our memory.
MAX_SIZE = 4096

_V1 = b"PROXY "
_V2 = b"\r\n\r\n\0\r\nQUIT\n"
_V2_HEAD = Struct("!12sBBH")  # signature, version and command, family and transport, bytes after
_LOCAL, _PROXY = 0x20, 0x21
# A TLV of our own (types from 0xE0 are free for use, section 2.2): the proxy keeps nothing about
# the datagram, so its answer has to begin with the same header.
_RETURN = b"\xe0\0\0"
_TCP4, _UDP4, _TCP6, _UDP6 = 0x11, 0x12, 0x21, 0x22
_IPV4, _IPV6 = Struct("!4s4sHH"), Struct("!16s16sHH")  # source, destination, their ports
_V2_ADDRESSES = {_TCP4: _IPV4, _UDP4: _IPV4, _TCP6: _IPV6, _UDP6: _IPV6}


class Header(NamedTuple):
    """What the proxy told."""

    size: int  # bytes that the head takes; what the client sent begins after them
    source: Address | None  # None: the proxy speaks for itself, or does not know
    returned: bool = False  # the answer to this datagram has to begin with the same header


class Path(NamedTuple):
    """Both ends of what a header describes."""

    size: int
    source: Address
    destination: Address


def decode(data: bytes) -> Header | None:
    """Read the head that `data` begins with; None when more bytes are needed.

    Raises:
        Malformed: whatever may follow, this is no head, or one of more than `MAX_SIZE` bytes.
    """
    if data.startswith(_V1):
        return _decode_v1(data)
    if data.startswith(_V2):
        return _decode_v2(data)
    if _V1.startswith(data) or _V2.startswith(data):
        return None
    raise Malformed("no PROXY protocol")


def _decode_v1(data: bytes) -> Header | None:
    line, end, _ = data[:MAX_SIZE_V1].partition(b"\r\n")
    if not end:
        if len(data) < MAX_SIZE_V1:
            return None
        raise Malformed("PROXY line too long")
    size = len(line) + len(end)
    match line.split(b" "):
        case [_, b"UNKNOWN", *_]:
            return Header(size, None)
        case [_, b"TCP4" | b"TCP6" as family, source, destination, source_port, destination_port]:
            _v1_address(family, destination, destination_port)
            return Header(size, _v1_address(family, source, source_port))
    raise Malformed("not a PROXY line")


def _v1_address(family: bytes, host: bytes, port: bytes) -> Address:
    if (b":" in host) != (family == b"TCP6"):
        raise Malformed("address of another family in PROXY line")
    # isdigit: int() would take signs, blanks and underscores too.
    if not port.isdigit() or len(port) > 5 or int(port) > 65535:
        raise Malformed("bad port in PROXY line")
    return pack_ip(host.decode("latin-1")), int(port)


def _decode_v2(data: bytes) -> Header | None:
    if len(data) < _V2_HEAD.size:
        return None
    _, command, kind, length = _V2_HEAD.unpack_from(data)
    size = _V2_HEAD.size + length
    if command not in (_LOCAL, _PROXY):
        raise Malformed("unknown PROXY version or command")
    if size > MAX_SIZE:
        raise Malformed("PROXY head too long")
    if len(data) < size:
        return None
    if command == _LOCAL:
        return Header(size, None)
    return _v2_header(size, kind, data[_V2_HEAD.size : size])


def _v2_header(size: int, kind: int, body: bytes) -> Header:
    family, transport = kind >> 4, kind & 0xF
    if family > 3 or transport > 2:
        raise Malformed("unknown PROXY family or transport")
    layout = _V2_ADDRESSES.get(kind)
    if layout is None:  # unspecified, or a UNIX socket
        return Header(size, None)
    if len(body) < layout.size:
        raise Malformed("PROXY addresses too short")
    ip, _, port, _ = layout.unpack_from(body)
    return Header(size, (unmap(ip), port), body[layout.size :] == _RETURN)


def encode_v1(source: Address, destination: Address) -> bytes:
    """Write a line of version 1. Both addresses are of one family."""
    (ip, port), (to_ip, to_port) = source, destination
    family = "TCP4" if len(ip) == 4 else "TCP6"
    return f"PROXY {family} {format_ip(ip)} {format_ip(to_ip)} {port} {to_port}\r\n".encode()


def encode_v2(source: Address, destination: Address) -> bytes:
    """Write a head of version 2. Both addresses are of one family."""
    (ip, port), (to_ip, to_port) = source, destination
    kind = _TCP4 if len(ip) == 4 else _TCP6
    layout = _V2_ADDRESSES[kind]
    return _V2_HEAD.pack(_V2, _PROXY, kind, layout.size) + layout.pack(ip, to_ip, port, to_port)


def encode_datagram(source: Address, destination: Address) -> bytes:
    """Write a header of version 2 for a UDP datagram that asks for the header's return."""
    (ip, port), (to_ip, to_port) = source, destination
    head, layout = _RETURNED[len(ip)]
    return head + layout.pack(ip, to_ip, port, to_port) + _RETURN


def decode_datagram(data: bytes) -> Path | None:
    """Read a header that `encode_datagram` wrote; None if `data` does not begin with one."""
    for head, layout in _RETURNED.values():
        end = len(head) + layout.size
        if data.startswith(head) and data[end : end + len(_RETURN)] == _RETURN:
            ip, to_ip, port, to_port = layout.unpack_from(data, len(head))
            return Path(end + len(_RETURN), (ip, port), (to_ip, to_port))
    return None


def _datagram_head(kind: int) -> tuple[bytes, Struct]:
    layout = _V2_ADDRESSES[kind]
    return _V2_HEAD.pack(_V2, _PROXY, kind, layout.size + len(_RETURN)), layout


_RETURNED = {4: _datagram_head(_UDP4), 16: _datagram_head(_UDP6)}  # by size of an address
