"""Ways to look at a swarm: what they ask, and what they take from the replies."""

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.asking import HASH, NOW
from tracker.model import Family
from tracker.service.ports import Candidates
from tracker.store.keys import swarm_key
from tracker.store.phrases import WHOLE, Tails
from tracker.store.reading import (
    COUNTING,
    EMPTY,
    NOBODY,
    WHOLE_FOR_SEEDER,
    WHOLE_READING,
    Reading,
    Seen,
    Window,
)

KEY = swarm_key(Family.IPV4, HASH)
TAILS = Tails(NOW, 100, 1000)

anywhere = st.floats(0, 1, exclude_max=True)
sizes = st.integers(0, 300)


def asked(reading: Reading) -> list[list[bytes]]:
    """The words of its commands."""
    parser = hiredis.Reader()
    parser.feed(b"".join(reading.commands(KEY, TAILS)))
    commands: list[list[bytes]] = []
    while (words := parser.gets()) is not False:
        commands.append(words)
    return commands


def members(count: int, role: str) -> list[bytes]:
    return [f"{role} {number}".encode() for number in range(count)]


@pytest.mark.parametrize(
    "reading",
    [COUNTING, WHOLE_READING, WHOLE_FOR_SEEDER, Window(100, 100, 50, seeding=False, at=0.5)],
    ids=lambda reading: type(reading).__name__,
)
def test_each_command_has_one_reply(reading: Reading) -> None:
    assert reading.replies == len(asked(reading))


def test_counting_sees_nobody_and_all_counts() -> None:
    assert Seen(3, 5, NOBODY, exact=True) == COUNTING.seen([3, 5])
    assert EMPTY == COUNTING.seen([0, 0])


@pytest.mark.parametrize(
    ("seeders", "leechers", "exact"),
    [(0, 0, True), (WHOLE, WHOLE, True), (WHOLE + 1, 0, False), (0, WHOLE + 1, False)],
)
def test_a_whole_reading_knows_whether_it_saw_all(seeders: int, leechers: int, exact: bool) -> None:
    found = Candidates(members(seeders, "seeder"), members(leechers, "leecher"))
    seen = Seen(seeders, leechers, found, exact=exact)
    assert seen == WHOLE_READING.seen([found.seeders, found.leechers])  # type: ignore[list-item]


@pytest.mark.parametrize(("leechers", "exact"), [(0, True), (WHOLE, True), (WHOLE + 1, False)])
def test_a_seeder_reads_leechers_and_counts_seeders(leechers: int, exact: bool) -> None:
    found = members(leechers, "leecher")
    seen = Seen(1000, leechers, Candidates((), found), exact=exact)
    assert seen == WHOLE_FOR_SEEDER.seen([1000, found])  # type: ignore[list-item]


def window_of(
    window: Window, seeders: list[bytes], dead: list[bytes], leechers: list[bytes]
) -> Seen:
    """What a window sees in a swarm, whose order by rank is as told in the module."""
    ranks = [*seeders, *dead, *leechers]
    commands = asked(window)
    low_start, low_stop = map(int, commands[2][2:4])
    high_start, high_stop = map(int, commands[3][2:4])
    low = ranks[low_start : low_stop + 1]
    high = ranks[::-1][high_start : high_stop + 1]
    return window.seen([len(seeders), len(leechers), low, high])  # type: ignore[list-item]


@given(
    sizes, sizes, sizes, sizes, st.integers(0, 100), st.integers(1, 201), st.booleans(), anywhere
)
def test_a_window_holds_only_the_living_in_their_roles_whatever_changed_meanwhile(
    seeders: int,
    leechers: int,
    seeders_before: int,
    leechers_before: int,
    dead: int,
    want: int,
    seeding: bool,
    at: float,
) -> None:
    window = Window(seeders_before, leechers_before, want, seeding, at)
    living = Candidates(members(seeders, "seeder"), members(leechers, "leecher"))
    seen = window_of(window, [*living.seeders], members(dead, "dead"), [*living.leechers])
    assert (seeders, leechers, True) == (seen.seeders, seen.leechers, seen.exact)
    assert set(seen.candidates.seeders) <= set(living.seeders)
    assert set(seen.candidates.leechers) <= set(living.leechers)
    assert len(seen.candidates.seeders) + len(seen.candidates.leechers) <= want
    assert not (seeding and seen.candidates.seeders)


@given(sizes, sizes, st.integers(0, 100), st.integers(1, 201), anywhere)
def test_a_window_into_an_unchanged_swarm_is_as_large_as_it_can_be(
    seeders: int, leechers: int, dead: int, want: int, at: float
) -> None:
    for seeding in (False, True):
        window = Window(seeders, leechers, want, seeding, at)
        living = members(seeders, "seeder"), members(leechers, "leecher")
        found = window_of(window, living[0], members(dead, "dead"), living[1]).candidates
        useful = leechers if seeding else seeders + leechers
        assert min(want, useful) == len(found.seeders) + len(found.leechers)


@pytest.mark.parametrize("want", [10, 30])
@pytest.mark.parametrize("seeding", [False, True])
def test_windows_reach_every_rank(want: int, seeding: bool) -> None:
    living = members(100, "seeder"), members(100, "leecher")
    given: set[bytes] = set()
    for step in range(200):
        window = Window(100, 100, want, seeding, step / 200)
        found = window_of(window, living[0], members(10, "dead"), living[1]).candidates
        given.update(found.seeders, found.leechers)
    assert {*(living[1] if seeding else living[0] + living[1])} == given
