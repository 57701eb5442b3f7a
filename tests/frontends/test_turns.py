"""The work of one iteration of the loop, shared out between addresses."""

import asyncio
from functools import partial

import pytest

from tracker.frontends.turns import Turns
from tracker.policy.accounts import Account

LONG_S = 3600.0
SHORT_S = 1e-9  # over after the first turn


async def all_served(turns: Turns) -> int:
    """Run the event loop until no request waits; return the number of iterations."""
    iterations = 0
    while turns:
        await asyncio.sleep(0)
        iterations += 1
    return iterations


async def test_turns_are_given_until_the_time_of_an_iteration_is_over() -> None:
    turns, long = Turns(SHORT_S), Turns(LONG_S)
    for _ in range(3):
        assert turns.take()
        asyncio.get_running_loop().time()  # uvloop moves its clock within an iteration
        assert not turns.take()
        assert all(long.take() for _ in range(1000))
        await asyncio.sleep(0)


async def test_waiting_requests_go_first_one_of_each_address_after_the_other() -> None:
    turns, order = Turns(LONG_S), list[str]()
    busy, other, third = Account(b"1"), Account(b"2"), Account(b"3")
    for number in range(3):
        turns.wait(busy, partial(order.append, f"busy {number}"))
    turns.wait(other, partial(order.append, "other"))
    turns.wait(third, partial(order.append, "third"))
    assert 5 == len(turns)
    assert not turns.take()
    assert 1 == await all_served(turns)
    assert ["busy 0", "other", "third", "busy 1", "busy 2"] == order
    assert turns.take()


async def test_waiting_requests_are_spread_over_iterations() -> None:
    turns, account, done = Turns(SHORT_S), Account(b"1"), list[int]()
    for number in range(6):
        turns.wait(account, partial(done.append, number))
    assert 6 == await all_served(turns)
    assert [*range(6)] == done


async def test_work_that_a_request_causes_later_takes_time_of_its_iteration() -> None:
    turns, account = Turns(LONG_S), Account(b"1")
    assert turns.take()
    turns.charge(LONG_S)
    assert not turns.take()
    for _ in range(3):
        turns.wait(account, partial(turns.charge, LONG_S))
    assert 3 == await all_served(turns)


async def test_work_that_is_counted_outside_of_a_turn_delays_only_this_iteration() -> None:
    turns = Turns(LONG_S)
    turns.charge(2 * LONG_S)
    assert not turns.take()
    turns.wait(Account(b"1"), lambda: None)
    assert 1 == await all_served(turns)
    assert turns.take()


async def test_a_defect_of_one_request_does_not_stop_the_others() -> None:
    turns, done, reported = Turns(LONG_S), list[int](), list[dict[str, object]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    def broken() -> None:
        raise ValueError("a defect")

    turns.wait(Account(b"1"), broken)
    turns.wait(Account(b"2"), partial(done.append, 1))
    await all_served(turns)
    assert [1] == done
    assert 1 == len(reported)


@pytest.mark.parametrize("waits", [False, True])
async def test_an_idle_loop_has_nothing_left_to_do(waits: bool) -> None:
    turns, calls = Turns(LONG_S), list[int]()
    assert turns.take()
    if waits:
        turns.wait(Account(b"1"), partial(calls.append, 1))
    for _ in range(4):
        await asyncio.sleep(0)
    assert waits == bool(calls)
    assert 0.0 == turns._ends


async def test_while_redis_is_far_behind_one_is_served_in_each_iteration() -> None:
    behind = True
    turns, done = Turns(LONG_S, lambda: behind), list[int]()
    assert turns.take()
    for number in range(3):
        assert not turns.take()
        turns.wait(Account(b"%d" % number), partial(done.append, number))
    await asyncio.sleep(0)
    assert [0] == done
    await asyncio.sleep(0)
    assert [0, 1] == done
    behind = False
    await asyncio.sleep(0)
    assert [0, 1, 2] == done
