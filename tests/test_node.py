"""The parts of one process wired together, started, drained and taken down."""

import asyncio
import json
import socket
from contextlib import closing
from typing import Any

import pytest

from tests.frontends.clients import announce, announce_packet, browser, decoded, get, udp_peer
from tests.nodes import DEADLINE_S, RunningNode, node_settings, running_node, until
from tests.redis_servers import RedisServer
from tracker.frontends.listen import open_ports
from tracker.frontends.ops import exposition
from tracker.node import Node
from tracker.policy.headroom import EXHAUSTED, NONE, WARNINGS
from tracker.store.frontends import registered


async def metrics(tracker: RunningNode) -> bytes:
    """What its metrics say."""
    return exposition(await tracker.node.vitals.families())


# Serving


async def test_all_protocols_share_a_port(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url) as tracker:
        ports = tracker.node.ports
        assert {"http", "ws", "udp"} == ports.keys()
        assert ports["http"] == ports["ws"] == ports["udp"]
        for host in "127.0.0.1", "::1":
            assert 200 == (await (await tracker.tcp(host)).ask(announce())).status
            async with browser(tracker, host=host) as one, udp_peer(ports["udp"], host) as peer:
                await one.announce()
                await peer.announce(await peer.connect())


async def test_protocols_can_have_ports_of_their_own(redis_server: RedisServer) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        free: int = probe.getsockname()[1]
    listen = {"host": "127.0.0.1", "ws_port": free}
    async with running_node(redis_server.url, listen=listen) as tracker:
        ports = tracker.node.ports
        assert (ports["http"], free) == (ports["udp"], ports["ws"])
        assert free != ports["http"]
        assert 200 == (await (await tracker.tcp()).ask(announce())).status
        async with browser(tracker) as one:
            await one.announce()


@pytest.mark.parametrize("only", ["http", "ws", "udp"])
async def test_a_protocol_can_be_served_alone(redis_server: RedisServer, only: str) -> None:
    async with running_node(redis_server.url, listen={"only": [only]}) as tracker:
        assert {only} == tracker.node.ports.keys()
        port = tracker.port(only)
        for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
            served = (kind is socket.SOCK_DGRAM) == (only == "udp")
            with closing(socket.socket(socket.AF_INET, kind)) as probe:
                if kind is socket.SOCK_STREAM:  # connections that are over don't count
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if served:
                    with pytest.raises(OSError, match="in use"):
                        probe.bind(("127.0.0.1", port))
                else:
                    probe.bind(("127.0.0.1", port))


async def test_it_is_ready_while_redis_is_there(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url) as tracker:
        assert [] == tracker.node.not_ready()
        redis_server.kill()
        await tracker.redis_gone()
        await until(lambda: not tracker.node.redis.up)
        assert ["redis is away"] == tracker.node.not_ready()
        assert b"tracker_store_up 0.0" in await metrics(tracker)


async def test_a_full_redis_is_a_warning_and_a_metric(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url) as tracker:
        headroom = tracker.node.headroom
        await headroom.run_once()
        (unlimited,) = tracker.node.warnings()
        assert unlimited.startswith("redis has no maxmemory")
        assert b"tracker_store_full 0.0" in await metrics(tracker)
        redis_server.configure("maxmemory", "1")
        try:
            for policy, warning in (
                ("volatile-lfu", WARNINGS[NONE]),
                ("noeviction", WARNINGS[EXHAUSTED]),
            ):
                redis_server.configure("maxmemory-policy", policy)
                await headroom.run_once()
                assert [warning] == tracker.node.warnings()
                assert [] == tracker.node.not_ready()
                assert b"tracker_store_full 1.0" in await metrics(tracker)
        finally:
            redis_server.configure("maxmemory", "0")
            redis_server.configure("maxmemory-policy", "noeviction")
        await headroom.run_once()
        assert [unlimited] == tracker.node.warnings()


async def test_redis_may_come_after_the_tracker(redis_server: RedisServer) -> None:
    redis_server.stop()
    settings = node_settings(redis={"timeout": 0.2, "reconnect_max": 0.1})
    (listeners,) = open_ports(settings.listen)
    node = Node(settings, redis_server.url, listeners)
    try:
        await node.start()
        assert ["redis is away"] == node.not_ready()
        redis_server.start()
        async with asyncio.timeout(DEADLINE_S):
            await node.redis.wait_up()
        assert [] == node.not_ready()
    finally:
        await node.close()


async def test_metrics_and_stats_count_what_is_open_and_what_was_asked(
    redis_server: RedisServer,
) -> None:
    async with running_node(redis_server.url) as tracker, browser(tracker) as one:
        await one.announce()
        peer = await tracker.tcp()
        assert 200 == (await peer.ask(announce())).status
        told = await metrics(tracker)
        for line in (
            b"tracker_connections 2.0",
            b"tracker_browsers 1.0",
            b"tracker_store_up 1.0",
            b"tracker_store_in_flight 0.0",
            b'tracker_requests_total{action="announce",outcome="ok",protocol="http"} 1.0',
            b'tracker_requests_total{action="announce",outcome="ok",protocol="ws"} 1.0',
        ):
            assert line in told
        stats: dict[str, Any] = json.loads((await peer.ask(get("/stats.json"))).body)
        assert {"tcp": 2, "ws": 1} == stats["sockets"]


# The drain


async def test_a_drain_answers_what_was_asked_and_lets_all_go(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url) as tracker, browser(tracker) as one:
        idle, asking = await tracker.tcp(), await tracker.tcp()
        assert 200 == (await idle.ask(announce())).status
        await one.announce()
        redis_server.pause()
        await asking.send(announce())
        await until(lambda: tracker.node.redis.in_flight == 1)
        draining = asyncio.create_task(tracker.node.drain())
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
        draining = asyncio.create_task(tracker.node.drain())
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
        draining = asyncio.create_task(tracker.node.drain())
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
        await tracker.node.drain()
        assert 1 == tracker.connections
        redis_server.resume()
        assert 200 == (await peer.reply()).status


async def test_many_browsers_are_sent_away_bit_by_bit(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url) as tracker:
        sockets = [browser(tracker, at) for at in range(30)]
        browsers = [await each.__aenter__() for each in sockets]
        loop = asyncio.get_running_loop()
        start = loop.time()
        await tracker.node.drain()
        assert [1001] * 30 == [await each.closed() for each in browsers]
        assert loop.time() - start > 0.1  # 200 a second
        for each in sockets:
            await each.__aexit__(None, None, None)


async def test_browsers_sent_away_leave_their_swarms(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url) as tracker, browser(tracker, 1) as one:
        assert 1 == (await one.announce())["incomplete"]
        await tracker.node.drain()
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
        await one.node.drain()
        assert [stays.me] == [each.id for each in await registered(two.node.redis)]


async def test_datagrams_that_wait_are_answered_in_a_drain(redis_server: RedisServer) -> None:
    async with (
        running_node(redis_server.url, udp={"batch": 2}) as tracker,
        udp_peer(tracker.port("udp")) as peer,
    ):
        connection_id = await peer.connect()
        for at in range(9):  # the loop has no turn meanwhile
            peer.send(announce_packet(connection_id, transaction_id=at.to_bytes(4, "big")))
        await tracker.node.drain()
        ids = {(await peer.reply()).transaction_id for _ in range(9)}
        assert {at.to_bytes(4, "big") for at in range(9)} == ids
        peer.send(announce_packet(connection_id))
        assert 9 == tracker.requests["udp", "announce", "ok"]


async def test_swarms_are_the_same_after_a_drain(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url) as tracker:
        assert 200 == (await (await tracker.tcp()).ask(announce(port=1001))).status
        await tracker.node.drain()
    async with running_node(redis_server.url) as tracker:
        body = (await (await tracker.tcp()).ask(announce(port=1002))).body
        assert 2 == decoded(body)[b"incomplete"]
