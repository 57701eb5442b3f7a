"""Open files are in reserve for the admin port and Redis while the public port is flooded."""

import resource
import socket
from contextlib import ExitStack
from urllib.request import urlopen

from tests.frontends.clients import announce
from tests.tracker_process import running_tracker
from tracker.policy.connections import fit_files

MOST, BACKLOG = 300, 64
ADDRESSES = 10
DEADLINE_S = 10


def burst(port: int, stack: ExitStack) -> list[socket.socket]:
    """Begin more connections than are allowed, and than the backlog holds, at once."""
    begun = []
    for at in range(2 * MOST):
        sock = stack.enter_context(socket.socket())
        sock.bind((f"127.0.3.{1 + at % ADDRESSES}", 0))
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", port))
        begun.append(sock)
    return begun


def announced(port: int, local: str) -> bytes:
    """Announce from that address; the response."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE_S, (local, 0)) as sock:
        sock.sendall(announce("Connection: close"))
        return sock.makefile("rb").read()


def test_admin_and_redis_have_files_while_connections_are_at_their_limit() -> None:
    flags = ("--max-connections", str(MOST), "--backlog", str(BACKLOG))
    files = fit_files(MOST, BACKLOG, 1, None).open_files
    with running_tracker(*flags) as tracker, ExitStack() as stack:
        resource.prlimit(tracker.pid, resource.RLIMIT_NOFILE, (files, files))
        for at in range(5):
            burst(tracker.ports["http"], stack)
            with urlopen(f"{tracker.admin_url}/ready", timeout=DEADLINE_S) as reply:
                assert 200 == reply.status
            with urlopen(f"{tracker.admin_url}/metrics", timeout=DEADLINE_S) as reply:
                metrics = reply.read().decode()
            assert b"d8:complete" in announced(tracker.ports["http"], f"127.0.4.{1 + at}")
        assert 'tracker_closed_total{protocol="tcp",reason="shed"}' in metrics
        assert 'tracker_refused_total{budget="connections",of="process"}' in metrics
