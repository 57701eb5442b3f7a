"""Several processes as one tracker: real ones, spoken to over sockets only."""

import asyncio
import json
import os
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

from tests import one_address
from tests.frontends.clients import announce, announce_packet
from tests.nodes import DEADLINE_S, node_settings, until
from tests.processes.family import children, ending, serving
from tests.redis_servers import RedisServer, TlsFiles
from tests.test_app import fetch, loaded
from tests.tracker_process import TrackerProcess, running_tracker
from tracker.frontends.listen import open_ports
from tracker.processes.supervisor import Supervisor
from tracker.wire import udp

PROCESSES = ("--processes", "3", *one_address.FLAGS)


def asking(tracker: TrackerProcess) -> socket.socket:
    """A new connection on which an announce was sent."""
    client = socket.create_connection(("127.0.0.1", tracker.ports["http"]), DEADLINE_S)
    client.sendall(announce("Connection: close"))
    return client


def answered(client: socket.socket) -> bool:
    """Whether the announce gets its answer."""
    with client:
        return b"incompletei" in client.makefile("rb").read()


def datagrams(tracker: TrackerProcess) -> socket.socket:
    """A UDP socket of its own."""
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(DEADLINE_S)
    client.connect(("127.0.0.1", tracker.ports["udp"]))
    return client


def connection_id(client: socket.socket) -> bytes:
    client.send(udp.encode_connect_request(b"conn"))
    reply = udp.decode_reply(client.recv(2048), 6)
    assert isinstance(reply, udp.ConnectReply)
    return reply.connection_id


def families(tracker: TrackerProcess) -> dict[str, Metric]:
    with urlopen(f"{tracker.admin_url}/metrics", timeout=DEADLINE_S) as reply:
        read = list(text_string_to_metric_families(reply.read().decode()))
    assert len(read) == len({family.name for family in read})
    return {family.name: family for family in read}


def counts(tracker: TrackerProcess, name: str, /, **labels: str) -> dict[str, float]:
    """Process -> the sum of its samples of a family that have these labels."""
    found: dict[str, float] = {}
    for sample in families(tracker)[name].samples:
        if labels.items() <= sample.labels.items():
            process = sample.labels["process"]
            found[process] = found.get(process, 0) + sample.value
    return found


@pytest.fixture
def tracker(redis_server: RedisServer) -> Iterator[TrackerProcess]:
    with running_tracker(*PROCESSES, "--redis", redis_server.url) as tracker:
        yield tracker


# Serving


async def test_all_processes_serve_all_protocols_on_the_same_ports(
    tracker: TrackerProcess,
) -> None:
    assert {"http", "ws", "udp", "admin"} == tracker.ports.keys()
    assert 3 == len(serving(tracker.pid))
    assert all(answered(asking(tracker)) for _ in range(40))
    for _ in range(40):
        with datagrams(tracker) as client:
            client.send(announce_packet(connection_id(client)))
            assert isinstance(udp.decode_reply(client.recv(2048), 6), udp.AnnounceReply)
    async with asyncio.timeout(DEADLINE_S):
        for _ in range(20):
            async with connect(tracker.ws_url, proxy=None) as browser:
                await browser.send(json.dumps({"action": "scrape", "info_hash": "x" * 20}))
                assert "files" in json.loads(await browser.recv())
    for protocol, action, asked in (
        ("http", "announce", 40),
        ("udp", "announce", 40),
        ("ws", "scrape", 20),
    ):
        spread = counts(tracker, "tracker_requests", protocol=protocol, action=action)
        assert asked == sum(spread.values())
        assert {"0", "1", "2"} == spread.keys()
    assert {"0": 1, "1": 1, "2": 1} == counts(tracker, "tracker_child_up")
    memory = counts(tracker, "process_resident_memory_bytes")
    assert {"0", "1", "2", "supervisor"} == memory.keys()


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory with room in its path for the name of a socket."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


def test_with_a_redis_of_its_own_it_has_one_and_leaves_nothing_behind(short: Path) -> None:
    with running_tracker(*PROCESSES, env={"TMPDIR": str(short)}) as tracker:
        family = children(tracker.pid)
        assert (4, 3) == (len(family), len(serving(tracker.pid)))
        assert 1 == len(list(short.glob("tracker-redis-*")))
        assert all(answered(asking(tracker)) for _ in range(10))
        jobs = counts(tracker, "tracker_jobs", name="statistics")
        assert {"supervisor"} == jobs.keys()
        with ending(*(kin.pid for kin in family)):
            tracker.stop()
    assert [short / f"tracker-cluster-{os.getuid()}"] == list(short.rglob("*"))  # for others


def test_the_end_of_the_supervisor_is_the_end_of_all() -> None:
    tracker = TrackerProcess().start(*PROCESSES)
    family = children(tracker.pid)
    assert 4 == len(family)
    with ending(*(kin.pid for kin in family)):
        tracker.kill()


# A child dies


def test_a_child_that_dies_is_replaced_and_who_waits_for_it_is_answered(
    redis_server: RedisServer,
) -> None:
    flags = (*PROCESSES, "--redis", redis_server.url, "--udp-secret", "the same for all of them")
    with running_tracker(*flags) as tracker, ExitStack() as stack:
        before = serving(tracker.pid)
        clients = [stack.enter_context(datagrams(tracker)) for _ in range(30)]
        ids = [connection_id(client) for client in clients]
        with ending(before[0]):
            os.kill(before[0], signal.SIGKILL)
        waiting = [asking(tracker) for _ in range(30)]
        for client, id_ in zip(clients, ids, strict=True):
            client.send(announce_packet(id_))
        assert all(answered(client) for client in waiting)
        replies = [udp.decode_reply(client.recv(2048), 6) for client in clients]
        assert [udp.AnnounceReply] * 30 == [type(reply) for reply in replies]
        after = serving(tracker.pid)
        assert 3 == len(after)
        assert before[1:] == after[:2]
        assert {"0": 1, "1": 0, "2": 0} == counts(tracker, "tracker_child_restarts")
        assert f"child.died process=0 pid={before[0]} code=-9" in tracker.stderr
        assert f"child.restarted process=0 pid={after[2]}" in tracker.stderr


async def test_a_child_is_replaced_until_one_gets_ready_and_all_hear_a_sighup(
    redis_server: RedisServer, tls_files: TlsFiles, tmp_path: Path
) -> None:
    cert = tmp_path / "cert.pem"
    cert.write_bytes(tls_files.cert.read_bytes())
    flags = ("--redis", redis_server.url, "--tls-cert", str(cert), "--tls-key", str(tls_files.key))
    with running_tracker(*PROCESSES, *flags) as tracker:
        cert.rename(tmp_path / "away.pem")
        os.kill(serving(tracker.pid)[0], signal.SIGKILL)
        await until(lambda: tracker.stderr.count("child.restart_failed process=0") == 2)
        assert (503, ["process 0: does not answer"]) == unready(tracker)
        (tmp_path / "away.pem").rename(cert)
        await until(lambda: "child.restarted process=0" in tracker.stderr)
        assert 200 == fetch(f"{tracker.admin_url}/ready")[0]
        assert counts(tracker, "tracker_child_restarts")["0"] >= 3
        os.kill(tracker.pid, signal.SIGHUP)
        await until(lambda: tracker.stderr.count("tls.reloaded") == 3)


async def test_while_a_child_hangs_the_others_tell_so(tracker: TrackerProcess) -> None:
    hanging, *_ = serving(tracker.pid)
    ready = f"{tracker.admin_url}/ready"
    assert (200, {"ready": True, "reasons": []}) == loaded(fetch(ready))
    os.kill(hanging, signal.SIGSTOP)
    reasons = ["process 0: does not answer"]
    assert (503, {"ready": False, "reasons": reasons}) == loaded(fetch(ready))
    assert {"0": 0, "1": 1, "2": 1} == counts(tracker, "tracker_child_up")
    assert {"1", "2", "supervisor"} == counts(tracker, "tracker_store_seconds").keys()
    os.kill(hanging, signal.SIGCONT)
    await until(lambda: fetch(ready)[0] == 200)


async def test_all_are_ready_or_it_is_not(
    tracker: TrackerProcess, redis_server: RedisServer
) -> None:
    redis_server.kill()
    reasons = [f"process {at}: redis is away" for at in range(3)]
    ready = f"{tracker.admin_url}/ready"
    await until(lambda: loaded(fetch(ready))[1]["reasons"] == reasons)
    assert 200 == fetch(f"{tracker.admin_url}/health")[0]


# The end


def test_in_the_grace_all_that_comes_is_answered(redis_server: RedisServer) -> None:
    flags = (*PROCESSES, "--redis", redis_server.url, "--drain", "5", "--grace", "1")
    with running_tracker(*flags) as tracker, datagrams(tracker) as client:
        family = serving(tracker.pid)
        id_ = connection_id(client)
        with ending(*family):
            os.kill(tracker.pid, signal.SIGTERM)
            until_s = time.monotonic() + 0.9
            assert (503, ["draining"]) == unready(tracker)
            sent, got = 0, set[bytes]()
            while time.monotonic() < until_s:
                for _ in range(20):  # no more than fit into the client's buffer
                    client.send(announce_packet(id_, transaction_id=sent.to_bytes(4, "big")))
                    sent += 1
                assert answered(asking(tracker))
                while len(got) < sent:
                    got.add(udp.decode_reply(client.recv(2048), 6).transaction_id)
        assert 0 == tracker._running.wait(DEADLINE_S)
        with pytest.raises(ConnectionRefusedError):
            asking(tracker)


def unready(tracker: TrackerProcess) -> tuple[int, list[str]]:
    """The answer of ``/ready``, once it is not 200."""
    while (reply := fetch(f"{tracker.admin_url}/ready"))[0] == 200:
        pass
    return reply[0], loaded(reply)[1]["reasons"]


async def test_browsers_of_all_children_are_sent_away(redis_server: RedisServer) -> None:
    with running_tracker(*PROCESSES, "--redis", redis_server.url) as tracker:
        async with asyncio.timeout(DEADLINE_S):
            browsers = [await connect(tracker.ws_url, proxy=None) for _ in range(12)]
            os.kill(tracker.pid, signal.SIGINT)
            for browser in browsers:
                await browser.wait_closed()
        assert [1001] * 12 == [browser.close_code for browser in browsers]
        assert 0 == await asyncio.to_thread(tracker._running.wait, DEADLINE_S)


def test_a_child_that_hangs_holds_up_nobody_for_long(redis_server: RedisServer) -> None:
    with running_tracker(*PROCESSES, "--redis", redis_server.url) as tracker:
        family = serving(tracker.pid)
        os.kill(family[1], signal.SIGSTOP)
        with ending(*family):
            os.kill(tracker.pid, signal.SIGTERM)
        assert 0 == tracker._running.wait(DEADLINE_S)


async def test_what_a_child_cannot_serve_fails() -> None:
    """A URL that the command line would have refused."""
    settings = node_settings(listen={"processes": 2})
    url = "redis://localhost?no_such_option=1"
    supervisor = Supervisor(settings, url, open_ports(settings.listen))
    try:
        with pytest.raises(OSError, match="ended with code 1"):
            await supervisor.start()
    finally:
        await supervisor.close()


def test_a_port_that_is_taken_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AssertionError, match=rf"tracker.failed error=.*port {port}"):
            TrackerProcess().start(*PROCESSES, "--port", str(port))
