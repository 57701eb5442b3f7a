"""Announces and scrapes of IP peers, over HTTP and UDP: admit → plan → store → reply."""

import random
from collections.abc import Callable, Sequence
from functools import partial

from tracker.errors import Denied, TrackerError
from tracker.model import (
    COMPLETED,
    IPV4,
    IPV4_SIZE,
    IPV6,
    STOPPED,
    Announce,
    Announced,
    Counts,
    InfoHash,
)
from tracker.policy.access import AccessLists
from tracker.policy.addresses import check_dialable
from tracker.policy.intervals import early, spread
from tracker.policy.limits import PerAddress
from tracker.policy.selection import choose, clamp_numwant
from tracker.service.ports import Clock, Plan, Swarms, View
from tracker.settings import AnnounceSettings


class Peers:
    """What HTTP and UDP frontends ask.

    Each `done` is called once, with an answer or an error; what a method raises comes instead.
    """

    def __init__(
        self,
        settings: AnnounceSettings,
        swarms: Swarms,
        clock: Clock,
        access: AccessLists | None = None,
    ) -> None:
        """`access` says which torrents are served; None: all."""
        self._settings = settings
        self._swarms = swarms
        self._clock = clock
        self._access = access or AccessLists()
        self._limit = PerAddress(settings.per_address)
        self._early_until_s = 0

    def swarms_lost(self, at_s: int) -> None:
        """All swarms were lost at that Unix second: for an interval, peers are needed early.

        Each that then enters a swarm is asked to come back within a tenth of the interval, once,
        when more of the others will be there.
        """
        self._early_until_s = at_s + self._settings.interval

    def announce(self, request: Announce, done: Callable[[Announced | TrackerError], None]) -> None:
        """Take in one peer's announce.

        Raises:
            Denied: an address or port that can't be dialled, a torrent that is not served, or too
                many announces.
            Unavailable: see `tracker.service.ports`.
        """
        now_s = self._clock()
        self._admit(request, now_s)
        plan = self._plan(request)
        self._swarms.announce(plan, now_s, partial(self._answer, plan, done))

    def scrape(
        self,
        info_hashes: Sequence[InfoHash],
        done: Callable[[list[Counts] | TrackerError], None],
    ) -> None:
        """Count swarms, in the order asked.

        Raises:
            Unavailable: see `tracker.service.ports`.
        """
        self._swarms.scrape(info_hashes, IPV4, self._clock(), done)

    def _admit(self, request: Announce, now_s: int) -> None:
        check_dialable(request.endpoint)
        self._access.check(request.info_hash)
        if not self._limit.allows(request.endpoint[:-2], now_s):
            raise Denied("too many announces from this address")

    def _plan(self, request: Announce) -> Plan:
        info_hash, peer_id, endpoint, event, seeding, numwant, full = request
        settings = self._settings
        leaving = event is STOPPED
        return Plan(
            info_hash,
            peer_id,
            IPV4 if len(endpoint) == IPV4_SIZE else IPV6,
            endpoint,
            seeding,
            leaving,
            event is COMPLETED,
            0 if leaving else clamp_numwant(numwant, settings.numwant, settings.max_numwant),
            full,
        )

    def _answer(
        self,
        plan: Plan,
        done: Callable[[Announced | TrackerError], None],
        view: View | TrackerError,
    ) -> None:
        if isinstance(view, TrackerError):
            done(view)
            return
        settings = self._settings
        own, other = self._chosen(plan, view)
        ipv4, ipv6 = (own, other) if plan.family is IPV4 else (other, own)
        min_interval = settings.min_interval
        if view.new and self._clock() < self._early_until_s:
            interval = early(settings.interval, random.random())
            min_interval = min(min_interval, interval)
        else:
            interval = spread(settings.interval, settings.interval_jitter, random.random())
        done(Announced(interval, min_interval, view.counts, ipv4, ipv6))

    def _chosen(self, plan: Plan, view: View) -> tuple[bytes, bytes]:
        """Endpoints of the asker's own family, and the rest from the other, joined."""
        if plan.want == 0:
            return b"", b""
        at = random.random()
        me, seeding, want = plan.member, plan.seeding, plan.want
        own = choose(*view.own, me=me, seeding=seeding, want=want, at=at)
        if not plan.full or len(own) == want:
            return b"".join(own), b""
        left = want - len(own)
        other = choose(*view.other, me=me, seeding=seeding, want=left, at=at)
        return b"".join(own), b"".join(other)
