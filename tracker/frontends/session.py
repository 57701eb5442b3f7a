"""A browser's socket, as relaying sees it."""

from abc import ABC, abstractmethod

from msgspec import Struct

from tracker.model import AddressDigest, FrontendId, InfoHash, PeerId
from tracker.policy.accounts import NEVER, Account
from tracker.policy.offers import Shares


class Answerable(Struct, gc=False):
    """Where the replies to an offer that a browser received go, and how many may follow."""

    frontend: FrontendId  # the offerer's
    session: int  # number of its socket there
    address: AddressDigest  # of the offerer
    cell: int  # of the source of the offer, see `tracker.policy.offers`
    until: float  # monotonic seconds
    left: int  # answers and candidates, in both directions


class Session(ABC):
    """One browser's socket, as relaying sees it. Made by the socket's protocol object."""

    __slots__ = (
        *("account", "members", "number", "offers_held", "retired", "superseded"),
        *("answerable", "offers_spent_until", "room", "shares"),
    )

    def __init__(self, account: Account) -> None:
        self.account = account  # of the client's address
        # Empty ones are not made: most sockets of a large frontend are idle.
        self.members: dict[InfoHash, PeerId] | None = None
        self.number = 0
        # A newer socket of the same address took an entry, and this one has sent nothing since.
        self.superseded = False
        self.offers_held = 0  # bytes of announces with offers that wait for Redis
        self.retired = False  # the socket will close soon, and has left its swarms
        # The rest belongs to `tracker.frontends.unanswered`.
        self.answerable: dict[int, Answerable] | None = None
        self.room = 0  # offers in `answerable` that memory is counted for
        self.shares: Shares | None = None
        self.offers_spent_until = NEVER

    @abstractmethod
    def send(self, message: bytes) -> None:
        """Send a text message; never waits."""

    def takes(self, size: int) -> bool:
        """Return whether a relayed message of `size` bytes may be sent to the browser now.

        What others send must not fill the buffer of a slow browser: then it would be cut.
        """
        return True

    @abstractmethod
    def challenge(self) -> None:
        """Ask the browser for a sign of life; close the socket soon if none comes."""

    def hold(self, size: int, budget: str = "memory") -> bool:
        """Count memory that this socket makes the process hold; False: there is no room.

        Args:
            size: bytes.
            budget: the name under which a refusal is counted.
        """
        return True

    def spend(self, units: int) -> None:  # noqa: B027 - only sockets of clients are limited
        """Charge work beyond the frame that asked for it: offers, info_hashes of a scrape."""

    def release(self, size: int) -> None:  # noqa: B027 - most sockets have nothing to count
        """Count memory that the process no longer holds for this socket."""
