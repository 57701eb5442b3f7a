"""Ways to look at a swarm: what they ask, and what they take from the replies."""

from collections import Counter

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.asking import HASH, NOW
from tracker.model import Family
from tracker.policy.selection import shares
from tracker.service.ports import Candidates
from tracker.store.keys import swarm_key
from tracker.store.phrases import WHOLE, Tails
from tracker.store.reading import (
    COUNTING,
    EMPTY,
    NOBODY,
    SAMPLE,
    WHOLE_FOR_SEEDER,
    WHOLE_READING,
    Reading,
    Sampled,
    Sampling,
    Seen,
    Window,
)

KEY = swarm_key(Family.IPV4, HASH)
TAILS = Tails(NOW, 100)

SAMPLED = Sampled(NOBODY, (10, 10), at=0.5)

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
    [COUNTING, WHOLE_READING, WHOLE_FOR_SEEDER, Window(100, 100, (20, 30), at=0.5), SAMPLED],
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
    share = shares(want, seeders_before, leechers_before, seeding)
    window = Window(seeders_before, leechers_before, share, at)
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
        window = Window(seeders, leechers, shares(want, seeders, leechers, seeding), at)
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
        window = Window(100, 100, shares(want, 100, 100, seeding), step / 200)
        found = window_of(window, living[0], members(10, "dead"), living[1]).candidates
        given.update(found.seeders, found.leechers)
    assert {*(living[1] if seeding else living[0] + living[1])} == given


@given(st.integers(0, 2 * SAMPLE), st.integers(0, 2 * SAMPLE), anywhere)
def test_a_sampling_keeps_a_sample_and_gives_its_asker_a_share(
    seeders: int, leechers: int, at: float
) -> None:
    kept: list[Candidates] = []
    sampling = Sampling(seeders, leechers, (20, 30), at, kept.append)
    living = members(seeders, "seeder"), members(leechers, "leecher")
    seen = window_of(sampling, living[0], members(10, "dead"), living[1])
    [sample] = kept
    for share, found, kept_, all_ in zip((20, 30), seen.candidates, sample, living, strict=True):
        assert min(SAMPLE, len(all_)) == len(kept_)
        assert min(share, len(all_)) == len(found)
        assert set(found) <= set(kept_) <= set(all_)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 60), st.integers(0, 60), anywhere)
def test_a_sampled_reading_gives_each_roles_share_of_the_sample(
    seeders: int, leechers: int, low: int, high: int, at: float
) -> None:
    sample = Candidates(members(seeders, "seeder"), members(leechers, "leecher"))
    seen = Sampled(sample, (low, high), at).seen([400, 500])
    assert (400, 500, True) == (seen.seeders, seen.leechers, seen.exact)
    for found, all_, share in zip(seen.candidates, sample, (low, high), strict=True):
        assert set(found) <= set(all_)
        assert min(share, len(all_)) == len(found) == len(set(found))


def test_everybody_of_a_sample_has_the_same_chance() -> None:
    sample = Candidates((), members(10, "leecher"))
    given = Counter[bytes]()
    for step in range(10):
        given.update(Sampled(sample, (0, 3), step / 10 + 1e-9).seen([0, 10]).candidates.leechers)
    assert dict.fromkeys(sample.leechers, 3) == given
