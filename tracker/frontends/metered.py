"""A socket with budgets of work and memory, and with deadlines; what it says is another module's.

Reading pauses while the socket or its address is over a budget of work, waits for its turn, or does
not read what was sent to it. The process's one wheel ends pauses and watches deadlines, so a socket
has no timer of its own.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import Final

from websockets.frames import CloseCode

from tracker.frontends.bounded import BoundedProtocol
from tracker.frontends.session import Session
from tracker.frontends.turns import Turns
from tracker.frontends.wheel import UNSCHEDULED, Wheel
from tracker.metrics import Metrics
from tracker.policy.accounts import NEVER as LONG_AGO
from tracker.policy.accounts import Account, Rate
from tracker.policy.budgets import Budgets
from tracker.policy.limits import Pace
from tracker.policy.memory import TRACKED
from tracker.settings import WsSettings

NEVER: Final = float("inf")  # for deadlines
LATER_S = 5e-6  # seconds of work after its turn that a scraped info_hash or an offer causes
RELAYED_PART = 2  # one in this many of the bytes a browser may leave unread is for relayed messages
MEMORY_PAUSE_S = 1.0  # after which a socket that found no room for its message tries again

# Why a socket is not read, as bits of a set.
TURN = 1  # other addresses are served first
WORK = 2  # the socket or its address is over its budget of work
UNREAD = 4  # the browser does not read
MEMORY = 8  # there is no room for a longer incomplete message


class Metering:
    """Objects shared by the sockets of a process."""

    def __init__(
        self,
        settings: WsSettings,
        wheel: Wheel,
        metrics: Metrics,
        *,
        budgets: Budgets,
        turns: Turns,
    ) -> None:
        self.settings = settings
        self.wheel = wheel
        self.turns = turns
        self.accounts, self.memory = budgets.accounts, budgets.memory
        self.pace = Pace(Rate(settings.messages_per_second, settings.message_burst))
        self.refused = metrics.refused
        self._closed = metrics.closed

    def cut(self, reason: str) -> None:
        """Count a socket that we had to cut."""
        self._closed["ws", reason] += 1


class MeteredSocket(Session, BoundedProtocol):
    """One socket. Fits `tracker.policy.memory.Holder` and `tracker.frontends.wheel.Timed`."""

    __slots__ = (
        "_arriving",
        "_frontend",
        "_input",
        "_message_by",
        "_pauses",
        "_read_by",
        "_resume_at",
        "_since_unread",
        "_spent_until",
        "_transport",
        "_unsent",
        "_wakes_at",
        "held",
        "wheel_slot",
    )

    def __init__(self, frontend: Metering, account: Account) -> None:
        super().__init__(account)
        self._frontend = frontend
        self._transport: asyncio.Transport | None = None  # None: lost, or given up
        self._input = b""  # received, and not processed yet
        self.held = 0  # bytes; of these:
        self._arriving = 0  # bytes of input and of an incomplete message
        self._unsent = 0  # bytes that the browser has not read
        self._pauses = 0
        self._spent_until = LONG_AGO  # of the budget of work
        self._since_unread = 0  # bytes sent since `_read_by` was set
        # Times of the wheel's clock. NEVER is one object, so most sockets keep no float for them.
        self._wakes_at = self._message_by = self._read_by = self._resume_at = NEVER
        self.wheel_slot = UNSCHEDULED

    @abstractmethod
    def close(self, code: CloseCode, reason: str) -> None:
        """Begin the closing handshake."""

    @abstractmethod
    def _serve(self) -> None:
        """Process the input, until there is a reason to pause."""

    # -- the end -------------------------------------------------------------------------------

    def abort(self) -> None:
        """Cut the connection without a close frame."""
        transport = self._transport
        if transport is not None:
            self._forget()
            transport.abort()

    def shed(self) -> None:
        """Close at once, with a close frame if the kernel has room for it."""
        self.close(CloseCode.TRY_AGAIN_LATER, "out of memory")
        self._cut("memory")

    def _cut(self, reason: str) -> None:
        if self._transport is not None:
            self._frontend.cut(reason)
            self.abort()

    def _forget(self) -> None:
        """Drop everything that this socket makes us hold; later messages to it are ignored."""
        self._transport = None
        self._input = b""
        self._frontend.memory.release(self)

    # -- work ----------------------------------------------------------------------------------

    def spend(self, units: int) -> None:
        """Charge work of a message beyond that of a frame, most of which is done after its turn."""
        self._frontend.turns.charge(units * LATER_S)
        self._spend(units, self._frontend.wheel.clock())

    def _spend(self, units: int, now: float) -> None:
        frontend = self._frontend
        self._spent_until = frontend.pace.spend(self._spent_until, units, now)
        frontend.accounts.charge(self.account, units, now)

    def _wait_for_budget(self, now: float) -> None:
        """Pause until the socket and its address are within their budgets again."""
        of = "socket" if self._spent_until > now else "address"
        self._frontend.refused["work", of] += 1
        self._resume_after(WORK, max(self._spent_until, self.account.work_at))

    # -- pauses --------------------------------------------------------------------------------

    def _pause(self, reason: int) -> None:
        if not self._pauses and self._transport is not None:
            self._transport.pause_reading()
        self._pauses |= reason

    def _resume_after(self, reason: int, at: float) -> None:
        self._pause(reason)
        self._resume_at = at
        self._wake_at(at)

    def _go_on(self) -> None:
        """Process what is left of the input, then read again, unless there is a reason not to."""
        if self._transport is None or self._pauses:
            return
        self._serve()
        self._read_on()

    def _read_on(self) -> None:
        if self._transport is not None and not self._pauses:
            self._transport.resume_reading()

    def _resume(self, now: float) -> None:
        """End a pause that had a time."""
        self._resume_at = NEVER
        if self._pauses & WORK and self._message_by != NEVER:
            self._message_by = now + self._frontend.settings.message_timeout  # the delay was ours
        self._pauses &= ~(WORK | MEMORY)
        self._go_on()

    def _wait_for_turn(self, go_on: Callable[[], None]) -> None:
        self._pause(TURN)
        self._frontend.turns.wait(self.account, go_on)

    # -- unread output -------------------------------------------------------------------------

    def _watch_output(self, transport: asyncio.Transport) -> None:
        """Let any unread byte pause this socket until everything is read."""
        # 1, since with 0 a TLS transport pauses although it has nothing to send.
        transport.set_write_buffer_limits(high=1, low=0)

    def pause_writing(self) -> None:
        """Read no more from a browser that does not read."""
        self._pause(UNREAD)
        self._expect_reading()

    def resume_writing(self) -> None:
        """Read again from a browser that has read everything."""
        self._pauses &= ~UNREAD
        self._read_by, self._since_unread = NEVER, 0
        self._count_unsent()
        asyncio.get_running_loop().call_soon(self._go_on)

    def takes(self, size: int) -> bool:
        """Return whether a relayed message fits into its share of the unread bytes."""
        if not self._pauses & UNREAD or self._transport is None:
            return True
        most = self._frontend.settings.max_buffer // RELAYED_PART
        return self._transport.get_write_buffer_size() + size <= most

    def _expect_reading(self) -> None:
        """Set the deadline for all bytes that are unread now."""
        self._since_unread = 0
        self._read_by = self._frontend.wheel.clock() + self._frontend.settings.unread_timeout
        self._wake_at(self._read_by)

    def _has_read(self) -> bool:
        """Whether the browser read all that was unread when the deadline was set; set another."""
        transport = self._transport
        if transport is None or transport.get_write_buffer_size() > self._since_unread:
            return False
        self._expect_reading()
        return True

    # -- memory --------------------------------------------------------------------------------

    def hold(self, size: int, budget: str = "memory") -> bool:
        """Count memory that this socket makes the process hold; False: there is no room."""
        if self._transport is None:
            return False
        memory = self._frontend.memory
        of = memory.refuses(self, size)
        if of is not None:
            self._frontend.refused[budget, of] += 1
            return False
        for holder in memory.hold(self, size):
            self._frontend.refused["memory", "process"] += 1
            holder.shed()
        return True

    def release(self, size: int) -> None:
        """Count less memory; a lost socket holds none."""
        if self._transport is not None:
            self._frontend.memory.hold(self, -size)

    def _count(self, more: int) -> None:
        for holder in self._frontend.memory.hold(self, more):
            self._frontend.refused["memory", "process"] += 1
            holder.shed()

    def _count_unsent(self) -> None:
        """Count the bytes that the browser has not read."""
        if self._transport is not None:
            unsent = self._transport.get_write_buffer_size()
            more, self._unsent = unsent - self._unsent, unsent
            self._count(more)

    def _count_arriving(self, size: int) -> None:
        """Count the bytes of input and of the incomplete message; 0 if there is none.

        Without room for a longer message in the process, reading pauses for a while: a message
        that stays incomplete is closed by its deadline. Without room in the budget of the address,
        whose many sockets would each wait with a part, the socket is closed.
        """
        more = size - self._arriving
        if not more or self._transport is None:
            return
        self._arriving = size
        frontend = self._frontend
        if not size:
            self._message_by = NEVER
        elif self._message_by == NEVER:
            self._message_by = frontend.wheel.clock() + frontend.settings.message_timeout
            self._wake_at(self._message_by)
        of = frontend.memory.refuses(self, more) if more > 0 else None
        if of is not None:
            frontend.refused["memory", of] += 1
        if of == "address" and self.held + more > TRACKED:
            self.shed()
            return
        if of in ("address", "process"):
            self._resume_after(MEMORY, frontend.wheel.clock() + MEMORY_PAUSE_S)
        self._count(more)

    # -- deadlines -----------------------------------------------------------------------------

    def _wake_at(self, at: float) -> None:
        """Let the wheel come round at that time, or before."""
        if at < self._wakes_at:
            self._wakes_at = at
            wheel = self._frontend.wheel
            wheel.schedule(self, max(0.0, at - wheel.clock()))

    @abstractmethod
    def expired(self, now: float) -> None:
        """Do what is due, and let the wheel come round again."""
