"""Swarms in Redis: announce, scrape, leave, by plain pipelined commands.

No script: each command is idempotent, and passing members through Lua would double the cost of
an announce. A lost write costs one peer one interval.
"""

import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from tracker.errors import TrackerError, Unavailable
from tracker.model import BROWSER, IPV4, IPV6, Counts, Family, InfoHash
from tracker.service.ports import Member, Plan, View
from tracker.store.keys import completed_key, swarm_key
from tracker.store.large import LargeSwarms
from tracker.store.link import Reply
from tracker.store.phrases import (
    COUNT_TAIL,
    CRLF,
    EXPIRE,
    ONE_MORE_TAIL,
    PURGE,
    ZADD,
    ZADD_NEW,
    ZINCRBY,
    ZREM,
    ZSCORE,
    Tails,
    size_head,
    ttl_tail,
)
from tracker.store.reading import (
    COUNTING,
    EMPTY,
    NOBODY,
    WHOLE_FOR_SEEDER,
    WHOLE_READING,
    Reading,
    Seen,
)
from tracker.store.topology import Part, Redis

PURGE_EVERY = 8  # announces; in between the dead are kept, but neither counted nor given
MOST_OTHERS = 10_000  # swarms whose other family is remembered
OTHER_AGE_S = 5

OTHER = (IPV6, IPV4)  # by Family; browsers have no other
SIZE_HEADS = tuple(map(size_head, range(32)))  # by the size of a member or peer_id

Result = View | TrackerError


class Ask(NamedTuple):
    """One family of a swarm that is to be read."""

    key: bytes
    reading: Reading


class RedisSwarms:
    """`tracker.service.ports.Swarms` over one Redis, for peers of one time to live.

    Each method raises Unavailable when Redis is away or too much is in flight.
    """

    def __init__(
        self, redis: Redis, *, ttl_s: int, completed_ttl_s: int, completed_memory_s: int
    ) -> None:
        self._redis = redis
        self._ttl_s, self._memory_s = ttl_s, completed_memory_s
        self._expire = ttl_tail(ttl_s)
        self._expire_completed = ttl_tail(completed_ttl_s)
        self._tails = Tails(0, ttl_s, completed_memory_s)
        self._large = LargeSwarms()
        # Ordered: to find the oldest of a plain dict, it scans what earlier removals left.
        self._others: OrderedDict[bytes, tuple[int, Seen]] = OrderedDict()  # good until then
        self._turn = 0

    def announce(self, plan: Plan, now_s: int, done: Callable[[Result], None]) -> None:
        """Apply one announce and look at its swarm.

        One round trip; two at first sight of a large swarm.
        """
        tails = self._tails_at(now_s)
        key = swarm_key(plan.family, plan.info_hash)
        parts, skip = self._writes(plan, key, tails)
        if key in self._others:
            del self._others[key]  # what this process changes, it sees at once
        own = self._reading(key, plan, now_s)
        parts += own.commands(key, tails)
        due = skip + own.replies
        other = self._other_reading(plan, now_s)
        if isinstance(other, Ask):
            parts += other.reading.commands(other.key, tails)
            due += other.reading.replies
        if plan.full:
            parts += ZSCORE, completed_key(plan.family, plan.info_hash), COUNT_TAIL
            due += 1
        self._redis.submit(
            key,
            b"".join(parts),
            due,
            partial(self._announced, plan, now_s, skip, Ask(key, own), other, done),
        )

    def scrape(
        self,
        info_hashes: Sequence[InfoHash],
        family: Family,
        now_s: int,
        done: Callable[[list[Counts] | TrackerError], None],
    ) -> None:
        """Count swarms in one round trip, in the order asked."""
        tails = self._tails_at(now_s)
        families = (family,) if family is BROWSER else (IPV4, IPV6)
        stride = len(families) * COUNTING.replies + 1
        parts: list[Part] = []
        for info_hash in info_hashes:
            counter = completed_key(family, info_hash)
            words: list[bytes] = []
            for each in families:
                words += COUNTING.commands(swarm_key(each, info_hash), tails)
            words += ZSCORE, counter, COUNT_TAIL
            parts.append(Part(counter, b"".join(words), stride))

        def counted(replies: list[Reply] | Unavailable) -> None:
            if isinstance(replies, Unavailable):
                done(replies)
            else:
                rows = range(0, len(replies), stride)
                done([_counts_of_row(replies[at : at + stride]) for at in rows])

        self._redis.submit_all(parts, counted)

    def leave(self, info_hash: InfoHash, family: Family, member: Member) -> None:
        """Remove a member that is gone, without an answer; a lost removal expires by itself."""
        key = swarm_key(family, info_hash)
        self._submit_unanswered(key, (ZREM, key, CRLF, SIZE_HEADS[len(member)], member, CRLF), 1)

    def _writes(self, plan: Plan, key: bytes, tails: Tails) -> tuple[list[bytes], int]:
        """What the announce changes, and how many replies that has."""
        member = plan.member
        head = SIZE_HEADS[len(member)]
        if plan.leaving:
            return [ZREM, key, CRLF, head, member, CRLF], 1
        score = tails.seeder if plan.seeding else tails.leecher
        parts, due = [ZADD, key, score, head, member, CRLF, EXPIRE, key, self._expire], 2
        if plan.completed:  # first, so that its reply is found
            counter = completed_key(plan.family, plan.info_hash)
            size = SIZE_HEADS[len(plan.peer_id)]
            parts[:0] = ZADD_NEW, counter, tails.remember, size, plan.peer_id, CRLF
            parts += EXPIRE, counter, self._expire_completed
            due += 2
        self._turn += 1
        if self._turn % PURGE_EVERY == 0:
            counter = completed_key(plan.family, plan.info_hash)
            parts += PURGE, key, tails.dead, PURGE, counter, tails.forgotten
            parts += EXPIRE, counter, self._expire_completed
            due += 3
        return parts, due

    def _reading(self, key: bytes, plan: Plan, now_s: int) -> Reading:
        if plan.want == 0:
            return COUNTING
        # One more than is wanted: the asker may be among them.
        large = self._large.reading(
            key, plan.want + 1, seeding=plan.seeding, now_s=now_s, at=random.random()
        )
        return large or (WHOLE_FOR_SEEDER if plan.seeding else WHOLE_READING)

    def _other_reading(self, plan: Plan, now_s: int) -> Ask | Seen:
        """How to see the other IP family: what was seen of it lately serves for its counts."""
        if plan.family is BROWSER:
            return EMPTY
        key = swarm_key(OTHER[plan.family], plan.info_hash)
        lately = self._others.get(key)
        if lately is not None and now_s < lately[0]:
            seen = lately[1]
            if not plan.full or plan.want == 0 or not (seen.seeders or seen.leechers):
                return seen
        return Ask(key, self._reading(key, plan, now_s) if plan.full else COUNTING)

    def _announced(
        self,
        plan: Plan,
        now_s: int,
        skip: int,
        own: Ask,
        other: Ask | Seen,
        done: Callable[[Result], None],
        replies: list[Reply] | Unavailable,
    ) -> None:
        if isinstance(replies, Unavailable):
            done(replies)
            return
        completed = _completed(replies[-1]) if plan.full else 0
        if plan.completed and not plan.leaving and replies[0] == 1:
            completed += plan.full
            self._count_completed(completed_key(plan.family, plan.info_hash))
        new = not plan.leaving and replies[plan.completed] == 1  # ZADD's
        self._others.pop(own.key, None)  # seen before the change, by a reply that came since
        end = skip + own.reading.replies
        seen = own.reading.seen(replies[skip:end])
        self._large.remember(own.key, seen)
        if isinstance(other, Ask):
            seen_other = other.reading.seen(replies[end : end + other.reading.replies])
            self._large.remember(other.key, seen_other)
            if seen_other.exact:
                self._remember_other(other.key, seen_other, now_s)
        else:
            seen_other = other
        if seen.exact and seen_other.exact:
            done(_view(seen, seen_other, completed, new))
        else:
            self._recount(plan, own.key, seen, seen_other, completed, new, done)

    def _recount(
        self,
        plan: Plan,
        key: bytes,
        own: Seen,
        other: Seen,
        completed: int,
        new: bool,
        done: Callable[[Result], None],
    ) -> None:
        """Ask for the true counts of a swarm that turned out to be larger than was read."""

        def recounted(replies: list[Counts] | TrackerError) -> None:
            if isinstance(replies, TrackerError):
                done(replies)
                return
            counts = replies[0]
            if other.exact:  # then the rest is the own family's
                size = counts.seeders - other.seeders, counts.leechers - other.leechers
                self._large.remember(key, own._replace(seeders=size[0], leechers=size[1]))
            counts = counts._replace(completed=completed)
            done(View(counts, own.candidates, other.candidates, new))

        try:
            self.scrape([plan.info_hash], plan.family, self._tails.now_s, recounted)
        except Unavailable as error:
            done(error)

    def _remember_other(self, key: bytes, seen: Seen, now_s: int) -> None:
        """A swarm's other family: its counts may be some seconds old."""
        others = self._others
        if len(others) >= MOST_OTHERS and key not in others:
            others.popitem(last=False)
        others[key] = now_s + OTHER_AGE_S, seen._replace(candidates=NOBODY)

    def _count_completed(self, counter: bytes) -> None:
        parts = ZINCRBY, counter, ONE_MORE_TAIL, EXPIRE, counter, self._expire_completed
        self._submit_unanswered(counter, parts, 2)

    def _submit_unanswered(self, key: bytes, parts: Sequence[bytes], due: int) -> None:
        """Soft state: what is lost here was counted by the pipeline, and mends itself."""
        with suppress(Unavailable):
            self._redis.submit(key, b"".join(parts), due, _ignore)

    def _tails_at(self, now_s: int) -> Tails:
        if self._tails.now_s != now_s:
            self._tails = Tails(now_s, self._ttl_s, self._memory_s)
        return self._tails


def _ignore(_: list[Reply] | Unavailable) -> None:
    """Nobody waits for these replies."""


def _completed(score: Reply) -> int:
    """From the score of a completed set's empty member: see `tracker.store.keys`."""
    return -int(score) if isinstance(score, bytes) else 0


def _counts_of_row(row: list[Reply]) -> Counts:
    """From ZCOUNTs, seeders and leechers by turns, and the completed count's score."""
    numbers: list[int] = row[:-1]  # type: ignore[assignment]
    return Counts(sum(numbers[0::2]), _completed(row[-1]), sum(numbers[1::2]))


def _view(own: Seen, other: Seen, completed: int, new: bool) -> View:
    counts = Counts(own.seeders + other.seeders, completed, own.leechers + other.leechers)
    return View(counts, own.candidates, other.candidates, new)
