"""Which socket of this process has the entry of a peer_id in a swarm.

A live socket keeps its entry from sockets of other addresses that announce the same peer_id.
These wait: the longest waiting one inherits the entry when the owner's socket closes. If the
previous owner's address returns, it gets the entry back from the heir. A socket that only waited
for another browser to reconnect therefore gains nothing.
"""

from collections.abc import Hashable, Iterator
from enum import Enum, auto
from typing import Generic, Protocol, TypeVar

from tracker.policy.accounts import Account


class Owner(Hashable, Protocol):
    """A socket, as far as ownership goes."""

    account: Account  # its key is the address: an IPv4 address or an IPv6 prefix


S = TypeVar("S", bound=Owner)


class Claim(Enum):
    """The result of a socket's claim to an entry."""

    OWNED = auto()  # the socket has the entry already
    FREE = auto()  # the socket may take the entry
    TAKEN = auto()  # a live socket of another address has the entry


class Owners(Generic[S]):
    """The owners of all entries, by member (info_hash + peer_id), and the sockets that wait.

    Invariant: sockets wait only for entries that have an owner.
    """

    def __init__(self) -> None:
        self._owners: dict[bytes, S] = {}
        self._waiting: dict[bytes, dict[S, None]] = {}
        self._previous: dict[bytes, bytes] = {}  # address of the owner before the heir

    def get(self, member: bytes) -> S | None:
        """Return the owner of an entry."""
        return self._owners.get(member)

    def waiting(self, member: bytes) -> Iterator[S]:
        """Iterate over the sockets that wait for an entry, the newest first."""
        return reversed(self._waiting.get(member, {}))

    def claim(self, socket: S, member: bytes) -> Claim:
        """Decide whether a socket may take an entry; changes nothing."""
        owner = self._owners.get(member)
        if owner is socket:
            return Claim.OWNED
        if owner is None or owner.account.key == socket.account.key:
            return Claim.FREE
        return Claim.FREE if self._previous.get(member) == socket.account.key else Claim.TAKEN

    def owns_alone(self, socket: S, member: bytes) -> bool:
        """Return whether a socket has an entry that no other socket waits for."""
        return self._owners.get(member) is socket and member not in self._waiting

    def take(self, socket: S, member: bytes) -> S | None:
        """Make a socket the owner of an entry that `claim` allows.

        Returns:
            The owner that thereby lost the entry for good; an heir waits again instead.
        """
        before = self._owners.get(member)
        self._owners[member] = socket
        self._stop_waiting(socket, member)
        if before is None or before.account.key == socket.account.key:
            return before
        self._previous.pop(member, None)
        self._waiting.setdefault(member, {})[before] = None
        return None

    def wait(self, socket: S, member: bytes) -> None:
        """Let a socket wait for an entry that another socket has."""
        self._waiting.setdefault(member, {})[socket] = None

    def release(self, socket: S, member: bytes) -> bool:
        """End what a socket has of an entry, or waits for.

        Returns:
            Whether the entry has no owner any more, so that it ends.
        """
        if self._owners.get(member) is not socket:
            self._stop_waiting(socket, member)
            return False
        if member not in self._waiting:
            del self._owners[member]
            self._previous.pop(member, None)
            return True
        heir = next(iter(self._waiting[member]))
        self._stop_waiting(heir, member)
        self._owners[member] = heir
        self._previous.setdefault(member, socket.account.key)
        return False

    def _stop_waiting(self, socket: S, member: bytes) -> None:
        waiting = self._waiting.get(member)
        if waiting is not None:
            waiting.pop(socket, None)
            if not waiting:
                del self._waiting[member]
