"""The error of a port in use names the process that holds the port, where the system shows it."""

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tools import MORTAL, reserved_port
from tracker.frontends.port_in_use import PortInUse, Process, holder

TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM

HOLD = """
import socket, sys
kind, host = socket.SocketKind(int(sys.argv[1])), sys.argv[2]
with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as sock:
    sock.bind((host, 0))
    if kind is socket.SOCK_STREAM:
        sock.listen()
    print(sock.getsockname()[1], flush=True)
    sys.stdin.read()
"""


@contextmanager
def holding(kind: socket.SocketKind, host: str) -> Iterator[tuple[int, Process]]:
    """Run a program that holds any port of an address; yield the port and the process."""
    with subprocess.Popen(
        [*MORTAL, sys.executable, "-c", HOLD, str(int(kind)), host],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout
            port = int(process.stdout.readline())
            yield port, Process(process.pid, Path(f"/proc/{process.pid}/comm").read_text().strip())
        finally:
            process.kill()


@pytest.mark.parametrize("kind", [TCP, UDP])
@pytest.mark.parametrize(
    ("theirs", "blocked", "free"),
    [
        ("127.0.0.1", ("127.0.0.1", "localhost", "0.0.0.0", ""), ("127.0.0.2", "::1", "::")),
        ("0.0.0.0", ("127.0.0.1", "0.0.0.0", ""), ("::1", "::")),
        ("::1", ("::1", "::", ""), ("127.0.0.1", "0.0.0.0")),
        ("::", ("::1", "::", "127.0.0.1", "0.0.0.0", ""), ()),
        ("::ffff:127.0.0.1", ("127.0.0.1", "0.0.0.0", ""), ("::1", "127.0.0.2")),
    ],
)
def test_the_holder_of_a_port_is_found_where_it_has_the_address(
    kind: socket.SocketKind, theirs: str, blocked: tuple[str, ...], free: tuple[str, ...]
) -> None:
    with holding(kind, theirs) as (port, process):
        assert dict.fromkeys(blocked, process) == {
            host: holder(kind, host, port) for host in blocked
        }
        assert dict.fromkeys(free) == {host: holder(kind, host, port) for host in free}
        assert None is holder(UDP if kind is TCP else TCP, theirs, port)


def test_a_listening_socket_comes_before_the_connections_of_its_clients() -> None:
    with holding(TCP, "127.0.0.1") as (port, process):
        for _ in range(3):  # ports of connections that the kernel may list first
            socket.create_connection(("127.0.0.1", port)).close()
        with socket.create_connection(("127.0.0.1", port)):
            assert process == holder(TCP, "127.0.0.1", port)


def test_of_several_processes_with_the_same_socket_the_first_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        heir = [*MORTAL, sys.executable, "-c", "input()"]
        with subprocess.Popen(heir, stdin=subprocess.PIPE, pass_fds=(server.fileno(),)) as process:
            found = holder(TCP, "127.0.0.1", port)
            process.kill()
        assert found
        assert os.getpid() == found.pid


def test_the_error_says_which_process_it_is_and_what_to_do() -> None:
    with holding(TCP, "127.0.0.1") as (port, (pid, name)):
        error = PortInUse(TCP, "127.0.0.1", port, "--ws-port")
    assert errno.EADDRINUSE == error.errno
    assert (
        f"port {port} is in use by process {pid} ({name}): "
        "stop it, or choose another port with --ws-port"
    ) == str(error)


def test_a_port_of_its_own_is_not_another_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        error = PortInUse(TCP, "", port, "--admin")
    assert f"port {port} is in use by this process: choose another port with --admin" == str(error)


def test_without_a_known_holder_the_error_says_what_to_do() -> None:
    with reserved_port() as port:  # the kernel does not list sockets that do not listen
        error = PortInUse(TCP, "127.0.0.1", port, "--port")
    assert (
        f"port {port} is in use: stop the program that uses it, or choose another port with --port"
    ) == str(error)


def test_nothing_is_known_where_the_system_does_not_show_it(tmp_path: Path) -> None:
    with holding(TCP, "127.0.0.1") as (port, process):
        assert None is holder(TCP, "127.0.0.1", port, proc=tmp_path)
        assert None is holder(TCP, "no such host", port)
        (tmp_path / "net").symlink_to("/proc/net")
        assert None is holder(TCP, "127.0.0.1", port, proc=tmp_path)
        hidden = tmp_path / str(process.pid)
        hidden.mkdir()
        assert None is holder(TCP, "127.0.0.1", port, proc=tmp_path)
        (hidden / "fd").symlink_to(f"/proc/{process.pid}/fd")
        assert Process(process.pid, "ended") == holder(TCP, "127.0.0.1", port, proc=tmp_path)


def test_the_oldest_process_is_found_although_the_numbers_of_processes_wrap(tmp_path: Path) -> None:
    (tmp_path / "net").symlink_to("/proc/net")
    with holding(TCP, "127.0.0.1") as (port, process):
        for pid, started in ((7, 300), (8, 200), (9, 400)):
            other = tmp_path / str(pid)
            other.mkdir()
            (other / "fd").symlink_to(f"/proc/{process.pid}/fd")
            (other / "stat").write_text(f"{pid} (a) b) S {'0 ' * 18}{started} 0\n")
        assert Process(8, "ended") == holder(TCP, "127.0.0.1", port, proc=tmp_path)
