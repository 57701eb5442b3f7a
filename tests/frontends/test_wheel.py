import asyncio

import pytest
import structlog.testing
from hypothesis import given
from hypothesis import strategies as st

from tracker.frontends.wheel import UNSCHEDULED, Wheel


class Clock:
    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Item:
    """Notes when it expires; may schedule itself again, cancel another, or fail."""

    def __init__(self) -> None:
        self.wheel_slot = UNSCHEDULED
        self.expiries: list[float] = []

    def expired(self, now: float) -> None:
        self.expiries.append(now)


class Again(Item):
    def __init__(self, wheel: Wheel, delay_s: float) -> None:
        super().__init__()
        self.wheel, self.delay_s = wheel, delay_s

    def expired(self, now: float) -> None:
        super().expired(now)
        self.wheel.schedule(self, self.delay_s)


class Cancels(Item):
    def __init__(self, wheel: Wheel) -> None:
        super().__init__()
        self.wheel = wheel
        self.other: Item | None = None

    def expired(self, now: float) -> None:
        super().expired(now)
        assert self.other is not None
        self.wheel.cancel(self.other)


class Fails(Item):
    def expired(self, now: float) -> None:
        raise RuntimeError("broken")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wheel(clock: Clock) -> Wheel:
    return Wheel(1.0, clock)


def turn(wheel: Wheel, clock: Clock, seconds: float) -> None:
    clock.now += seconds
    wheel.tick()


def test_an_item_expires_once(wheel: Wheel, clock: Clock) -> None:
    item = Item()
    wheel.schedule(item, 2)
    turn(wheel, clock, 1.9)
    assert [] == item.expiries
    turn(wheel, clock, 1.1)
    turn(wheel, clock, 10)
    assert [103.0] == item.expiries
    assert UNSCHEDULED == item.wheel_slot


@given(
    begin=st.floats(0, 1e6),
    delay=st.floats(0, 100),
    tick=st.sampled_from([0.05, 0.5, 1.0, 3.0]),
)
def test_never_early_and_at_most_a_tick_late(begin: float, delay: float, tick: float) -> None:
    clock, item = Clock(begin), Item()
    wheel = Wheel(tick, clock)
    wheel.schedule(item, delay)
    clock.now = begin + delay - 1e-6
    wheel.tick()
    assert [] == item.expiries
    clock.now = begin + delay + tick + 1e-6
    wheel.tick()
    assert [clock.now] == item.expiries


def test_a_cancelled_item_does_not_expire(wheel: Wheel, clock: Clock) -> None:
    item = Item()
    wheel.schedule(item, 1)
    wheel.cancel(item)
    wheel.cancel(item)
    turn(wheel, clock, 5)
    assert [] == item.expiries
    assert UNSCHEDULED == item.wheel_slot


def test_a_second_schedule_replaces_the_first(wheel: Wheel, clock: Clock) -> None:
    item = Item()
    wheel.schedule(item, 1)
    wheel.schedule(item, 5)
    turn(wheel, clock, 3)
    assert [] == item.expiries
    turn(wheel, clock, 3)
    assert [106.0] == item.expiries


def test_an_item_may_schedule_itself_again(wheel: Wheel, clock: Clock) -> None:
    item = Again(wheel, 0)
    wheel.schedule(item, 0)
    for _ in range(3):
        turn(wheel, clock, 1)
    assert [101.0, 102.0, 103.0] == item.expiries


def test_after_a_stall_each_item_expires_once(wheel: Wheel, clock: Clock) -> None:
    once, again = Item(), Again(wheel, 1)
    wheel.schedule(once, 1)
    wheel.schedule(again, 1)
    turn(wheel, clock, 1000)
    assert [1100.0] == once.expiries == again.expiries


def test_items_of_one_tick_may_cancel_each_other(wheel: Wheel, clock: Clock) -> None:
    pair = [Cancels(wheel), Cancels(wheel)]
    pair[0].other, pair[1].other = pair[1], pair[0]
    for item in pair:
        wheel.schedule(item, 1)
    turn(wheel, clock, 5)
    assert 1 == sum(len(item.expiries) for item in pair)


def test_a_failing_item_does_not_stop_the_others(wheel: Wheel, clock: Clock) -> None:
    items = [Item(), Fails(), Item(), Fails(), Item()]
    for item in items:
        wheel.schedule(item, 1)
    with structlog.testing.capture_logs() as events:
        turn(wheel, clock, 2)
    assert [1, 0, 1, 0, 1] == [len(item.expiries) for item in items]
    assert 2 == wheel.failures
    assert ["wheel.item_failed"] * 2 == [event["event"] for event in events]


def test_nothing_is_kept_of_what_is_over(wheel: Wheel, clock: Clock) -> None:
    for delay in range(50):
        wheel.schedule(Item(), delay)
    turn(wheel, clock, 60)
    assert {} == wheel._slots


class Waited(Item):
    def __init__(self) -> None:
        super().__init__()
        self.done = asyncio.Event()

    def expired(self, now: float) -> None:
        super().expired(now)
        self.done.set()


async def test_it_turns_by_itself_until_it_is_stopped() -> None:
    loop, wheel = asyncio.get_running_loop(), Wheel(0.02)
    first, second = Waited(), Waited()
    wheel.start(loop)
    wheel.schedule(first, 0.05)
    await asyncio.wait_for(first.done.wait(), 10)
    wheel.stop()
    wheel.stop()
    wheel.schedule(second, 0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(second.done.wait(), 0.1)
