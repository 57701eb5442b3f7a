"""The parts of one process wired together, started, drained and taken down."""

import asyncio
import socket
from contextlib import closing

import pytest

from tests.frontends.clients import announce, browser, udp_peer
from tests.nodes import DEADLINE_S, RunningNode, node_settings, running_node, until
from tests.redis_servers import RedisServer
from tracker.frontends.listen import open_ports
from tracker.node import Node
from tracker.policy.headroom import EXHAUSTED, NONE, WARNINGS
from tracker.web.admin import exposition


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
        kind = socket.SOCK_DGRAM if only == "udp" else socket.SOCK_STREAM
        assert {kind} == {sock.type for sock in tracker.node._listeners.all()}


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
        for policy, warning in (
            ("volatile-lfu", WARNINGS[NONE]),
            ("noeviction", WARNINGS[EXHAUSTED]),
        ):
            redis_server.configure("maxmemory-policy", policy)
            await headroom.run_once()
            assert [warning] == tracker.node.warnings()
            assert [] == tracker.node.not_ready()
            assert b"tracker_store_full 1.0" in await metrics(tracker)
        redis_server.restore()
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


async def test_metrics_count_what_is_open_and_what_was_asked(
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
