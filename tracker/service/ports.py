"""What the service needs of the floors above it. They fit by shape; nothing is imported from them.

Callbacks, not coroutines: on the hot path a task and a future cost as much as all the rest. A call
that raises never calls its `done`; any other calls it exactly once, with an answer or with the
error that stands in its place.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from tracker.errors import TrackerError
from tracker.model import Answer, Counts, Family, FrontendId, InfoHash, Offer, PeerId

Clock: TypeAlias = Callable[[], int]  # Unix seconds
InVain: TypeAlias = Callable[[], None]
Member: TypeAlias = bytes  # what a swarm holds: an endpoint, or a browser's peer_id + frontend


class Plan(NamedTuple):
    """What the store must do for one announce; policy has already decided everything."""

    info_hash: InfoHash
    peer_id: PeerId  # counts a completed download once
    family: Family
    member: Member
    seeding: bool
    leaving: bool
    completed: bool
    want: int  # members to return; 0: counts only
    full: bool  # the reply has room for the other IP family's members and the completed count


class Candidates(NamedTuple):
    """Live members that a reply may name, the asker perhaps among them."""

    seeders: Sequence[Member]  # empty for a seeder, who has no use of them
    leechers: Sequence[Member]


class View(NamedTuple):
    """A swarm after the announce was applied to it."""

    counts: Counts  # completed: 0 unless the plan is full
    own: Candidates  # of the announcer's family
    other: Candidates  # of the other IP family, for a full plan
    new: bool  # the announcer was not in the swarm before


class Swarms(Protocol):
    """The shared state of all swarms."""

    def announce(self, plan: Plan, now_s: int, done: Callable[[View | TrackerError], None]) -> None:
        """Apply one announce and look at its swarm."""

    def scrape(
        self,
        info_hashes: Sequence[InfoHash],
        family: Family,
        now_s: int,
        done: Callable[[list[Counts] | TrackerError], None],
    ) -> None:
        """Count swarms, in the order asked: all IP peers, or the browsers."""

    def leave(self, info_hash: InfoHash, family: Family, member: Member) -> None:
        """Remove a member that is gone, without an answer; a lost removal expires by itself."""


class Frontends(Protocol):
    """The frontends of the cluster, as far as this one knows."""

    me: FrontendId

    @property
    def alive(self) -> Container[FrontendId]:
        """Those that can be reached now; browsers of others are not offered to."""

    def __iter__(self) -> Iterator[FrontendId]:
        """The others that can be reached now."""

    def lost(self, frontend: FrontendId) -> None:
        """A message to it reached nobody."""


class Relay(Protocol):
    """The way of offers and answers to browsers' sockets, wherever those are."""

    def offer(self, frontend: FrontendId, offer: Offer, in_vain: InVain) -> bool:
        """Send an offer on its way.

        False: it is known to be in vain, so try another browser. After True, `in_vain` may be
        called, once and later, for the same reason.
        """

    def answer(self, frontend: FrontendId, answer: Answer) -> bool:
        """Send an answer on its way; False: it is known to be in vain."""

    def joined(self, info_hash: InfoHash, peer_id: PeerId, at_us: int) -> None:
        """A browser joined a swarm here: its older socket, on any other frontend, lets go.

        `at_us`, Unix microseconds, tells all alike which of two is the newer one.
        """


class Sockets(Protocol):
    """The browsers' sockets of this process: where the relay delivers."""

    def offer(self, offer: Offer) -> bool:
        """Deliver an offer; False: that browser is not here."""

    def answer(self, answer: Answer) -> bool:
        """Deliver an answer; False: the offerer's socket is gone."""

    def moved(self, info_hash: InfoHash, peer_id: PeerId, at_us: int) -> bool:
        """A browser joined elsewhere; False: it was not here, or is newer here."""
