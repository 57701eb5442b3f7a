"""One source of offers does not keep a browser from those of others, nor from answering them."""

from itertools import count

import pytest
from msgspec.structs import replace

from tests.recorder import Recorder
from tracker.frontends.sessions import Sessions
from tracker.frontends.unanswered import ANSWERABLE_S
from tracker.metrics import Metrics
from tracker.model import Offer
from tracker.policy.offers import cell_of
from tracker.service.ports import Delivery
from tracker.settings import WsSettings
from tracker.wire.websocket import SignalMessage

HERE, THERE = b"frontend", b"another."
HASH = b"h" * 20
HONEST, EVIL, VICTIM = b"a" * 20, b"e" * 20, b"v" * 20
SETTINGS = WsSettings(max_pending=40, offers_per_second=50.0, offers_burst=500)
FLOODER = bytes((10, 0, 0, 66))
_offer_ids = count()


class Clock:  # seconds, as they are set
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(SETTINGS, Metrics(), clock, count(1).__next__)


@pytest.fixture
def victim(sessions: Sessions) -> Recorder:
    victim = opened(sessions, bytes((10, 0, 0, 1)))
    sessions.join(victim, HASH, VICTIM)
    return victim


@pytest.fixture
def honest(sessions: Sessions, victim: Recorder) -> Recorder:
    """A browser whose address does not share the cell of the flooder's, as few do."""
    flooders = cell_of(FLOODER, victim.number)
    keys = (bytes((10, 0, 1, at)) for at in range(256))
    return opened(sessions, next(key for key in keys if cell_of(key, victim.number) != flooders))


def opened(sessions: Sessions, address: bytes) -> Recorder:
    session = Recorder(address)
    sessions.open(session)
    return session


def offer(number: int, peer_id: bytes, frontend: bytes = HERE) -> Offer:
    """An offer to the victim, from the socket of that number."""
    offer_id = b"%020d" % next(_offer_ids)
    return Offer(HASH, peer_id, VICTIM, offer_id, b'"v=0"', frontend, number, bytes(8))


def delivered(sessions: Sessions, numbers: list[int], offers: int, frontend: bytes = HERE) -> int:
    """How many offers of an attacker are delivered, `offers` of each of its sockets."""
    results = [
        sessions.offer(offer(number, EVIL, frontend)) for _ in range(offers) for number in numbers
    ]
    return results.count(Delivery.DONE)


def can_answer(sessions: Sessions, victim: Recorder, to: Offer) -> bool:
    message = SignalMessage("answer", HASH, VICTIM, to.peer_id, to.offer_id, b'"v=0"')
    route = sessions.reply_route(victim, message)
    assert route is None or (to.frontend, to.session) == (route.frontend, route.session)
    return route is not None


def test_all_sockets_of_an_address_are_one_source(
    sessions: Sessions, victim: Recorder, honest: Recorder
) -> None:
    evil = [opened(sessions, FLOODER).number for _ in range(50)]
    assert 100 == delivered(sessions, evil, 20)
    honest_offers = [sessions.offer(offer(honest.number, HONEST)) for _ in range(50)]
    assert [Delivery.DONE] * 50 == honest_offers


def test_each_socket_of_another_frontend_is_a_source(
    sessions: Sessions, victim: Recorder, honest: Recorder
) -> None:
    cell_of_honest = cell_of(honest.account.key, victim.number)
    by_cell = {
        cell_of((THERE, number), victim.number): number for number in range(10**6, 10**6 + 99)
    }
    other, *numbers = [number for cell, number in by_cell.items() if cell != cell_of_honest][:6]
    assert 250 <= delivered(sessions, numbers, 200, THERE) <= 400
    assert Delivery.DONE is sessions.offer(offer(honest.number, HONEST))
    assert Delivery.DONE is sessions.offer(offer(other, HONEST, THERE))


def test_a_flood_does_not_keep_a_browser_from_answering_the_offers_of_others(
    sessions: Sessions, clock: Clock, victim: Recorder, honest: Recorder
) -> None:
    evil = [opened(sessions, FLOODER).number for _ in range(5)]
    first = [offer(honest.number, HONEST) for _ in range(10)]
    for each in first:
        assert Delivery.DONE is sessions.offer(each)
    for _ in range(10):  # less than the time in which an offer can be answered
        clock.now += ANSWERABLE_S / 11
        assert delivered(sessions, evil, 40) >= SETTINGS.max_pending
    last = offer(honest.number, HONEST)
    assert Delivery.DONE is sessions.offer(last)
    assert [True] * 11 == [can_answer(sessions, victim, each) for each in (*first, last)]


def test_of_the_source_with_most_unanswered_offers_the_oldest_are_forgotten(
    sessions: Sessions, victim: Recorder, honest: Recorder
) -> None:
    evil = opened(sessions, FLOODER).number
    offers = [offer(evil, EVIL) for _ in range(SETTINGS.max_pending)]
    for each in offers:
        sessions.offer(each)
    last = offer(honest.number, HONEST)
    sessions.offer(last)
    assert not can_answer(sessions, victim, offers[0])
    assert [True] * 40 == [can_answer(sessions, victim, each) for each in (*offers[1:], last)]


def test_an_idle_socket_keeps_nothing_of_the_offers_that_it_received(
    sessions: Sessions, clock: Clock, victim: Recorder, honest: Recorder
) -> None:
    sessions.offer(offer(honest.number, HONEST))
    clock.now += ANSWERABLE_S
    sessions.forget_unanswered(victim)
    assert (None, None, 0) == (victim.shares, victim.answerable, victim.held)


@pytest.mark.parametrize(("size", "most"), [(2, 16), (SETTINGS.offer_bytes_per_second, 4)])
def test_offers_to_one_browser_are_bounded_in_number_and_bytes_and_the_browser_stays(
    clock: Clock, size: int, most: int
) -> None:
    metrics = Metrics()
    sessions = Sessions(WsSettings(offers_per_second=4.0, offers_burst=16), metrics, clock)
    victim = opened(sessions, FLOODER)
    sessions.join(victim, HASH, VICTIM)
    numbers = range(1, 1000)
    by_cell = {cell_of((THERE, number), victim.number): number for number in numbers}
    sources = iter(by_cell.values())  # of different cells

    def delivery() -> Delivery:
        text = b'"%b"' % (b" " * (size - 2))
        return sessions.offer(replace(offer(next(sources), EVIL, THERE), sdp=text))

    assert [Delivery.DONE] * most == [delivery() for _ in range(most)]
    assert Delivery.DROPPED is delivery()
    assert 1 == metrics.refused["offers", "socket"] == metrics.relayed["offer", "flood"]
    clock.now += 1
    assert Delivery.DONE is delivery()
    assert [(HASH, VICTIM)] == sessions.close(victim)
