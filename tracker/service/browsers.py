"""Announces and scrapes of browsers: who is in the swarm, and who is offered to whom."""

import random
from collections.abc import Callable, Sequence
from functools import partial

from tracker.errors import TrackerError
from tracker.metrics import Metrics
from tracker.model import (
    PEER_ID_SIZE,
    BrowserAnnounce,
    BrowserAnnounced,
    Counts,
    Event,
    Family,
    FrontendId,
    InfoHash,
    PeerId,
)
from tracker.policy.access import AccessLists
from tracker.policy.accounts import Account
from tracker.policy.budgets import Budgets
from tracker.policy.crowds import ENTER, IGNORE, Entry
from tracker.policy.selection import choose
from tracker.service.entries import Entries
from tracker.service.ports import Clock, Frontends, Plan, Removals, Swarms, View
from tracker.service.scraping import Scraping
from tracker.settings import WsSettings

CUT = PEER_ID_SIZE  # where a member's peer_id ends and its frontend begins
# Of an entry, which lives a ninth of the time of other peers'. Not less: an address could fill
# Redis with other peers for most of their time to live, and with browsers in the rest.
COST = 1 / 2
SPARE = 5  # takers beyond the offers


class Browsers:
    """What the WebSocket frontend asks. Rules of `done` as in `tracker.service.peers`."""

    def __init__(
        self,
        settings: WsSettings,
        swarms: Swarms,
        removals: Removals,
        frontends: Frontends,
        clock: Clock,
        access: AccessLists | None = None,
        *,
        budgets: Budgets,
        metrics: Metrics,
    ) -> None:
        """This frontend's id marks its browsers in the swarm.

        `access` says which torrents are served; None: all.
        """
        self._settings = settings
        self._swarms = swarms
        self._removals = removals
        self._frontends = frontends
        self._frontend = frontends.me
        self._clock = clock
        self._access = access or AccessLists()
        self._entries = Entries(budgets.accounts, budgets.browsers, metrics, cost=COST)
        self._scraping = Scraping(swarms, self._access, budgets.scrapes, metrics)

    def announce(
        self,
        request: BrowserAnnounce,
        account: Account,
        done: Callable[[BrowserAnnounced | TrackerError], None],
    ) -> Entry:
        """Process one browser's announce, and choose the browsers that get its offers.

        Args:
            account: of the browser's address.

        Returns:
            ENTER, or IGNORE: the browser is served and does not enter the swarm, for another
            browser has the entry, or the address is over a budget.

        Raises:
            Denied: the torrent is not served.
            Unavailable: see `tracker.service.ports`.
        """
        self._access.check(request.info_hash)
        entry = self._entry(request, account)
        stopped = request.event is Event.STOPPED
        offers = min(request.offers, self._settings.max_offers)
        completed = (
            request.event is Event.COMPLETED
            and request.seeding
            and entry is not IGNORE
            and self._entries.completes(request.info_hash, request.peer_id)
        )
        plan = Plan(
            request.info_hash,
            request.peer_id,
            Family.BROWSER,
            request.peer_id + self._frontend,
            request.seeding,
            stopped and request.enters,
            completed,
            0 if stopped or not offers else offers + SPARE,
            False,
            entry,
        )
        self._swarms.announce(plan, self._clock(), partial(self._answer, plan, done))
        if plan.entry is not IGNORE and not plan.leaving:
            self._removals.forget(plan.info_hash, plan.member)
        return entry

    def _entry(self, request: BrowserAnnounce, account: Account) -> Entry:
        """Decide whether a browser may be in the swarm."""
        if not request.enters:
            return IGNORE
        if request.event is Event.STOPPED:
            return ENTER
        entry = self._entries.entry(account, request.info_hash, request.peer_id)
        return ENTER if entry is ENTER else IGNORE

    def scrape(
        self,
        info_hashes: Sequence[InfoHash],
        done: Callable[[list[Counts] | TrackerError], None],
    ) -> None:
        """Count swarms of browsers, in the order asked.

        Raises:
            Unavailable: see `tracker.service.ports`.
        """
        self._scraping.scrape(info_hashes, Family.BROWSER, self._clock(), done)

    def leave(self, info_hash: InfoHash, peer_id: PeerId) -> None:
        """Remove a browser of this frontend from a swarm soon."""
        self._removals.add(info_hash, peer_id + self._frontend)

    def find(
        self,
        info_hash: InfoHash,
        peer_id: PeerId,
        done: Callable[[list[FrontendId] | TrackerError], None],
    ) -> None:
        """Find the frontends on which a browser is in a swarm.

        Raises:
            Unavailable: see `tracker.service.ports`.
        """

        def found(members: list[bytes] | TrackerError) -> None:
            if isinstance(members, TrackerError):
                done(members)
            else:
                done([member[CUT:] for member in members])

        members = [peer_id + frontend for frontend in (self._frontend, *self._frontends)]
        self._swarms.find(info_hash, members, self._clock(), found)

    def _answer(
        self,
        plan: Plan,
        done: Callable[[BrowserAnnounced | TrackerError], None],
        view: View | TrackerError,
    ) -> None:
        if isinstance(view, TrackerError):
            done(view)
            return
        try:
            takers = self._takers(plan, view) if plan.want else []
        except TypeError:  # Redis replied something else than members
            self._swarms.damaged(plan.info_hash, Family.BROWSER)
            takers = []
        done(BrowserAnnounced(self._settings.interval, view.counts, takers))

    def _takers(self, plan: Plan, view: View) -> list[tuple[PeerId, FrontendId]]:
        """Return distinct browsers, never the announcer itself and none on a dead frontend.

        A frontend that is not known yet has just started, and is tried. There are some more
        browsers than offers, since one may just have left.

        Entries of one peer_id on two frontends are two browsers. Often they are, for a moment, two
        sockets of one browser. But they may also belong to different clients, and neither must
        keep the other from getting offers.
        """
        me, dead = plan.peer_id, self._frontends.dead
        seeders, leechers = (
            [member for member in role if member[CUT:] not in dead and member[:CUT] != me]
            for role in view.own
        )
        members = choose(
            seeders,
            leechers,
            me=b"",
            seeding=plan.seeding,
            want=plan.want,
            at=random.random(),
            browsers=True,
        )
        return [(member[:CUT], member[CUT:]) for member in members]
