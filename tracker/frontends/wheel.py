"""One timer for all sockets of a process: items due in the same tick share a set.

A loop's own timer costs a heap entry and a handle per socket, and a cancelled one stays in the
heap; here an item is an entry of a set. Ticks are numbered from the clock's zero and kept by
number in a dictionary, so a delay has no upper bound and nothing turns twice. An item expires
never early, and at most one tick late.

Sockets with traffic should not move their item at each packet: they note the time, and when
the item expires they schedule it again for what is left.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

UNSCHEDULED = 0  # the `wheel_slot` of an item that is in no wheel


class Timed(Protocol):
    """What a wheel can hold. The wheel writes `wheel_slot`; it begins as `UNSCHEDULED`."""

    wheel_slot: int

    def expired(self, now: float) -> None:
        """The delay is over; `now` is the wheel's clock. May schedule itself again."""


class Wheel:
    """Calls `expired` of each item once its delay is over.

    Args:
        tick_s: seconds in a tick, the precision of all delays.
        clock: seconds, never going back; its first reading must not be negative.
    """

    def __init__(self, tick_s: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.failures = 0  # items that raised
        self._tick_s = tick_s
        self.clock = clock  # for items that note a time
        self._slots: defaultdict[int, set[Timed]] = defaultdict(set)
        self._turned = int(clock() / tick_s)  # number of the last tick that was served
        self._timer: asyncio.TimerHandle | None = None

    def schedule(self, item: Timed, delay_s: float) -> None:
        """Let `item` expire after `delay_s` seconds; an earlier schedule of it is forgotten."""
        if item.wheel_slot:
            self._slots[item.wheel_slot].discard(item)
        item.wheel_slot = slot = int((self.clock() + delay_s) / self._tick_s) + 1
        self._slots[slot].add(item)

    def cancel(self, item: Timed) -> None:
        """Forget `item`; no harm if it is not scheduled."""
        if item.wheel_slot:
            self._slots[item.wheel_slot].discard(item)
            item.wheel_slot = UNSCHEDULED

    def tick(self) -> None:
        """Expire all that is due, in the order of ticks."""
        now = self.clock()
        current = int(now / self._tick_s)
        while self._turned < current:
            self._turned += 1
            self._expire(self._turned, now)

    def _expire(self, number: int, now: float) -> None:
        slot = self._slots.get(number)
        while slot:
            item = slot.pop()
            item.wheel_slot = UNSCHEDULED
            try:
                item.expired(now)
            except Exception:  # the others are due all the same
                self.failures += 1
                log.exception("wheel.item_failed", item=type(item).__name__)
        self._slots.pop(number, None)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Turn by itself on `loop`, until `stop`."""
        self.tick()
        # Aimed at the clock's next whole tick, so delays of the loop do not add up. uvloop cuts
        # timers to milliseconds: one more, or the wheel would wake just before the tick.
        wait_s = (self._turned + 1) * self._tick_s - self.clock() + 0.001
        self._timer = loop.call_later(max(wait_s, 0.0), self.start, loop)

    def stop(self) -> None:
        """Turn no more; items keep their places."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
