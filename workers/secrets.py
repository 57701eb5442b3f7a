"""Turns the ring of UDP secrets, once a period.

The first ring is not its own: where there is none, each frontend brings the one that it goes by, so
that ids stay good when Redis lost its data.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from tracker.policy.secrets import Ring, due, turned

CHECKS = 10  # in a period
LONGEST_PAUSE_S = 60.0


class Rings(Protocol):
    """What the job needs of the store."""

    async def published(self) -> Ring | None:
        """The ring of all; None where there is none."""

    async def replace(self, ring: Ring, token: int) -> None:
        """Let `ring` be that of all."""


class Rotation:
    """A `workers.runner.LeasedJob`.

    Args:
        rings: where the ring is.
        period_s: how long a secret makes ids.
        now: the time of Redis, Unix seconds.
        fresh: makes a random secret.
    """

    name = "secrets"
    limit_s = 10.0

    def __init__(
        self,
        rings: Rings,
        period_s: int,
        now: Callable[[], Awaitable[int]],
        fresh: Callable[[], bytes],
    ) -> None:
        self.period_s = min(period_s / CHECKS, LONGEST_PAUSE_S)
        self._secret_period_s = period_s
        self._rings = rings
        self._now = now
        self._fresh = fresh

    async def run_once(self, token: int) -> Mapping[str, int]:
        """Turn it, if it is time."""
        now_s = await self._now()
        ring = await self._rings.published()
        if ring is None or not due(ring, now_s, self._secret_period_s):
            return {"turned": 0}
        await self._rings.replace(turned(ring, self._fresh(), now_s), token)
        return {"turned": 1}
