"""Browsers are looked up, and not again for a moment."""

import pytest

from tests.store.relay.parties import ANNE, HASH, A, Entries
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


@pytest.fixture
def whereabouts(entries: Entries, clock: Clock) -> Whereabouts:
    return Whereabouts(entries, clock)


def found(
    whereabouts: Whereabouts, peer_id: PeerId = ANNE
) -> list[list[FrontendId] | TrackerError]:
    results: list[list[FrontendId] | TrackerError] = []
    whereabouts.find(HASH, peer_id, results.append)
    return results


@pytest.mark.parametrize("places", [[], [A]])
def test_a_result_is_used_for_a_moment(
    whereabouts: Whereabouts, entries: Entries, clock: Clock, places: list[FrontendId]
) -> None:
    entries.places[ANNE] = places
    assert [places] == found(whereabouts)
    entries.places[ANNE] = [b"another."]
    assert [places] == found(whereabouts)
    assert 1 == entries.asked
    clock.now += KNOWN_S
    assert [[b"another."]] == found(whereabouts)


def test_the_results_that_are_kept_are_bounded(whereabouts: Whereabouts, entries: Entries) -> None:
    for number in range(MOST_KNOWN + 1):
        found(whereabouts, b"%020d" % number)
    assert 1 == len(whereabouts._known)


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
def test_an_error_is_passed_on_and_not_kept(clock: Clock, at_once: bool) -> None:
    whereabouts = Whereabouts(Away(at_once=at_once), clock)
    (error,) = found(whereabouts)
    assert isinstance(error, Unavailable)
    assert 0 == len(whereabouts._known)
