"""The UDP forwarder, before frontends that believe its headers."""

import asyncio
import math
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.frontends.clients import HASH, announce_packet, scrape_packet, udp_peer
from tests.nodes import RunningNode, running_node, until
from tests.redis_servers import RedisServer
from tracker.frontends.listen import bind_all, bind_udp
from tracker.frontends.udp_forwarder import LEAST_ANSWERS, TRUST_S, Forwarder
from tracker.frontends.udp_socket import UdpSocket
from tracker.metrics import Metrics
from tracker.model import Counts
from tracker.policy.accounts import NEVER
from tracker.policy.floods import Floods
from tracker.settings import UdpSettings
from tracker.wire import udp
from tracker.wire.compact import pack, pack_ip
from tracker.wire.proxy_protocol import encode_datagram

BEHIND: dict[str, Any] = {
    "listen": {"trusted_proxies": ("127.0.0.0/8",)},
    "udp": {"proxy_protocol": True},
}


class RunningForwarder:
    """A forwarder, its port and what it counts."""

    def __init__(self, *backends: int) -> None:
        self.metrics = Metrics()
        (fronts,) = bind_all("", 0, [bind_udp])
        self.port: int = fronts[0].getsockname()[1]
        self.back = bind_udp("127.0.0.1", 0)
        self.forwarder = Forwarder(UdpSettings(), fronts, self.back, self.metrics, 64)
        self.forwarder.use([("127.0.0.1", port) for port in backends])

    @property
    def floods(self) -> Floods:
        """The policy of the IPv4 socket."""
        return self.front("127.0.0.1").floods

    def front(self, host: str) -> UdpSocket:
        """The socket that clients of this address family ask."""
        return self.forwarder._fronts[socket.AF_INET6 if ":" in host else socket.AF_INET]

    def counted(self, outcome: str) -> int:
        """Datagrams of that outcome."""
        return self.metrics.requests["udp", "forward", outcome]


@asynccontextmanager
async def forwarder(*backends: int) -> AsyncIterator[RunningForwarder]:
    running = RunningForwarder(*backends)
    try:
        yield running
    finally:
        running.forwarder.close()


@pytest.fixture
async def tracker(redis: RedisServer) -> AsyncIterator[RunningNode]:
    async with running_node(redis.url, **BEHIND) as running:
        yield running


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_clients_find_each_other_by_their_own_addresses(
    tracker: RunningNode, host: str
) -> None:
    async with (
        forwarder(tracker.port("udp")) as between,
        udp_peer(between.port, host) as peer,
    ):
        connection_id = await peer.connect()
        await peer.announce(connection_id, port=1001)
        found = await peer.announce(connection_id, port=1002)
        counts = await peer.ask(scrape_packet(connection_id, HASH))
        unknown = await peer.ask(connection_id + b"\0\0\0\x09unkn")
    assert (pack(pack_ip(host), 1001),) == found.peers
    assert udp.ScrapeReply(b"scra", (Counts(0, 0, 2),)) == counts
    assert isinstance(unknown, udp.ErrorReply)


async def test_an_answer_leaves_from_the_address_that_was_asked(tracker: RunningNode) -> None:
    async with (
        forwarder(tracker.port("udp")) as between,
        udp_peer(between.port, "127.8.9.10", local="127.0.0.1") as peer,
    ):
        peer.send(udp.encode_connect_request(b"conn"))
        assert "127.8.9.10" == (await peer.receive())[1]


async def test_datagrams_take_turns_among_the_backends(redis: RedisServer) -> None:
    secret: dict[str, Any] = {"udp": {"proxy_protocol": True, "secret": "x" * 16}}
    async with (
        running_node(redis.url, **{**BEHIND, **secret}) as one,
        running_node(redis.url, **{**BEHIND, **secret}) as two,
        forwarder(one.port("udp"), two.port("udp")) as between,
        udp_peer(between.port) as peer,
    ):
        connection_id = await peer.connect()
        for _ in range(9):
            await peer.announce(connection_id)
        asked = [sum(node.requests.values()) for node in (one, two)]
    assert [5, 5] == asked


async def test_what_a_frontend_ignores_leaves_nothing(tracker: RunningNode) -> None:
    async with (
        forwarder(tracker.port("udp")) as between,
        udp_peer(between.port) as peer,
    ):
        for _ in range(500):
            peer.send(b"junk" * 4)
        peer.send(b"too short")
        await peer.connect()  # the only answer
        assert 501 == between.counted("ok")
    assert 500 == tracker.requests["udp", "unproven", "silent"]


async def test_without_a_backend_requests_are_dropped_and_counted() -> None:
    async with forwarder() as between, udp_peer(between.port) as peer:
        assert not between.forwarder.ready
        peer.send(udp.encode_connect_request(b"conn"))
        await until(lambda: 1 == between.counted("unavailable"))


async def test_only_backends_answer_clients(tracker: RunningNode) -> None:
    async with forwarder(tracker.port("udp")) as between, udp_peer(between.port) as peer:
        client = peer._transport.get_extra_info("sockname")
        header = encode_datagram(
            (pack_ip("127.0.0.1"), client[1]), (pack_ip("127.0.0.1"), between.port)
        )
        async with udp_peer(between.back.getsockname()[1]) as stranger:
            stranger.send(header + b"forged answer")
            await until(lambda: 1 == between.counted("silent"))
        await peer.connect()  # the only answer


async def test_a_backend_that_is_no_longer_named_may_still_answer(
    tracker: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with forwarder(tracker.port("udp")) as between, udp_peer(between.port) as peer:
        peer.send(udp.encode_connect_request(b"conn"))
        await until(lambda: 1 == between.counted("ok"))
        between.forwarder.use([])
        assert isinstance(await peer.reply(), udp.ConnectReply)
        later = asyncio.get_running_loop().time() + TRUST_S + 1
        monkeypatch.setattr(between.forwarder._loop, "time", lambda: later, raising=False)
        between.forwarder.use([])
        assert not between.forwarder._trusted


async def test_after_the_last_request_answers_are_still_passed_back(
    tracker: RunningNode, redis: RedisServer
) -> None:
    async with forwarder(tracker.port("udp")) as between, udp_peer(between.port) as peer:
        connection_id = await peer.connect()
        redis.pause()
        peer.send(announce_packet(connection_id))
        await until(lambda: tracker.node.redis.in_flight == 1)
        await between.forwarder.drain()
        peer.send(announce_packet(connection_id, transaction_id=b"late"))
        redis.resume()
        assert b"anno" == (await peer.reply()).transaction_id
        assert 2 == between.counted("ok")


async def test_requests_that_have_arrived_are_sent_on_at_the_end(tracker: RunningNode) -> None:
    async with forwarder(tracker.port("udp")) as between, udp_peer(between.port) as peer:
        for _ in range(100):
            peer.send(udp.encode_connect_request(b"conn"))
        await between.forwarder.drain()
        assert 100 == between.counted("ok")


async def test_a_front_buffer_that_fills_up_makes_the_forwarder_fair(tracker: RunningNode) -> None:
    async with (
        forwarder(tracker.port("udp")) as between,
        udp_peer(between.port, local="127.0.0.66") as flooder,
        udp_peer(between.port, local="127.0.0.7") as peer,
    ):
        connection_id = await peer.connect()
        for _ in range(3000):  # without giving the forwarder a turn
            flooder.send(udp.encode_connect_request(b"conn"))
        for _ in range(20):
            peer.send(announce_packet(connection_id))
        for _ in range(20):
            await peer.reply()
        assert 0 < between.metrics.refused["work", "process"]
        assert 0 == between.metrics.udp_dropped[()]
        assert not between.floods.restrained  # a forger can send connect requests


async def test_pressure_begins_long_before_a_large_buffer_is_half_full(
    tracker: RunningNode,
) -> None:
    async with forwarder(tracker.port("udp")) as between, udp_peer(between.port) as peer:
        for _ in range(1200):  # without giving the forwarder a turn
            peer.send(udp.encode_connect_request(b"conn"))
        await peer.reply()
        assert between.floods.pressed(time.monotonic())


async def test_under_pressure_datagrams_that_are_no_requests_are_dropped(
    tracker: RunningNode,
) -> None:
    async with forwarder(tracker.port("udp")) as between, udp_peer(between.port) as peer:
        between.floods.press(asyncio.get_running_loop().time())
        connection_id = await peer.connect()
        peer.send(b"too short")
        peer.send(connection_id + b"\0\0\0\x09unkn")
        peer.send(b"x" * 35)
        peer.send(scrape_packet(connection_id, HASH))
        assert isinstance(await peer.reply(), udp.ScrapeReply)  # the only answer
        assert 3 == between.counted("malformed")
        assert 2 == between.counted("ok")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_address_that_gets_answers_and_sends_far_more_is_restrained(
    tracker: RunningNode, host: str
) -> None:
    async with forwarder(tracker.port("udp")) as between, udp_peer(between.port, host) as peer:
        floods = between.front(host).floods
        connection_id = await peer.connect()
        floods.press(asyncio.get_running_loop().time())
        floods._review_at = math.inf
        for _ in range(LEAST_ANSWERS):
            await peer.announce(connection_id)
        key = pack_ip(host)[:8]
        floods.choose([key] * 4000, more_wait=True, room=1000)
        floods._review_at = NEVER  # it is due
        await peer.announce(connection_id)
        assert {key} == floods.restrained


async def test_drops_of_the_kernel_are_in_the_metrics() -> None:
    async with forwarder() as between:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            between.back.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for _ in range(100):
                sock.sendto(b"x" * 100, between.back.getsockname())
        list(between.metrics.collect())
        assert 50 < between.metrics.udp_dropped[()]


async def test_an_answer_that_cannot_be_sent_is_counted(tracker: RunningNode) -> None:
    async with forwarder(tracker.port("udp")) as between:
        between.forwarder._fronts[socket.AF_INET].send(("127.0.0.1", 0), [], b"x")
        assert 1 == between.counted("lost")
