"""Who is served when not all can be."""

from hypothesis import given
from hypothesis import strategies as st

from tracker.policy.fairness import fair, fair_limit


def test_everybody_is_served_where_there_is_room() -> None:
    assert [True] * 5 == fair(["a", "b", "a", "a", "b"], 5)


def test_a_flood_of_one_client_leaves_the_others_untouched() -> None:
    keys = ["flood"] * 1000 + ["good", "fine"]
    chosen = fair(keys, 100)
    assert [True, True] == chosen[-2:]
    assert 98 == sum(chosen[:-2])


def test_floods_of_many_clients_leave_the_others_untouched() -> None:
    keys = [f"flood {number % 250}" for number in range(1000)] + ["good"]
    chosen = fair(keys, 256)
    assert chosen[-1]
    assert 251 == sum(chosen)


@given(st.lists(st.integers(0, 20), max_size=200), st.integers(1, 100))
def test_everybody_is_served_at_least_once_and_nobody_more_than_the_limit(
    keys: list[int], most: int
) -> None:
    served = [key for key, chosen in zip(keys, fair(keys, most), strict=True) if chosen]
    assert set(served) == set(keys)
    assert len(served) <= max(most, len(set(keys)))
    limit = fair_limit([keys.count(key) for key in set(keys)], most)
    assert all(served.count(key) == min(limit, keys.count(key)) for key in set(keys))
