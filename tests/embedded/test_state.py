import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.tools import missing
from tracker.config import load
from tracker.embedded.state import State, open_state, state_directory

HOME = {"HOME": "/home/ann"}
LIMIT = 100  # bytes


def place(flags: dict[str, object], environment: dict[str, str] = HOME) -> str | None:
    settings = load(flags, {})
    directory = state_directory(settings.redis, settings.listen, environment)
    return str(directory) if directory else None


@pytest.mark.parametrize(
    ("environment", "directory"),
    [
        (HOME, "/home/ann/.local/state/tracker-cluster/8000"),
        ({**HOME, "XDG_STATE_HOME": "/state"}, "/state/tracker-cluster/8000"),
        ({**HOME, "XDG_STATE_HOME": "state"}, "/home/ann/.local/state/tracker-cluster/8000"),
        ({**HOME, "XDG_STATE_HOME": ""}, "/home/ann/.local/state/tracker-cluster/8000"),
        ({}, None),
    ],
)
def test_it_is_in_the_users_state_directory(
    environment: dict[str, str], directory: str | None
) -> None:
    assert directory == place({}, environment)


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ({"listen.port": 9000}, "9000"),
        ({"listen.http_port": 80}, "80"),
        ({"listen.only": "udp", "listen.udp_port": 6969, "listen.port": 0}, "6969"),
    ],
)
def test_each_tracker_has_one_named_after_its_port(flags: dict[str, object], name: str) -> None:
    assert f"/home/ann/.local/state/tracker-cluster/{name}" == place(flags)


def test_any_free_port_has_none() -> None:
    assert place({"listen.port": 0}) is None


def test_a_setting_names_another_or_none() -> None:
    assert "/data" == place({"redis.embedded_dir": "/data", "listen.port": 0})
    assert str(Path.cwd() / "data") == place({"redis.embedded_dir": "data"})
    assert place({"redis.embedded_dir": "/data", "redis.embedded_keep": False}) is None


def test_without_a_directory_there_is_no_state_and_no_line() -> None:
    with capture_logs() as events, open_state(None) as state:
        assert state is None
    assert [] == events


def test_the_directory_is_made_for_this_user_only(tmp_path: Path) -> None:
    with open_state(tmp_path / "a/b") as state:
        assert state
        assert 0o700 == state.directory.stat().st_mode & 0o777
        assert 0o600 == (state.directory / "unsaved").stat().st_mode & 0o777


def test_a_second_tracker_does_not_get_it_while_the_first_has_it(tmp_path: Path) -> None:
    with open_state(tmp_path), capture_logs() as events, open_state(tmp_path) as second:
        assert second is None
    assert ["embedded_redis.not_kept"] == [event["event"] for event in events]
    assert "another tracker" in events[0]["reason"]
    with open_state(tmp_path) as next_one:
        assert next_one


def test_a_directory_of_another_user_is_not_used(tmp_path: Path) -> None:
    if os.geteuid():
        missing("the right to give a directory away")
    os.chown(tmp_path, 65534, -1)
    with capture_logs() as events, open_state(tmp_path) as state:
        assert state is None
    assert ["embedded_redis.not_kept"] == [event["event"] for event in events]
    assert "belongs to user 65534" in events[0]["reason"]
    assert [] == list(tmp_path.iterdir())


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A file system that cannot be written to."""
    if os.geteuid():
        missing("the right to mount a file system")
    (point := tmp_path / "mounted").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", str(point)], check=True)
    yield point
    subprocess.run(["umount", str(point)], check=True)


def test_a_read_only_file_system_is_a_line_and_no_error(read_only: Path) -> None:
    for directory in (read_only, read_only / "new"):
        with capture_logs() as events, open_state(directory) as state:
            assert state is None
        expected = {
            "event": "embedded_redis.not_kept",
            "log_level": "info",
            "directory": str(directory),
            "reason": "Read-only file system",
        }
        assert [expected] == events


def test_a_path_below_a_file_is_a_line_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with capture_logs() as events, open_state(tmp_path / "file/state") as state:
        assert state is None
    assert "Not a directory" == events[0]["reason"]


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def save(directory: Path, data: bytes) -> None:
    """What Redis and the tracker do at a clean stop."""
    state = State(directory)
    (directory / "redis.rdb").write_bytes(data)
    state.saved()


def test_what_was_saved_is_offered_and_stays_once_it_is_loaded(tmp_path: Path) -> None:
    save(tmp_path, b"data")
    assert {"swarms.rdb"} == names(tmp_path)
    state = State(tmp_path)
    assert state.offer(LIMIT)
    assert b"data" == (tmp_path / "redis.rdb").read_bytes()
    state.loaded()
    assert {"swarms.rdb", "unsaved"} == names(tmp_path)
    assert not state.lost


def test_the_first_start_has_nothing_to_load_and_lost_nothing(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert not state.offer(LIMIT)
    assert not state.lost


def test_data_that_were_not_saved_are_lost_and_older_ones_are_offered(tmp_path: Path) -> None:
    save(tmp_path, b"data")
    killed = State(tmp_path)
    assert killed.offer(LIMIT)
    killed.loaded()
    (tmp_path / "temp-123.rdb").touch()  # by a Redis that was killed, too
    state = State(tmp_path)
    assert state.lost
    assert {"swarms.rdb", "unsaved"} == names(tmp_path)
    assert state.offer(LIMIT)


def test_a_file_that_was_being_loaded_when_all_was_killed_is_not_offered_again(
    tmp_path: Path,
) -> None:
    save(tmp_path, b"data")
    assert State(tmp_path).offer(LIMIT)
    state = State(tmp_path)
    assert state.lost
    assert not state.offer(LIMIT)


def test_a_file_that_is_rejected_is_put_aside_and_its_data_are_lost(tmp_path: Path) -> None:
    save(tmp_path, b"data")
    state = State(tmp_path)
    assert state.offer(LIMIT)
    with capture_logs() as events:
        state.reject("it is bad")
    assert state.lost
    assert b"data" == (tmp_path / "unusable.rdb").read_bytes()
    assert {"unusable.rdb", "unsaved"} == names(tmp_path)
    assert [("embedded_redis.not_loaded", "it is bad")] == [
        (event["event"], event["error"]) for event in events
    ]


def test_a_file_larger_than_the_memory_of_redis_is_not_offered(tmp_path: Path) -> None:
    save(tmp_path, bytes(LIMIT + 1))
    with capture_logs() as events:
        assert not State(tmp_path).offer(LIMIT)
    assert f"it has {LIMIT + 1} bytes, and Redis may use {LIMIT}" == events[0]["error"]
