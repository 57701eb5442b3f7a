"""``tracker health``: what a container's health check hears."""

import socket
import subprocess
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.redis_servers import StartRedis
from tests.tools import reserved_port
from tests.tracker_process import running_tracker
from tracker import cli


def test_a_tracker_that_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    with running_tracker() as tracker:
        admin = f"127.0.0.1:{tracker.ports['admin']}"
        assert 0 == cli.main(["health", "--admin", admin])
        assert "ready\n" == capsys.readouterr().out
        assert 0 == cli.main(["health", "--admin", admin, "--live"])
        assert "live\n" == capsys.readouterr().out


def test_without_redis_it_lives_but_is_not_ready(
    start_redis: StartRedis, capsys: pytest.CaptureFixture[str]
) -> None:
    redis = start_redis()
    with running_tracker("--redis", redis.url) as tracker:
        admin = f"127.0.0.1:{tracker.ports['admin']}"
        redis.kill()
        while 0 == cli.main(["health", "--admin", admin]):
            pass  # until it has noticed
        assert "tracker: redis is away\n" == capsys.readouterr().err
        assert 0 == cli.main(["health", "--admin", admin, "--live"])


@pytest.mark.parametrize("host", ["0.0.0.0", "", "127.0.0.1", "localhost"])
def test_where_it_listens_may_come_from_the_environment(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_tracker() as tracker:
        monkeypatch.setenv("TRACKER_ADMIN", f"{host}:{tracker.ports['admin']}")
        assert 0 == cli.main(["health"])


def test_where_it_listens_may_come_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRACKER_ADMIN", raising=False)
    with running_tracker() as tracker:
        file = tmp_path / "tracker.toml"
        file.write_text(f'[listen]\nadmin = "127.0.0.1:{tracker.ports["admin"]}"')
        assert 0 == cli.main(["health", "--config", str(file)])
        file.write_text("[listen]\nadmin = 1")
        assert 2 == cli.main(["health", "--config", str(file)])


@pytest.mark.usefixtures("runtime_directory")
def test_the_tracker_on_this_machine_is_asked_if_nothing_names_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("TRACKER_ADMIN", raising=False)
    with running_tracker() as tracker:
        assert 0 == cli.main(["health"])
        (file := tmp_path / "tracker.toml").write_text("[listen]\nport = 1")
        assert 0 == cli.main(["health", "--config", str(file)])
        with running_tracker():
            assert 2 == cli.main(["health"])
            port = str(tracker.ports["http"])
            assert f"--port {port} " in capsys.readouterr().err
            assert 0 == cli.main(["health", "--port", port])


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    with reserved_port() as closed:
        assert 1 == cli.main(["health", "--admin", f"127.0.0.1:{closed}"])
    assert "no answer" in capsys.readouterr().err


def test_somebody_who_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        admin = f"127.0.0.1:{silent.getsockname()[1]}"
        assert 1 == cli.main(["health", "--admin", admin, "--timeout", "0.1"])
    assert "timed out" in capsys.readouterr().err


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"reasons": [' * 10_000, b"\xff", b"1"])
def test_a_body_that_is_no_trackers_is_left_out(
    body: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        thread = threading.Thread(target=_answer, args=(other, b"503 No", body))
        thread.start()
        assert 1 == cli.main(["health", "--admin", f"127.0.0.1:{other.getsockname()[1]}"])
        thread.join()
    assert "tracker: HTTP status 503 No\n" == capsys.readouterr().err


def test_a_body_without_an_end_is_not_read_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        endless = threading.Thread(target=_answer, args=(other, b"503 No", b" " * 1_000_000, True))
        endless.start()
        assert 1 == cli.main(["health", "--admin", f"127.0.0.1:{other.getsockname()[1]}"])
        endless.join()
    assert "tracker: HTTP status 503 No\n" == capsys.readouterr().err


def _answer(server: socket.socket, status: bytes, body: bytes, endless: bool = False) -> None:
    connection, _ = server.accept()
    with connection, suppress(OSError):  # the other end has read enough
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 %b\r\n\r\n%b" % (status, body))
        while endless:
            connection.sendall(body)


class NoTracker(BaseHTTPRequestHandler):
    """Another program on that port."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *args: object) -> None:
        pass


def test_something_else_there(capsys: pytest.CaptureFixture[str]) -> None:
    with HTTPServer(("127.0.0.1", 0), NoTracker) as other:
        thread = threading.Thread(target=other.handle_request)
        thread.start()
        assert 1 == cli.main(["health", "--admin", f"127.0.0.1:{other.server_port}"])
        thread.join()
    assert "tracker: HTTP status 404 Not Found\n" == capsys.readouterr().err


def test_a_bad_address_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == cli.main(["health", "--admin", "nowhere"])
    assert "HOST:PORT" in capsys.readouterr().err


def test_it_waits_for_no_library_that_it_does_not_need() -> None:
    code = """if 1:
        import sys
        from tracker.cli import main
        main(["health", "--admin", "127.0.0.1:1"])
        print(*sys.modules)
    """
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set() == {"aiohttp", "pydantic", "redis", "uvloop"}.intersection(told.stdout.split())
