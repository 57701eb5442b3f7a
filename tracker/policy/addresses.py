"""Which address a client has, and which addresses a peer may have."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from tracker.errors import Denied
from tracker.model import Endpoint, Ip

UNSPECIFIED = (bytes(4), bytes(16))
BROADCAST = b"\xff" * 4


class Networks:
    """A set of networks, asked for packed addresses."""

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._ranges = [
            (net.network_address.packed, net.broadcast_address.packed) for net in networks
        ]

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def __contains__(self, ip: Ip) -> bool:
        size = len(ip)
        return any(len(low) == size and low <= ip <= high for low, high in self._ranges)


def client(socket_ip: Ip, hops: Sequence[Ip], trusted: Networks) -> Ip:
    """The right-most address that no trusted proxy vouches for.

    Args:
        socket_ip: who opened the connection.
        hops: what it says of those before it, from the client to the last hop; an empty one
            could not be read, so nothing before it can be believed.
        trusted: our own proxies. A header is believed only as far as they wrote it, since
            anybody can send one.
    """
    ip = socket_ip
    for hop in reversed(hops):
        if ip not in trusted or not hop:
            return ip
        ip = hop
    return ip


def check_dialable(endpoint: Endpoint) -> None:
    """Refuse what no peer can connect to.

    Raises:
        Denied: port 0, or an unspecified, broadcast or multicast address.
    """
    if endpoint[-2:] == b"\0\0":
        raise Denied("port 0 can not be connected to")
    ip, first = endpoint[:-2], endpoint[0]
    multicast = first == 0xFF if len(ip) == 16 else first >> 4 == 0xE
    if multicast or ip in UNSPECIFIED or ip == BROADCAST:
        raise Denied("this address can not be connected to")
