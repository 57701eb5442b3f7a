import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
import redis
import structlog.testing
from structlog.typing import EventDict

from tests.redis_servers import KINDS, Kind, executable
from tracker.embedded import EmbeddedRedis, EmbeddedRedisFailed, server
from tracker.embedded.directory import sweep

DEADLINE_S = 10.0

# Holds an embedded Redis until it is killed; the first line tells Redis's pid and address.
HOLDER = """
import asyncio, sys, uvloop
from tracker.embedded import EmbeddedRedis, server
program, loop, leash = sys.argv[1:]
server._KERNEL_ENDS_CHILDREN = leash == "exec"
async def main():
    async with EmbeddedRedis(16, program) as held:
        print(held.pid, held.url, flush=True)
        await asyncio.Event().wait()
(uvloop if loop == "uvloop" else asyncio).run(main())
"""


@pytest.fixture(params=KINDS)
def program(request: pytest.FixtureRequest) -> str:
    kind: Kind = request.param
    return executable(kind)


@contextmanager
def client(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url, socket_timeout=DEADLINE_S) as connected:
        yield connected


def directory(url: str) -> Path:
    return Path(urlsplit(url).path).parent


def ends(pidfd: int) -> bool:
    """Whether the process of `pidfd` ends within the deadline."""
    return bool(select.select([pidfd], [], [], DEADLINE_S)[0])


async def logged(name: str, events: list[EventDict]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            if any(event["event"] == name for event in events):
                return
            await asyncio.sleep(0.01)


async def answers_again(url: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                with client(url) as connected:
                    connected.ping()
                    return
            except redis.ConnectionError:
                await asyncio.sleep(0.01)


async def test_it_has_a_private_socket_no_port_no_disk_and_never_evicts(program: str) -> None:
    async with EmbeddedRedis(64, program) as held:
        with client(held.url) as connected:
            told = connected.config_get("*")
        assert 0o700 == directory(held.url).stat().st_mode & 0o777
    expected = {
        "port": "0",
        "save": "",
        "appendonly": "no",
        "maxmemory": str(64 << 20),
        "maxmemory-policy": "volatile-lfu",
        "lfu-decay-time": "60",
    }
    assert expected == {name: told[name] for name in expected}


async def test_without_an_executable_it_finds_one() -> None:
    async with EmbeddedRedis(16) as held:
        await answers_again(held.url)


async def test_it_ends_with_its_context_and_leaves_nothing(program: str) -> None:
    async with EmbeddedRedis(16, program) as held:
        pidfd = os.pidfd_open(held.pid or 0)
        home = directory(held.url)
    assert ends(pidfd)
    assert not home.exists()
    os.close(pidfd)


async def test_two_do_not_meet(program: str) -> None:
    async with EmbeddedRedis(16, program) as one, EmbeddedRedis(16, program) as other:
        with client(one.url) as first, client(other.url) as second:
            first.set("whose", "one")
            assert second.get("whose") is None


async def test_the_terminals_interrupt_is_not_for_it(program: str) -> None:
    async with EmbeddedRedis(16, program) as held:
        assert os.getsid(held.pid or 0) != os.getsid(0)


async def test_a_full_one_refuses_writes_and_keeps_what_it_holds(program: str) -> None:
    async with EmbeddedRedis(16, program) as held:
        with client(held.url) as connected:
            connected.set("first", "kept")
            with pytest.raises(redis.exceptions.OutOfMemoryError):
                fill(connected)
            assert b"kept" == connected.get("first")


def fill(connected: redis.Redis) -> None:
    for number in range(32):
        connected.set(f"filler {number}", b"x" * (1 << 20))


class Held(NamedTuple):
    holder: "subprocess.Popen[str]"
    pidfd: int  # of Redis
    url: str


@contextmanager
def holder(program: str, loop: str, leash: str) -> Iterator[Held]:
    """A process that holds an embedded Redis; killed in the end."""
    command = [sys.executable, "-c", HOLDER, program, loop, leash]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        while " unix://" not in line or "embedded_redis" in line:  # the log comes first
            assert line, "the holder ended"
            line = process.stdout.readline()
        pid, url = line.split()
        pidfd = os.pidfd_open(int(pid))
        try:
            yield Held(process, pidfd, url)
        finally:
            os.close(pidfd)
            process.kill()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("leash", ["exec", "pipe"])
async def test_it_ends_with_a_killed_parent_and_the_next_start_removes_its_directory(
    program: str, loop: str, leash: str
) -> None:
    with holder(program, loop, leash) as held:
        assert directory(held.url).exists()
        held.holder.kill()
        assert ends(held.pidfd)
        held.holder.wait(DEADLINE_S)
    async with EmbeddedRedis(16, program):
        assert not directory(held.url).exists()


def test_a_sweep_spares_the_living() -> None:
    with holder(executable("debian"), "uvloop", "exec") as held:
        home = directory(held.url)
        sweep(home.parent)
        with client(held.url) as connected:
            assert connected.ping()
        assert home.exists()


async def test_it_comes_back_on_the_same_socket_when_it_is_killed(program: str) -> None:
    async with EmbeddedRedis(16, program) as held:
        url, pid = held.url, held.pid
        for _ in range(2):
            os.kill(held.pid or 0, signal.SIGKILL)
            await answers_again(url)
        assert url == held.url
        assert pid != held.pid


async def test_a_crash_report_is_logged_in_part(program: str) -> None:
    with structlog.testing.capture_logs() as events:
        async with EmbeddedRedis(16, program) as held:
            os.kill(held.pid or 0, signal.SIGSEGV)
            await logged("embedded_redis.restarted", events)
    names = [event["event"] for event in events]
    assert 0 < names.count("embedded_redis.said") <= 2 * server.LINES_LOGGED  # of two servers
    assert 1 == names.count("embedded_redis.died")


async def test_one_that_cannot_be_restarted_is_tried_again(tmp_path: Path) -> None:
    moody = script(tmp_path, f'[ -e {tmp_path}/sulk ] && exit 7; exec {executable("debian")} "$@"')
    with structlog.testing.capture_logs() as events:
        async with EmbeddedRedis(16, moody) as held:
            (tmp_path / "sulk").touch()
            os.kill(held.pid or 0, signal.SIGKILL)
            await logged("embedded_redis.restart_failed", events)
            (tmp_path / "sulk").unlink()
            await answers_again(held.url)


async def test_a_frozen_one_is_killed(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "STOP_TIMEOUT_S", 0.1)
    async with EmbeddedRedis(16, program) as held:
        pidfd = os.pidfd_open(held.pid or 0)
        os.kill(held.pid or 0, signal.SIGSTOP)
    assert ends(pidfd)
    os.close(pidfd)


async def test_one_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedRedisFailed, match=r"code 3, saying: no luck$"):
        async with EmbeddedRedis(16, script(tmp_path, "echo no luck >&2; exit 3")):
            pass


async def test_one_that_never_answers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "READY_TIMEOUT_S", 0.2)
    with pytest.raises(EmbeddedRedisFailed, match=r"no answer within 0\.2 s"):
        async with EmbeddedRedis(16, script(tmp_path, "exec sleep 60")):
            pass


def script(directory: Path, text: str) -> str:
    path = directory / "redis-server"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return str(path)


@pytest.mark.parametrize(
    ("line", "is_advice"),
    [
        ("7:M 27 Nov 2026 06:04:46.532 # WARNING Memory overcommit must be enabled! Without", True),
        ("7:M 1 Jan 2026 00:00:00.000 # WARNING overcommit_memory is set to 0! Background", True),
        ("7:M 1 Jan 2026 00:00:00.000 # Can't save in background: fork", False),
    ],
)
def test_advice_about_the_kernel_is_not_logged(line: str, is_advice: bool) -> None:
    assert is_advice == bool(server.ADVICE.search(line))
