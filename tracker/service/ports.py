"""What the service needs of the floors above it. They fit by shape; nothing is imported from them.

Callbacks, not coroutines: on the hot path a task and a future cost as much as all the rest. A call
that raises never calls its `done`; any other calls it exactly once, with an answer or with the
error that stands in its place.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple, Protocol, TypeAlias

from tracker.errors import TrackerError
from tracker.model import Counts, Family, FrontendId, InfoHash, Offer, PeerId, Signal, Value
from tracker.policy.crowds import ENTER, Entry
from tracker.policy.dual_stack import Listed

Clock: TypeAlias = Callable[[], int]  # Unix seconds
InVain: TypeAlias = Callable[[], None]
Member: TypeAlias = bytes  # what a swarm holds: an endpoint, or a browser's peer_id + frontend


class Plan(Value, frozen=True):
    """What the store must do for one announce; policy has already decided everything."""

    info_hash: InfoHash
    peer_id: PeerId
    family: Family
    member: Member
    seeding: bool
    leaving: bool
    completed: bool  # count a completed download if the member was a leecher until now
    want: int  # members to return; 0: counts only
    full: bool  # the reply has room for the other IP family's members and the completed count
    entry: Entry = ENTER  # what the announce may do to the set of members
    other_endpoint: Listed | None = None  # the same client in the other IP family, if it is known


class Candidates(NamedTuple):
    """Live members that a reply may name, the asker perhaps among them."""

    seeders: Sequence[Member]  # empty for a seeder, who has no use of them
    leechers: Sequence[Member]


class View(Value, frozen=True):
    """A swarm after the announce was applied to it."""

    counts: Counts  # completed: 0 unless the plan is full
    own: Candidates  # of the announcer's family
    other: Candidates  # of the other IP family, for a full plan
    new: bool  # the announcer was not in the swarm before, and now is
    exact: bool = True  # False: the own family turned out to be larger than what was read of it


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

    def find(
        self,
        info_hash: InfoHash,
        members: Sequence[Member],
        now_s: int,
        done: Callable[[list[Member] | TrackerError], None],
    ) -> None:
        """Find out which of some browsers are in a swarm."""

    def damaged(self, info_hash: InfoHash, family: Family) -> TrackerError:
        """Report that a swarm has members of a wrong type or size; return the error."""


class Removals(Protocol):
    """Removals of browsers whose sockets closed, without an answer."""

    def add(self, info_hash: InfoHash, member: Member) -> None:
        """Remove a member soon."""

    def forget(self, info_hash: InfoHash, member: Member) -> None:
        """Do not remove a member: it has entered the swarm again."""


class Frontends(Protocol):
    """The frontends of the cluster, as far as this one knows."""

    me: FrontendId

    @property
    def dead(self) -> Container[FrontendId]:
        """Those that cannot be reached: their browsers get no offers."""

    def __iter__(self) -> Iterator[FrontendId]:
        """The others that are known to be alive."""

    def lost(self, frontend: FrontendId) -> None:
        """A message to it reached nobody."""

    def heard(self, frontend: FrontendId) -> None:
        """A message from it arrived."""


class Relay(Protocol):
    """The way of offers, answers and candidates to browsers' sockets, wherever those are."""

    def offer(self, frontend: FrontendId, offer: Offer, in_vain: InVain) -> bool:
        """Send an offer on its way.

        False: it is known to be in vain, so try another browser. After True, `in_vain` may be
        called, once and later, for the same reason.
        """

    def signal(self, frontend: FrontendId | None, signal: Signal) -> None:
        """Send an answer or candidate on its way to a browser.

        Args:
            frontend: where its socket was when it offered; None: not known. If the socket has gone,
                the browser is looked for on all frontends.
        """

    def joined(self, info_hash: InfoHash, peer_id: PeerId, opened_us: int, address: bytes) -> None:
        """Report a browser that entered a swarm here to all other frontends.

        An older socket of the same address there gives up its entry.

        Args:
            opened_us: when the browser's socket was opened, by the clock of Redis; Unix
                microseconds.
            address: the key of the account of its address.
        """


class Delivery(Enum):
    """The result of an offer."""

    DONE = auto()  # delivered
    GONE = auto()  # the browser is not here
    DROPPED = auto()  # the browser is here, and gets no more offers now


class Sockets(Protocol):
    """The browsers' sockets of this process: where the relay delivers."""

    def offer(self, offer: Offer) -> Delivery:
        """Deliver an offer."""

    def signal(self, signal: Signal) -> bool:
        """Deliver an answer or candidate; False: the browser may be on another frontend."""

    def moved(self, info_hash: InfoHash, peer_id: PeerId, opened_us: int, address: bytes) -> bool:
        """Give up the entry of a browser that entered elsewhere; False: no entry ends.

        Args:
            opened_us: when its socket there was opened, by the clock of Redis; Unix microseconds.
            address: the digest of its address, see `tracker.wire.relay.address_digest`.
        """
