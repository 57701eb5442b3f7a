"""Which socket is whose, and which offers may be answered."""

import pytest

from tracker.frontends.sessions import Session, Sessions
from tracker.metrics import Metrics
from tracker.model import Answer, Offer

HERE, ELSEWHERE = b"frontend", b"another."
HASH, OTHER = b"h" * 20, b"o" * 20
ANNE, BERT = b"a" * 20, b"b" * 20
OFFER_ID = b'"1"'


class Recorder(Session):
    """Keeps what it is to send."""

    __slots__ = ("sent",)

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    def send(self, message: bytes) -> None:
        self.sent.append(message)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def sessions(metrics: Metrics) -> Sessions:
    return Sessions(HERE, 2, metrics)


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
    assert sessions.offer(HERE, offer(anne))
    assert ([], 1) == (anne.sent, len(bert.sent))
    assert not sessions.quit(anne, HASH, BERT)
    assert [] == sessions.close(anne)
    assert [(HASH, BERT)] == sessions.close(bert)


def test_a_membership_can_be_quit_once(sessions: Sessions, anne: Recorder) -> None:
    assert not sessions.quit(anne, HASH, ANNE)
    sessions.join(anne, HASH, ANNE)
    assert sessions.quit(anne, HASH, ANNE)
    assert not sessions.quit(anne, HASH, ANNE)
    assert [] == sessions.close(anne)


def test_an_offer_to_nobody_is_in_vain(
    sessions: Sessions, anne: Recorder, metrics: Metrics
) -> None:
    assert not sessions.offer(HERE, offer(anne))
    assert {("offer", "gone"): 1} == metrics.relayed


def test_an_offer_may_be_answered_once_and_by_its_receiver_only(
    sessions: Sessions, anne: Recorder, bert: Recorder, metrics: Metrics
) -> None:
    sessions.join(bert, HASH, BERT)
    sessions.offer(HERE, offer(anne))
    assert sessions.return_address(anne, HASH, ANNE, OFFER_ID) is None
    assert sessions.return_address(bert, OTHER, ANNE, OFFER_ID) is None
    assert (HERE, anne.number) == sessions.return_address(bert, HASH, ANNE, OFFER_ID)
    assert sessions.return_address(bert, HASH, ANNE, OFFER_ID) is None
    assert sessions.answer(HERE, Answer(HASH, BERT, OFFER_ID, b"{}", anne.number))
    assert 1 == len(anne.sent)
    assert {("offer", "delivered"): 1, ("answer", "delivered"): 1} == metrics.relayed


def test_an_answer_to_a_closed_socket_is_in_vain(
    sessions: Sessions, anne: Recorder, metrics: Metrics
) -> None:
    sessions.close(anne)
    assert not sessions.answer(HERE, Answer(HASH, BERT, OFFER_ID, b"{}", anne.number))
    assert {("answer", "gone"): 1} == metrics.relayed


def test_the_oldest_unanswered_offer_is_forgotten_first(
    sessions: Sessions, anne: Recorder, bert: Recorder
) -> None:
    sessions.join(bert, HASH, BERT)
    for offer_id in b'"1"', b'"2"', b'"3"':
        sessions.offer(HERE, offer(anne, offer_id))
    assert sessions.return_address(bert, HASH, ANNE, b'"1"') is None
    for offer_id in b'"2"', b'"3"':
        assert (HERE, anne.number) == sessions.return_address(bert, HASH, ANNE, offer_id)


def test_only_this_frontend_can_be_reached(sessions: Sessions) -> None:
    assert HERE in sessions.frontends
    assert ELSEWHERE not in sessions.frontends
