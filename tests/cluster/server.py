"""Whom clients ask: a frontend, or a load balancer that hides which one."""

from typing import NamedTuple, Protocol

Address = tuple[str, int]


class Server(Protocol):
    """Where requests go."""

    @property
    def name(self) -> str:
        """How outcomes name it."""

    def address(self, protocol: str) -> Address:
        """Of ``http``, ``ws`` or ``udp``."""


class LoadBalancer(NamedTuple):
    """The one address of many frontends. It is its clients' whole choice, as `Balancer`."""

    ip: str
    tcp: int
    udp: int
    name: str = "load balancer"

    def address(self, protocol: str) -> Address:
        """As of `Server`."""
        return self.ip, self.udp if protocol == "udp" else self.tcp

    def pick(self) -> Server:
        """As in `Balancer`."""
        return self

    def good(self, name: str) -> bool:
        """As in `Balancer`."""
        return True

    async def watch(self) -> None:
        """As in `Balancer`; there is nothing to look at."""
