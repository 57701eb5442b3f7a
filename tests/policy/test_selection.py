"""How many peers a reply names, and which."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.policy.selection import alike, choose, clamp_numwant, shares

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
def test_every_member_of_a_role_has_the_same_chance(want: int, cut: int) -> None:
    seeders, leechers = MEMBERS[:cut], MEMBERS[cut:]
    chosen = Counter[bytes]()
    for step in range(2520):  # a multiple of every number of members
        at = (step + 0.5) / 2520
        chosen.update(choose(seeders, leechers, me=ME, seeding=False, want=want, at=at))
    for role in (seeders, leechers):
        assert len({chosen[member] for member in role if member != ME}) <= 1
    assert ME not in chosen


@pytest.mark.parametrize(
    ("seeders", "leechers", "expected"),
    [
        (0, 100, (0, 50)),
        (1, 200, (1, 49)),
        (4, 2000, (4, 46)),
        (10, 2000, (5, 45)),
        (1000, 1000, (25, 25)),
        (2000, 10, (45, 5)),
        (2000, 3, (47, 3)),
        (100, 0, (50, 0)),
        (20, 20, (20, 20)),
    ],
)
def test_shares_are_in_proportion_but_few_of_a_role_are_not_lost(
    seeders: int, leechers: int, expected: tuple[int, int]
) -> None:
    assert expected == shares(50, seeders, leechers, seeding=False)
    assert (0, min(50, leechers)) == shares(50, seeders, leechers, seeding=True)


@given(st.integers(1, 200), st.integers(0, 300), st.integers(0, 300))
def test_shares_are_never_more_than_there_are_and_name_as_many_as_wanted(
    want: int, seeders: int, leechers: int
) -> None:
    of_seeders, of_leechers = shares(want, seeders, leechers, seeding=False)
    assert 0 <= of_seeders <= seeders
    assert 0 <= of_leechers <= leechers
    assert min(want, seeders + leechers) == of_seeders + of_leechers


@pytest.mark.parametrize(
    ("want", "expected"), [(3, (0, 3)), (5, (0, 5)), (7, (2, 5)), (50, (5, 5))]
)
def test_a_seeding_browser_gets_leechers_first_and_then_seeders(
    want: int, expected: tuple[int, int]
) -> None:
    seeders, leechers = MEMBERS[:5], MEMBERS[5:]
    chosen = choose(seeders, leechers, me=b"", seeding=True, want=want, at=0.5, browsers=True)
    roles = [member in leechers for member in chosen]
    assert expected == (roles.count(False), roles.count(True))
    assert sorted(roles, reverse=True) == roles


def test_what_is_chosen_from_is_left_as_it_was() -> None:
    seeders, leechers = tuple(MEMBERS[:3]), MEMBERS[3:]
    choose(seeders, leechers, me=MEMBERS[4], seeding=True, want=50, at=0.0)
    assert MEMBERS[3:] == leechers


def test_a_seeder_is_told_of_leechers_only() -> None:
    chosen = choose(MEMBERS[:5], MEMBERS[5:], me=ME, seeding=True, want=50, at=0.3)
    assert MEMBERS[5:] == chosen


def _crowd(size: int, *, address: int) -> list[bytes]:
    return [bytes([10, 0, 0, address]) + port.to_bytes(2, "big") for port in range(size)]


@given(
    crowd=st.integers(1, 200),
    others=st.integers(1, 60),
    cut_at=st.integers(0, 260),
    want=st.integers(2, 60),
    at=anywhere,
)
def test_an_answer_is_never_of_one_address_while_others_are_there(
    crowd: int, others: int, cut_at: int, want: int, at: float
) -> None:
    members = _crowd(crowd, address=1) + [
        bytes([20, 0, 0, each]) + b"\1\2" for each in range(others)
    ]
    chosen = choose(
        members[:cut_at], members[cut_at:], me=b"", seeding=False, want=want, at=at, cut=4
    )
    assert len(set(chosen)) == len(chosen) == min(want, len(members))
    assert len({member[:4] for member in chosen}) > 1


@given(want=st.integers(4, 50), at=anywhere)
def test_a_crowd_that_fills_the_stretch_gets_a_quarter_while_others_are_there(
    want: int, at: float
) -> None:
    crowd = _crowd(200, address=1)
    members = [
        *crowd[:100],
        *(bytes([20, 0, 0, each]) + b"\1\2" for each in range(60)),
        *crowd[100:],
    ]
    chosen = choose(members, [], me=b"", seeding=False, want=want, at=at, cut=4)
    of_crowd = sum(member[:4] == crowd[0][:4] for member in chosen)
    alone = all(member[:4] == crowd[0][:4] for member in _stretch(members, want, at))
    assert not alone or of_crowd == want // 4


def _stretch(members: list[bytes], want: int, at: float) -> list[bytes]:
    start = int(at * len(members))
    return (members[start:] + members[:start])[:want]


@pytest.mark.parametrize("want", [10, 30, 50])
@pytest.mark.parametrize("addresses", [1, 10, 20])
def test_the_last_seeder_is_found_among_leechers_that_share_addresses(
    want: int, addresses: int
) -> None:
    leechers = [each for n in range(addresses) for each in _crowd(300 // addresses, address=n)]
    for at in range(50):
        picked = choose(
            [b"seeder"], leechers, me=leechers[0], seeding=False, want=want, at=at / 50, cut=4
        )
        assert (want, 1) == (len(picked), picked.count(b"seeder"))


def test_the_most_frequent_address_is_last_where_too_few_others_are_there() -> None:
    members = [*_crowd(31, address=1), *_crowd(20, address=2)]
    chosen = choose(members, [], me=b"", seeding=False, want=50, at=0.0, cut=4)
    assert 50 == len(chosen)
    assert {member[:4] for member in chosen[-2:]} == {members[0][:4]}
    assert alike(chosen, 4)


def test_members_are_alike_if_more_than_half_are_of_one_address() -> None:
    one, other = _crowd(3, address=1), _crowd(3, address=2)
    assert alike(one, 4)
    assert not alike(one[:1], 4)
    assert not alike([], 4)
    assert alike([*one, other[0]][::-1], 4)
    assert alike([one[0], other[0], one[1]], 4)
    assert not alike([one[0], *other[:2], one[1]], 4)


@given(data=st.data(), size=st.integers(2, 60))
def test_a_majority_that_stands_together_is_found_wherever_it_begins(
    data: st.DataObject, size: int
) -> None:
    crowd = data.draw(st.integers(size // 2 + 1, size))
    begin = data.draw(st.integers(0, size))
    members = [*_crowd(crowd, address=1), *(bytes([9, 0, 0, n, 0, 1]) for n in range(size - crowd))]
    assert alike(members[begin:] + members[:begin], 4)
