"""The scope of an address: the network in which other hosts reach it.

The first two bytes of an address are enough to find its scope, since the prefixes of all local
networks have at most 16 bits. An address outside of these networks is global.
"""

from enum import IntEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from tracker.model import Endpoint, Ip


class Scope(IntEnum):
    """The reach of an address, the narrowest first."""

    HOST = 0
    LINK = 1
    PRIVATE = 2
    GLOBAL = 3


HOST, LINK, PRIVATE, GLOBAL = Scope

IPV4_NETWORKS: Final = {
    IPv4Network("127.0.0.0/8"): HOST,  # RFC 1122, section 3.2.1.3
    IPv4Network("169.254.0.0/16"): LINK,  # RFC 3927
    IPv4Network("10.0.0.0/8"): PRIVATE,  # RFC 1918, section 3
    IPv4Network("172.16.0.0/12"): PRIVATE,
    IPv4Network("192.168.0.0/16"): PRIVATE,
    IPv4Network("100.64.0.0/10"): PRIVATE,  # RFC 6598: a provider's own network, and many VPNs
    IPv4Network("198.18.0.0/15"): PRIVATE,  # RFC 2544, for tests of networks
}
IPV6_NETWORKS: Final = {
    IPv6Network("::/16"): HOST,  # of these only ::1 is in use (RFC 4291, section 2.5.3)
    IPv6Network("fe80::/10"): LINK,  # RFC 4291, section 2.5.6
    IPv6Network("fec0::/10"): PRIVATE,  # RFC 3879: no longer in use
    IPv6Network("fc00::/7"): PRIVATE,  # RFC 4193
}
# IPv6 addresses that hold an IPv4 address, by their first two bytes: where it begins. They have the
# scope of that address.
EMBEDDING: Final = {
    b"\x20\x02": 2,  # 6to4, 2002::/16 (RFC 3056)
    b"\x00\x64": 12,  # 64:ff9b::/96 (RFC 6052)
}
_LOCAL_TRANSLATION: Final = bytes.fromhex("0064ff9b0001")  # 64:ff9b:1::/48 (RFC 8215)


def prefixes(network: IPv4Network | IPv6Network) -> list[bytes]:
    """Return the first two bytes of all addresses in a network; its prefix has at most 16 bits."""
    first, last = (
        int.from_bytes(address.packed[:2], "big")
        for address in (network.network_address, network.broadcast_address)
    )
    return [number.to_bytes(2, "big") for number in range(first, last + 1)]


_IPV4: Final = {prefix: scope for net, scope in IPV4_NETWORKS.items() for prefix in prefixes(net)}
_IPV6: Final = {prefix: scope for net, scope in IPV6_NETWORKS.items() for prefix in prefixes(net)}


def scope_of(address: Ip | Endpoint) -> Scope:
    """Return the scope of a packed address, alone or with a port after it."""
    prefix = address[:2]
    if len(address) < 16:
        return _IPV4.get(prefix, GLOBAL)
    if prefix not in EMBEDDING:
        return _IPV6.get(prefix, GLOBAL)
    if address.startswith(_LOCAL_TRANSLATION):
        return PRIVATE
    at = EMBEDDING[prefix]
    return _IPV4.get(address[at : at + 2], GLOBAL)
