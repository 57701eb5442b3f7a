"""Redis as the rest of the store sees it, however many servers that is.

`One` is a single primary, told by its address or found by Sentinels; a cluster is in
`tracker.store.cluster`. Requests are of one key each, so that a cluster knows where they belong.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from math import inf
from typing import NamedTuple

from tracker.errors import Corrupt
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.damage import Damage
from tracker.store.link import Done, Reply
from tracker.store.pipeline import Pipeline, Place, asked
from tracker.store.trouble import Troubles


class Part(NamedTuple):
    """Commands on one key, or on keys of one slot."""

    key: bytes
    commands: bytes
    replies: int  # that they have


class Redis(ABC):
    """All primaries that share the data."""

    @property
    @abstractmethod
    def up(self) -> bool:
        """Whether requests for all keys are being taken."""

    @property
    @abstractmethod
    def trouble(self) -> str:
        """Why it is not up, in one line for the user of a command; empty if that is not known."""

    @property
    @abstractmethod
    def in_flight(self) -> int:
        """How many requests wait for replies."""

    @property
    def oldest_at(self) -> float:
        """When the oldest request that waits was sent, by the loop's clock; inf: none waits."""
        return min((each.oldest_at for each in self.primaries()), default=inf)

    @abstractmethod
    def primary(self, key: bytes) -> Pipeline:
        """Who has `key` now.

        Raises:
            Unavailable: nobody has.
        """

    @abstractmethod
    def primaries(self) -> Sequence[Pipeline]:
        """All of them, in no order: for what must be asked of each."""

    @abstractmethod
    def submit(self, key: bytes, commands: bytes, count: int, done: Done) -> None:
        """Send `commands` on `key`, which have `count` replies; `done` gets them, in order.

        Raises:
            Overloaded: more is in flight than the settings allow.
            Unavailable: there is no connection now.
        """

    @abstractmethod
    def submit_all(self, parts: Sequence[Part], done: Done) -> None:
        """`submit` for several keys; `done` gets the replies of all, joined in order.

        Raises:
            Overloaded, Unavailable: as `submit`, of any of them.
        """

    @abstractmethod
    def one_key_each(self, keys: Iterable[bytes]) -> Sequence[bytes]:
        """The first of endless `keys` that each primary has."""

    async def ask(self, key: bytes, commands: bytes, count: int) -> list[Reply]:
        """`submit`, awaited: for what is not a packet's answer.

        Raises:
            Unavailable: there is no connection, it broke, or Redis refused.
        """
        return await asked(lambda done: self.submit(key, commands, count, done))

    async def ask_all(self, parts: Sequence[Part]) -> list[Reply]:
        """`submit_all`, awaited.

        Raises:
            Corrupt: one of the keys has another type.
            Unavailable: as `ask`.
        """
        return await asked(lambda done: self.submit_all(parts, done)) if parts else []

    async def ask_each(self, parts: Sequence[Part]) -> list[list[Reply] | Corrupt]:
        """`ask_all`, but a key of another type costs only its own part.

        Returns:
            For each part its replies, or what is wrong with its key.
        """
        try:
            replies = iter(await self.ask_all(parts))
        except Corrupt:
            return [await self._one_of(part) for part in parts]
        return [list(islice(replies, part.replies)) for part in parts]

    async def _one_of(self, part: Part) -> list[Reply] | Corrupt:
        try:
            return await self.ask(part.key, part.commands, part.replies)
        except Corrupt as error:
            return error

    @abstractmethod
    async def start(self) -> None:
        """Begin to connect, and go on doing so until `close`."""

    @abstractmethod
    async def wait_up(self) -> None:
        """Return once all are connected."""

    @abstractmethod
    async def close(self) -> None:
        """Close; requests in flight get Unavailable."""

    def on_change(self, changed: Callable[[], None]) -> None:
        """Let `changed` be called whenever a connection stands or breaks, or a slot moves."""
        self._listeners.append(changed)

    def __init__(self, metrics: Metrics) -> None:
        self._listeners: list[Callable[[], None]] = []
        self.damage = Damage(metrics)  # readers report here what is wrong with the data

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()


class One(Redis):
    """A single primary, wherever `place` says that it is; `troubles` logs why it is away."""

    def __init__(
        self,
        place: Place,
        settings: RedisSettings,
        metrics: Metrics,
        troubles: Troubles | None = None,
    ) -> None:
        super().__init__(metrics)
        self._pipeline = Pipeline(
            place, settings, metrics, changed=self._changed, troubles=troubles
        )
        self._submit = self._pipeline.submit

    @property
    def up(self) -> bool:
        """Whether the connection stands."""
        return self._pipeline.up

    @property
    def trouble(self) -> str:
        """As `Redis` says."""
        return self._pipeline.trouble.text

    @property
    def in_flight(self) -> int:
        """How many requests wait for replies."""
        return self._pipeline.in_flight

    def primary(self, key: bytes) -> Pipeline:
        """The only one."""
        return self._pipeline

    def primaries(self) -> Sequence[Pipeline]:
        """The only one."""
        return (self._pipeline,)

    def submit(self, key: bytes, commands: bytes, count: int, done: Done) -> None:
        """As `Redis` tells."""
        self._submit(commands, count, done)

    def submit_all(self, parts: Sequence[Part], done: Done) -> None:
        """As `Redis` tells; one request."""
        commands = b"".join([part.commands for part in parts])
        self._submit(commands, sum([part.replies for part in parts]), done)

    def one_key_each(self, keys: Iterable[bytes]) -> Sequence[bytes]:
        """The first key."""
        return [next(iter(keys))]

    async def start(self) -> None:
        """Begin to connect."""
        self._pipeline.start()

    async def wait_up(self) -> None:
        """Return once it is connected."""
        await self._pipeline.wait_up()

    async def close(self) -> None:
        """Close."""
        await self._pipeline.close()
