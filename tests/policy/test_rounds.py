"""The order of service under overload."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.policy.rounds import MOST_EMPTY, NEW_IN_A_ROW, Rounds

CREDIT = 10.0

Item = tuple[str, int]
Waiting = Rounds[str, Item]


def waiting(**counts: int) -> Waiting:
    """So many items of each client."""
    rounds: Waiting = Rounds(CREDIT)
    for client, count in counts.items():
        for number in range(count):
            rounds.add(client, (client, number))
    return rounds


def serve(rounds: Waiting, work: float) -> Item:
    """The next item, which costs so much."""
    item = rounds.next()
    rounds.spend(work)
    return item


def serve_all(rounds: Waiting, work: float) -> list[Item]:
    """All that waits, in order."""
    return [serve(rounds, work) for _ in range(rounds.size)]


def test_clients_take_turns_for_costly_items() -> None:
    order = [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("c", 1), ("a", 2)]
    assert order == serve_all(waiting(a=3, b=1, c=2), CREDIT)


def test_a_new_client_goes_before_those_that_have_waited() -> None:
    rounds = waiting(a=3, b=3)
    assert [("a", 0), ("b", 0)] == [serve(rounds, CREDIT) for _ in range(2)]
    rounds.add("new", ("new", 0))
    rounds.add("new", ("new", 1))
    order = [("new", 0), ("a", 1), ("b", 1), ("new", 1), ("a", 2), ("b", 2)]
    assert order == serve_all(rounds, CREDIT)


def test_a_new_client_goes_first_until_its_credit_is_used() -> None:
    rounds = waiting(a=3, b=3)
    assert [("a", 0), ("b", 0)] == [serve(rounds, CREDIT) for _ in range(2)]
    for number in range(4):
        rounds.add("new", ("new", number))
    work = CREDIT / 2
    assert [("new", 0), ("new", 1)] == [serve(rounds, work) for _ in range(2)]
    assert ("a", 1) == serve(rounds, CREDIT)


@pytest.mark.parametrize(("work", "goes_first"), [(CREDIT / 2, True), (CREDIT, False)])
def test_a_client_that_asks_again_goes_first_only_with_credit(
    work: float, goes_first: bool
) -> None:
    rounds = waiting(a=3)
    assert ("a", 0) == serve(rounds, CREDIT)
    rounds.add("often", ("often", 0))
    assert ("often", 0) == serve(rounds, work)
    rounds.add("often", ("often", 1))
    assert (("often", 1) if goes_first else ("a", 1)) == serve(rounds, work)


@pytest.mark.parametrize(("work", "goes_first"), [(CREDIT / 2, True), (CREDIT, False)])
def test_a_client_that_asks_again_while_it_is_served_is_charged_first(
    work: float, goes_first: bool
) -> None:
    rounds = waiting(a=3)
    assert ("a", 0) == serve(rounds, CREDIT)
    rounds.add("often", ("often", 0))
    assert ("often", 0) == rounds.next()
    rounds.add("often", ("often", 1))
    rounds.spend(work)
    assert (("often", 1) if goes_first else ("a", 1)) == serve(rounds, work)


def test_a_client_that_pauses_gets_no_more_than_one_that_waits() -> None:
    rounds = waiting(a=100, b=100)
    shares = {"a": 0, "b": 0, "pauses": 0}
    for number in range(60):
        if number % 2:
            rounds.add("pauses", ("pauses", number))
        client, _ = serve(rounds, CREDIT)
        shares[client] += 1
    assert {20} == set(shares.values())


def test_a_flood_of_new_clients_does_not_stop_the_others() -> None:
    rounds = waiting(a=3, b=3)
    assert [("a", 0), ("b", 0)] == [serve(rounds, CREDIT) for _ in range(2)]
    order = []
    for number in range(4 * (NEW_IN_A_ROW + 1)):
        rounds.add(f"new {number}", ("new", number))
        rounds.add(f"new too {number}", ("new", number))
        order.append(serve(rounds, CREDIT)[0])
    assert ["a", "b", "a", "b"] == [client for client in order if client != "new"]


def test_clients_that_wait_for_nothing_are_bounded_and_passed_quickly() -> None:
    rounds = waiting(a=2)
    assert ("a", 0) == serve(rounds, CREDIT)
    for number in range(3 * MOST_EMPTY):
        rounds.add(f"{number}", ("new", number))
        rounds._in_a_row = 0
        serve(rounds, CREDIT)
    assert MOST_EMPTY <= len(rounds._old) <= MOST_EMPTY + 2
    assert rounds._empty == len(rounds._old) - 1
    assert ("a", 1) == serve(rounds, CREDIT)
    assert not rounds._old
    assert 0 == rounds._empty


def test_nothing_waits() -> None:
    rounds: Waiting = Rounds(CREDIT)
    with pytest.raises(IndexError):
        rounds.next()
    rounds.add("a", ("a", 1))
    assert ("a", 1) == serve(rounds, 1)
    with pytest.raises(IndexError):
        rounds.next()
    assert not rounds._new
    assert not rounds._old  # a client is kept only while others wait


STEPS = st.tuples(st.sampled_from("abcd"), st.booleans(), st.floats(0, 3 * CREDIT))


@given(st.lists(st.one_of(STEPS, st.floats(0, 3 * CREDIT))))
def test_each_item_is_served_once_and_in_the_order_of_its_client(
    steps: list[tuple[str, bool, float] | float],
) -> None:
    """A client: an item arrives, perhaps while one that costs work is served; a number: one is."""
    rounds: Waiting = Rounds(CREDIT)
    added: list[Item] = []
    taken: list[Item] = []

    def add(client: str) -> None:
        added.append((client, len(added)))
        rounds.add(client, added[-1])

    for step in steps:
        if isinstance(step, float):
            if rounds.size:
                taken.append(serve(rounds, step))
        else:
            client, while_served, work = step
            if while_served and rounds.size:
                taken.append(rounds.next())
                add(client)
                rounds.spend(work)
            else:
                add(client)
        assert rounds.size == len(added) - len(taken)
        assert not rounds._new.keys() & rounds._old.keys()
        assert all(queue.items for queue in rounds._new.values())
        assert rounds._empty == sum(not queue.items for queue in rounds._old.values())
    taken += serve_all(rounds, CREDIT)
    assert sorted(added) == sorted(taken)
    for client in "abcd":
        assert [each for each in added if each[0] == client] == [
            each for each in taken if each[0] == client
        ]
