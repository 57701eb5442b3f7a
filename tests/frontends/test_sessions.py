"""Which socket is whose, and which offers may be answered."""

from itertools import count

import pytest

from tests.recorder import Recorder
from tracker.frontends.sessions import Session, Sessions
from tracker.metrics import Metrics
from tracker.model import Answer, Offer

HERE = b"frontend"
HASH, OTHER = b"h" * 20, b"o" * 20
ANNE, BERT = b"a" * 20, b"b" * 20
OFFER_ID = b'"1"'


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def sessions(metrics: Metrics) -> Sessions:
    return Sessions(2, metrics, count(1).__next__)


@pytest.fixture
def anne(sessions: Sessions) -> Recorder:
    return opened(sessions)


@pytest.fixture
def bert(sessions: Sessions) -> Recorder:
    return opened(sessions)


def opened(sessions: Sessions) -> Recorder:
    session = Recorder()
    sessions.open(session)
    return session


def offer(session: Session, offer_id: bytes = OFFER_ID) -> Offer:
    """Anne's to Bert, from that socket of hers."""
    return Offer(HASH, ANNE, BERT, offer_id, b"{}", HERE, session.number)


def test_sockets_are_numbered_and_counted(
    sessions: Sessions, anne: Recorder, bert: Recorder
) -> None:
    assert 0 != anne.number != bert.number != 0
    assert (2, [anne, bert]) == (len(sessions), list(sessions))
    assert [] == sessions.close(anne)
    assert [bert] == list(sessions)


def test_a_closed_socket_s_memberships_are_told_once(sessions: Sessions, anne: Recorder) -> None:
    sessions.join(anne, HASH, ANNE)
    sessions.join(anne, HASH, ANNE)
    sessions.join(anne, OTHER, BERT)
    assert {(HASH, ANNE), (OTHER, BERT)} == set(sessions.close(anne))
    assert [] == sessions.close(anne)


def test_the_newest_socket_takes_a_membership_over(
    sessions: Sessions, anne: Recorder, bert: Recorder
) -> None:
    sessions.join(anne, HASH, BERT)
    sessions.join(bert, HASH, BERT)
    assert sessions.offer(offer(anne))
    assert ([], 1) == (anne.sent, len(bert.sent))
    assert not sessions.quit(anne, HASH, BERT)
    assert [] == sessions.close(anne)
    assert [(HASH, BERT)] == sessions.close(bert)


def test_who_joins_is_told_when_unless_it_is_in_already(
    sessions: Sessions, anne: Recorder, bert: Recorder
) -> None:
    assert 1 == sessions.join(anne, HASH, ANNE)
    assert sessions.join(anne, HASH, ANNE) is None
    assert 2 == sessions.join(bert, HASH, ANNE)
    assert 3 == sessions.join(bert, OTHER, ANNE)
    sessions.close(bert)
    assert 4 == sessions.join(anne, HASH, ANNE)


def test_a_newer_socket_on_another_frontend_takes_a_membership_over(
    sessions: Sessions, anne: Recorder, metrics: Metrics
) -> None:
    sessions.join(anne, HASH, ANNE)
    sessions.join(anne, OTHER, ANNE)
    assert sessions.moved(HASH, ANNE, 5)
    assert not sessions.moved(HASH, ANNE, 6)  # not here any more
    assert {("moved", "delivered"): 1} == metrics.relayed
    assert not sessions.quit(anne, HASH, ANNE)
    assert [(OTHER, ANNE)] == sessions.close(anne)
    assert not sessions.moved(OTHER, ANNE, 7)


def test_an_older_socket_on_another_frontend_takes_nothing_over(
    sessions: Sessions, anne: Recorder, bert: Recorder, metrics: Metrics
) -> None:
    sessions.join(bert, HASH, BERT)
    sessions.join(anne, HASH, ANNE)
    sessions.join(bert, HASH, ANNE)
    for at_us in 1, 2, 3:
        assert not sessions.moved(HASH, ANNE, at_us)
    assert {} == metrics.relayed
    assert sessions.moved(HASH, ANNE, 4)
    assert [(HASH, BERT)] == sessions.close(bert)


def test_a_socket_whose_peer_moved_still_gets_its_answers(
    sessions: Sessions, anne: Recorder, bert: Recorder
) -> None:
    sessions.join(anne, HASH, ANNE)
    sessions.join(bert, HASH, BERT)
    sessions.offer(offer(anne))
    assert sessions.moved(HASH, ANNE, 5)
    assert sessions.moved(HASH, BERT, 5)
    assert (HERE, anne.number) == sessions.return_address(bert, HASH, ANNE, OFFER_ID)
    assert sessions.answer(Answer(HASH, BERT, OFFER_ID, b"{}", anne.number))
    assert not sessions.offer(offer(anne))


def test_a_peer_that_came_back_is_not_removed_by_the_close_of_the_socket_that_it_left(
    sessions: Sessions, anne: Recorder, bert: Recorder
) -> None:
    sessions.join(anne, HASH, ANNE)
    assert sessions.moved(HASH, ANNE, 5)
    sessions.join(bert, HASH, ANNE)
    assert [] == sessions.close(anne)
    assert [(HASH, ANNE)] == sessions.close(bert)


def test_a_membership_can_be_quit_once(sessions: Sessions, anne: Recorder) -> None:
    assert not sessions.quit(anne, HASH, ANNE)
    sessions.join(anne, HASH, ANNE)
    assert sessions.quit(anne, HASH, ANNE)
    assert not sessions.quit(anne, HASH, ANNE)
    assert [] == sessions.close(anne)


def test_an_offer_to_nobody_is_in_vain(
    sessions: Sessions, anne: Recorder, metrics: Metrics
) -> None:
    assert not sessions.offer(offer(anne))
    assert {("offer", "gone"): 1} == metrics.relayed


def test_an_offer_may_be_answered_once_and_by_its_receiver_only(
    sessions: Sessions, anne: Recorder, bert: Recorder, metrics: Metrics
) -> None:
    sessions.join(bert, HASH, BERT)
    sessions.offer(offer(anne))
    assert sessions.return_address(anne, HASH, ANNE, OFFER_ID) is None
    assert sessions.return_address(bert, OTHER, ANNE, OFFER_ID) is None
    assert (HERE, anne.number) == sessions.return_address(bert, HASH, ANNE, OFFER_ID)
    assert sessions.return_address(bert, HASH, ANNE, OFFER_ID) is None
    assert sessions.answer(Answer(HASH, BERT, OFFER_ID, b"{}", anne.number))
    assert 1 == len(anne.sent)
    assert {("offer", "delivered"): 1, ("answer", "delivered"): 1} == metrics.relayed


def test_an_answer_to_a_closed_socket_is_in_vain(
    sessions: Sessions, anne: Recorder, metrics: Metrics
) -> None:
    sessions.close(anne)
    assert not sessions.answer(Answer(HASH, BERT, OFFER_ID, b"{}", anne.number))
    assert {("answer", "gone"): 1} == metrics.relayed


def test_the_oldest_unanswered_offer_is_forgotten_first(
    sessions: Sessions, anne: Recorder, bert: Recorder
) -> None:
    sessions.join(bert, HASH, BERT)
    for offer_id in b'"1"', b'"2"', b'"3"':
        sessions.offer(offer(anne, offer_id))
    assert sessions.return_address(bert, HASH, ANNE, b'"1"') is None
    for offer_id in b'"2"', b'"3"':
        assert (HERE, anne.number) == sessions.return_address(bert, HASH, ANNE, offer_id)
