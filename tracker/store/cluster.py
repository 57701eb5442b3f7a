"""A Redis Cluster: one pipeline to each primary, requests sent where their key's slot is.

Who has which slot is asked of the nodes when one says that a slot moved, when a connection is
lost, and again and again while some slot's primary is away.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import structlog

from tracker.errors import Away, Overloaded, Unavailable
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.keys import SLOTS, slot
from tracker.store.link import Done, Reply, tell
from tracker.store.mending import Batch, Mending
from tracker.store.pipeline import Pipeline
from tracker.store.reasons import Reason, explain
from tracker.store.slots import Node, Nodes
from tracker.store.topology import Part, Redis
from tracker.store.trouble import Troubles
from tracker.tasks import kept

log = structlog.get_logger()

LOOK_EVERY_S = 0.5  # at most
JITTER_S = 0.05  # so that not all frontends ask at once
TRY_AGAIN_S = 0.05  # for a slot that is between two nodes


class Cluster(Redis):
    """All primaries of a cluster.

    Args:
        nodes: of it.
        troubles: logs why it is away.
    """

    def __init__(
        self,
        nodes: Nodes,
        settings: RedisSettings,
        metrics: Metrics,
        troubles: Troubles | None = None,
    ) -> None:
        super().__init__(metrics)
        self._troubles = troubles or Troubles()
        self._nodes = nodes
        self._settings = settings
        self._metrics = metrics
        self._pipelines: dict[Node, Pipeline] = {}
        # Has the slots that nobody has: never started, so it fails whatever it is asked.
        self._nobody = Pipeline(nodes.seed, settings, metrics)
        self._trouble = self._nobody.trouble = self._troubles.of(nodes)
        self._owners = [self._nobody] * SLOTS
        self._primaries = [self._nobody]  # each owner once
        self._stale = asyncio.Event()  # who has which slot should be asked
        self._all_up = asyncio.Event()
        self._after_look: list[Callable[[], None]] = []
        self._after_pause = 0  # how many wait
        self._keeper: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str:
        """As `Redis` says, of any node."""
        found = [self._trouble, *(each.trouble for each in self._pipelines.values())]
        return next((each.text for each in found if each.text), "")

    @property
    def up(self) -> bool:
        """Whether the primary of each slot is connected."""
        return all(primary.up for primary in self._primaries)

    @property
    def in_flight(self) -> int:
        """How many requests wait for replies, of one node or for another try."""
        sent = sum(pipeline.in_flight for pipeline in self._pipelines.values())
        return sent + len(self._after_look) + self._after_pause

    def primary(self, key: bytes) -> Pipeline:
        """Who has `key` now."""
        owner = self._owners[slot(key)]
        if owner is self._nobody:
            raise Away(self._trouble.text)
        return owner

    def primaries(self) -> Sequence[Pipeline]:
        """All of them; among them one that is never up while some slot has none."""
        return self._primaries

    def one_key_each(self, keys: Iterable[bytes]) -> Sequence[bytes]:
        """The first of endless `keys` that each primary has."""
        found: dict[Pipeline, bytes] = {}
        for key in keys:
            found.setdefault(self._owners[slot(key)], key)
            if len(found) == len(self._primaries):
                break
        return list(found.values())

    def submit(self, key: bytes, commands: bytes, count: int, done: Done) -> None:
        """As `Redis` tells."""
        self._owners[slot(key)].submit(commands, count, done)

    def submit_all(self, parts: Sequence[Part], done: Done) -> None:
        """As `Redis` tells; one request to each primary."""
        groups: dict[Pipeline, list[int]] = {}
        for place, part in enumerate(parts):
            groups.setdefault(self._owners[slot(part.key)], []).append(place)
        gathering = Gathering(parts, len(groups), done)
        for sent, (primary, places) in enumerate(groups.items()):
            commands = b"".join([parts[place].commands for place in places])
            count = sum([parts[place].replies for place in places])
            try:
                primary.submit(commands, count, partial(gathering.take, places))
            except Unavailable as error:
                if not sent:
                    raise
                # As all callbacks: after this call.
                asyncio.get_running_loop().call_soon(gathering.end, error)
                return

    async def start(self) -> None:
        """Begin to look for the nodes."""
        self._stale.set()
        self._keeper = asyncio.create_task(kept("redis cluster", self._keep), name="redis cluster")

    async def wait_up(self) -> None:
        """Return once the primary of each slot is connected."""
        await self._all_up.wait()

    async def close(self) -> None:
        """Close."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._trouble.leave()
        await self._close(list(self._pipelines))
        self._set_owners([self._nobody] * SLOTS)
        self._go_on(len(self._after_look))

    def moved(self, slot: int, node: Node) -> Pipeline:
        """A slot has a new owner."""
        owner = self.at(node)
        if self._owners[slot] is not owner:
            self._owners[slot] = owner
            if owner not in self._primaries:
                self._primaries.append(owner)
            self._look_around()
        self._stale.set()
        return owner

    def at(self, node: Node) -> Pipeline:
        """The pipeline to a node; connected soon, if it is new.

        Raises:
            Unavailable: there is no such address.
        """
        pipeline = self._pipelines.get(node)
        if pipeline is None:
            try:
                address = self._nodes.address(node)
            except ValueError as error:
                raise Away from error
            pipeline = self._pipelines[node] = Pipeline(
                address,
                self._settings,
                self._metrics,
                cluster=True,
                mend=partial(self._mend, node),
                changed=self._look_around,
                troubles=self._troubles,
            )
            pipeline.start()
        return pipeline

    def after_look(self, again: Callable[[], None]) -> None:
        """Call `again` when the nodes have been asked anew who has which slot."""
        self._admit()
        self._after_look.append(again)
        self._stale.set()

    def after_pause(self, again: Callable[[], None]) -> None:
        """Call `again` in a moment."""
        self._admit()
        self._after_pause += 1
        asyncio.get_running_loop().call_later(TRY_AGAIN_S, self._end_pause, again)

    def _end_pause(self, again: Callable[[], None]) -> None:
        self._after_pause -= 1
        again()

    def _admit(self) -> None:
        if len(self._after_look) + self._after_pause >= self._settings.max_in_flight:
            self._metrics.store_errors["overloaded",] += 1
            raise Overloaded("the tracker is overloaded")

    def _mend(self, node: Node, commands: bytes, replies: list[Reply], done: Done) -> None:
        """See `tracker.store.link.Mend`; `node` is whose replies they are."""
        batch = done  # one that was sent again?
        if not isinstance(batch, Batch):
            batch = Mending(self, self.damage, self._troubles, commands, done).whole()
        batch.take(replies, node)

    async def _keep(self) -> None:
        while True:
            await self._stale.wait()
            await asyncio.sleep(random.uniform(0, JITTER_S))
            self._stale.clear()
            waiting = len(self._after_look)
            try:
                await self._take(await self._nodes.primaries())
            except Unavailable as error:
                self._report(explain(error, tls=self._nodes.seed.tls))
            except Exception:  # a fault of ours or of redis-py's: still look again, or all is lost
                log.exception("redis.slots_failed")
            self._go_on(waiting)
            await asyncio.sleep(LOOK_EVERY_S * random.uniform(0.5, 1.0))
            if not self.up:
                self._stale.set()

    def _report(self, reason: Reason) -> None:
        """Report why some slots have no primary, unless their connections report why."""
        if all(pipeline.up for pipeline in self._pipelines.values()):
            self._trouble.add(self._nodes, reason)
            self._changed()

    def _go_on(self, waiting: int) -> None:
        """Let the first `waiting` requests go on that waited for a look."""
        again, self._after_look = self._after_look[:waiting], self._after_look[waiting:]
        for each in again:
            each()

    async def _take(self, primaries: Mapping[int, Node]) -> None:
        """These have the slots now."""
        pipelines = {node: self.at(node) for node in set(primaries.values())}
        before = set(self._primaries)
        self._set_owners(
            [
                pipelines[primaries[number]] if number in primaries else self._nobody
                for number in range(SLOTS)
            ]
        )
        missing = SLOTS - len(primaries)
        if before != set(self._primaries):
            names = ",".join(sorted(f"{host}:{port}" for host, port in pipelines))
            log.info("redis.slots", primaries=names, missing=missing)
        if missing:
            self._report(Reason(f"{missing} of {SLOTS} slots have no primary"))
        elif self._trouble.text:
            self._trouble.end(self._nodes)
        self._look_around()
        idle = [node for node, each in self._pipelines.items() if not each.in_flight]
        await self._close([node for node in idle if node not in pipelines])

    def _set_owners(self, owners: list[Pipeline]) -> None:
        self._owners = owners
        self._primaries = list(dict.fromkeys(owners))

    async def _close(self, nodes: Iterable[Node]) -> None:
        """Part with these, which nothing is asked of any more."""
        await asyncio.gather(*[self._pipelines.pop(node).close() for node in nodes])

    def _look_around(self) -> None:
        """A connection stands or broke, or slots have new owners."""
        if self.up:
            self._all_up.set()
        else:
            self._all_up.clear()
            self._stale.set()
        self._changed()


class Gathering:
    """The replies to one request that was parted, until all are there, or one part failed."""

    def __init__(self, parts: Sequence[Part], groups: int, done: Done) -> None:
        self._parts = parts
        self._due = groups
        self._done: Done | None = done
        self._replies: list[list[Reply]] = [[]] * len(parts)

    def take(self, places: Sequence[int], result: list[Reply] | Unavailable) -> None:
        """What came of the parts at `places`."""
        if isinstance(result, Unavailable):
            self.end(result)
            return
        start = 0
        for place in places:
            end = start + self._parts[place].replies
            self._replies[place] = result[start:end]
            start = end
        self._due -= 1
        if self._due == 0:
            self.end([reply for row in self._replies for reply in row])

    def end(self, result: list[Reply] | Unavailable) -> None:
        """Tell who waits, once."""
        done, self._done = self._done, None
        if done is not None:
            tell(done, result)
