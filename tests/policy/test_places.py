"""Places that addresses share equally."""

from tracker.policy.places import Entry, Places

A, B, C = b"aaaa", b"bbbb", b"cccc"
STARTS: Entry[str] = Entry(starts=True, cut=None)
WAITS: Entry[str] = Entry(starts=False, cut=None)


def filled(most: int, *items: str) -> Places[str]:
    """Return places taken one by one; an item's first letter is its address."""
    places = Places[str](most)
    for now, item in enumerate(items):
        assert STARTS == places.enter(item, address(item), now)
    return places


def address(item: str) -> bytes:
    return item[0].encode() * 4


def test_one_address_gets_all_places_while_no_other_wants_one() -> None:
    places = filled(3, "a1", "a2", "a3")
    assert 3 == len(places)
    assert WAITS == places.enter("a4", A, 3)


def test_a_newcomer_takes_the_oldest_place_of_the_address_with_the_most() -> None:
    places = filled(4, "b1", "a1", "a2", "a3")
    assert Entry(starts=True, cut="a1") == places.enter("c1", C, 4)
    assert 4 == len(places)


def test_addresses_end_with_equal_numbers() -> None:
    places = filled(4, "a1", "a2", "a3", "a4")
    assert [Entry(starts=True, cut="a1"), Entry(starts=True, cut="a2"), WAITS] == [
        places.enter(item, B, 4) for item in ("b1", "b2", "b3")
    ]


def test_a_newcomer_waits_when_each_address_has_one_place() -> None:
    places = filled(2, "a1", "b1")
    assert places.oldest() is None
    assert WAITS == places.enter("c1", C, 2)
    assert ("a1", 0) == places.oldest()
    assert "c1" == places.leave("a1", A, 3)
    assert places.oldest() is None


def test_waiting_addresses_take_turns() -> None:
    places = filled(1, "a1")
    for item in ("a2", "a3", "b1", "c1"):
        assert WAITS == places.enter(item, address(item), 1)
    order = ["a1"]
    while (successor := places.leave(order[-1], address(order[-1]), 2)) is not None:
        order.append(successor)
    assert ["a1", "a2", "b1", "c1", "a3"] == order
    assert 0 == len(places)


def test_what_stops_waiting_gets_no_place() -> None:
    places = filled(1, "a1")
    for item in ("b1", "b2", "c1"):
        places.enter(item, address(item), 1)
    for item in ("b1", "c1"):
        assert places.leave(item, address(item), 2) is None
    assert "b2" == places.leave("a1", A, 3)
    assert places.leave("b2", B, 4) is None


def test_what_lost_its_place_leaves_without_effect() -> None:
    places = filled(2, "a1", "a2")
    assert Entry(starts=True, cut="a1") == places.enter("b1", B, 2)
    assert places.leave("a1", A, 3) is None
    assert 2 == len(places)
