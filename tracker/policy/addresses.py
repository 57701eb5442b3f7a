"""Which address a client has, and which addresses a peer may have."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from tracker.errors import Denied
from tracker.model import Endpoint, Ip

UNSPECIFIED = bytes(16)
NO_PORTS = (b"\0\0", b"\0\1")  # as the last bytes of an endpoint


def not_named(header: str) -> Denied:
    """Return the failure of an announce for which a trusted proxy does not name the client.

    Args:
        header: in which the proxy has to send the address.
    """
    return Denied(
        "the proxy in front of this tracker does not name your address: "
        f"its operator must configure it to send your address in {header}"
    )


class Networks:
    """A set of networks, asked for packed addresses."""

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._ranges = [
            (net.network_address.packed, net.broadcast_address.packed) for net in networks
        ]

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def __contains__(self, ip: Ip) -> bool:
        if not self._ranges:
            return False
        size = len(ip)
        return any(len(low) == size and low <= ip <= high for low, high in self._ranges)


def client(socket_ip: Ip, hops: Sequence[Ip], trusted: Networks) -> Ip | None:
    """The right-most address that no trusted proxy vouches for; None: the proxies name none.

    Args:
        socket_ip: who opened the connection.
        hops: what it says of those before it, from the client to the last hop; an empty one
            could not be read, so nothing before it can be believed.
        trusted: our own proxies. A header is believed only as far as they wrote it, since
            anybody can send one.
    """
    ip = socket_ip
    for hop in reversed(hops):
        if ip not in trusted:
            return ip
        if not hop:
            return None
        ip = hop
    return ip if hops or ip not in trusted else None


def client_behind(hops: Sequence[Ip], proxies: int) -> Ip | None:
    """The address that the first of a fixed number of proxies saw, whatever their addresses.

    Args:
        hops: the forwarded addresses, from the client to the last hop; an empty one could not be
            read.
        proxies: how many there are, each of which adds one hop.

    Returns:
        None with fewer hops, or if the hop cannot be read.
    """
    return (hops[-proxies] if len(hops) >= proxies else b"") or None


class Proxies:
    """The proxies whose forwarded addresses are trusted: known by network, or by their number.

    Args:
        networks: the networks of our own proxies.
        count: how many proxies each connection passes, whatever their addresses; None: unknown,
            `networks` decides.
    """

    def __init__(
        self, networks: Sequence[IPv4Network | IPv6Network], count: int | None = None
    ) -> None:
        self._networks = Networks(networks)
        self._count = count

    def __bool__(self) -> bool:
        return self._count is not None or bool(self._networks)

    def __contains__(self, ip: Ip) -> bool:
        return self._count is not None or ip in self._networks

    def client(self, socket_ip: Ip, hops: Sequence[Ip]) -> Ip | None:
        """Return the address of the client, as far as the proxies can be trusted.

        None: the connection is a proxy's, which does not name the client.
        """
        if self._count is not None:
            return client_behind(hops, self._count)
        return client(socket_ip, hops, self._networks)


def listens(endpoint: Endpoint) -> bool:
    """Return whether a peer can be connected to at its port.

    Clients that do not listen announce port 0, or 1 as libtorrent does behind a proxy. They need
    peers, but no peer needs them.
    """
    return endpoint[-2:] not in NO_PORTS


def check_address(endpoint: Endpoint) -> None:
    """Refuse an address that no host of the Internet has (RFC 6890).

    Raises:
        Denied: an IPv4 address of 0.0.0.0/8, 224.0.0.0/4 (multicast) or 240.0.0.0/4 (reserved), or
            an IPv6 address that is unspecified or multicast.
    """
    first = endpoint[0]
    if 0 < first < 0xE0:  # which decides nearly always
        return
    ip = endpoint[:-2]
    if len(ip) == 4 or first == 0xFF or ip == UNSPECIFIED:
        raise Denied("this address can not be connected to")
