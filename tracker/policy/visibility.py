"""Which peers an announcer is shown, and with which address, by the scopes of both.

An announcer is shown a peer's own address if its scope is that of the announcer's address or a
wider one: a peer on the Internet is shown global addresses only, a peer in a private network also
private ones, and a peer on the tracker's host all. The external address of the tracker's network
replaces an address that is not shown. The port stays.

The check runs on each answer, so it does not matter which version or frontend stored a peer.
"""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from tracker.model import IPV4_SIZE, IPV6_SIZE, Endpoint, Family, Ip
from tracker.scope import EMBEDDING, HOST, IPV4_NETWORKS, IPV6_NETWORKS, Scope, prefixes, scope_of

_SIZES: Final = IPV4_SIZE, IPV6_SIZE  # by Family

# By the first and by the second byte of an address: a bit for each network that may have it.
_Bits: TypeAlias = tuple[bytes, bytes]
_ANY: Final = 0x80  # set for each first byte of a network, so that the others are ASCII


def _bits(networks: Iterable[Sequence[bytes]]) -> _Bits:
    """Return the tables for networks, each given by the first two bytes of its addresses."""
    first, second = bytearray(256), bytearray(256)
    for number, network in enumerate(networks):
        for prefix in network:
            first[prefix[0]] |= 1 << number | _ANY
            second[prefix[1]] |= 1 << number
    return bytes(first), bytes(second)


def _narrower(scope: Scope) -> tuple[_Bits, _Bits]:
    """Return the tables of all addresses that may have a narrower scope, by Family."""
    ipv4 = [prefixes(network) for network, of in IPV4_NETWORKS.items() if of < scope]
    ipv6 = [prefixes(network) for network, of in IPV6_NETWORKS.items() if of < scope]
    return _bits(ipv4), _bits([*ipv6, list(EMBEDDING)])


_HIDDEN: Final = tuple(map(_narrower, Scope))


class Visibility:
    """The rule of this module for one tracker.

    Args:
        external: packed addresses, at most one of each family, at which peers elsewhere reach those
            on the tracker's own network.
    """

    def __init__(self, external: Sequence[Ip] = ()) -> None:
        by_size = {len(ip): ip for ip in external}
        self._external = by_size.get(4), by_size.get(16)  # by Family

    def shown(self, viewer: Endpoint, family: Family, peers: bytes) -> bytes:
        """Return the endpoints that an answer names.

        Args:
            viewer: the announcer's own endpoint, of either family.
            family: of the peers.
            peers: their endpoints, joined.

        Returns:
            Joined endpoints: fewer without an external address, or if peers share an external
            endpoint.
        """
        scope = scope_of(viewer)
        if scope is HOST:
            return peers
        # Compare all peers at once, as two numbers with a byte for each: a loop in Python would
        # take ten times as long, and nearly always find nothing.
        first, second = _HIDDEN[scope][family]
        size = _SIZES[family]
        bits = peers[::size].translate(first)
        if bits.isascii():  # decides for most short lists
            return peers
        if not int.from_bytes(bits) & int.from_bytes(peers[1::size].translate(second)):
            return peers
        external = self._external[family]
        shown: dict[Endpoint, None] = {}
        for at in range(0, len(peers), size):
            peer = peers[at : at + size]
            if scope_of(peer) >= scope:
                shown[peer] = None
            elif external is not None:
                shown[external + peer[-2:]] = None
        return b"".join(shown)
