"""Announces and scrapes of IP peers, over HTTP and UDP: admit → plan → store → reply."""

import random
import time
from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from tracker.errors import TrackerError
from tracker.metrics import Metrics
from tracker.model import (
    COMPLETED,
    IPV4,
    IPV4_SIZE,
    IPV6,
    IPV6_SIZE,
    STOPPED,
    Announce,
    Announced,
    Counts,
    Family,
    InfoHash,
)
from tracker.policy.access import AccessLists
from tracker.policy.accounts import Account
from tracker.policy.addresses import check_address, listens
from tracker.policy.budgets import Budgets
from tracker.policy.crowds import ENTER, IGNORE
from tracker.policy.dual_stack import DualStack, counted_once
from tracker.policy.intervals import early, spread
from tracker.policy.selection import LARGEST_PART, alike, choose, clamp_numwant
from tracker.policy.visibility import Visibility
from tracker.service.entries import Entries
from tracker.service.ports import Candidates, Clock, Member, Plan, Swarms, View
from tracker.service.scraping import Scraping
from tracker.settings import AnnounceSettings

FURTHER = 300  # members read of a swarm where one address has most that were read: it has fewer
OTHER = (IPV6, IPV4)  # by Family


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
        *,
        budgets: Budgets,
        metrics: Metrics | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`access` says which torrents are served; None: all. `metrics` count refused entries."""
        self._settings = settings
        self._swarms = swarms
        self._clock = clock
        self._access = access or AccessLists()
        # By Family: the bytes of a member that stand for one client.
        self._cuts = 4, budgets.accounts.prefix_bytes
        metrics = metrics or Metrics()
        self._entries = Entries(budgets.accounts, budgets.crowds, metrics, monotonic)
        self._scraping = Scraping(swarms, self._access, budgets.scrapes, metrics)
        self._dual_stack = DualStack(settings.peer_ttl)
        self._visibility = Visibility([ip.packed for ip in settings.external_ip])
        self._early_until_s = 0

    def swarms_lost(self, at_s: int) -> None:
        """All swarms were lost at that Unix second: for an interval, peers are needed early.

        Each that then enters a swarm is asked to come back within a tenth of the interval, once,
        when more of the others will be there.
        """
        self._early_until_s = at_s + self._settings.interval
        self._dual_stack.clear()

    def announce(
        self,
        request: Announce,
        account: Account,
        done: Callable[[Announced | TrackerError], None],
    ) -> None:
        """Process one peer's announce, on the account of the address that it came from.

        Raises:
            Denied: an address that no peer can have, or a torrent that is not served.
            Unavailable: see `tracker.service.ports`.
        """
        now_s = self._clock()
        self._admit(request)
        plan = self._plan(request, account, now_s)
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
        self._scraping.scrape(info_hashes, IPV4, self._clock(), done)

    def _admit(self, request: Announce) -> None:
        check_address(request.endpoint)
        self._access.check(request.info_hash)

    def _plan(self, request: Announce, account: Account, now_s: int) -> Plan:
        info_hash, endpoint, event = request.info_hash, request.endpoint, request.event
        settings = self._settings
        leaving = event is STOPPED
        if leaving:
            entry = ENTER
        elif listens(endpoint):
            entry = self._entries.entry(account, info_hash, endpoint)
        else:
            entry = IGNORE
        other = None
        if request.key and entry is ENTER:
            other = self._dual_stack.note(request, now_s)
        completed = event is COMPLETED and request.seeding and entry is not IGNORE
        if other is not None and other.seeding:
            completed = False  # that endpoint has completed before
        return Plan(
            info_hash,
            request.peer_id,
            IPV4 if len(endpoint) == IPV4_SIZE else IPV6,
            endpoint,
            request.seeding,
            leaving,
            completed and self._entries.completes(info_hash, endpoint),
            0
            if leaving
            else clamp_numwant(request.numwant, settings.numwant, settings.max_numwant),
            request.full,
            entry,
            other,
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
        cut = self._cuts[plan.family]
        own: list[bytes] = []
        try:
            if plan.want:
                own = choose(
                    *view.own,
                    me=plan.member,
                    seeding=plan.seeding,
                    want=plan.want,
                    at=random.random(),
                    cut=cut,
                )
            # The first comparison decides almost always: one fewer, since the asker may be read.
            further = len(own) + 1 >= plan.want > 1 and alike(own, cut) and _more(plan, view)
            reply = None if further else self._reply(plan, view, own)
        except TypeError:  # a member that is not bytes
            done(self._swarms.damaged(plan.info_hash, plan.family))
            return
        if reply is None:
            self._look_further(plan, view, own, done)
        else:
            done(reply)

    def _look_further(
        self,
        plan: Plan,
        view: View,
        own: list[bytes],
        done: Callable[[Announced | TrackerError], None],
    ) -> None:
        """Read more of a large swarm: most of what was read of it is of one address.

        If that fails, the answer is `own`, which was chosen of what was read.
        """

        def found(further: View | TrackerError) -> None:
            members = own
            try:
                if not isinstance(further, TrackerError):
                    members = self._chosen(plan, further.own, plan.family, plan.want)
                reply = self._reply(plan, view, members)
            except TypeError:
                done(self._swarms.damaged(plan.info_hash, plan.family))
            else:
                done(reply)

        wider = replace(plan, entry=IGNORE, completed=False, full=False, want=FURTHER)
        try:
            self._swarms.announce(wider, self._clock(), found)
        except TrackerError as error:
            found(error)

    def _reply(self, plan: Plan, view: View, own: list[bytes]) -> Announced:
        """Answer with those `own` of the announcer's family, and with others if there is room."""
        settings = self._settings
        other: list[bytes] = []
        if plan.full and (room := self._room(plan, own)):
            other = self._chosen(plan, view.other, OTHER[plan.family], room)
            own = own[: plan.want - len(other)]
        counts = view.counts
        if plan.other_endpoint is not None:
            counts = counted_once(counts, plan.other_endpoint)
        ipv4, ipv6 = (own, other) if plan.family is IPV4 else (other, own)
        min_interval = settings.min_interval
        if view.new and self._clock() < self._early_until_s:
            interval = early(settings.interval, random.random())
            min_interval = min(min_interval, interval)
        else:
            interval = spread(settings.interval, settings.interval_jitter, random.random())
        peers = self._joined(plan, IPV4, ipv4) if ipv4 else b""
        peers6 = self._joined(plan, IPV6, ipv6) if ipv6 else b""
        return Announced(interval, min_interval, counts, peers, peers6)

    def _room(self, plan: Plan, own: list[bytes]) -> int:
        """Return how many members of the other family an answer may name.

        Those of the own family go first, unless they are of one address.
        """
        want = plan.want
        if want > 1 and len(own) == want and alike(own, self._cuts[plan.family]):
            return want - max(1, want // LARGEST_PART)
        return want - len(own)

    def _chosen(self, plan: Plan, candidates: Candidates, family: Family, want: int) -> list[bytes]:
        me = plan.member
        if family is not plan.family and plan.other_endpoint is not None:
            me = plan.other_endpoint.endpoint
        return choose(
            *candidates,
            me=me,
            seeding=plan.seeding,
            want=want,
            at=random.random(),
            cut=self._cuts[family],
        )

    def _joined(self, plan: Plan, family: Family, members: list[Member]) -> bytes:
        """Join the endpoints that the announcer is shown to a reply's field.

        Members of a wrong size are left out. If their sizes make up for each other, this is not
        noticed, but leaves the field whole.
        """
        size = IPV4_SIZE if family is IPV4 else IPV6_SIZE
        joined = b"".join(members)
        if len(joined) != size * len(members):
            self._swarms.damaged(plan.info_hash, family)
            joined = b"".join([each for each in members if len(each) == size])
        return self._visibility.shown(plan.member, family, joined)


def _more(plan: Plan, view: View) -> bool:
    """Return whether a swarm has members that fit the plan and were not read."""
    if not view.exact:
        return True
    read = len(view.own.seeders) + len(view.own.leechers)
    counts = view.counts
    return plan.want <= read < counts.leechers + (0 if plan.seeding else counts.seeders)
