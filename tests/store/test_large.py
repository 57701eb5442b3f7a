"""What one process remembers of large swarms."""

import pytest

from tests.store.asking import HASH, NOW
from tracker.model import Family
from tracker.service.ports import Candidates
from tracker.store.keys import swarm_key
from tracker.store.large import LargeSwarms
from tracker.store.phrases import WHOLE
from tracker.store.reading import NOBODY, Reading, Sampled, Sampling, Seen, Window

KEY = swarm_key(Family.IPV4, HASH)


def seen(seeders: int, leechers: int) -> Seen:
    return Seen(seeders, leechers, NOBODY, exact=True)


def kinds(large: LargeSwarms, times: int, now_s: int = NOW, key: bytes = KEY) -> list[type]:
    """How a swarm is read, time after time."""
    return [type(read(large, now_s, key)) for _ in range(times)]


def read(large: LargeSwarms, now_s: int = NOW, key: bytes = KEY) -> Reading | None:
    return large.reading(key, 50, seeding=False, browsers=False, now_s=now_s, at=0.5)


@pytest.fixture
def large() -> LargeSwarms:
    return LargeSwarms()


def test_a_swarm_that_was_never_seen_is_not_large(large: LargeSwarms) -> None:
    assert read(large) is None


@pytest.mark.parametrize(("seeders", "leechers"), [(WHOLE, 0), (0, WHOLE), (40, 40)])
def test_a_swarm_is_large_when_more_than_a_whole_reading_was_seen(
    large: LargeSwarms, seeders: int, leechers: int
) -> None:
    large.remember(KEY, seen(seeders, leechers))
    assert read(large) is None
    large.remember(KEY, seen(seeders, leechers + 1))
    assert read(large) is not None
    large.remember(KEY, seen(seeders, leechers))
    assert read(large) is None


def test_each_second_has_one_sampling_and_windows_until_it_was_read(large: LargeSwarms) -> None:
    large.remember(KEY, seen(100, 100))
    for now_s in (NOW, NOW + 1):
        assert [Window, Sampling, Window, Window] == kinds(large, 4, now_s)


def test_what_was_sampled_serves_for_its_second(large: LargeSwarms) -> None:
    large.remember(KEY, seen(1, 100))
    read(large)
    sampling = read(large)
    assert isinstance(sampling, Sampling)
    sampling.seen([1, 100, [b"seeder"], [b"leecher"] * 100])
    reading = read(large)
    assert isinstance(reading, Sampled)
    assert Candidates([b"seeder"], [b"leecher"] * 49) == reading.seen([1, 100]).candidates
    assert [Sampled, Sampled] == kinds(large, 2)
    assert [Window] == kinds(large, 1, NOW + 1)


def test_a_sample_that_comes_late_does_not_serve_for_the_next_second(large: LargeSwarms) -> None:
    large.remember(KEY, seen(0, 100))
    read(large)
    sampling = read(large)
    assert isinstance(sampling, Sampling)
    assert [Window] == kinds(large, 1, NOW + 1)
    sampling.seen([0, 100, [], [b"leecher"] * 100])
    assert [Sampling] == kinds(large, 1, NOW + 1)


def test_swarms_do_not_share_their_samples(large: LargeSwarms) -> None:
    other = swarm_key(Family.IPV6, HASH)
    large.remember(KEY, seen(0, 100))
    large.remember(other, seen(0, 100))
    assert [Window, Sampling] == kinds(large, 2)
    assert [Window, Sampling] == kinds(large, 2, key=other)


def test_the_swarms_that_were_seen_large_first_are_forgotten_when_there_are_too_many(
    large: LargeSwarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.store.large.MOST", 2)
    keys = [bytes([number]) * 21 for number in range(3)]
    for key in (*keys, keys[2]):
        large.remember(key, seen(0, 100))
    assert [False, True, True] == [read(large, key=key) is not None for key in keys]
