"""Offers and answers between frontends, through each kind of Redis."""

import math
from functools import partial

import pytest
from structlog.testing import capture_logs

from tests.redis_servers import RedisServer
from tests.store.asking import until
from tests.store.relay.parties import (
    ANNE,
    AWAY,
    BERT,
    CARL,
    GONE,
    HASH,
    MAX_TEXT,
    OTHER,
    A,
    B,
    C,
    Party,
    acquaint,
    an_answer,
    an_offer,
    listeners,
    never,
    party,
)
from tracker.model import Offer
from tracker.store.keys import relay_channel
from tracker.store.relay import MOST_JOINED
from tracker.store.subscription import publish
from tracker.wire.relay import MAX_FRAME, MAX_ITEMS, encode_frame, encode_offer

WITH_ROOM = MAX_FRAME // 4


def frames(redis_server: RedisServer) -> int:
    """How many were published so far."""
    with redis_server.client() as client:
        stats = client.info("commandstats")
    return sum(
        stats.get(f"cmdstat_{verb}", {"calls": 0})["calls"] for verb in ("publish", "spublish")
    )


async def test_an_offer_crosses_over_and_its_answer_comes_back(one: Party, two: Party) -> None:
    anne, bert = one.socket(ANNE), two.socket(BERT)
    assert one.relay.offer(B, an_offer(one, BERT, text=b'"o"', session=anne.number), never)
    await until(lambda: bert.sent != [])
    assert b'"offer":{"type":"offer","sdp":"o"}' in bert.sent[0]
    two.relay.signal(A, an_answer(anne.number, text=b'"a"'))
    await until(lambda: anne.sent != [])
    assert b'"answer":{"type":"answer","sdp":"a"}' in anne.sent[0]
    await until(lambda: ("answer", "sent") in two.relayed)
    assert {("offer", "sent"): 1, ("answer", "delivered"): 1} == of_browsers(one)
    assert {("offer", "delivered"): 1, ("answer", "sent"): 1} == of_browsers(two)


def of_browsers(party: Party) -> dict[tuple[str, ...], int]:
    """What was counted of offers and answers."""
    return {key: count for key, count in party.relayed.items() if key[0] in ("offer", "answer")}


async def test_a_frontend_that_starts_is_known_to_those_that_it_greets(
    redis_server: RedisServer, one: Party, two: Party
) -> None:
    async with party(redis_server.url, C) as newcomer:
        assert C not in [*one.frontends, *two.frontends]
        await newcomer.relay.greet(list(newcomer.frontends))
        await until(lambda: C in list(one.frontends) and C in list(two.frontends))


async def test_an_offer_to_a_frontend_that_is_not_known_yet_is_delivered(
    redis_server: RedisServer, one: Party
) -> None:
    async with party(redis_server.url, C) as newcomer:
        carl = newcomer.socket(CARL)
        assert one.relay.offer(C, an_offer(one, CARL), never)
        await until(lambda: carl.sent != [])


async def test_an_offer_to_a_frontend_that_was_never_there_goes_elsewhere(one: Party) -> None:
    vain: list[int] = []
    assert one.relay.offer(C, an_offer(one, CARL), lambda: vain.append(1))
    await until(lambda: vain == [1])
    assert not one.relay.offer(C, an_offer(one, CARL), never)  # it is known now


async def test_what_stays_on_this_frontend_is_delivered_at_once(one: Party) -> None:
    anne, bert = one.socket(ANNE), one.socket(BERT)
    assert one.relay.offer(A, an_offer(one, BERT, session=anne.number), never)
    one.relay.signal(A, an_answer(anne.number))
    assert (1, 1) == (len(anne.sent), len(bert.sent))
    assert not one.relay.offer(A, an_offer(one, CARL), never)
    assert [(HASH, CARL)] == one.gone  # the swarm had an entry that nobody is behind


async def test_one_turn_of_the_loop_makes_one_frame(
    redis_server: RedisServer, one: Party, two: Party
) -> None:
    bert = two.socket(BERT)
    await until(lambda: two.relayed["moved", "sent"] == 1)
    before = frames(redis_server)
    for number in range(10):
        assert one.relay.offer(B, an_offer(one, BERT, number), never)
    await until(lambda: len(bert.sent) == 10)
    assert [b'"%020d"' % number in sent for number, sent in enumerate(bert.sent)] == [True] * 10
    assert 1 == frames(redis_server) - before


async def test_a_frame_has_its_bound(redis_server: RedisServer, one: Party, two: Party) -> None:
    bert = two.socket(BERT)
    await until(lambda: two.relayed["moved", "sent"] == 1)
    before = frames(redis_server)
    for number in range(7):
        text = b'"%b"' % (b"x" * WITH_ROOM)  # three of them fit
        assert one.relay.offer(B, an_offer(one, BERT, number, text), never)
    huge = b'"%b"' % (b"x" * 2 * MAX_FRAME)
    assert one.relay.offer(B, an_offer(one, BERT, 8, huge), never)
    await until(lambda: len(bert.sent) == 8)
    assert 4 == frames(redis_server) - before


async def test_a_frame_of_small_items_is_bounded_in_number(
    redis_server: RedisServer, one: Party, two: Party
) -> None:
    bert = two.socket(BERT)
    await until(lambda: two.relayed["moved", "sent"] == 1)
    before = frames(redis_server)
    for number in range(MAX_ITEMS + 1):
        one.relay.signal(B, an_answer(bert.number, number))
    await until(lambda: len(bert.sent) == MAX_ITEMS + 1)
    assert 2 == frames(redis_server) - before


async def test_an_offer_beyond_a_browser_s_budget_is_dropped_and_its_entry_stays(
    one: Party, two: Party
) -> None:
    bert = two.socket(BERT)
    local = [one.relay.offer(A, an_offer(one, ANNE, at), never) for at in range(2)]
    assert [False, False] == local  # there is no such browser
    one.gone.clear()
    anne = one.socket(ANNE)
    anne.offers_spent_until = bert.offers_spent_until = math.inf
    assert not one.relay.offer(A, an_offer(one, ANNE), never)
    assert one.relay.offer(B, an_offer(one, BERT), never)
    await until(lambda: two.relayed["offer", "flood"] == 1)
    assert 1 == one.relayed["offer", "flood"]
    assert ([], []) == (one.gone, two.gone)
    assert ([], []) == (anne.sent, bert.sent)


async def test_a_browser_that_is_gone_is_removed_from_the_swarm(one: Party, two: Party) -> None:
    assert one.relay.offer(B, an_offer(one, BERT), never)
    await until(lambda: two.gone != [])
    assert [(HASH, BERT)] == two.gone
    assert {("offer", "gone"): 1} == of_browsers(two)
    assert [] == one.gone


# Frontends that nobody is behind


async def test_offers_to_a_dead_frontend_go_elsewhere(
    redis_server: RedisServer, one: Party, two: Party
) -> None:
    bert, vain = two.socket(BERT), []
    await two.relay.close()
    await until(lambda: listeners(redis_server) == 1)

    def in_vain(number: int) -> None:
        vain.append(number)
        assert not one.relay.offer(B, an_offer(one, CARL, number), never)  # it is known now

    assert one.relay.offer(B, an_offer(one, BERT, 1), lambda: in_vain(1))
    assert one.relay.offer(B, an_offer(one, BERT, 2), lambda: in_vain(2))
    one.relay.signal(B, an_answer(GONE))
    assert B not in one.frontends.dead
    await until(lambda: vain != [])
    assert [1, 2] == vain
    assert B in one.frontends.dead
    assert [] == bert.sent
    assert {("offer", "gone"): 4, ("answer", "gone"): 1} == of_browsers(one)


async def test_while_redis_is_away_offers_are_lost(
    redis_server: RedisServer, one: Party, two: Party
) -> None:
    redis_server.pause()
    assert one.relay.offer(B, an_offer(one, BERT), never)
    await until(lambda: one.redis.in_flight == 1)
    redis_server.kill()
    await until(lambda: ("offer", "unavailable") in one.relayed)
    assert one.relay.offer(B, an_offer(one, BERT), never)
    await until(lambda: one.relayed["offer", "unavailable"] == 2)
    assert B not in one.frontends.dead
    redis_server.start()
    for each in one, two:
        await each.redis.wait_up()
        await each.relay.wait_up()
    bert = two.socket(BERT)
    assert one.relay.offer(B, an_offer(one, BERT), never)
    await until(lambda: bert.sent != [])


def sent_all(party: Party, total: int) -> bool:
    return party.relayed["offer", "sent"] == total


async def test_bytes_on_their_way_have_their_bound(redis_server: RedisServer, two: Party) -> None:
    bert, text = two.socket(BERT), b'"%b"' % (b"x" * 850)
    async with party(redis_server.url, C, most=3000) as one:
        await acquaint(one)
        for total in 3, 6:  # room comes back
            redis_server.pause()
            sent = [
                one.relay.offer(B, an_offer(one, BERT, total * 5 + at, text), never)
                for at in range(5)
            ]
            assert [True, True, True, False, False] == sent
            one.relay.signal(B, an_answer(GONE, text=text))
            redis_server.resume()
            await until(partial(sent_all, one, total))
        full = {("offer", "full"): 4, ("answer", "full"): 2}
        assert {("offer", "sent"): 6} | full == of_browsers(one)
    await until(lambda: len(bert.sent) == 6)


# Browsers that moved


async def test_the_newest_socket_of_an_address_wins_on_whichever_frontend(
    one: Party, two: Party, three: Party
) -> None:
    old = one.socket(ANNE)
    one.join(old, OTHER, ANNE)
    await until(lambda: one.relayed["moved", "sent"] == 4)  # to two others each
    new = two.socket(ANNE)
    await until(lambda: one.gone != [])
    assert [(HASH, ANNE)] == one.gone
    assert [(OTHER, ANNE)] == one.sessions.close(old)
    assert [(HASH, ANNE)] == two.sessions.close(new)
    assert ([], []) == (two.gone, three.gone)
    assert {("moved", "delivered"): 1, ("moved", "sent"): 4} == one.relayed


async def test_a_socket_of_another_address_takes_nothing_over_from_another_frontend(
    one: Party, two: Party
) -> None:
    victim = one.socket(ANNE)
    thief = two.socket(ANNE, address=AWAY)
    await until(lambda: one.relayed["moved", "refused"] == 1)
    assert one.relay.offer(A, an_offer(one, ANNE), never)
    assert ([], 1, 1) == (one.gone, len(victim.sent), victim.challenges)
    assert [(HASH, ANNE)] == two.sessions.close(thief)
    assert [(HASH, ANNE)] == one.sessions.close(victim)


async def test_a_report_of_an_older_socket_that_arrives_late_changes_nothing(
    one: Party, two: Party
) -> None:
    older = two.socket(ANNE)
    newer = one.socket(ANNE)
    await until(lambda: one.relayed["moved", "sent"] == two.relayed["moved", "sent"] == 1)
    await until(lambda: two.gone != [])
    assert [] == two.sessions.close(older)
    assert ([(HASH, ANNE)], []) == (one.sessions.close(newer), one.gone)


async def test_many_browsers_that_join_are_reported_together(
    redis_server: RedisServer, one: Party, two: Party
) -> None:
    hashes = [b"%020d" % number for number in range(MOST_JOINED + 100)]
    old = two.socket()
    for info_hash in hashes:
        two.sessions.join(old, info_hash, ANNE)
    before = frames(redis_server)
    new = one.socket()
    for info_hash in hashes:
        one.join(new, info_hash, ANNE)
    await until(lambda: len(two.gone) == len(hashes))
    assert 2 == frames(redis_server) - before
    assert [] == two.sessions.close(old)


async def test_more_browsers_that_join_than_there_is_room_for_are_not_reported(
    redis_server: RedisServer, two: Party
) -> None:
    async with party(redis_server.url, A, most=100) as one:
        await acquaint(one)
        for peer_id in ANNE, BERT, CARL:
            one.socket(peer_id)
        await until(lambda: ("moved", "full") in one.relayed)
        assert {("moved", "full"): 3} == one.relayed
    assert two.gone == []


# Frames that are not valid


async def publish_to(receiver: Party, frame: bytes) -> None:
    """Send bytes as if they were another frontend's frame."""
    told = publish(receiver.redis.primaries()[0], relay_channel(receiver.me), frame)
    assert [1] == await receiver.redis.ask(b"", told, 1)


def forged(text: bytes = b'"v=0"', offer_id: bytes = b"%020d" % 1, number: int = 1) -> bytes:
    """A frame with an offer to Bert."""
    return encode_frame(
        A, [encode_offer(Offer(HASH, ANNE, BERT, offer_id, text, A, number, bytes(8)))]
    )


@pytest.mark.parametrize(
    ("frame", "label"),
    [
        (b"\x93\x04\x01\x90", "other_version"),
        (b"nonsense", "malformed"),
        (bytes(MAX_TEXT + 1_000), "malformed"),
        (forged(b'"v=0", "action": "x"'), "malformed"),
        (forged(b"\xff"), "malformed"),
        (forged(b'"%b"' % bytes(MAX_TEXT)), "malformed"),
        (forged(offer_id=b'"1","peer_id":"xyz"'), "malformed"),
        (forged(number=2**63), "malformed"),
        (encode_frame(A, [b"\xc0"] * (MAX_ITEMS + 1)), "malformed"),
    ],
    ids=["version", "nonsense", "size", "object", "utf-8", "offer", "id", "number", "items"],
)
async def test_a_frame_that_is_not_valid_is_counted_and_logged_once(
    one: Party, two: Party, frame: bytes, label: str
) -> None:
    bert = two.socket(BERT)
    with capture_logs() as logs:
        for data in frame, frame, encode_frame(A, []):
            await publish_to(two, data)
        assert one.relay.offer(B, an_offer(one, BERT), never)
        await until(lambda: bert.sent != [])
    assert 1 == len(bert.sent)
    assert 2 == two.relayed["frame", label]
    (rejected,) = [entry for entry in logs if entry["event"] == "relay.rejected"]
    assert relay_channel(B).decode() == rejected["channel"]
