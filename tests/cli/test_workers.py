"""``tracker workers`` as a process: ready, at work, and gone when told to."""

import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest

from tests.redis_servers import RedisServer
from tests.tools import MORTAL
from tracker import cli

ENDED_WITHIN_S = 10.0
COMMAND = (*MORTAL, sys.executable, "-m", "tracker", "workers", "--admin", "127.0.0.1:0")


@contextmanager
def running(url: str, *flags: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process, and its admin port."""
    with subprocess.Popen(
        [*COMMAND, "--redis", url, "--log-level", "debug", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # without the terminal of the tests
    ) as process:
        try:
            assert process.stdout
            ready = re.fullmatch(r"ready admin=(\d+) redis=up\n", process.stdout.readline())
            assert ready
            yield process, int(ready[1])
        finally:
            process.kill()


def wait_for(log: IO[str] | None, words: str) -> None:
    assert log
    for line in log:
        if words in line:
            return
    raise AssertionError(f"the log ended without: {words}")


def metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as reply:
        return str(reply.read().decode())


def test_it_does_the_jobs_and_ends_when_told_to(redis_server: RedisServer) -> None:
    with running(redis_server.url) as (process, port):
        wait_for(process.stderr, "lease.taken")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as reply:
            assert 200 == reply.status
        assert "tracker_jobs_total" in metrics(port)
        process.terminate()
        assert 0 == process.wait(ENDED_WITHIN_S)
        assert process.stderr
        assert "Traceback" not in process.stderr.read()


def test_another_takes_over_when_one_is_killed(redis_server: RedisServer) -> None:
    flags = ("--workers-lease", "1")
    with running(redis_server.url, *flags) as (first, _):
        wait_for(first.stderr, "lease.taken job=statistics")
        with running(redis_server.url, *flags) as (second, _):
            first.kill()
            wait_for(second.stderr, "lease.taken job=statistics")


def test_without_a_redis_it_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRACKER_REDIS_URL", raising=False)
    assert 2 == cli.main(["workers"])
    assert "--redis URL" in capsys.readouterr().err
    assert 2 == cli.main(["workers", "--redis", "http://x"])
