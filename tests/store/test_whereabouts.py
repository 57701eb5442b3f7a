"""Browsers are looked up, and not again for a moment."""

import time
from collections.abc import Callable

import pytest

from tests.store.relay.parties import ANNE, HASH, A, B, Entries
from tracker.errors import TrackerError, Unavailable
from tracker.model import FrontendId, PeerId
from tracker.store.whereabouts import KNOWN_S, MOST_KNOWN, Done, Whereabouts


class Clock:  # seconds, as they are set
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def entries() -> Entries:
    return Entries()


class Timers:
    """What is to be called later, and after how many seconds."""

    def __init__(self) -> None:
        self.set: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, seconds: float, function: Callable[[], None]) -> None:
        self.set.append((seconds, function))


@pytest.fixture
def timers() -> Timers:
    return Timers()


@pytest.fixture
def whereabouts(entries: Entries, clock: Clock, timers: Timers) -> Whereabouts:
    return Whereabouts(entries, clock, timers)


Results = list[list[FrontendId] | TrackerError]


def found(whereabouts: Whereabouts, peer_id: PeerId = ANNE) -> Results:
    results: Results = []
    whereabouts.find(HASH, peer_id, results.append)
    return results


def test_a_place_is_used_for_a_moment(
    whereabouts: Whereabouts, entries: Entries, clock: Clock
) -> None:
    entries.places[ANNE] = [A]
    assert [[A]] == found(whereabouts)
    entries.places[ANNE] = [B]
    assert [[A]] == found(whereabouts)
    assert 1 == entries.asked
    clock.now += KNOWN_S
    assert [[B]] == found(whereabouts)


def test_a_browser_that_was_nowhere_is_looked_for_again_at_the_end_of_the_moment(
    whereabouts: Whereabouts, entries: Entries, clock: Clock, timers: Timers
) -> None:
    assert [[]] == found(whereabouts)
    clock.now += 0.25
    waiting = [found(whereabouts) for _ in range(3)]
    assert ([[], [], []], 1) == (waiting, entries.asked)
    ((seconds, again),) = timers.set
    assert seconds == KNOWN_S - 0.25
    entries.places[ANNE] = [A]
    again()
    assert ([[[A]]] * 3, 2) == (waiting, entries.asked)


def test_a_browser_that_joined_is_looked_for_at_once(
    whereabouts: Whereabouts, entries: Entries
) -> None:
    found(whereabouts)
    waiting = found(whereabouts)
    entries.places[ANNE] = [A]
    whereabouts.forget(HASH, ANNE)
    assert [[A]] == waiting
    assert [[A]] == found(whereabouts)
    entries.places[ANNE] = [B]
    whereabouts.forget(HASH, ANNE)
    assert [[B]] == found(whereabouts)


def test_everybody_gets_a_result_when_several_looks_are_on_their_way(
    clock: Clock, timers: Timers
) -> None:
    entries = Slow()
    whereabouts = Whereabouts(entries, clock, timers)
    results = [found(whereabouts) for _ in range(3)]
    entries.looks[0]([])
    results.append(found(whereabouts))  # waits
    entries.looks[1]([])
    results.append(found(whereabouts))  # waits, too
    entries.looks[2]([A])
    assert [[[]], [[]], [[A]], [], []] == results
    ((_, again),) = timers.set
    clock.now += KNOWN_S
    again()
    entries.looks[3]([B])
    assert [[[]], [[]], [[A]], [[B]], [[B]]] == results
    assert [[B]] == found(whereabouts)


class Slow(Entries):
    """Redis answers later."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: list[Done] = []

    def find(self, info_hash: bytes, peer_id: bytes, done: Done) -> None:
        self.looks.append(done)


def test_the_places_that_are_kept_are_bounded_and_old_ones_make_room(
    whereabouts: Whereabouts, entries: Entries, clock: Clock
) -> None:
    for _ in range(2):
        for number in range(MOST_KNOWN + 10):
            found(whereabouts, b"%020d" % number)
        assert MOST_KNOWN == len(whereabouts._known)
        clock.now += KNOWN_S
    asked = entries.asked
    entries.places[ANNE] = [A]
    found(whereabouts)
    found(whereabouts)
    assert asked + 1 == entries.asked


class Away(Entries):
    """Redis does not answer, or there is no connection."""

    def __init__(self, *, at_once: bool) -> None:
        super().__init__()
        self._at_once = at_once

    def find(self, info_hash: bytes, peer_id: bytes, done: Done) -> None:
        if self._at_once:
            raise Unavailable("away")
        done(Unavailable("away"))


@pytest.mark.parametrize("at_once", [True, False])
def test_an_error_is_passed_on_and_not_kept(clock: Clock, timers: Timers, at_once: bool) -> None:
    whereabouts = Whereabouts(Away(at_once=at_once), clock, timers)
    (error,) = found(whereabouts)
    assert isinstance(error, Unavailable)
    assert 0 == len(whereabouts._known)


def test_a_look_costs_no_more_when_no_more_places_can_be_kept(whereabouts: Whereabouts) -> None:
    def cpu_s(first: int) -> float:
        began = time.process_time()
        for number in range(first, first + MOST_KNOWN):
            found(whereabouts, b"%020d" % number)
        return time.process_time() - began

    with_room = cpu_s(0)
    assert 10 * with_room > min(cpu_s(MOST_KNOWN * more) for more in (1, 2, 3))
