"""Floods: which datagrams are served, and which addresses are held back."""

import pytest

from tracker.policy.floods import (
    FIRST_SAMPLE,
    FIRST_WINDOW_S,
    HOLD_S,
    MOST_RESTRAINED,
    MOST_SAMPLE,
    WINDOW_S,
    Floods,
)

GOOD = [bytes((10, 0, 0, number)) for number in range(20)]
BAD = [bytes((66, 0, number, 0)) for number in range(250)]
PER_ROUND = 256
ROOM = 1000


def pressed_at(now: float) -> Floods:
    floods = Floods(PER_ROUND)
    floods.press(now)
    return floods


def flood(floods: Floods, bad: list[bytes], times: int = 20) -> None:
    """Some readings of a full buffer: each good address once, and the bad ones many times."""
    for _ in range(times):
        floods.choose([*bad * (1000 // len(bad)), *GOOD], more_wait=True, room=ROOM)


def test_a_socket_is_pressed_until_some_time_after_the_last_sign() -> None:
    floods = Floods(PER_ROUND)
    assert not floods.pressed(0.0)
    floods.press(100.0)
    floods.press(105.0)
    assert floods.pressed(105.0 + HOLD_S - 0.1)
    assert not floods.pressed(105.0 + HOLD_S)


def test_all_are_served_when_no_more_wait() -> None:
    assert all(pressed_at(0.0).choose(BAD[:1] * 1000, more_wait=False, room=ROOM))


@pytest.mark.parametrize("attackers", [1, 250])
def test_each_good_address_is_served_beside_a_flood(attackers: int) -> None:
    keys = [*BAD[:attackers] * (1000 // attackers), *GOOD]
    chosen = pressed_at(0.0).choose(keys, more_wait=True, room=ROOM)
    assert all(chosen[-len(GOOD) :])
    assert len(chosen) == len(keys)
    assert sum(chosen) <= PER_ROUND + attackers


def test_connects_are_bounded_whatever_the_number_of_addresses() -> None:
    keys = [number.to_bytes(4, "big") for number in range(1000)]
    floods = pressed_at(0.0)
    assert PER_ROUND == sum(floods.choose_connects(keys, more_wait=True))
    assert all(floods.choose_connects(keys, more_wait=False))
    assert not floods.review(FIRST_WINDOW_S)  # their sources may be forged
    assert not floods.restrained


@pytest.mark.parametrize("attackers", [1, 250])
def test_addresses_far_above_their_share_are_restrained(attackers: int) -> None:
    floods = pressed_at(0.0)
    assert not floods.due(FIRST_WINDOW_S / 2)
    flood(floods, BAD[:attackers])
    assert floods.due(FIRST_WINDOW_S)
    assert floods.review(FIRST_WINDOW_S)
    assert set(BAD[:attackers]) == floods.restrained
    assert FIRST_SAMPLE == floods.sample


def test_where_the_kernel_does_not_see_the_addresses_none_is_restrained() -> None:
    floods = Floods(PER_ROUND, restrains=False)
    floods.press(0.0)
    flood(floods, BAD)
    assert not floods.review(FIRST_WINDOW_S)
    assert not floods.restrained


def test_requests_that_may_be_forged_restrain_only_addresses_that_are_answered() -> None:
    floods = Floods(PER_ROUND, least_answers=3)
    floods.press(0.0)
    flood(floods, BAD[:2])
    for key, number in ((BAD[0], 3), (BAD[1], 2), (GOOD[0], 3)):
        for _ in range(number):
            floods.answered(key)
    assert floods.review(FIRST_WINDOW_S)
    assert {BAD[0]} == floods.restrained
    flood(floods, BAD[:2])
    floods.answered(BAD[1])  # answers of another window do not count
    floods.review(FIRST_WINDOW_S + WINDOW_S)
    assert {BAD[0]} == floods.restrained  # for as long as it sends too much


def test_if_the_restrained_still_send_too_much_fewer_of_theirs_are_sampled() -> None:
    floods = pressed_at(0.0)
    now = FIRST_WINDOW_S
    samples = []
    for _ in range(6):
        flood(floods, BAD)
        floods.review(now)
        samples.append(floods.sample)
        now += WINDOW_S
    assert [16, 64, 256, 1024, MOST_SAMPLE, MOST_SAMPLE] == samples


def test_a_restrained_address_is_released_once_it_has_calmed_down() -> None:
    floods = pressed_at(0.0)
    flood(floods, BAD[:2])
    floods.review(0.25)
    now = 0.25 + WINDOW_S
    # One in 16 of what they send arrives: the first goes on, the second has stopped.
    floods.choose([*BAD[:1] * 1000, *GOOD], more_wait=False, room=ROOM)
    assert floods.review(now)
    assert {BAD[0]} == floods.restrained
    assert floods.pressed(now + HOLD_S)  # as long as any address is restrained
    assert floods.review(now + WINDOW_S)
    assert not floods.restrained
    assert not floods.pressed(now + HOLD_S)


def test_the_number_of_restrained_addresses_is_bounded_and_the_worst_come_first() -> None:
    floods = pressed_at(0.0)
    some = [number.to_bytes(4, "big") for number in range(MOST_RESTRAINED + 50)]
    many = some[50:]
    quiet = [b"quiet" + bytes((number,)) for number in range(200)] * 2
    for _ in range(3):
        floods.choose([*some * 10, *many * 10, *quiet], more_wait=True, room=ROOM)
    floods.review(FIRST_WINDOW_S)
    assert set(many) == floods.restrained


def test_pressure_that_returns_starts_with_a_short_window() -> None:
    floods = pressed_at(0.0)
    flood(floods, BAD)
    later = 10 * HOLD_S
    floods.press(later)
    assert not floods.due(later)
    assert floods.due(later + FIRST_WINDOW_S)
    assert not floods.review(later + FIRST_WINDOW_S)  # nothing has come since


def test_without_room_the_addresses_that_sent_least_are_served() -> None:
    floods = pressed_at(0.0)
    keys = [*BAD * 2, *GOOD, *BAD * 2]
    chosen = floods.choose(keys, more_wait=False, room=len(GOOD) + 5)
    assert len(GOOD) + 5 == sum(chosen)
    assert all(chosen[2 * len(BAD) : 2 * len(BAD) + len(GOOD)])
    flood(floods, BAD, times=1)
    assert not any(floods.choose(BAD, more_wait=True, room=0))


def test_with_room_for_all_each_request_is_served_in_the_order_of_arrival() -> None:
    assert all(pressed_at(0.0).choose(GOOD * 10, more_wait=False, room=10 * len(GOOD)))
