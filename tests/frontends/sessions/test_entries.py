"""Sockets' entries in swarms."""

from itertools import count

import pytest

from tests.frontends.sessions.sockets import (
    ANNE,
    AWAY,
    BERT,
    HASH,
    HERE,
    OTHER,
    OTHER_OFFER_ID,
    SETTINGS,
    Clock,
    answer,
    enter,
    offer,
    opened,
    return_address,
)
from tests.recorder import Recorder
from tracker.errors import Denied
from tracker.frontends.sessions import CHALLENGE_EVERY_S, Sessions
from tracker.metrics import Metrics
from tracker.policy.ownership import Claim
from tracker.service.ports import Delivery
from tracker.wire.relay import address_digest


def test_sockets_are_numbered_and_counted(
    sessions: Sessions, anne: Recorder, bert: Recorder
) -> None:
    assert 0 < anne.number < bert.number
    assert (2, [anne, bert]) == (len(sessions), list(sessions))
    assert [] == sessions.close(anne)
    assert [bert] == list(sessions)


def test_numbers_grow_when_the_clock_stands_still_or_goes_back(metrics: Metrics) -> None:
    times = iter([50, 50, 20, 70])
    sessions = Sessions(SETTINGS, metrics, clock_us=lambda: next(times))
    assert [50, 51, 52, 70] == [opened(sessions).number for _ in range(4)]


def test_the_age_of_a_socket_goes_by_the_time_of_redis_as_far_as_it_is_known(
    metrics: Metrics,
) -> None:
    ahead = [0]  # of this machine's clock, which is a minute behind
    sessions = Sessions(
        SETTINGS, metrics, clock_us=count(100).__next__, shared_us=lambda us: us + ahead[0]
    )
    anne = opened(sessions)
    enter(sessions, anne, HASH, ANNE)
    ahead[0] = 60
    here = address_digest(anne.account.key)
    assert 160 == sessions.opened_us(anne)
    assert not sessions.moved(HASH, ANNE, 130, here)
    assert sessions.moved(HASH, ANNE, 161, here)


# Entries


def test_the_entries_of_a_closed_socket_end_once(sessions: Sessions, anne: Recorder) -> None:
    assert [Claim.FREE, Claim.OWNED] == [enter(sessions, anne, HASH, ANNE) for _ in range(2)]
    enter(sessions, anne, OTHER, BERT)
    assert {(HASH, ANNE), (OTHER, BERT)} == set(sessions.close(anne))
    assert [] == sessions.close(anne)


def test_the_newest_socket_of_an_address_takes_an_entry_over(
    sessions: Sessions, anne: Recorder, bert: Recorder
) -> None:
    enter(sessions, anne, HASH, BERT)
    enter(sessions, bert, HASH, BERT)
    assert Delivery.DONE is sessions.offer(offer(anne))
    assert ([], 1) == (anne.sent, len(bert.sent))
    assert not sessions.owns_alone(anne, HASH, BERT)
    assert [] == sessions.close(anne)
    assert [(HASH, BERT)] == sessions.close(bert)


def test_a_socket_of_another_address_gets_none_of_the_offers_and_ends_nothing(
    sessions: Sessions, bert: Recorder, stranger: Recorder, metrics: Metrics
) -> None:
    enter(sessions, bert, HASH, BERT)
    assert Claim.TAKEN is enter(sessions, stranger, HASH, BERT)
    assert Delivery.DONE is sessions.offer(offer(stranger))
    assert (1, []) == (len(bert.sent), stranger.sent)
    assert not sessions.owns_alone(stranger, HASH, BERT)
    sessions.quit(stranger, HASH, BERT)
    assert [] == sessions.close(stranger)
    assert Delivery.DONE is sessions.offer(offer(stranger, OTHER_OFFER_ID))
    assert 1 == metrics.refused["identity", "socket"]
    assert [(HASH, BERT)] == sessions.close(bert)


def test_a_waiting_socket_inherits_the_entry_of_a_closed_one(
    sessions: Sessions, bert: Recorder, stranger: Recorder
) -> None:
    enter(sessions, bert, HASH, BERT)
    enter(sessions, stranger, HASH, BERT)
    assert not sessions.owns_alone(bert, HASH, BERT)
    assert [] == sessions.close(bert)
    assert Delivery.DONE is sessions.offer(offer(bert))
    assert 1 == len(stranger.sent)
    assert sessions.owns_alone(stranger, HASH, BERT)
    assert [(HASH, BERT)] == sessions.close(stranger)


def test_an_owner_is_challenged_once_in_a_while_however_many_claim_its_entry(
    sessions: Sessions, clock: Clock, bert: Recorder
) -> None:
    enter(sessions, bert, HASH, BERT)
    enter(sessions, bert, OTHER, BERT)
    for _ in range(3):
        stranger = opened(sessions, AWAY)
        for info_hash in HASH, OTHER:
            enter(sessions, stranger, info_hash, BERT)
    assert 1 == bert.challenges
    clock.now += CHALLENGE_EVERY_S
    enter(sessions, stranger, HASH, BERT)
    assert 2 == bert.challenges


def test_a_socket_has_one_peer_id_in_a_swarm(
    sessions: Sessions, anne: Recorder, metrics: Metrics
) -> None:
    enter(sessions, anne, HASH, ANNE)
    enter(sessions, anne, OTHER, BERT)
    with pytest.raises(Denied, match="another peer_id in this swarm"):
        sessions.claim(anne, HASH, BERT)
    assert 1 == metrics.refused["identity", "socket"]
    sessions.quit(anne, HASH, ANNE)
    assert Claim.FREE is sessions.claim(anne, HASH, BERT)


def test_a_newer_socket_of_the_address_on_another_frontend_takes_an_entry_over(
    sessions: Sessions, anne: Recorder, metrics: Metrics
) -> None:
    enter(sessions, anne, HASH, ANNE)
    enter(sessions, anne, OTHER, ANNE)
    here = address_digest(anne.account.key)
    assert sessions.moved(HASH, ANNE, 5, here)
    assert not sessions.moved(HASH, ANNE, 6, here)  # not here any more
    assert {("moved", "delivered"): 1} == metrics.relayed
    assert not sessions.owns_alone(anne, HASH, ANNE)
    assert [(OTHER, ANNE)] == sessions.close(anne)
    assert not sessions.moved(OTHER, ANNE, 7, here)


def test_an_older_socket_on_another_frontend_takes_nothing_over(
    sessions: Sessions, anne: Recorder, bert: Recorder, metrics: Metrics
) -> None:
    enter(sessions, bert, HASH, ANNE)
    here = address_digest(bert.account.key)
    for opened_us in 0, anne.number, bert.number:
        assert not sessions.moved(HASH, ANNE, opened_us, here)
    assert {} == metrics.relayed
    assert sessions.moved(HASH, ANNE, bert.number + 1, here)


def test_a_socket_of_another_address_on_another_frontend_takes_nothing_over(
    sessions: Sessions, anne: Recorder, metrics: Metrics
) -> None:
    enter(sessions, anne, HASH, ANNE)
    assert not sessions.moved(HASH, ANNE, 2**62, address_digest(AWAY))
    assert {("moved", "refused"): 1} == metrics.relayed
    assert 1 == anne.challenges
    assert [(HASH, ANNE)] == sessions.close(anne)


def test_a_waiting_socket_inherits_an_entry_that_moved(
    sessions: Sessions, anne: Recorder, stranger: Recorder
) -> None:
    enter(sessions, anne, HASH, ANNE)
    enter(sessions, stranger, HASH, ANNE)
    assert not sessions.moved(HASH, ANNE, 9, address_digest(anne.account.key))
    assert [(HASH, ANNE)] == sessions.close(stranger)


def test_a_socket_whose_peer_moved_still_gets_its_answers(
    sessions: Sessions, anne: Recorder, bert: Recorder
) -> None:
    enter(sessions, anne, HASH, ANNE)
    enter(sessions, bert, HASH, BERT)
    sessions.offer(offer(anne))
    here = address_digest(anne.account.key)
    assert sessions.moved(HASH, ANNE, 5, here)
    assert sessions.moved(HASH, BERT, 5, here)
    assert (HERE, anne.number) == return_address(sessions, bert)
    assert not sessions.signal(answer(anne))  # it is looked for elsewhere, too
    assert 1 == len(anne.sent)
    assert Delivery.GONE is sessions.offer(offer(anne))


def test_a_peer_that_came_back_is_not_removed_by_the_close_of_the_socket_that_it_left(
    sessions: Sessions, anne: Recorder, bert: Recorder
) -> None:
    enter(sessions, anne, HASH, ANNE)
    assert sessions.moved(HASH, ANNE, 5, address_digest(anne.account.key))
    enter(sessions, bert, HASH, ANNE)
    assert [] == sessions.close(anne)
    assert [(HASH, ANNE)] == sessions.close(bert)


def test_a_membership_can_be_quit_once(sessions: Sessions, anne: Recorder) -> None:
    sessions.quit(anne, HASH, ANNE)
    enter(sessions, anne, HASH, ANNE)
    sessions.quit(anne, HASH, BERT)
    assert sessions.owns_alone(anne, HASH, ANNE)
    sessions.quit(anne, HASH, ANNE)
    assert not sessions.owns_alone(anne, HASH, ANNE)
    assert [] == sessions.close(anne)
