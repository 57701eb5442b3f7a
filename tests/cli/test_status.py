"""``tracker status`` as a process of its own, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgpack
import pytest

from tests.redis_servers import RedisServer
from tests.terminal import DEADLINE_S, read_until
from tests.tools import MORTAL
from tests.tracker_process import running_tracker
from tracker.cli import connection, main
from tracker.model import Facts
from tracker.store.keys import FRONTENDS, facts_key

pytestmark = pytest.mark.usefixtures("logging_as_before")

ENVIRONMENT = {"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "200", "LINES": "50"}


@contextmanager
def watching(*argv: str, output: int = subprocess.PIPE) -> Iterator[subprocess.Popen[bytes]]:
    """``tracker status --watch``, which is killed if it is still there in the end."""
    command = [*MORTAL, sys.executable, "-m", "tracker", "status", "--watch", *argv]
    process = subprocess.Popen(
        command, stdout=output, stderr=subprocess.PIPE, env=ENVIRONMENT, start_new_session=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def interrupted(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """The exit code and standard error after Ctrl-C."""
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=DEADLINE_S)
    return process.returncode, errors.decode()


def test_a_running_cluster_is_shown(
    redis_server: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_tracker("--redis", redis_server.url, "--with-workers") as tracker:
        assert main(["status", "--redis", redis_server.url]) == 0
        text = capsys.readouterr()
        assert main(["status", "--redis", redis_server.url, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
    assert "" == text.err
    assert text.out.startswith("1 frontend · ")
    assert redis_server.url in text.out
    (frontend,) = found["frontends"]
    assert (True, tracker.ports["http"]) == (frontend["alive"], frontend["ports"]["http"])
    assert ["master"] == [node["role"] for node in found["redis"]]


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_text_of_the_registry_cannot_control_the_terminal(
    redis_server: RedisServer, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...]
) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r"
    ports = {evil: 80, "http": 80}
    facts = Facts(evil, evil, 7, 0, 0.0, ports, {evil: 1}, 0, 0, None)
    with redis_server.client() as client:
        client.zadd(FRONTENDS, {b"frontenA": time.time() + 1000})
        client.set(facts_key(b"frontenA"), msgpack.packb(facts._asdict()))
    assert main(["status", "--redis", redis_server.url, *flags]) == 0
    captured = capsys.readouterr()
    assert "owned" in captured.out
    assert (captured.out + captured.err).replace("\n", "").isprintable()


@pytest.mark.usefixtures("runtime_directory")
def test_without_a_url_and_a_tracker_it_says_what_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["status"]) == 2
    assert ("", f"tracker: {connection.NO_TRACKER}\n") == capsys.readouterr()


@pytest.mark.parametrize("argv", [["--redis", "nonsense"], ["--redis", "redis://x?nonsense=1"]])
def test_a_bad_url_is_bad_usage(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    assert main(["status", *argv]) == 2
    captured = capsys.readouterr()
    assert "" == captured.out
    assert captured.err.startswith("tracker: ")


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_watching_prints_again_and_again_until_it_is_interrupted(
    redis_server: RedisServer, flags: list[str]
) -> None:
    with watching("--redis", redis_server.url, *flags) as process:
        assert process.stdout is not None
        read_until(process.stdout.fileno(), b"master.*master")
        assert (0, "") == interrupted(process)


@pytest.mark.usefixtures("runtime_directory")
def test_the_tracker_on_this_machine_needs_no_url(capsys: pytest.CaptureFixture[str]) -> None:
    with running_tracker() as tracker:
        assert 0 == main(["status", "--json"])
        (frontend,) = json.loads(capsys.readouterr().out)["frontends"]
        assert tracker.ports["http"] == frontend["ports"]["http"]


def test_watching_goes_on_when_redis_comes_back(redis_server: RedisServer) -> None:
    with watching("--redis", redis_server.url, "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        read_until(process.stdout.fileno(), b"master")
        redis_server.kill()
        read_until(
            process.stderr.fileno(), b"tracker: cannot use Redis at unix:.*: connection refused.*\n"
        )
        redis_server.start()
        read_until(process.stdout.fileno(), b"master")
        assert (0, "") == interrupted(process)
