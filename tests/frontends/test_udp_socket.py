"""A UDP socket under pressure: the kernel's drops, and good clients beside floods."""

import asyncio
import math
import socket
import time

import pytest

from tests.frontends.clients import announce_packet, udp_peer
from tests.nodes import running_node, until
from tests.redis_servers import RedisServer
from tracker.frontends import congestion
from tracker.frontends.udp_socket import Buffer
from tracker.policy.accounts import NEVER


def test_drops_of_the_kernel_are_counted_once() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        buffer = Buffer(receiver, 4096)
        assert 0 == buffer.dropped()
        for _ in range(100):
            sender.sendto(b"x" * 100, receiver.getsockname())
        waiting, dropped = buffer.meminfo()
        assert 0 < waiting
        assert 50 < dropped == buffer.dropped()
        assert 0 == buffer.dropped()


def test_the_kernel_s_count_may_wrap() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        buffer = Buffer(sock, 4096)
        buffer._last = 2**32 - 5
        assert 5 == buffer.dropped()


def test_a_socket_that_reports_nothing_counts_nothing() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        buffer = Buffer(sock, 4096)
    assert (0, 0) == buffer.meminfo()  # closed
    assert 0 == buffer.dropped()


async def test_what_finds_no_room_is_in_the_metrics(redis: RedisServer) -> None:
    async with (
        running_node(redis.url, udp={"receive_buffer": 4096}) as tracker,
        udp_peer(tracker.port("udp")) as peer,
    ):
        connection_id = await peer.connect()
        for _ in range(200):  # without giving the tracker a turn
            peer.send(announce_packet(connection_id))
        families = {each.name: each for each in tracker.node.metrics.collect()}
        (sample,) = families["tracker_udp_dropped"].samples
        assert 100 < sample.value < 200


async def test_a_buffer_that_fills_up_makes_the_socket_serve_fairly(redis: RedisServer) -> None:
    limits = {"work_per_second": 100_000, "work_burst": 100_000, "in_flight": 10_000}
    async with (
        running_node(redis.url, limits=limits, udp={"receive_buffer": 2_097_152}) as tracker,
        udp_peer(tracker.port("udp"), local="127.0.0.66") as flooder,
        udp_peer(tracker.port("udp"), local="127.0.0.7") as peer,
    ):
        bad, good = await flooder.connect(), await peer.connect()
        for _ in range(3000):  # without giving the tracker a turn
            flooder.send(announce_packet(bad))
        for _ in range(20):
            peer.send(announce_packet(good))
        for _ in range(20):
            await peer.reply()
        assert 0 < tracker.node.metrics.refused["work", "process"]
        assert tracker.node.udp._sockets[0].floods.pressed(time.monotonic())


@pytest.mark.parametrize(("pressed", "burst"), [(True, 500), (False, 2000)])
async def test_a_burst_is_served_whole(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch, pressed: bool, burst: int
) -> None:
    monkeypatch.setattr(congestion, "LATE_S", 10.0)  # it is answered in time, however busy we are
    async with (
        running_node(redis.url) as tracker,
        udp_peer(tracker.port("udp")) as peer,
    ):
        connection_id = await peer.connect()
        floods = tracker.node.udp._sockets[0].floods
        if pressed:
            floods.press(asyncio.get_running_loop().time())
        for _ in range(burst):
            peer.send(announce_packet(connection_id))
        await until(lambda: burst == tracker.requests["udp", "announce", "ok"])
        assert not tracker.node.metrics.refused["work", "process"]


async def test_restrained_addresses_are_held_back_by_the_kernel_and_released(
    redis: RedisServer,
) -> None:
    async with (
        running_node(redis.url) as tracker,
        udp_peer(tracker.port("udp"), local="127.0.0.66") as flooder,
        udp_peer(tracker.port("udp"), local="127.0.0.7") as peer,
    ):
        bad, good = await flooder.connect(), await peer.connect()
        sock = next(
            each for each in tracker.node.udp._sockets if each._socket.family == socket.AF_INET
        )
        floods = sock.floods
        floods._review_at = math.inf
        floods.restrained, floods.sample = frozenset([bytes((127, 0, 0, 66))]), 2**31
        sock._restrain()
        for _ in range(50):
            flooder.send(announce_packet(bad))
        await peer.announce(good)
        sock.count_drops()
        assert 50 == tracker.node.metrics.refused["work", "process"]
        assert 0 == tracker.node.metrics.udp_dropped[()]
        floods._review_at = NEVER  # it is due, and the address has sent nothing that arrived
        await peer.announce(good)
        assert not floods.restrained
        await flooder.announce(bad)
