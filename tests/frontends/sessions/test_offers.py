"""Offers that sockets received, and what they may send back."""

from contextlib import suppress
from typing import get_args

import pytest
from msgspec.structs import replace

from tests.frontends.sessions.sockets import (
    ANNE,
    BERT,
    HASH,
    HERE,
    OFFER_ID,
    OTHER,
    OTHER_OFFER_ID,
    SETTINGS,
    Clock,
    answer,
    candidate,
    enter,
    offer,
    opened,
    reply,
    return_address,
)
from tests.recorder import Recorder
from tracker.errors import Denied
from tracker.frontends.metered import RELAYED_PART
from tracker.frontends.sessions import Sessions
from tracker.frontends.unanswered import (
    ANSWERABLE_S,
    ANSWERABLE_SIZE,
    LARGE,
    ROOM_STEP,
    SETTLING_S,
)
from tracker.metrics import Metrics
from tracker.model import SignalKind
from tracker.service.ports import Delivery
from tracker.settings import WsSettings
from tracker.wire.websocket import SignalMessage, SignalName

THIRD = b"%020d" % 3


def test_an_offer_to_a_browser_that_is_not_here_is_undeliverable(
    sessions: Sessions, anne: Recorder, metrics: Metrics
) -> None:
    assert Delivery.GONE is sessions.offer(offer(anne))
    assert {("offer", "gone"): 1} == metrics.relayed


def test_an_offer_may_be_answered_by_its_receiver_only(
    sessions: Sessions, anne: Recorder, bert: Recorder, metrics: Metrics
) -> None:
    enter(sessions, bert, HASH, BERT)
    sessions.offer(offer(anne))
    assert return_address(sessions, anne) is None
    for info_hash, peer_id, to_peer_id, offer_id in (
        (OTHER, BERT, ANNE, OFFER_ID),
        (HASH, ANNE, ANNE, OFFER_ID),
        (HASH, BERT, BERT, OFFER_ID),
        (HASH, BERT, ANNE, OTHER_OFFER_ID),
    ):
        other = SignalMessage("answer", info_hash, peer_id, to_peer_id, offer_id, b'"v=0"')
        assert sessions.reply_route(bert, other) is None
    assert (HERE, anne.number) == return_address(sessions, bert)
    assert sessions.signal(answer(anne))
    assert 1 == len(anne.sent)
    assert {("offer", "delivered"): 1, ("answer", "delivered"): 1} == metrics.relayed


def test_an_answer_to_a_closed_socket_is_undeliverable(
    sessions: Sessions, anne: Recorder, metrics: Metrics
) -> None:
    sessions.close(anne)
    assert not sessions.signal(answer(anne))
    assert {} == metrics.relayed


def test_a_second_offer_with_the_same_ids_does_not_get_the_answer_to_the_first(
    sessions: Sessions, anne: Recorder, bert: Recorder, stranger: Recorder, metrics: Metrics
) -> None:
    enter(sessions, bert, HASH, BERT)
    sessions.offer(offer(anne))
    assert Delivery.DROPPED is sessions.offer(offer(stranger))
    assert (1, 1) == (len(bert.sent), metrics.relayed["offer", "duplicate"])
    assert (HERE, anne.number) == return_address(sessions, bert)


def test_the_oldest_unanswered_offer_is_forgotten_first(
    sessions: Sessions, anne: Recorder, bert: Recorder
) -> None:
    enter(sessions, bert, HASH, BERT)
    for offer_id in OFFER_ID, OTHER_OFFER_ID, THIRD:
        sessions.offer(offer(anne, offer_id))
    assert SETTINGS.max_pending * ANSWERABLE_SIZE == bert.held
    assert return_address(sessions, bert, OFFER_ID) is None
    for offer_id in OTHER_OFFER_ID, THIRD:
        assert (HERE, anne.number) == return_address(sessions, bert, offer_id)


def test_memory_for_unanswered_offers_is_counted_in_steps(metrics: Metrics, clock: Clock) -> None:
    sessions = Sessions(WsSettings(max_pending=2 * ROOM_STEP + 1), metrics, clock)
    bert = opened(sessions)
    enter(sessions, bert, HASH, BERT)
    held = []
    for number in range(2 * ROOM_STEP + 2):
        sessions.offer(offer(bert, b"%020d" % number))
        held.append(bert.held // ANSWERABLE_SIZE)
    step = [ROOM_STEP] * ROOM_STEP
    assert step + [2 * each for each in step] + [2 * ROOM_STEP + 1] * 2 == held
    for number in range(ROOM_STEP + 1):
        return_address(sessions, bert, b"%020d" % number)
    clock.now += SETTLING_S
    sessions.forget_unanswered(bert)
    assert 2 * ROOM_STEP * ANSWERABLE_SIZE == bert.held  # one more than a step has no answer yet
    return_address(sessions, bert, b"%020d" % (ROOM_STEP + 1))
    clock.now += SETTLING_S
    sessions.forget_unanswered(bert)
    assert ROOM_STEP * ANSWERABLE_SIZE == bert.held
    clock.now += ANSWERABLE_S
    sessions.forget_unanswered(bert)
    assert 0 == bert.held


def test_an_offer_can_be_answered_for_some_time_only(
    sessions: Sessions, clock: Clock, anne: Recorder, bert: Recorder
) -> None:
    enter(sessions, bert, HASH, BERT)
    for offer_id in OFFER_ID, OTHER_OFFER_ID:
        sessions.offer(offer(anne, offer_id))
        clock.now += 1
    clock.now += ANSWERABLE_S - 2
    with pytest.raises(Denied, match="no such offer"):
        return_address(sessions, bert, OFFER_ID)
    clock.now += 1
    assert Delivery.DONE is sessions.offer(offer(anne, OTHER_OFFER_ID))  # the id is free again
    assert (HERE, anne.number) == return_address(sessions, bert, OTHER_OFFER_ID)
    clock.now += SETTLING_S
    for each in anne, bert:
        sessions.forget_unanswered(each)
    assert 0 == bert.held


def test_the_offers_of_a_closed_socket_are_not_held(
    sessions: Sessions, anne: Recorder, bert: Recorder
) -> None:
    enter(sessions, bert, HASH, BERT)
    sessions.offer(offer(anne))
    sessions.close(bert)
    assert 0 == bert.held
    sessions.forget_unanswered(bert)
    assert return_address(sessions, bert) is None


def test_an_offer_that_there_is_no_memory_for_is_dropped(
    sessions: Sessions, anne: Recorder, bert: Recorder, metrics: Metrics
) -> None:
    enter(sessions, bert, HASH, BERT)
    bert.allowed = 0
    assert Delivery.DROPPED is sessions.offer(offer(anne))
    assert ([], 1) == (bert.sent, metrics.relayed["offer", "memory"])
    assert return_address(sessions, bert) is None


# Answers and candidates


def test_an_offer_may_be_answered_again_for_a_while(
    sessions: Sessions, clock: Clock, anne: Recorder, bert: Recorder
) -> None:
    enter(sessions, bert, HASH, BERT)
    sessions.offer(offer(anne))
    for _ in range(2):
        assert (HERE, anne.number) == return_address(sessions, bert)
    clock.now += SETTLING_S
    with pytest.raises(Denied, match="no such offer"):
        return_address(sessions, bert)


def test_candidates_do_not_end_the_time_for_an_answer(
    sessions: Sessions, clock: Clock, anne: Recorder, bert: Recorder
) -> None:
    enter(sessions, bert, HASH, BERT)
    sessions.offer(offer(anne))
    assert sessions.reply_route(bert, reply(name="candidate"))
    clock.now += ANSWERABLE_S - 1
    assert (HERE, anne.number) == return_address(sessions, bert)


def test_the_replies_to_an_offer_are_bounded_in_number_and_bytes(
    metrics: Metrics, clock: Clock
) -> None:
    sessions = Sessions(WsSettings(max_signals=3), metrics, clock)
    anne, bert = opened(sessions), opened(sessions)
    enter(sessions, bert, HASH, BERT)
    sessions.offer(offer(anne))
    assert sessions.reply_route(bert, reply(text=b" " * LARGE))  # as much as two
    assert sessions.reply_route(bert, reply())
    with pytest.raises(Denied, match="no such offer"):
        sessions.reply_route(bert, reply())
    assert 1 == metrics.refused["signals", "socket"]
    sessions.offer(offer(anne, OTHER_OFFER_ID))
    assert sessions.reply_route(bert, reply(OTHER_OFFER_ID))


@pytest.mark.parametrize("size", [100, LARGE - 1, LARGE, 10_000, SETTINGS.max_message - 200])
@pytest.mark.parametrize("name", get_args(SignalName))
def test_the_replies_to_one_offer_leave_room_for_answers_to_others(
    metrics: Metrics, clock: Clock, name: SignalName, size: int
) -> None:
    """Half of the room of a slow browser remains for those who answer its other offers."""
    settings = WsSettings()
    sessions = Sessions(settings, metrics, clock)
    anne, bert = opened(sessions), opened(sessions)
    enter(sessions, bert, HASH, BERT)
    sessions.offer(offer(anne))
    taken = 0
    with suppress(Denied):
        while sessions.reply_route(bert, reply(name=name, text=b" " * size)):
            taken += size
    assert 1 == metrics.refused["signals", "socket"]
    assert 0 < taken <= settings.max_buffer // RELAYED_PART // 2


def test_an_offer_that_is_made_again_is_answered_to_the_newest_socket_of_its_address(
    sessions: Sessions, anne: Recorder, bert: Recorder
) -> None:
    enter(sessions, bert, HASH, BERT)
    again = opened(sessions)
    for socket in anne, again:
        assert Delivery.DONE is sessions.offer(offer(socket))
    assert (HERE, again.number) == return_address(sessions, bert)
    assert ANSWERABLE_SIZE * SETTINGS.max_pending == bert.held


def test_the_candidates_of_an_offerer_need_an_offer_from_its_address(
    sessions: Sessions, anne: Recorder, bert: Recorder, stranger: Recorder
) -> None:
    enter(sessions, bert, HASH, BERT)
    assert not sessions.signal(candidate(anne))
    sessions.offer(offer(anne))
    assert sessions.signal(candidate(anne))
    assert not sessions.signal(candidate(stranger))
    assert not sessions.signal(replace(candidate(anne), offer_id=OTHER_OFFER_ID))
    assert 2 == len(bert.sent)


def test_the_candidates_of_an_offerer_leave_room_for_the_answer(
    metrics: Metrics, clock: Clock
) -> None:
    sessions = Sessions(WsSettings(max_signals=64), metrics, clock)
    anne, bert = opened(sessions), opened(sessions)
    enter(sessions, bert, HASH, BERT)
    sessions.offer(offer(anne))
    for _ in range(100):
        assert sessions.signal(candidate(anne))
    assert sessions.reply_route(bert, reply(text=b" " * (LARGE * 32 - 1)))


def test_the_candidates_of_an_offerer_count_as_offers(
    sessions: Sessions, clock: Clock, anne: Recorder, bert: Recorder, metrics: Metrics
) -> None:
    enter(sessions, bert, HASH, BERT)
    sessions.offer(offer(anne))
    for _ in range(SETTINGS.offers_burst):
        assert sessions.signal(candidate(anne))  # those over the budget are dropped
    assert 3 == len(bert.sent)
    assert metrics.refused["offers", "socket"] == SETTINGS.offers_burst - 2
    clock.now += SETTINGS.offers_burst / SETTINGS.offers_per_second
    assert sessions.signal(candidate(anne))
    assert 4 == len(bert.sent)


def test_a_slow_browser_gets_no_answers(
    sessions: Sessions, anne: Recorder, metrics: Metrics
) -> None:
    anne.free = 0
    assert sessions.signal(answer(anne))
    assert ([], {("answer", "slow"): 1}) == (anne.sent, metrics.relayed)


def test_an_answer_reaches_an_offerer_that_waits_for_the_entry_that_a_stranger_took(
    sessions: Sessions, anne: Recorder, stranger: Recorder
) -> None:
    enter(sessions, anne, HASH, ANNE)
    enter(sessions, stranger, HASH, ANNE)
    sessions.close(anne)
    again = opened(sessions)
    enter(sessions, again, HASH, ANNE)
    assert sessions.signal(answer(anne))
    assert ([], 1) == (stranger.sent, len(again.sent))


def test_candidates_leave_room_for_answers_to_a_slow_browser(
    sessions: Sessions, anne: Recorder
) -> None:
    anne.free = 1000
    assert sessions.signal(replace(answer(anne), kind=SignalKind.CANDIDATE))
    assert [] == anne.sent
    assert sessions.signal(answer(anne))
    assert 1 == len(anne.sent)
