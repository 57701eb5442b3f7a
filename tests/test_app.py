"""The whole tracker as a process: how it starts, what it tells, and how it ends."""

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
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme
from websockets.asyncio.client import connect

from tests.frontends.clients import announce
from tests.nodes import DEADLINE_S, until
from tests.redis_servers import RedisServer
from tests.tools import MORTAL
from tests.tracker_process import ANY_PORTS, COMMAND, TrackerProcess, running_tracker


def fetch(url: str) -> tuple[int, bytes]:
    """Status and body of a page."""
    try:
        with urllib.request.urlopen(url, timeout=DEADLINE_S) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


def loaded(reply: tuple[int, bytes]) -> tuple[int, Any]:
    """With its body read as JSON, without warnings: the tests' Redis has no maxmemory."""
    body = json.loads(reply[1])
    body.pop("warnings", None)
    return reply[0], body


def test_the_admin_address_tells_how_it_is(redis_server: RedisServer) -> None:
    with running_tracker("--redis", redis_server.url) as tracker:
        admin = tracker.admin_url
        assert (200, {"ready": True, "reasons": []}) == loaded(fetch(f"{admin}/ready"))
        redis_server.kill()
        while (reply := fetch(f"{admin}/ready"))[0] == 200:
            pass
        assert (503, {"ready": False, "reasons": ["redis is away"]}) == loaded(reply)
        assert (200, b"ok\n") == fetch(f"{admin}/health")
        assert b"tracker_store_up 0.0" in fetch(f"{admin}/metrics")[1]


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
        backlog = min(4096, files[1] // 16)
        most = files[1] - 2 * backlog - 100
        assert f"few_files max_connections={most} backlog={backlog}" in tracker.stderr


@pytest.mark.parametrize(
    ("flag", "kind"),
    [
        ("--port", socket.SOCK_STREAM),
        ("--http-port", socket.SOCK_STREAM),
        ("--ws-port", socket.SOCK_STREAM),
        ("--udp-port", socket.SOCK_DGRAM),
    ],
)
def test_a_port_in_use_ends_it_with_1_and_names_the_process_and_the_flag(
    flag: str, kind: socket.SocketKind
) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        port: int = taken.getsockname()[1]
        name = Path("/proc/self/comm").read_text().strip()
        holder = f"port {port} is in use by process {os.getpid()} ({name})"
        line = f'error="{holder}: stop it, or choose another port with {flag}"'
        test_what_cannot_be_served_ends_it_with_a_code_and_a_line((flag, str(port)), 1, line)


def test_an_admin_port_in_use_names_its_flag() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port: int = taken.getsockname()[1]
        flags = ("--admin", f"127.0.0.1:{port}")
        word = "stop it, or choose another port with --admin"
        test_what_cannot_be_served_ends_it_with_a_code_and_a_line(flags, 1, word)


@pytest.mark.parametrize("command", ["serve", "workers", "forward"])
def test_an_admin_port_that_is_not_given_moves_if_it_is_in_use(
    command: str, redis_server: RedisServer
) -> None:
    flags = {
        "serve": ("--port", "0", "--redis", redis_server.url),
        "workers": ("--redis", redis_server.url),
        "forward": ("--port", "0", "--to", "127.0.0.1:1"),
    }
    with ExitStack() as stack:
        with suppress(OSError):  # another tracker has the default port
            stack.enter_context(socket.create_server(("127.0.0.1", 8001)))
        process = stack.enter_context(
            subprocess.Popen(
                [*MORTAL, *COMMAND[:-1], command, *flags[command], "--log-level", "warning"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,  # without the terminal of the tests
            )
        )
        stack.callback(process.kill)
        assert process.stdout
        line = process.stdout.readline()
        admin = int(line.partition("admin=")[2].split()[0])
        assert 8001 != admin
        assert (200, b"ok\n") == fetch(f"http://127.0.0.1:{admin}/health")
        process.terminate()
        _, log = process.communicate(timeout=DEADLINE_S)
        assert 0 == process.returncode
        assert f'admin.moved port={admin} reason="port 8001 is in use' in log


def test_an_admin_port_that_a_protocol_has_ends_it_with_2() -> None:
    flags = ("--port", "9000", "--admin", "127.0.0.1:9000")
    word = "admin and a protocol cannot share port 9000"
    test_what_cannot_be_served_ends_it_with_a_code_and_a_line(flags, 2, word)


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


def signals(pid: int, set_: str) -> set[int]:
    """Return a set of signals of a process, as ``SigIgn`` (ignored) or ``SigCgt`` (handled)."""
    status = Path(f"/proc/{pid}/status").read_text()
    bits = int(status.partition(f"{set_}:")[2].split()[0], 16)
    return {number for number in range(1, 65) if bits & 1 << number - 1}


def test_sighup_before_it_is_ready_does_not_end_it() -> None:
    with subprocess.Popen(
        [*MORTAL, *COMMAND, *ANY_PORTS],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # without the terminal of the tests
    ) as starting:
        while signal.SIGHUP not in signals(starting.pid, "SigCgt"):
            pass
        starting.send_signal(signal.SIGHUP)
        assert starting.stdout
        assert starting.stdout.readline().startswith(b"ready ")
        starting.terminate()
        assert 0 == starting.wait(DEADLINE_S)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_second_signal_ends_the_drain_at_once(processes: str, redis_server: RedisServer) -> None:
    flags = ("--redis", redis_server.url, "--drain", "60", "--grace", "60")
    with running_tracker(*flags, "--processes", processes) as tracker:
        os.kill(tracker.pid, signal.SIGTERM)
        while fetch(f"{tracker.admin_url}/ready")[0] == 200:
            pass
        os.kill(tracker.pid, signal.SIGINT)
        assert 0 == tracker._running.wait(DEADLINE_S)


def test_however_often_it_is_signalled_it_ends_with_0(redis_server: RedisServer) -> None:
    tracker = TrackerProcess().start("--redis", redis_server.url)
    while tracker._running.poll() is None:
        os.kill(tracker.pid, signal.SIGTERM)
    tracker.kill()  # its log is not looked at: Python may complain of a signal that comes too fast
    assert 0 == tracker._running.returncode


def test_in_the_grace_it_is_not_ready_and_serves_and_then_refuses(
    redis_server: RedisServer,
) -> None:
    flags = ("--redis", redis_server.url, "--drain", "5", "--grace", "1")
    with running_tracker(*flags) as tracker:
        os.kill(tracker.pid, signal.SIGTERM)
        while (reply := fetch(f"{tracker.admin_url}/ready"))[0] == 200:
            pass
        assert (503, {"ready": False, "reasons": ["draining"]}) == loaded(reply)
        assert b"incompletei1e" in http_announce(tracker)
        assert 0 == tracker._running.wait(DEADLINE_S)
        with pytest.raises(ConnectionRefusedError):
            http_announce(tracker)
