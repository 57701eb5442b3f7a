"""What each frontend does again and again for its place in the cluster: `workers.runner.Job`s."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from tracker.model import Facts, FrontendId

LIMIT_S = 10.0
RETRY_S = 1.0  # until a sign of life that failed is tried again


class Registry(Protocol):
    """Who is alive: see `tracker.store.frontends`."""

    async def beat(self, facts: Facts) -> list[FrontendId]:
        """Give a sign of life; return the other frontends that are new to this one."""

    @property
    def sharing(self) -> int:
        """How many live frontends serve any of this one's protocols, this one among them."""


class Epochs(Protocol):
    """Whether data were lost: see `tracker.store.epochs`."""

    async def look(self) -> int:
        """When data were lost the last time, in Unix seconds; 0: never."""


class Relay(Protocol):
    """The way to other frontends: see `tracker.store.relay`."""

    async def probe(self) -> None:
        """See that it works, or mend it."""

    async def greet(self, frontends: Sequence[FrontendId]) -> None:
        """Make this frontend known to others."""


class Heartbeat:
    """Tells the others that this frontend is alive and can be reached."""

    name = "heartbeat"
    limit_s = LIMIT_S

    def __init__(
        self,
        registry: Registry,
        relay: Relay,
        facts: Callable[[], Facts],
        period_s: float,
        share: Callable[[int], None] = lambda frontends: None,
    ) -> None:
        """`share` gets the number of frontends that share budgets, see `Registry.sharing`."""
        self.period_s = period_s
        self._period_s = period_s
        self._registry = registry
        self._relay = relay
        self._facts = facts
        self._share = share

    async def run_once(self) -> Mapping[str, int]:
        """Give a sign of life, and greet frontends that have not seen it yet, perhaps."""
        self.period_s = min(RETRY_S, self._period_s)  # unless it succeeds
        found = await self._registry.beat(self._facts())
        self._share(self._registry.sharing)
        await self._relay.greet(found)
        self.period_s = self._period_s
        return {}


class LossWatch:
    """Notices that Redis lost its data; `lost` is called with the second of the last loss."""

    name = "epoch"
    limit_s = LIMIT_S

    def __init__(self, epochs: Epochs, lost: Callable[[int], None], period_s: float) -> None:
        self.period_s = period_s
        self._epochs = epochs
        self._lost = lost

    async def run_once(self) -> Mapping[str, int]:
        """Look."""
        lost_at_s = await self._epochs.look()
        if lost_at_s:
            self._lost(lost_at_s)
        return {"lost_at": lost_at_s}


class Probe:
    """Sees that messages of other frontends would arrive here."""

    name = "probe"
    limit_s = LIMIT_S

    def __init__(self, relay: Relay, period_s: float) -> None:
        self.period_s = period_s
        self._relay = relay

    async def run_once(self) -> Mapping[str, int]:
        """Send a message to ourselves."""
        await self._relay.probe()
        return {}
