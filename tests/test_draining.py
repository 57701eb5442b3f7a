"""A drain fails no request, and closes no socket before its time."""

import asyncio
import socket

import pytest

from tests.frontends.clients import (
    HASH,
    announce,
    announce_packet,
    browser,
    counts,
    decoded,
    offers,
    text,
    udp_peer,
)
from tests.nodes import running_node, until
from tests.redis_servers import RedisServer
from tracker.draining import NOTICE_S
from tracker.store.frontends import registered


async def test_a_drain_answers_what_was_asked_and_lets_all_go(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url) as tracker, browser(tracker) as one:
        idle, asking = await tracker.tcp(), await tracker.tcp()
        assert 200 == (await idle.ask(announce())).status
        await one.announce()
        redis_server.pause()
        await asking.send(announce())
        await until(lambda: tracker.node.redis.in_flight == 1)
        draining = asyncio.create_task(tracker.node.drain(patient=False))
        assert b"" == await idle.rest()
        assert 1001 == await one.closed()
        assert ["draining"] == tracker.node.not_ready()
        with pytest.raises(ConnectionRefusedError):
            await tracker.tcp()
        redis_server.resume()
        assert 200 == (await asking.reply()).status
        await draining
        assert 0 == tracker.connections


async def test_in_the_grace_all_is_served_and_no_connection_is_kept(
    redis_server: RedisServer,
) -> None:
    async with running_node(redis_server.url, listen={"grace": 0.5}) as tracker:
        kept = await tracker.tcp()
        assert "connection" not in (await kept.ask(announce())).headers
        draining = asyncio.create_task(tracker.node.drain(patient=False))
        await until(lambda: tracker.node.not_ready() == ["draining"])
        for peer in kept, await tracker.tcp():
            assert "close" == (await peer.ask(announce())).headers["connection"]
            assert b"" == await peer.rest()
        async with browser(tracker) as one, udp_peer(tracker.port("udp")) as udp:
            await one.announce()
            await udp.announce(await udp.connect())
            assert not draining.done()
            assert 1001 == await one.closed()
        await draining
        with pytest.raises(ConnectionRefusedError):
            await tracker.tcp()


async def test_who_connected_just_before_the_ports_closed_is_served(
    redis_server: RedisServer,
) -> None:
    async with running_node(redis_server.url) as tracker:
        late, silent = await tracker.tcp(), await tracker.tcp()
        await until(lambda: tracker.connections == 2)
        draining = asyncio.create_task(tracker.node.drain(patient=False))
        await until(lambda: not tracker.node.tcp.listening)
        assert "close" == (await late.ask(announce())).headers["connection"]
        assert b"" == await silent.rest()
        await draining


async def test_a_drain_ends_in_time_whoever_stays(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url, listen={"drain": 0.2}) as tracker:
        peer = await tracker.tcp()
        redis_server.pause()
        await peer.send(announce())
        await until(lambda: tracker.node.redis.in_flight == 1)
        await tracker.node.drain(patient=False)
        assert 1 == tracker.connections
        redis_server.resume()
        assert 200 == (await peer.reply()).status


async def test_many_browsers_are_sent_away_bit_by_bit(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url) as tracker:
        sockets = [browser(tracker, at) for at in range(30)]
        browsers = [await each.__aenter__() for each in sockets]
        loop = asyncio.get_running_loop()
        start = loop.time()
        await tracker.node.drain(patient=False)
        assert [1001] * 30 == [await each.closed() for each in browsers]
        assert loop.time() - start > 0.1  # 200 a second
        for each in sockets:
            await each.__aexit__(None, None, None)


async def test_browsers_sent_away_leave_their_swarms(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url) as tracker, browser(tracker, 1) as one:
        assert 1 == (await one.announce())["incomplete"]
        await tracker.node.drain(patient=False)
    async with running_node(redis_server.url) as tracker, browser(tracker, 2) as two:
        assert 1 == (await two.announce())["incomplete"]


async def test_a_drained_frontend_is_struck_from_the_registry(redis_server: RedisServer) -> None:
    async with (
        running_node(redis_server.url) as one,
        running_node(redis_server.url) as two,
    ):
        left, stays = one.node.frontends, two.node.frontends
        both = sorted([left.me, stays.me])
        assert both == [each.id for each in await registered(two.node.redis)]
        await one.node.drain(patient=False)
        assert [stays.me] == [each.id for each in await registered(two.node.redis)]


async def test_datagrams_that_wait_are_answered_in_a_drain(redis_server: RedisServer) -> None:
    async with (
        running_node(redis_server.url, udp={"batch": 2}) as tracker,
        udp_peer(tracker.port("udp")) as peer,
    ):
        connection_id = await peer.connect()
        for at in range(9):  # the loop has no turn meanwhile
            peer.send(announce_packet(connection_id, transaction_id=at.to_bytes(4, "big")))
        await tracker.node.drain(patient=False)
        ids = {(await peer.reply()).transaction_id for _ in range(9)}
        assert {at.to_bytes(4, "big") for at in range(9)} == ids
        peer.send(announce_packet(connection_id))
        assert 9 == tracker.requests["udp", "announce", "ok"]


async def test_swarms_are_the_same_after_a_drain(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url) as tracker:
        assert 200 == (await (await tracker.tcp()).ask(announce(port=1001))).status
        await tracker.node.drain(patient=False)
    async with running_node(redis_server.url) as tracker:
        body = (await (await tracker.tcp()).ask(announce(port=1002))).body
        assert 2 == decoded(body)[b"incomplete"]


# Browsers


def free(port: int) -> bool:
    """Return whether another process could use a UDP port."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("::", port))
        except OSError:
            return False
    return True


async def test_browsers_stay_as_long_as_they_may_and_are_found_there(
    redis_server: RedisServer,
) -> None:
    async with (
        running_node(redis_server.url, ws={"drain": 60}) as old,
        running_node(redis_server.url) as new,
        browser(old, 1) as one,
        browser(new, 2) as two,
    ):
        await one.announce()
        idle = await old.tcp()
        draining = asyncio.create_task(old.node.drain(patient=True))
        assert b"" == await idle.rest()
        with pytest.raises(ConnectionRefusedError):
            await old.tcp()
        assert ["draining"] == old.node.not_ready()
        await until(lambda: free(old.port("udp")))  # for a successor
        await two.announce(offers=offers(1))
        assert text(two.peer_id) == (await one.hear())["peer_id"]
        assert 2 == (await one.announce(offers=offers(1, 1)))["incomplete"]
        assert text(one.peer_id) == (await two.hear())["peer_id"]
        assert not draining.done()
        await one.socket.close()
        await draining  # the last one has gone
        assert [new.node.frontends.me] == [each.id for each in await registered(new.node.redis)]


async def test_browsers_that_stay_too_long_are_sent_away(redis_server: RedisServer) -> None:
    async with (
        running_node(redis_server.url, ws={"drain": 0.2}) as tracker,
        browser(tracker) as one,
    ):
        await one.announce()
        loop = asyncio.get_running_loop()
        began = loop.time()
        await tracker.node.drain(patient=True)
        assert 1001 == await one.closed()
        assert loop.time() - began >= 0.2


async def test_a_browser_leaves_its_swarms_before_its_socket_is_closed(
    redis_server: RedisServer,
) -> None:
    listen = {"drain": 4 * NOTICE_S}
    async with (
        running_node(redis_server.url, listen=listen) as old,
        running_node(redis_server.url) as new,
        browser(old, 1) as one,
        browser(new, 2) as two,
    ):
        await one.announce()
        await two.announce()
        draining = asyncio.create_task(old.node.drain(patient=False))

        async def alone() -> bool:
            return {text(HASH): counts(0, 1)} == await two.scrape()

        async with asyncio.timeout(10):
            while not await alone():
                pass
        # An offer that was on its way is delivered, and an announce does not enter it again.
        assert 2 == len(list(old.node.sessions)) + len(list(new.node.sessions))
        assert 1 == (await one.announce(offers=offers(1)))["incomplete"]
        offer = await two.hear()
        answer = {"answer": {"type": "answer", "sdp": "yes"}, "offer_id": offer["offer_id"]}
        await two.say(**two.request(to_peer_id=offer["peer_id"], **answer))
        assert {"type": "answer", "sdp": "yes"} == (await one.hear())["answer"]
        assert await alone()
        assert 1001 == await one.closed()
        await draining
