"""Answers and candidates go to a browser, on whichever socket it is now."""

from msgspec.structs import replace

from tests.redis_servers import RedisServer
from tests.store.asking import until
from tests.store.relay.parties import (
    ANNE,
    AWAY,
    BERT,
    CARL,
    GONE,
    A,
    B,
    C,
    Party,
    an_answer,
    an_offer,
    listeners,
    never,
    party,
)
from tracker.model import SignalKind
from tracker.store.relay import SIGNAL_SIZE
from tracker.wire.relay import address_digest

CANDIDATE = b'{"candidate":"c","sdpMid":"0"}'


async def test_an_answer_reaches_a_browser_that_reconnected_to_the_same_frontend(
    one: Party, two: Party
) -> None:
    old, new = one.socket(ANNE), one.socket(ANNE)
    one.sessions.close(old)
    two.relay.signal(A, an_answer(old.number))
    await until(lambda: new.sent != [])
    assert 0 == one.entries.asked


async def test_an_answer_reaches_a_browser_that_reconnected_to_another_frontend(
    one: Party, two: Party, three: Party
) -> None:
    old, new = one.socket(ANNE), three.socket(ANNE)
    one.sessions.close(old)
    one.entries.places[ANNE] = [A, B, C]  # entries of sockets that closed may still be there
    two.relay.signal(A, an_answer(old.number))
    await until(lambda: new.sent != [])
    await until(lambda: one.relayed["answer", "gone"] == two.relayed["answer", "gone"] == 1)
    assert (1, 0, 0) == (one.entries.asked, two.entries.asked, three.entries.asked)


async def test_an_answer_reaches_a_browser_whose_frontend_died(
    redis_server: RedisServer, one: Party, two: Party, three: Party
) -> None:
    new = three.socket(ANNE)
    two.entries.places[ANNE] = [C]
    await one.relay.close()
    await until(lambda: listeners(redis_server) == 2)
    for number in range(2):  # the first finds it dead, the second knows it
        two.relay.signal(A, an_answer(GONE, number))
        await until(lambda: len(new.sent) == number + 1)  # noqa: B023
    assert 1 == two.entries.asked


async def test_an_answer_to_a_half_open_socket_reaches_the_newer_one_too(
    one: Party, two: Party, three: Party
) -> None:
    old, new = one.socket(ANNE), three.socket(ANNE)
    await until(lambda: one.gone != [])
    one.entries.places[ANNE] = [C]
    two.relay.signal(A, an_answer(old.number))
    await until(lambda: new.sent != [] and old.sent != [])
    old.superseded = False  # it has sent something
    two.relay.signal(A, an_answer(old.number))
    await until(lambda: len(old.sent) == 2)
    assert 1 == len(new.sent)


async def test_an_answer_does_not_reach_a_browser_of_another_address(
    one: Party, two: Party, three: Party
) -> None:
    thieves = one.socket(ANNE, AWAY), three.socket(ANNE, AWAY)
    one.entries.places[ANNE] = [A, C]
    two.relay.signal(A, an_answer(GONE))
    await until(lambda: one.relayed["answer", "gone"] == three.relayed["answer", "gone"] == 1)
    assert [[], []] == [thief.sent for thief in thieves]


async def test_an_answer_to_a_browser_that_left_is_gone(one: Party, two: Party) -> None:
    two.relay.signal(A, an_answer(GONE))
    await until(lambda: one.relayed["answer", "gone"] == 1)
    assert 1 == one.entries.asked


async def test_candidates_pass_in_both_directions(one: Party, two: Party) -> None:
    anne, bert = one.socket(ANNE), two.socket(BERT)
    assert one.relay.offer(B, an_offer(one, BERT, session=anne.number), never)
    await until(lambda: len(bert.sent) == 1)
    candidate = replace(an_answer(anne.number, text=CANDIDATE), kind=SignalKind.CANDIDATE)
    two.relay.signal(A, candidate)
    await until(lambda: anne.sent != [])
    assert b'"candidate":' + CANDIDATE in anne.sent[0]
    assert b'"peer_id":"bbbbbbbbbbbbbbbbbbbb"' in anne.sent[0]
    one.entries.places[BERT] = [B]
    own = replace(
        candidate, kind=SignalKind.OFFERER_CANDIDATE, peer_id=ANNE, to_peer_id=BERT, session=0
    )
    one.relay.signal(None, own)
    await until(lambda: len(bert.sent) == 2)
    assert b'"candidate":' + CANDIDATE in bert.sent[1]
    for other in (
        replace(own, address=address_digest(AWAY)),
        replace(own, offer_id=b"%020d" % 2),
        replace(own, peer_id=CARL),
    ):
        one.relay.signal(None, other)
    await until(lambda: two.relayed["candidate", "gone"] == 3)
    assert {("candidate", "sent"): 4, ("candidate", "delivered"): 1}.items() <= one.relayed.items()


async def test_signals_that_wait_for_a_lookup_are_bounded_however_short(
    redis_server: RedisServer, two: Party
) -> None:
    most = 100 * SIGNAL_SIZE
    async with party(redis_server.url, A, most=most) as one:
        for number in range(300):  # all but the first wait for the next lookup
            one.relay.signal(None, an_answer(GONE, number))
        assert 1 == one.entries.asked
        assert 200 <= one.relayed["answer", "full"] < 210
