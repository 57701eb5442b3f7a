"""Announces and scrapes of browsers: who is in the swarm, and who is offered to whom."""

import random
from collections.abc import Callable, Sequence
from functools import partial

from tracker.errors import TrackerError
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
from tracker.policy.selection import choose
from tracker.service.ports import Clock, Frontends, Plan, Swarms, View
from tracker.settings import WsSettings

CUT = PEER_ID_SIZE  # where a member's peer_id ends and its frontend begins
SPARE = 5  # takers beyond the offers


class Browsers:
    """What the WebSocket frontend asks. Rules of `done` as in `tracker.service.peers`."""

    def __init__(
        self,
        settings: WsSettings,
        swarms: Swarms,
        frontends: Frontends,
        clock: Clock,
        access: AccessLists | None = None,
    ) -> None:
        """This frontend's id marks its browsers in the swarm.

        `access` says which torrents are served; None: all.
        """
        self._settings = settings
        self._swarms = swarms
        self._frontends = frontends
        self._frontend = frontends.me
        self._clock = clock
        self._access = access or AccessLists()

    def announce(
        self,
        request: BrowserAnnounce,
        done: Callable[[BrowserAnnounced | TrackerError], None],
    ) -> None:
        """Take in one browser's announce, and say who may get its offers.

        Raises:
            Denied: the torrent is not served.
            Unavailable: see `tracker.service.ports`.
        """
        self._access.check(request.info_hash)
        leaving = request.event is Event.STOPPED
        offers = min(request.offers, self._settings.max_offers)
        plan = Plan(
            request.info_hash,
            request.peer_id,
            Family.BROWSER,
            request.peer_id + self._frontend,
            request.seeding,
            leaving,
            request.event is Event.COMPLETED,
            0 if leaving or not offers else offers + SPARE,
            False,
        )
        self._swarms.announce(plan, self._clock(), partial(self._answer, plan, done))

    def scrape(
        self,
        info_hashes: Sequence[InfoHash],
        done: Callable[[list[Counts] | TrackerError], None],
    ) -> None:
        """Count swarms of browsers, in the order asked.

        Raises:
            Unavailable: see `tracker.service.ports`.
        """
        self._swarms.scrape(info_hashes, Family.BROWSER, self._clock(), done)

    def leave(self, info_hash: InfoHash, peer_id: PeerId) -> None:
        """A browser of this frontend is gone."""
        self._swarms.leave(info_hash, Family.BROWSER, peer_id + self._frontend)

    def _answer(
        self,
        plan: Plan,
        done: Callable[[BrowserAnnounced | TrackerError], None],
        view: View | TrackerError,
    ) -> None:
        if isinstance(view, TrackerError):
            done(view)
            return
        takers = self._takers(plan, view) if plan.want else []
        done(BrowserAnnounced(self._settings.interval, view.counts, takers))

    def _takers(self, plan: Plan, view: View) -> list[tuple[PeerId, FrontendId]]:
        """Distinct browsers on frontends that can be reached, never the announcer itself.

        Some more than were asked for, since one may just have left.
        """
        me, reachable = plan.peer_id, self._frontends.alive
        seeders, leechers = (
            [member for member in role if member[CUT:] in reachable and member[:CUT] != me]
            for role in view.own
        )
        members = choose(
            seeders, leechers, me=b"", seeding=plan.seeding, want=plan.want, at=random.random()
        )
        takers = {member[:CUT]: member[CUT:] for member in members}
        return list(takers.items())
