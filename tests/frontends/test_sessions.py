"""Sockets' entries in swarms, and the offers that they may answer."""

from itertools import count

import pytest

from tests.recorder import Recorder
from tracker.errors import Denied
from tracker.frontends.sessions import (
    ANSWERABLE_S,
    CHALLENGE_EVERY_S,
    PENDING_SIZE,
    ROOM_STEP,
    Session,
    Sessions,
)
from tracker.metrics import Metrics
from tracker.model import Answer, Offer
from tracker.policy.ownership import Claim
from tracker.service.ports import Delivery
from tracker.settings import WsSettings
from tracker.wire.relay import address_digest

HERE = b"frontend"
HASH, OTHER = b"h" * 20, b"o" * 20
ANNE, BERT = b"a" * 20, b"b" * 20
OFFER_ID = b'"1"'
AWAY = bytes((10, 0, 0, 2))
SETTINGS = WsSettings(max_pending=2, offers_per_second=4.0, offers_burst=16)  # three of a source


class Clock:  # seconds, as they are set
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(metrics: Metrics, clock: Clock) -> Sessions:
    return Sessions(SETTINGS, metrics, clock, count(1).__next__)


@pytest.fixture
def anne(sessions: Sessions) -> Recorder:
    return opened(sessions)


@pytest.fixture
def bert(sessions: Sessions) -> Recorder:
    return opened(sessions)


@pytest.fixture
def stranger(sessions: Sessions) -> Recorder:
    return opened(sessions, AWAY)


def opened(sessions: Sessions, address: bytes | None = None) -> Recorder:
    session = Recorder() if address is None else Recorder(address)
    sessions.open(session)
    return session


def enter(sessions: Sessions, session: Session, info_hash: bytes, peer_id: bytes) -> Claim:
    """Do what an announce does."""
    claim = sessions.claim(session, info_hash, peer_id)
    if claim is Claim.FREE:
        sessions.join(session, info_hash, peer_id)
    elif claim is Claim.TAKEN:
        sessions.wait(session, info_hash, peer_id)
    return claim


def offer(session: Session, offer_id: bytes = OFFER_ID, text: bytes = b"{}") -> Offer:
    """Anne's to Bert, from that socket of hers."""
    return Offer(HASH, ANNE, BERT, offer_id, text, HERE, session.number)


def return_address(
    sessions: Sessions, session: Session, offer_id: bytes = OFFER_ID
) -> tuple[bytes, int] | None:
    """Where Bert's answer to Anne's offer goes."""
    return sessions.return_address(session, HASH, BERT, ANNE, offer_id)


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
    assert Delivery.DONE is sessions.offer(offer(stranger, b'"2"'))
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
    assert sessions.answer(Answer(HASH, BERT, OFFER_ID, b"{}", anne.number))
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


# Offers and answers


def test_an_offer_to_a_browser_that_is_not_here_is_undeliverable(
    sessions: Sessions, anne: Recorder, metrics: Metrics
) -> None:
    assert Delivery.GONE is sessions.offer(offer(anne))
    assert {("offer", "gone"): 1} == metrics.relayed


def test_an_offer_may_be_answered_once_and_by_its_receiver_only(
    sessions: Sessions, anne: Recorder, bert: Recorder, metrics: Metrics
) -> None:
    enter(sessions, bert, HASH, BERT)
    sessions.offer(offer(anne))
    assert return_address(sessions, anne) is None
    for info_hash, peer_id, to_peer_id, offer_id in (
        (OTHER, BERT, ANNE, OFFER_ID),
        (HASH, ANNE, ANNE, OFFER_ID),
        (HASH, BERT, BERT, OFFER_ID),
        (HASH, BERT, ANNE, b'"2"'),
    ):
        assert sessions.return_address(bert, info_hash, peer_id, to_peer_id, offer_id) is None
    assert (HERE, anne.number) == return_address(sessions, bert)
    assert return_address(sessions, bert) is None
    assert sessions.answer(Answer(HASH, BERT, OFFER_ID, b"{}", anne.number))
    assert 1 == len(anne.sent)
    assert {("offer", "delivered"): 1, ("answer", "delivered"): 1} == metrics.relayed


def test_an_answer_to_a_closed_socket_is_undeliverable(
    sessions: Sessions, anne: Recorder, metrics: Metrics
) -> None:
    sessions.close(anne)
    assert not sessions.answer(Answer(HASH, BERT, OFFER_ID, b"{}", anne.number))
    assert {("answer", "gone"): 1} == metrics.relayed


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
    for offer_id in b'"1"', b'"2"', b'"3"':
        sessions.offer(offer(anne, offer_id))
    assert SETTINGS.max_pending * PENDING_SIZE == bert.held
    assert return_address(sessions, bert, b'"1"') is None
    for offer_id in b'"2"', b'"3"':
        assert (HERE, anne.number) == return_address(sessions, bert, offer_id)


def test_memory_for_unanswered_offers_is_counted_in_steps(metrics: Metrics, clock: Clock) -> None:
    sessions = Sessions(WsSettings(max_pending=2 * ROOM_STEP + 1), metrics, clock)
    bert = opened(sessions)
    enter(sessions, bert, HASH, BERT)
    held = []
    for number in range(2 * ROOM_STEP + 2):
        sessions.offer(offer(bert, b'"%d"' % number))
        held.append(bert.held // PENDING_SIZE)
    step = [ROOM_STEP] * ROOM_STEP
    assert step + [2 * each for each in step] + [2 * ROOM_STEP + 1] * 2 == held
    for number in range(ROOM_STEP + 1):
        return_address(sessions, bert, b'"%d"' % number)
    sessions.forget_unanswered(bert)
    assert 2 * ROOM_STEP * PENDING_SIZE == bert.held  # one more than a step has no answer yet
    return_address(sessions, bert, b'"%d"' % (ROOM_STEP + 1))
    sessions.forget_unanswered(bert)
    assert ROOM_STEP * PENDING_SIZE == bert.held
    clock.now += ANSWERABLE_S
    sessions.forget_unanswered(bert)
    assert 0 == bert.held


def test_an_offer_can_be_answered_for_some_time_only(
    sessions: Sessions, clock: Clock, anne: Recorder, bert: Recorder
) -> None:
    enter(sessions, bert, HASH, BERT)
    for offer_id in b'"1"', b'"2"':
        sessions.offer(offer(anne, offer_id))
        clock.now += 1
    clock.now += ANSWERABLE_S - 2
    assert return_address(sessions, bert, b'"1"') is None
    clock.now += 1
    assert Delivery.DONE is sessions.offer(offer(anne, b'"2"'))  # the id is free again
    assert (HERE, anne.number) == return_address(sessions, bert, b'"2"')
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
