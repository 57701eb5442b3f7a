"""Offers and answers between frontends, through each kind of Redis."""

from collections.abc import AsyncIterator
from functools import partial

import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import until
from tests.store.relaying import (
    ANNE,
    BERT,
    CARL,
    HASH,
    A,
    B,
    C,
    Party,
    acquaint,
    an_offer,
    never,
    party,
)
from tracker.model import Answer
from tracker.store.keys import relay_channel
from tracker.store.relay import MOST_FRAME, MOST_JOINED
from tracker.store.subscription import publish
from tracker.wire.relay import encode_frame

WITH_ROOM = MOST_FRAME // 4


@pytest.fixture
async def one(redis_server: RedisServer) -> AsyncIterator[Party]:
    async with party(redis_server.url, A) as one:
        yield one


@pytest.fixture
async def two(redis_server: RedisServer, one: Party) -> AsyncIterator[Party]:
    async with party(redis_server.url, B) as two:
        await acquaint(one, two)
        yield two


@pytest.fixture
async def three(redis_server: RedisServer, one: Party, two: Party) -> AsyncIterator[Party]:
    async with party(redis_server.url, C) as three:
        await acquaint(one, two, three)
        yield three


def frames(redis_server: RedisServer) -> int:
    """How many were published so far."""
    with redis_server.client() as client:
        stats = client.info("commandstats")
    return sum(
        stats.get(f"cmdstat_{verb}", {"calls": 0})["calls"] for verb in ("publish", "spublish")
    )


def listeners(redis_server: RedisServer) -> int:
    """How many frontends listen, as Redis sees it."""
    with redis_server.client() as client:
        return len(client.client_list(_type="pubsub"))


async def test_an_offer_crosses_over_and_its_answer_comes_back(one: Party, two: Party) -> None:
    anne, bert = one.socket(ANNE), two.socket(BERT)
    assert one.relay.offer(B, an_offer(one, BERT, text=b'{"o":1}', session=anne.number), never)
    await until(lambda: bert.sent != [])
    assert b'"offer":{"o":1}' in bert.sent[0]
    address = two.sessions.return_address(bert, HASH, ANNE, b'"1"')
    assert (A, anne.number) == address
    assert two.relay.answer(A, Answer(HASH, BERT, b'"1"', b'{"a":1}', anne.number))
    await until(lambda: anne.sent != [])
    assert b'"answer":{"a":1}' in anne.sent[0]
    await until(lambda: ("answer", "sent") in two.relayed)
    assert {("offer", "sent"): 1, ("answer", "delivered"): 1} == of_browsers(one)
    assert {("offer", "delivered"): 1, ("answer", "sent"): 1} == of_browsers(two)


def of_browsers(party: Party) -> dict[tuple[str, ...], int]:
    """What was counted of offers and answers."""
    return {key: count for key, count in party.relayed.items() if key[0] in ("offer", "answer")}


async def test_what_stays_on_this_frontend_is_delivered_at_once(one: Party) -> None:
    anne, bert = one.socket(ANNE), one.socket(BERT)
    assert one.relay.offer(A, an_offer(one, BERT, session=anne.number), never)
    assert one.relay.answer(A, Answer(HASH, BERT, b'"1"', b"{}", anne.number))
    assert (1, 1) == (len(anne.sent), len(bert.sent))
    assert not one.relay.answer(A, Answer(HASH, BERT, b'"1"', b"{}", 99))
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
    assert [b'"%d"' % number in sent for number, sent in enumerate(bert.sent)] == [True] * 10
    assert 1 == frames(redis_server) - before


async def test_a_frame_has_its_bound(redis_server: RedisServer, one: Party, two: Party) -> None:
    bert = two.socket(BERT)
    await until(lambda: two.relayed["moved", "sent"] == 1)
    before = frames(redis_server)
    for number in range(7):
        text = b'"%b"' % (b"x" * WITH_ROOM)  # three of them fit
        assert one.relay.offer(B, an_offer(one, BERT, number, text), never)
    huge = b'"%b"' % (b"x" * 2 * MOST_FRAME)
    assert one.relay.offer(B, an_offer(one, BERT, 8, huge), never)
    await until(lambda: len(bert.sent) == 8)
    assert 4 == frames(redis_server) - before


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
    one.relay.answer(B, Answer(HASH, BERT, b'"1"', b"{}", 1))
    assert B in one.frontends.alive
    await until(lambda: vain != [])
    assert [1, 2] == vain
    assert B not in one.frontends.alive
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
    assert B in one.frontends.alive
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
    bert, text = two.socket(BERT), b'"%b"' % (b"x" * 900)
    async with party(redis_server.url, C, most=3000) as one:
        await acquaint(one)
        for total in 3, 6:  # room comes back
            redis_server.pause()
            sent = [one.relay.offer(B, an_offer(one, BERT, at, text), never) for at in range(5)]
            assert [True, True, True, False, False] == sent
            assert not one.relay.answer(B, Answer(HASH, BERT, b'"1"', text, 1))
            redis_server.resume()
            await until(partial(sent_all, one, total))
        full = {("offer", "full"): 4, ("answer", "full"): 2}
        assert {("offer", "sent"): 6} | full == of_browsers(one)
    await until(lambda: len(bert.sent) == 6)


# Browsers that moved


async def test_the_newest_socket_wins_on_whichever_frontend(
    one: Party, two: Party, three: Party
) -> None:
    old = one.socket(ANNE, BERT)
    await until(lambda: one.relayed["moved", "sent"] == 4)  # nobody else had them
    new = two.socket(ANNE)
    await until(lambda: one.gone != [])
    assert [(HASH, ANNE)] == one.gone
    assert [(HASH, BERT)] == one.sessions.close(old)
    assert [(HASH, ANNE)] == two.sessions.close(new)
    assert ([], []) == (two.gone, three.gone)
    assert {("moved", "delivered"): 1, ("moved", "sent"): 4} == one.relayed


async def test_the_older_socket_s_word_comes_too_late(one: Party, two: Party) -> None:
    older = two.socket(ANNE)
    newer = one.socket(ANNE)
    await until(lambda: one.relayed["moved", "sent"] == two.relayed["moved", "sent"] == 1)
    await until(lambda: two.gone != [])
    assert [] == two.sessions.close(older)
    assert ([(HASH, ANNE)], []) == (one.sessions.close(newer), one.gone)


async def test_many_that_join_are_told_of_together(
    redis_server: RedisServer, one: Party, two: Party
) -> None:
    peers = [b"%020d" % number for number in range(MOST_JOINED + 100)]
    socket = two.socket()
    for peer_id in peers:
        two.sessions.join(socket, HASH, peer_id)
    before = frames(redis_server)
    one.socket(*peers)
    await until(lambda: len(two.gone) == len(peers))
    assert 2 == frames(redis_server) - before
    assert [] == two.sessions.close(socket)


async def test_too_many_that_join_are_not_told_of(redis_server: RedisServer, two: Party) -> None:
    async with party(redis_server.url, A, most=100) as one:
        await acquaint(one)
        one.socket(ANNE, BERT, CARL)
        await until(lambda: ("moved", "full") in one.relayed)
        assert {("moved", "full"): 3} == one.relayed
    assert two.gone == []


# Frames that are none


@pytest.mark.parametrize(
    ("frame", "label"), [(b"\x93\x02\x01\x90", "other_version"), (b"nonsense", "malformed")]
)
async def test_frames_that_cannot_be_read_are_counted(
    one: Party, two: Party, frame: bytes, label: str
) -> None:
    for data in frame, encode_frame(A, []):
        told = publish(one.redis.primaries()[0], relay_channel(B), data)
        assert [1] == await one.redis.ask(b"", told, 1)
    bert = two.socket(BERT)
    assert one.relay.offer(B, an_offer(one, BERT), never)
    await until(lambda: bert.sent != [])
    assert 1 == two.relayed["frame", label]
