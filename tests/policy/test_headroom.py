"""What announces may do while Redis runs out of memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.policy.crowds import ENTER, IGNORE, JOIN, REFRESH, Entry
from tracker.policy.headroom import AMPLE, EXHAUSTED, NONE, SCARCE, Room, room, within

rooms = st.sampled_from(Room)


@pytest.mark.parametrize(
    ("used", "before", "expected"),
    [
        (899, AMPLE, AMPLE),
        (900, AMPLE, SCARCE),
        (885, SCARCE, SCARCE),  # no flutter at the limit
        (879, SCARCE, AMPLE),
        (879, EXHAUSTED, AMPLE),
        (949, AMPLE, SCARCE),
        (950, AMPLE, NONE),
        (2000, AMPLE, NONE),
    ],
)
def test_room_shrinks_as_memory_is_used(used: int, before: Room, expected: Room) -> None:
    assert expected is room(used, 1000, 0.9, before, evicts=True)


@pytest.mark.parametrize(("used", "expected"), [(999, NONE), (1000, EXHAUSTED)])
def test_a_server_that_does_not_evict_refuses_writes_at_its_limit(
    used: int, expected: Room
) -> None:
    assert expected is room(used, 1000, 0.9, AMPLE, evicts=False)


@given(used=st.integers(0, 2**40), before=rooms, evicts=st.booleans())
def test_a_server_without_a_limit_has_room(used: int, before: Room, evicts: bool) -> None:
    assert AMPLE is room(used, 0, 0.9, before, evicts=evicts)


@given(room=rooms, entry=st.sampled_from(Entry))
def test_scarcity_only_takes_rights_away(room: Room, entry: Entry) -> None:
    assert within(room, entry) >= entry
    assert entry is within(AMPLE, entry)


def test_each_room_allows_less() -> None:
    assert [ENTER, JOIN, REFRESH, IGNORE] == [within(room, ENTER) for room in Room]
