"""``tracker forward`` as a process, before a real tracker."""

import socket
import subprocess
import urllib.error
import urllib.request

import pytest

from tests.forwarder_process import COMMAND, running_forwarder
from tests.tracker_process import running_tracker
from tracker.wire import udp


def connect(port: int) -> udp.Reply:
    """Ask for a connection id, again until there is an answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        for _ in range(20):
            sock.sendto(udp.encode_connect_request(b"conn"), ("127.0.0.1", port))
            try:
                return udp.decode_reply(sock.recv(100), 6)
            except TimeoutError:
                continue
    raise AssertionError("no answer")


def test_it_forwards_until_it_is_stopped() -> None:
    flags = ("--only", "udp", "--udp-proxy-protocol", "--trusted-proxies", "127.0.0.1/32")
    with (
        running_tracker(*flags) as tracker,
        running_forwarder(f"localhost:{tracker.ports['udp']}") as forwarder,
    ):
        assert isinstance(connect(forwarder.port), udp.ConnectReply)
        with urllib.request.urlopen(f"{forwarder.admin_url}/ready") as reply:
            assert 200 == reply.status
        with urllib.request.urlopen(f"{forwarder.admin_url}/metrics") as reply:
            assert b"\ntracker_udp_dropped_total 0.0\n" in reply.read()
        forwarder.process.terminate()
        assert 0 == forwarder.process.wait(10)


def test_without_a_backend_it_is_not_ready() -> None:
    with running_forwarder("nothing.invalid:1") as forwarder:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{forwarder.admin_url}/ready")
        assert 503 == refused.value.code
        assert "no backend" in refused.value.read().decode()


def test_a_port_that_is_in_use_is_an_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        ended = subprocess.run(
            [*COMMAND, "--port", str(port), "--to", "127.0.0.1:1"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert 1 == ended.returncode
    assert "tracker.failed" in ended.stderr
