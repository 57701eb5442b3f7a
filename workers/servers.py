"""Looks at the Redis servers, for those who must act before one of them is full."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol


class Vitals(Protocol):
    """What a server tells of itself; see `tracker.store.nodes`."""

    @property
    def memory(self) -> int:
        """Bytes in use."""

    @property
    def max_memory(self) -> int:
        """Bytes that it may use; 0: no bound."""


class Server(Protocol):
    """A primary."""

    @property
    def vitals(self) -> Vitals | None:
        """None: it does not answer."""


class Servers:
    """A `workers.runner.LeasedJob`.

    Args:
        look: returns all primaries.
        period_s: seconds between two looks.
    """

    name = "servers"
    limit_s = 60.0

    def __init__(self, look: Callable[[], Awaitable[Sequence[Server]]], period_s: float) -> None:
        self.period_s = period_s
        self._look = look

    async def run_once(self, token: int) -> Mapping[str, int]:
        """Look; nothing is written."""
        servers = await self._look()
        vitals = [each.vitals for each in servers if each.vitals]
        return {
            "primaries": len(vitals),
            "away": len(servers) - len(vitals),
            "memory": sum(each.memory for each in vitals),
            "max_memory": sum(each.max_memory for each in vitals),
            "fullest_percent": max(map(_percent, vitals), default=0),
        }


def _percent(vitals: Vitals) -> int:
    return 100 * vitals.memory // vitals.max_memory if vitals.max_memory else 0
