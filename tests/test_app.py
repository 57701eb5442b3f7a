"""The whole tracker: parts wired together, started and stopped, in this process and as its own."""

import asyncio
import json
import os
import resource
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trustme
from websockets.asyncio.client import connect

from tests.frontends.clients import announce, browser, get, udp_peer
from tests.nodes import DEADLINE_S, RunningNode, node_settings, running_node, until
from tests.redis_servers import RedisServer
from tests.tracker_process import ANY_PORTS, COMMAND, TrackerProcess, running_tracker
from tracker.app import Node

# In this process


def fetch(url: str) -> tuple[int, bytes]:
    """Status and body of a page."""
    try:
        with urllib.request.urlopen(url, timeout=DEADLINE_S) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


async def admin(tracker: RunningNode, path: str) -> tuple[int, bytes]:
    """A page of the admin port."""
    return await asyncio.to_thread(fetch, f"http://127.0.0.1:{tracker.port('admin')}{path}")


async def test_all_protocols_share_a_port_and_the_ready_line_says_so(
    redis_server: RedisServer,
) -> None:
    async with running_node(redis_server.url) as tracker:
        ports = tracker.node.ports
        assert {"http", "ws", "udp", "admin"} == ports.keys()
        assert ports["http"] == ports["ws"] == ports["udp"] != ports["admin"]
        line = "ready " + " ".join(f"{name}={port}" for name, port in ports.items())
        assert line == tracker.node.ready_line()
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
        assert {only, "admin"} == tracker.node.ports.keys()
        port = tracker.port(only)
        for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
            served = (kind is socket.SOCK_DGRAM) == (only == "udp")
            with closing(socket.socket(socket.AF_INET, kind)) as probe:
                if served:
                    with pytest.raises(OSError, match="in use"):
                        probe.bind(("127.0.0.1", port))
                else:
                    probe.bind(("127.0.0.1", port))


async def test_a_port_that_is_taken_is_an_error_and_all_is_taken_down(
    redis_server: RedisServer,
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        listen = {"host": "127.0.0.1", "port": taken.getsockname()[1]}
        node = Node(node_settings(listen=listen), redis_server.url)
        with pytest.raises(OSError, match="in use"):
            await node.start()
        await node.close()


async def test_it_is_ready_while_redis_is_there(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url) as tracker:
        assert (200, {"ready": True, "reasons": []}) == loaded(await admin(tracker, "/ready"))
        redis_server.kill()
        await tracker.redis_gone()
        await until(lambda: not tracker.node.pipeline.up)
        not_ready = {"ready": False, "reasons": ["redis is away"]}
        assert (503, not_ready) == loaded(await admin(tracker, "/ready"))
        assert (200, b"ok\n") == await admin(tracker, "/health")
        assert b"tracker_store_up 0.0" in (await admin(tracker, "/metrics"))[1]


def loaded(reply: tuple[int, bytes]) -> tuple[int, Any]:
    """With its body read as JSON."""
    return reply[0], json.loads(reply[1])


async def test_redis_may_come_after_the_tracker(redis_server: RedisServer) -> None:
    redis_server.stop()
    node = Node(node_settings(redis={"timeout": 0.2, "reconnect_max": 0.1}), redis_server.url)
    try:
        await node.start()
        assert ["redis is away"] == node.not_ready()
        redis_server.start()
        async with asyncio.timeout(DEADLINE_S):
            await node.pipeline.wait_up()
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
        _, metrics = await admin(tracker, "/metrics")
        for line in (
            b"tracker_connections 2.0",
            b"tracker_browsers 1.0",
            b"tracker_store_up 1.0",
            b"tracker_store_in_flight 0.0",
            b'tracker_requests_total{action="announce",outcome="ok",protocol="http"} 1.0',
            b'tracker_requests_total{action="announce",outcome="ok",protocol="ws"} 1.0',
        ):
            assert line in metrics
        stats = json.loads((await peer.ask(get("/stats.json"))).body)
        assert {"tcp": 2, "ws": 1} == stats["sockets"]


async def test_a_drain_answers_what_was_asked_and_lets_all_go(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url) as tracker, browser(tracker) as one:
        idle, asking = await tracker.tcp(), await tracker.tcp()
        assert 200 == (await idle.ask(announce())).status
        await one.announce()
        redis_server.pause()
        await asking.send(announce())
        await until(lambda: tracker.node.pipeline.in_flight == 1)
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


async def test_a_drain_ends_in_time_whoever_stays(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url, listen={"drain": 0.2}) as tracker:
        peer = await tracker.tcp()
        redis_server.pause()
        await peer.send(announce())
        await until(lambda: tracker.node.pipeline.in_flight == 1)
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


# As a process of its own


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly_and_sends_browsers_away(
    number: signal.Signals, redis_server: RedisServer
) -> None:
    with running_tracker("--redis", redis_server.url) as tracker:
        async with asyncio.timeout(DEADLINE_S), connect(tracker.ws_url, proxy=None) as socket_:
            os.kill(tracker.pid, number)
            await socket_.wait_closed()
        assert 1001 == socket_.close_code
        # Not signalled once more at its very end, where Python's own handler would kill it.
        assert 0 == await asyncio.to_thread(tracker._running.wait, DEADLINE_S)


def test_it_serves_all_protocols_with_a_redis_of_its_own() -> None:
    with running_tracker() as tracker:
        assert tracker.ports["http"] == tracker.ports["ws"] == tracker.ports["udp"]
        assert b"incompletei1e" in http_announce(tracker)


def http_announce(tracker: TrackerProcess) -> bytes:
    """The reply to a leecher's announce."""
    address = ("127.0.0.1", tracker.ports["http"])
    with socket.create_connection(address, DEADLINE_S) as client:
        client.sendall(announce("Connection: close"))
        return client.makefile("rb").read()


def test_only_what_is_asked_for_is_served() -> None:
    with running_tracker("--only", "udp") as tracker:
        assert {"udp", "admin"} == tracker.ports.keys()


@pytest.mark.parametrize(
    ("flags", "code", "word"),
    [
        (("--host", "192.0.2.1"), 1, "tracker.failed"),
        (("--admin", "127.0.0.1"), 2, "listen.admin"),
        (("--tls-cert", "/no/such/file", "--tls-key", "/no/such/file"), 2, "/no/such/file"),
        (("--redis", "http://localhost"), 2, "redis.url"),
        (("--proxy-protocol",), 2, "trusted_proxies"),
    ],
)
def test_what_cannot_be_served_ends_it_with_a_code_and_a_line(
    flags: tuple[str, ...], code: int, word: str
) -> None:
    ended = subprocess.run(
        [*COMMAND, *ANY_PORTS, *flags],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert code == ended.returncode, ended.stderr
    assert word in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "" == ended.stdout


def test_no_more_connections_are_taken_than_files_may_be_open() -> None:
    with running_tracker("--max-connections", str(10**9)) as tracker:
        files = resource.prlimit(tracker.pid, resource.RLIMIT_NOFILE)
        assert files[0] == files[1]
        assert f"few_files max_connections={files[1] - 100} open_files={files[1]}" in tracker.stderr


def test_a_taken_port_ends_it_with_1_and_a_line() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port: int = taken.getsockname()[1]
        flags = ("--port", str(port))
        test_what_cannot_be_served_ends_it_with_a_code_and_a_line(flags, 1, f"port {port}")


async def test_a_new_certificate_is_served_after_sighup(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    authority = trustme.CA()
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    trust = ssl.create_default_context()
    authority.configure_trust(trust)

    def renew() -> None:
        leaf = authority.issue_cert("localhost")
        leaf.cert_chain_pems[0].write_to_path(cert)
        leaf.private_key_pem.write_to_path(key)

    def served() -> bytes:
        address = ("127.0.0.1", tracker.ports["http"])
        with (
            socket.create_connection(address, DEADLINE_S) as plain,
            trust.wrap_socket(plain, server_hostname="localhost") as client,
        ):
            client.sendall(announce("Connection: close"))
            assert b"incomplete" in client.makefile("rb").read()
            der = client.getpeercert(binary_form=True)
            assert der is not None
            return der

    renew()
    flags = ("--tls-cert", str(cert), "--tls-key", str(key), "--redis", redis_server.url)
    with running_tracker(*flags) as tracker:
        first = served()
        assert first == served()
        renew()
        os.kill(tracker.pid, signal.SIGHUP)
        await until(lambda: "tls.reload" in tracker.stderr)
        assert first != served()
