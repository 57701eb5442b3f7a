"""Swarms in Redis: announce, scrape, leave, by plain pipelined commands.

No script: each command is idempotent, and passing members through Lua would double the cost of
an announce. A lost write costs one peer one interval.
"""

import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import cast

from msgspec.structs import replace

from tracker.errors import Full, TrackerError, Unavailable
from tracker.model import BROWSER, IPV4, IPV6, Counts, Family, InfoHash, Value
from tracker.policy.crowds import ENTER, IGNORE, JOIN
from tracker.service.ports import Member, Plan, View
from tracker.store.headroom import Headroom
from tracker.store.keys import swarm_key
from tracker.store.large import LargeSwarms
from tracker.store.link import Reply
from tracker.store.phrases import (
    COUNT_TAIL,
    CRLF,
    EXPIRE,
    ONE_MORE_TAIL,
    PURGE,
    ZADD,
    ZADD_EXISTING,
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
from tracker.store.resp import command
from tracker.store.topology import Part, Redis

PURGE_EVERY = 8  # announces; in between the dead are kept, but neither counted nor given
MOST_OTHERS = 10_000  # swarms whose other family is remembered
OTHER_AGE_S = 5

OTHER = (IPV6, IPV4)  # by Family; browsers have no other
COUNTED = ((IPV4, IPV6), (IPV4, IPV6), (BROWSER,))  # by Family: those that are counted together
SIZE_HEADS = tuple(map(size_head, range(32)))  # by the size of a member or peer_id

WRONG_SHAPE = "reply of a wrong shape"
WRONG = IndexError, TypeError, ValueError, OverflowError  # what such a reply causes
MOST_COUNT = 2**31 - 1  # that a UDP reply can hold

Result = View | TrackerError


class Ask(Value, frozen=True):
    """One family of a swarm that is to be read."""

    key: bytes
    reading: Reading


class RedisSwarms:
    """`tracker.service.ports.Swarms` over one Redis, for peers of one time to live.

    Each method raises Unavailable when Redis is away or too much is in flight.
    """

    def __init__(self, redis: Redis, headroom: Headroom, *, ttl_s: int) -> None:
        self._redis = redis
        self._headroom = headroom
        self._ttl_s = ttl_s
        self._expire = ttl_tail(ttl_s)
        self._tails = Tails(0, ttl_s)
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
        if self._headroom.scarce:
            plan = self._headroom.within(plan, key)
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
        if plan.full:  # an IP family without live peers adds nothing to the completed count
            parts += ZSCORE, key, COUNT_TAIL
            due += 1
            if isinstance(other, Ask):
                parts += ZSCORE, other.key, COUNT_TAIL
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
        families = COUNTED[family]
        stride = len(families) * (COUNTING.replies + 1)
        parts: list[Part] = []
        for info_hash in info_hashes:
            words: list[bytes] = []
            for each in families:
                key = swarm_key(each, info_hash)
                words += COUNTING.commands(key, tails)
                words += ZSCORE, key, COUNT_TAIL
            parts.append(Part(key, b"".join(words), stride))

        def counted(replies: list[Reply] | Unavailable) -> None:
            if isinstance(replies, Unavailable):
                done(replies)
                return
            rows = [replies[at : at + stride] for at in range(0, len(replies), stride)]
            try:
                found = list(map(partial(self._counts_of_row, family), info_hashes, rows))
            except WRONG as error:
                done(self._redis.damage.found(parts[0].key, f"{WRONG_SHAPE}: {error}"))
            else:
                done(found)

        self._redis.submit_all(parts, counted)

    def leave(self, info_hash: InfoHash, family: Family, member: Member) -> None:
        """Remove a member that is gone, without an answer; a lost removal expires by itself."""
        key = swarm_key(family, info_hash)
        self._submit_unanswered(key, (ZREM, key, CRLF, SIZE_HEADS[len(member)], member, CRLF), 1)

    def find(
        self,
        info_hash: InfoHash,
        members: Sequence[Member],
        now_s: int,
        done: Callable[[list[Member] | TrackerError], None],
    ) -> None:
        """Find out which of some browsers are in a swarm."""
        key = swarm_key(BROWSER, info_hash)

        def found(replies: list[Reply] | Unavailable) -> None:
            if isinstance(replies, Unavailable):
                done(replies)
                return
            try:
                pairs = zip(members, cast(list[bytes | None], replies), strict=True)
                live = [
                    member
                    for member, score in pairs
                    if score is not None and abs(float(score)) > now_s
                ]
            except WRONG as error:
                done(self._redis.damage.found(key, f"{WRONG_SHAPE}: {error}"))
            else:
                done(live)

        scores = [command("ZSCORE", key, member) for member in members]
        self._redis.submit(key, b"".join(scores), len(scores), found)

    def _writes(self, plan: Plan, key: bytes, tails: Tails) -> tuple[list[bytes], int]:
        """What the announce changes, and how many replies that has."""
        member = plan.member
        head = SIZE_HEADS[len(member)]
        if plan.leaving:
            return [ZREM, key, CRLF, head, member, CRLF], 1
        entry = plan.entry
        if entry is ENTER:
            score = tails.seeder if plan.seeding else tails.leecher
            parts, due = [ZADD, key, score, head, member, CRLF, EXPIRE, key, self._expire], 2
        elif entry is not IGNORE:
            score = tails.existing_seeder if plan.seeding else tails.existing_leecher
            parts = [ZADD_EXISTING, key, score, head, member, CRLF, EXPIRE, key, self._expire]
            due = 2
        else:
            return [], 0
        if plan.completed:  # first: the role before this announce decides whether it counts
            parts[:0] = ZSCORE, key, CRLF, head, member, CRLF
            due += 1
        self._turn += 1
        if self._turn % PURGE_EVERY == 0:
            parts += PURGE, key, tails.dead_seeders, PURGE, key, tails.dead_leechers
            due += 2
        return parts, due

    def _reading(self, key: bytes, plan: Plan, now_s: int) -> Reading:
        if plan.want == 0:
            return COUNTING
        # One more than is wanted: the asker may be among them.
        browsers = plan.family is BROWSER
        large = self._large.reading(
            key,
            plan.want + 1,
            seeding=plan.seeding,
            browsers=browsers,
            now_s=now_s,
            at=random.random(),
        )
        return large or (WHOLE_FOR_SEEDER if plan.seeding and not browsers else WHOLE_READING)

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
            if isinstance(replies, Full) and not plan.leaving and plan.entry is not IGNORE:
                self._only_look(plan, own.key, now_s, done)
            else:
                done(replies)
            return
        try:
            completed = 0
            if plan.completed:
                completed = self._count_completed(plan, own.key, replies[0], now_s)
            new = skip > 1 and replies[plan.completed] == 1  # ZADD's
            self._others.pop(own.key, None)  # seen before the change, by a reply that came since
            end = skip + own.reading.replies
            seen = own.reading.seen(replies[skip:end])
            if plan.entry is JOIN:
                new = self._join(plan, own.key, seen, now_s)
            if isinstance(other, Ask):
                start, end = end, end + other.reading.replies
                seen_other = other.reading.seen(replies[start:end])
            else:
                seen_other = other
            if plan.full:
                completed += self._completed_of(own.key, replies[end:])
            counts = _checked(
                seen.seeders + seen_other.seeders, completed, seen.leechers + seen_other.leechers
            )
        except WRONG as error:
            done(self._redis.damage.found(own.key, f"{WRONG_SHAPE}: {error}"))
            return
        self._large.remember(own.key, seen)
        if isinstance(other, Ask):
            self._remember_other(other.key, seen_other, now_s)
        view = View(counts, seen.candidates, seen_other.candidates, new, seen.exact)
        if seen.exact and seen_other.exact:
            done(view)
        else:
            self._recount(plan, own.key, seen, seen_other, view, done)

    def _recount(
        self,
        plan: Plan,
        key: bytes,
        own: Seen,
        other: Seen,
        view: View,
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
                self._large.remember(key, replace(own, seeders=size[0], leechers=size[1]))
            done(replace(view, counts=counts._replace(completed=view.counts.completed)))

        try:
            self.scrape([plan.info_hash], plan.family, self._tails.now_s, recounted)
        except Unavailable as error:
            done(error)

    def _remember_other(self, key: bytes, seen: Seen, now_s: int) -> None:
        """A swarm's other family: its counts may be some seconds old."""
        self._large.remember(key, seen)
        if not seen.exact:
            return
        others = self._others
        if len(others) >= MOST_OTHERS and key not in others:
            others.popitem(last=False)
        others[key] = now_s + OTHER_AGE_S, replace(seen, candidates=NOBODY)

    def _count_completed(self, plan: Plan, key: bytes, score: Reply, now_s: int) -> int:
        """Count a download if `score`, from before the announce, is a live leecher's; return it."""
        if plan.leaving or plan.entry is IGNORE:
            return 0
        if not isinstance(score, bytes) or int(score) <= now_s:
            return 0
        self._submit_unanswered(key, (ZINCRBY, key, ONE_MORE_TAIL, EXPIRE, key, self._expire), 2)
        return int(plan.full)

    def _join(self, plan: Plan, key: bytes, seen: Seen, now_s: int) -> bool:
        """Enter a member into a swarm that has others; return whether it may be new."""
        if not seen.seeders and not seen.leechers:
            return False
        tails = self._tails_at(now_s)
        score = tails.seeder if plan.seeding else tails.leecher
        member = SIZE_HEADS[len(plan.member)], plan.member, CRLF
        self._submit_unanswered(key, (ZADD, key, score, *member, EXPIRE, key, self._expire), 2)
        return True

    def _only_look(
        self, plan: Plan, key: bytes, now_s: int, done: Callable[[Result], None]
    ) -> None:
        """Answer an announce that Redis had no memory for, without entering the peer."""
        try:
            self._headroom.refused(key)
            self.announce(replace(plan, entry=IGNORE), now_s, done)
        except Unavailable as error:
            done(error)

    def _submit_unanswered(self, key: bytes, parts: Sequence[bytes], due: int) -> None:
        """Soft state: what is lost here was counted by the pipeline, and mends itself."""
        with suppress(Unavailable):
            self._redis.submit(key, b"".join(parts), due, _ignore)

    def damaged(self, info_hash: InfoHash, family: Family) -> TrackerError:
        """Report that a swarm has members of a wrong type or size; return the error."""
        problem = "members of a wrong type or size"
        return self._redis.damage.found(swarm_key(family, info_hash), problem)

    def _counts_of_row(self, family: Family, info_hash: InfoHash, row: list[Reply]) -> Counts:
        """Sum up a swarm: of each family the ZCOUNTs of both roles and the completed score."""
        numbers: list[int] = row  # type: ignore[assignment]
        keys = [swarm_key(each, info_hash) for each in COUNTED[family]]
        completed = sum(map(self._completed, keys, row[2::3]))
        return _checked(sum(numbers[0::3]), completed, sum(numbers[1::3]))

    def _completed_of(self, key: bytes, scores: Sequence[Reply]) -> int:
        """Add up the completed counts of a swarm's families; most have none."""
        return sum([self._completed(key, score) for score in scores if score is not None])

    def _completed(self, key: bytes, score: Reply) -> int:
        """Return the completed count from a score: see `tracker.store.keys`."""
        if score is None:
            return 0
        try:
            return min(max(0, int(score)), MOST_COUNT)  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            self._redis.damage.found(key, error)
            return 0

    def _tails_at(self, now_s: int) -> Tails:
        if self._tails.now_s != now_s:
            self._tails = Tails(now_s, self._ttl_s)
        return self._tails


def _ignore(_: list[Reply] | Unavailable) -> None:
    """Nobody waits for these replies."""


def _checked(seeders: int, completed: int, leechers: int) -> Counts:
    """Refuse anything but numbers that a reply can hold: one comparison for both."""
    if not 0 <= seeders | leechers <= MOST_COUNT:
        raise ValueError(f"{seeders} seeders, {leechers} leechers")
    return Counts(seeders, completed, leechers)
