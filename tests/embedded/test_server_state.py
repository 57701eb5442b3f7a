"""The data of an embedded Redis from one run to the next, with real processes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

from tests.embedded.test_server import client, ends, logged, script
from tests.nodes import until
from tests.redis_servers import KINDS, Kind, executable
from tracker.embedded import EmbeddedRedis, EmbeddedRedisFailed, server
from tracker.embedded.state import REDIS_FILE

KEYS, SIZE = 64, 500_000  # Redis answers while it loads after each 2 MB

# Holds an embedded Redis until SIGTERM.
HOLDER = """
import asyncio, signal, sys
from pathlib import Path
import uvloop
from tracker.embedded import EmbeddedRedis
async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with EmbeddedRedis(16, sys.argv[1], Path(sys.argv[2])) as held:
        print(held.pid, held.url, flush=True)
        await stop.wait()
uvloop.run(main())
"""


@pytest.fixture(params=KINDS)
def program(request: pytest.FixtureRequest) -> str:
    kind: Kind = request.param
    return executable(kind)


async def put(program: str, directory: Path, **values: str) -> None:
    """One run that stores these values, and ends cleanly."""
    async with EmbeddedRedis(16, program, directory) as held:
        with client(held.url) as connected:
            connected.flushall()
            for name, value in values.items():
                connected.set(name, value)


async def kept(program: str, directory: Path) -> dict[str, str]:
    """The values that the next run has."""
    async with EmbeddedRedis(16, program, directory) as held:
        with client(held.url) as connected:
            found = cast(list[bytes], connected.keys())
            return {name.decode(): cast(bytes, connected.get(name)).decode() for name in found}


async def test_data_survive_a_clean_stop(program: str, tmp_path: Path) -> None:
    directory = tmp_path / 'of "Jürgen"'  # Redis reads its options with quotes and escapes
    await put(program, directory, name="value")
    assert {"name": "value"} == await kept(program, directory)
    async with EmbeddedRedis(16, program, directory) as held:
        assert not held.lost
        assert directory == held.directory


async def test_what_has_expired_meanwhile_is_not_loaded(program: str, tmp_path: Path) -> None:
    async with EmbeddedRedis(16, program, tmp_path) as held:
        with client(held.url) as connected:
            connected.set("lives", "long", ex=1000)
            connected.set("dies", "soon", pxat=time.time_ns() // 10**6 + 500)
            dead_at = time.time() + 0.6
    await until(lambda: time.time() > dead_at)
    async with EmbeddedRedis(16, program, tmp_path) as held:
        with client(held.url) as connected:
            assert 1 == connected.dbsize()
            assert 990 < connected.ttl("lives") <= 1000


async def test_the_file_is_for_this_user_only(program: str, tmp_path: Path) -> None:
    await put(program, tmp_path, name="value")
    assert {"swarms.rdb"} == names(tmp_path)
    assert 0o600 == (tmp_path / "swarms.rdb").stat().st_mode & 0o777


async def test_without_a_directory_nothing_is_written(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with EmbeddedRedis(16, program) as held:
        assert (None, False) == (held.directory, held.lost)
        with client(held.url) as connected:
            connected.set("name", "value")
    assert set() == names(tmp_path)


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def newer(data: bytes) -> bytes:
    """As a much later Redis may write it."""
    return b"REDIS0999" + data[9:]


def garbled(data: bytes) -> bytes:
    return data[:20] + bytes(byte ^ 0xFF for byte in data[20:])


def empty(data: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [truncated, newer, garbled, empty])
async def test_a_file_that_cannot_be_loaded_is_put_aside_once(
    program: str, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    await put(program, tmp_path, name="value" * 100)
    file = tmp_path / "swarms.rdb"
    bad = damage(file.read_bytes())
    file.write_bytes(bad)
    with capture_logs() as events:
        async with EmbeddedRedis(16, program, tmp_path) as held:
            assert held.lost
            with client(held.url) as connected:
                assert 0 == connected.dbsize()
                connected.set("new", "value")
    (event,) = [event for event in events if event["event"] == "embedded_redis.not_loaded"]
    assert str(tmp_path / "unusable.rdb") == event["file"]
    assert "code 1, saying: " in event["error"]
    assert bad == (tmp_path / "unusable.rdb").read_bytes()
    with capture_logs() as events:
        assert {"new": "value"} == await kept(program, tmp_path)
    assert "embedded_redis.not_loaded" not in {event["event"] for event in events}


async def test_an_older_redis_starts_empty_after_a_newer_one(tmp_path: Path) -> None:
    newer, older = (executable(kind) for kind in KINDS)
    await put(newer, tmp_path, name="value")
    assert {} == await kept(older, tmp_path)
    await put(older, tmp_path, name="value")
    assert {"name": "value"} == await kept(newer, tmp_path)


async def test_a_redis_that_crashes_does_not_bring_back_old_data(
    program: str, tmp_path: Path
) -> None:
    await put(program, tmp_path, old="value")
    with capture_logs() as events:
        async with EmbeddedRedis(16, program, tmp_path) as held:
            os.kill(held.pid or 0, signal.SIGKILL)
            await logged("embedded_redis.restarted", events)
            with client(held.url) as connected:
                assert 0 == connected.dbsize()
                connected.set("newest", "value")
    assert {"newest": "value"} == await kept(program, tmp_path)


async def put_much(directory: Path, place: Path) -> Path:
    """One run that stores `KEYS` values; return a Redis in `place` that loads them slowly."""
    program = executable("debian")
    async with EmbeddedRedis(64, program, directory) as held:
        with client(held.url) as connected:
            for number in range(KEYS):
                connected.set(str(number), os.urandom(SIZE))
    slow = place / "redis-server"
    slow.write_text(f'#!/bin/sh\nexec {program} "$@" --key-load-delay 20000\n')
    slow.chmod(0o700)
    return slow


async def test_a_large_file_is_loaded_however_long_that_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = await put_much(tmp_path, tmp_path)
    monkeypatch.setattr(server, "READY_TIMEOUT_S", 0.5)
    async with EmbeddedRedis(64, str(slow), tmp_path) as held:
        with client(held.url) as connected:
            assert KEYS == connected.dbsize()


async def test_data_that_cannot_be_saved_are_a_warning_and_are_lost(
    program: str, tmp_path: Path
) -> None:
    directory = tmp_path / "state"
    with capture_logs() as events:
        async with EmbeddedRedis(16, program, directory):
            (directory / "redis.rdb").mkdir()  # which Redis cannot replace by a file
    found = {event["event"]: event for event in events}
    assert "redis.rdb" in found["embedded_redis.not_saved"]["error"]
    assert "Is a directory" in found["embedded_redis.not_saved"]["error"]
    assert "embedded_redis.saved" not in found


@contextmanager
def killed_later(program: str, directory: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A process that holds an embedded Redis, and its address; both are killed in the end."""
    command = [sys.executable, "-c", HOLDER, program, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        line = holder.stdout.readline()
        while " unix://" not in line or "embedded_redis" in line:  # the log comes first
            assert line, "the holder ended"
            line = holder.stdout.readline()
        pid, url = line.split()
        pidfd = os.pidfd_open(int(pid))
        try:
            yield holder, url
        finally:
            holder.kill()
            assert ends(pidfd)
            os.close(pidfd)


@pytest.mark.parametrize("when", ["serving", "saving"])
async def test_a_tracker_that_is_killed_leaves_the_data_of_the_stop_before(
    program: str, tmp_path: Path, when: str
) -> None:
    await put(program, tmp_path, old="value")
    with killed_later(program, tmp_path) as (holder, url), client(url) as connected:
        connected.set("new", "value")
        if when == "saving":
            connected.config_set("rdb-key-save-delay", 10**7)  # microseconds
            holder.terminate()
            await until(lambda: is_saving(tmp_path))
    async with EmbeddedRedis(16, program, tmp_path) as held:
        assert held.lost
        assert {"swarms.rdb", "unsaved"} == names(tmp_path)
        with client(held.url) as connected:
            assert [b"old"] == connected.keys()
    async with EmbeddedRedis(16, program, tmp_path) as held:
        assert not held.lost


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def is_saving(directory: Path) -> bool:
    return any(name.startswith("temp-") for name in names(directory))


async def test_a_save_that_takes_too_long_is_given_up(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SAVE_TIMEOUT_S", 0.1)
    monkeypatch.setattr(server, "STOP_TIMEOUT_S", 0.1)
    await put(program, tmp_path, old="value")
    with capture_logs() as events:
        async with EmbeddedRedis(16, program, tmp_path) as held:
            with client(held.url) as connected:
                connected.config_set("rdb-key-save-delay", 10**7)
    (event,) = [event for event in events if event["event"] == "embedded_redis.not_saved"]
    assert "not done within 0.1 s" == event["error"]
    assert {"old": "value"} == await kept(program, tmp_path)


async def test_two_with_one_directory_do_not_share_data(program: str, tmp_path: Path) -> None:
    await put(program, tmp_path, name="value")
    async with EmbeddedRedis(16, program, tmp_path) as first:
        async with EmbeddedRedis(16, program, tmp_path) as second:
            assert second.directory is None
            with client(second.url) as connected:
                assert 0 == connected.dbsize()
        with client(first.url) as connected:
            assert b"value" == connected.get("name")
    assert {"name": "value"} == await kept(program, tmp_path)


async def test_a_start_that_is_interrupted_leaves_the_data_as_they_were(tmp_path: Path) -> None:
    (directory := tmp_path / "data").mkdir()
    slow = await put_much(directory, tmp_path)
    before = names(directory)
    starting = asyncio.create_task(EmbeddedRedis(64, str(slow), directory).__aenter__())
    await until(lambda: REDIS_FILE in names(directory))  # it loads them
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert before == names(directory)
    async with EmbeddedRedis(64, executable("debian"), directory) as held:
        assert not held.lost
        with client(held.url) as connected:
            assert KEYS == connected.dbsize()


async def test_a_first_start_that_is_interrupted_loses_nothing(
    program: str, tmp_path: Path
) -> None:
    starting = asyncio.create_task(EmbeddedRedis(16, program, tmp_path).__aenter__())
    await until(lambda: "unsaved" in names(tmp_path))
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert set() == names(tmp_path)


async def test_a_redis_that_does_not_start_at_all_leaves_the_data_as_they_were(
    program: str, tmp_path: Path
) -> None:
    (directory := tmp_path / "data").mkdir()
    await put(program, directory, name="value")
    for _ in range(2):
        with pytest.raises(EmbeddedRedisFailed, match=r"code 3, saying: no luck$"):
            async with EmbeddedRedis(16, script(tmp_path, "echo no luck >&2; exit 3"), directory):
                pass
    assert {"swarms.rdb"} == names(directory)
    assert {"name": "value"} == await kept(program, directory)


async def test_a_start_without_a_process_leaves_the_data_as_they_were(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(program, tmp_path, name="value")
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(tmp_path / "missing"))
        with pytest.raises(FileNotFoundError):
            async with EmbeddedRedis(16, program, tmp_path):
                pass
    assert {"swarms.rdb"} == names(tmp_path)
    assert {"name": "value"} == await kept(program, tmp_path)
