"""The clients' choice of a frontend, as a load balancer or a list of endpoints makes it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Protocol

from tests.cluster.fleet import Fleet, Frontend
from tests.cluster.http_asking import get
from tests.cluster.server import Server

POLL_S = 0.1
PATIENCE_S = 0.5  # for one answer


class Balancer(Protocol):
    """Who chooses."""

    def pick(self) -> Server:
        """A frontend for the next request or connection."""

    def good(self, name: str) -> bool:
        """Whether that frontend should still get requests on connections that it has."""

    async def watch(self) -> None:
        """Keep looking how the frontends are, until cancelled."""


class ByReadiness:
    """One of those that said at the last look that they are ready; if there are none, any one."""

    def __init__(self, fleet: Fleet, rng: Random) -> None:
        self._fleet = fleet
        self._rng = rng
        self._ready = fleet.frontends

    def pick(self) -> Frontend:
        """As in `Balancer`."""
        return self._rng.choice(self._ready or self._fleet.frontends)

    def good(self, name: str) -> bool:
        """As in `Balancer`."""
        return not self._ready or any(each.name == name for each in self._ready)

    async def watch(self) -> None:
        """As in `Balancer`."""
        while True:
            frontends = self._fleet.frontends
            ready = await asyncio.gather(*map(is_ready, frontends))
            self._ready = tuple(each for each, good in zip(frontends, ready, strict=True) if good)
            await asyncio.sleep(POLL_S)


class Whatever:
    """Any of a fixed list, however they are: clients that hold addresses of their own."""

    def __init__(self, frontends: Sequence[Frontend], rng: Random) -> None:
        self._frontends = tuple(frontends)
        self._rng = rng

    def pick(self) -> Frontend:
        """As in `Balancer`."""
        return self._rng.choice(self._frontends)

    def good(self, name: str) -> bool:
        """As in `Balancer`."""
        return True

    async def watch(self) -> None:
        """As in `Balancer`; there is nothing to look at."""


async def is_ready(frontend: Frontend) -> bool:
    """What its ``/ready`` says; silence is no."""
    with suppress(OSError, EOFError, TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            status, _ = await get(frontend.address("admin"), "/ready")
            return status == 200
    return False
