"""How many peers a reply names, and which."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.policy.selection import choose, clamp_numwant

MEMBERS = [bytes([number]) * 6 for number in range(10)]
ME = MEMBERS[0]

anywhere = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("numwant", "expected"),
    [(None, 50), (-1, 50), (-(2**31), 50), (0, 0), (1, 1), (200, 200), (201, 200), (2**31, 200)],
)
def test_numwant_is_bounded_and_its_absence_is_the_default(
    numwant: int | None, expected: int
) -> None:
    assert expected == clamp_numwant(numwant, 50, 200)


def test_the_default_is_bounded_too() -> None:
    assert 10 == clamp_numwant(None, 50, 10)


@given(
    members=st.lists(st.binary(min_size=6, max_size=6), unique=True, max_size=40),
    cut=st.integers(0, 40),
    listed=st.booleans(),
    seeding=st.booleans(),
    want=st.integers(0, 50),
    at=anywhere,
)
def test_as_many_are_chosen_as_can_be_each_once_and_never_the_asker(
    members: list[bytes], cut: int, listed: bool, seeding: bool, want: int, at: float
) -> None:
    seeders, leechers = members[:cut], members[cut:]
    useful = set(leechers if seeding else members)
    me = members[0] if listed and members else b"nobody"
    chosen = choose(seeders, leechers, me=me, seeding=seeding, want=want, at=at)
    assert len(set(chosen)) == len(chosen) == min(want, len(useful - {me}))
    assert set(chosen) <= useful - {me}


@pytest.mark.parametrize("want", range(1, 9))
@pytest.mark.parametrize("cut", [0, 1, 5, 10])
def test_every_member_has_the_same_chance(want: int, cut: int) -> None:
    others = MEMBERS[1:]
    chosen = Counter[bytes]()
    for step in range(len(others)):
        at = step / len(others) + 1e-9
        chosen.update(choose(MEMBERS[:cut], MEMBERS[cut:], me=ME, seeding=False, want=want, at=at))
    assert dict.fromkeys(others, want) == chosen


def test_what_is_chosen_from_is_left_as_it_was() -> None:
    seeders, leechers = tuple(MEMBERS[:3]), MEMBERS[3:]
    choose(seeders, leechers, me=MEMBERS[4], seeding=True, want=50, at=0.0)
    assert MEMBERS[3:] == leechers


def test_a_seeder_is_told_of_leechers_only() -> None:
    chosen = choose(MEMBERS[:5], MEMBERS[5:], me=ME, seeding=True, want=50, at=0.3)
    assert MEMBERS[5:] == chosen
