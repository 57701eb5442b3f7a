"""Entries of browsers that left: removed from their swarms by a bounded queue.

When a frontend loses many sockets at once (its network failed, or a proxy restarted), it has more
entries to remove than it may have requests in flight. So the removals wait here, those of one
swarm share a command, and a reply makes room for the next one. While Redis is away they are
retried until the entries have expired.
"""

import asyncio
from functools import partial
from itertools import islice
from typing import TypeAlias

from tracker.errors import Unavailable
from tracker.metrics import Metrics
from tracker.model import BROWSER, InfoHash
from tracker.service.ports import Member
from tracker.settings import RedisSettings
from tracker.store.keys import swarm_key
from tracker.store.link import Reply
from tracker.store.resp import command
from tracker.store.topology import Redis

MAX_REQUESTS = 256  # in flight: they take little of the room that announces need
MAX_MEMBERS = 128  # of one request, so that it does not hold up Redis
MAX_WAITING = 1_000_000  # removals; about 250 bytes each
RETRY_S = 0.25

Batch: TypeAlias = dict[Member, float]  # the time of the loop at which the entry has expired


class Removals:
    """Fits `tracker.service.ports.Removals`.

    Args:
        ttl_s: seconds after which an entry expires by itself.
        metrics: get removals that were given up as ``store_errors`` of kind ``removal``.
    """

    def __init__(self, redis: Redis, settings: RedisSettings, ttl_s: int, metrics: Metrics) -> None:
        self._redis = redis
        self._ttl_s = ttl_s
        self._max_requests = max(1, min(MAX_REQUESTS, settings.max_in_flight // 4))
        self._errors = metrics.store_errors
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[InfoHash, Batch] = {}
        self._in_flight: dict[InfoHash, Batch] = {}  # at most one request for each swarm
        self._failed: dict[InfoHash, Batch] = {}  # wait for the next retry
        self._size = 0  # removals in all three
        self._sending: asyncio.Handle | None = None
        self._retrying: asyncio.TimerHandle | None = None
        metrics.gauge(
            "tracker_removals", "Entries of browsers that wait to be removed.", self.__len__
        )

    def __len__(self) -> int:
        """Return how many removals wait or are in flight."""
        return self._size

    def add(self, info_hash: InfoHash, member: Member) -> None:
        """Remove a browser from a swarm soon; beyond `MAX_WAITING` its entry expires by itself."""
        if self._size >= MAX_WAITING:
            self._errors["removal",] += 1
            return
        self._size += 1
        self._merge(self._waiting, info_hash, {member: self._loop.time() + self._ttl_s})
        self._send_soon()

    def forget(self, info_hash: InfoHash, member: Member) -> None:
        """Do not remove a browser: it has announced again.

        Call this after the announce was submitted. A removal that is in flight was submitted
        before it, so Redis executes it first; but it must not be retried.
        """
        if not self._size:
            return
        for batches in self._waiting, self._in_flight, self._failed:
            batch = batches.get(info_hash)
            if batch is not None and batch.pop(member, None) is not None:
                self._size -= 1
        for batches in self._waiting, self._failed:
            if batches.get(info_hash) == {}:
                del batches[info_hash]

    def close(self) -> None:
        """Send nothing more."""
        for handle in self._sending, self._retrying:
            if handle is not None:
                handle.cancel()
        self._waiting.clear()

    def _send_soon(self) -> None:
        if self._sending is None:
            self._sending = self._loop.call_soon(self._send)

    def _send(self) -> None:
        """Submit requests while there is room for them."""
        self._sending = None
        room = self._max_requests - len(self._in_flight)
        ready = (each for each in self._waiting if each not in self._in_flight)
        for info_hash in list(islice(ready, room)):
            batch = self._in_flight[info_hash] = self._take(info_hash)
            key = swarm_key(BROWSER, info_hash)
            zrem = command("ZREM", key, *batch)
            try:
                self._redis.submit(key, zrem, 1, partial(self._done, info_hash))
            except Unavailable:
                self._fail(info_hash)
                if not self._in_flight:
                    break  # probably none would be taken

    def _take(self, info_hash: InfoHash) -> Batch:
        """Take at most `MAX_MEMBERS` removals of one swarm out of the queue."""
        batch = self._waiting.pop(info_hash)
        if len(batch) <= MAX_MEMBERS:
            return batch
        taken = {member: batch.pop(member) for member in list(islice(batch, MAX_MEMBERS))}
        self._waiting[info_hash] = batch  # behind all others
        return taken

    def _done(self, info_hash: InfoHash, result: list[Reply] | Unavailable) -> None:
        if isinstance(result, Unavailable):
            self._fail(info_hash)
            return
        self._size -= len(self._in_flight.pop(info_hash))
        if self._waiting:
            self._send_soon()

    def _fail(self, info_hash: InfoHash) -> None:
        """Keep the removals of a request for the next retry, except those that have expired."""
        now = self._loop.time()
        batch = self._in_flight.pop(info_hash)
        alive = {member: until for member, until in batch.items() if until > now}
        self._errors["removal",] += len(batch) - len(alive)
        self._size -= len(batch) - len(alive)
        if alive:
            self._merge(self._failed, info_hash, alive)
        if self._retrying is None:
            self._retrying = self._loop.call_later(RETRY_S, self._retry)

    def _retry(self) -> None:
        self._retrying = None
        failed, self._failed = self._failed, {}
        for info_hash, batch in failed.items():
            self._merge(self._waiting, info_hash, batch)
        self._send()

    def _merge(self, batches: dict[InfoHash, Batch], info_hash: InfoHash, batch: Batch) -> None:
        """Add a batch; a removal that is among these already counts once."""
        present = batches.setdefault(info_hash, batch)
        if present is not batch:
            self._size -= len(present.keys() & batch.keys())
            present.update(batch)
