"""Networks as settings have them."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import BeforeValidator


def _without_host_bits(value: object) -> object:
    """Refuse the address of a host with a prefix length; the text shows the network.

    Raises:
        ValueError: as said; text that is no network at all is left to pydantic.
    """
    if not isinstance(value, str):
        return value
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return value
    try:
        ip_network(value)
    except ValueError:
        raise ValueError(f"host bits are set: {network}?") from None
    return value


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_without_host_bits)]
