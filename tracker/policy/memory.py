"""How much memory clients make this process hold, by socket, by address and in all.

Counted are bytes that a client decides about: received and not yet parsed, waiting for Redis, not
yet read by the client, and what is remembered for its socket. Above the low mark nobody may hold
more than a little; above the high mark the largest holders are closed.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from tracker.policy.accounts import Account

SMALL = 16_384  # bytes that any socket may hold, also above the low mark
TRACKED = 1024  # bytes above which a holder is among those that may be shed
LOW_SHARE = 0.5  # of the high mark


class Holder(Protocol):
    """A socket, as far as its memory goes. Its owner sets `held` to 0 and never writes it again."""

    held: int  # bytes
    account: Account

    def shed(self) -> None:
        """Close at once: this socket is one of the largest holders."""


class Marks(NamedTuple):
    """Bytes that may be held."""

    socket: int
    address: int
    process: int


class Memory:
    """The memory of one process."""

    def __init__(self, marks: Marks) -> None:
        self.total = 0  # bytes held now
        self._marks = marks
        self._low = int(marks.process * LOW_SHARE)
        self._large: set[Holder] = set()  # those that hold more than `TRACKED`

    def refuses(self, holder: Holder, size: int) -> str | None:
        """Return whose budget has no room for `size` more bytes; None if there is room.

        Returns:
            ``socket``, ``address`` or ``process``.
        """
        after = holder.held + size
        if after > self._marks.socket:
            return "socket"
        if holder.account.held + size > self._marks.address:
            return "address"
        if self.total + size > self._low and after > SMALL:
            return "process"
        return None

    def hold(self, holder: Holder, size: int) -> list[Holder]:
        """Count `size` more bytes, or fewer if it is negative.

        Returns:
            The holders to shed, the largest first; empty below the high mark.
        """
        holder.held += size
        holder.account.held += size
        self.total += size
        if holder.held > TRACKED:
            self._large.add(holder)
        else:
            self._large.discard(holder)
        if size > 0 and self.total > self._marks.process:
            return largest(self._large, self.total - self._low)
        return []

    def release(self, holder: Holder) -> None:
        """Count nothing any more for a socket that is closed."""
        self.hold(holder, -holder.held)


def largest(holders: Iterable[Holder], size: int) -> list[Holder]:
    """The fewest holders that hold `size` bytes together, the largest first.

    A holder weighs by what its address holds, too, so that one address with many sockets goes
    before many addresses with one.
    """
    found = []
    for holder in sorted(holders, key=lambda it: (it.account.held, it.held), reverse=True):
        if size <= 0:
            break
        found.append(holder)
        size -= holder.held
    return found
