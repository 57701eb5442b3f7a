"""The files by which commands find the trackers of this user on this machine."""

import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from tracker import local
from tracker.local import LocalTracker, listed, local_trackers

TRACKER = LocalTracker(
    pid=7,
    since=1_800_000_000,
    redis="redis://:secret@127.0.0.1:6379",
    private=False,
    ports={"http": 8000, "ws": 8000, "udp": 6969},
    admin="127.0.0.1:8001",
    urls=["http://localhost:8000/announce"],
)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A runtime directory and a directory for temporary files that are empty."""
    (runtime := tmp_path / "runtime").mkdir()
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return {"XDG_RUNTIME_DIR": str(runtime)}


def files(tmp_path: Path) -> list[Path]:
    return sorted(path for path in tmp_path.rglob("*") if path.is_file())


def test_a_tracker_is_found_while_it_is_listed(environment: dict[str, str], tmp_path: Path) -> None:
    assert [] == local_trackers(environment)
    with listed(TRACKER, environment):
        assert [TRACKER] == local_trackers(environment)
        assert [TRACKER] == local_trackers({})  # a session without a runtime directory
        assert 2 == len(files(tmp_path))
    assert [] == local_trackers(environment)
    assert [] == files(tmp_path)


def test_only_this_user_can_read_the_files(environment: dict[str, str], tmp_path: Path) -> None:
    with listed(TRACKER, environment):
        for path in files(tmp_path):
            assert "secret" in path.read_text()
            assert (0o600, 0o700) == (
                path.stat().st_mode & 0o777,
                path.parent.stat().st_mode & 0o777,
            )


def test_several_trackers_are_found_the_oldest_first(environment: dict[str, str]) -> None:
    older = TRACKER._replace(pid=9, since=TRACKER.since - 1)
    with listed(TRACKER, environment), listed(older, environment):
        assert [older, TRACKER] == local_trackers(environment)


def test_files_of_killed_trackers_are_removed(environment: dict[str, str], tmp_path: Path) -> None:
    with listed(TRACKER, environment):
        left = [path.with_name("9-left.json") for path in files(tmp_path)]
        for path in left:
            path.write_text(path.parent.joinpath(files(path.parent)[0]).read_text())
        assert [TRACKER] == local_trackers(environment)
        assert not [path for path in left if path.exists()]


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", "{}", '{"pid": 7}', "\udcff", '"' * 100_000]
)
def test_a_file_that_cannot_be_understood_is_skipped(
    environment: dict[str, str], tmp_path: Path, text: str
) -> None:
    with listed(TRACKER, environment):
        for path in files(tmp_path):
            path.write_bytes(text.encode(errors="surrogateescape"))
        assert [] == local_trackers(environment)
    assert [] == files(tmp_path)


def test_a_directory_that_others_may_enter_is_neither_written_nor_read(
    environment: dict[str, str],
) -> None:
    runtime = Path(environment["XDG_RUNTIME_DIR"])
    with listed(TRACKER, environment):
        (runtime / local.NAME).chmod(0o755)
        Path(tempfile.gettempdir(), f"{local.NAME}-{os.getuid()}").chmod(0o755)
        assert [] == local_trackers(environment)
    with pytest.raises(PermissionError, match=f"{runtime}.* of this user alone"):
        listed(TRACKER, environment).__enter__()


def test_a_link_in_place_of_the_directory_is_not_followed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (other := tmp_path / "other").mkdir(0o700)
    Path(environment["XDG_RUNTIME_DIR"], local.NAME).symlink_to(other)
    Path(tempfile.gettempdir(), f"{local.NAME}-{os.getuid()}").symlink_to(other)
    with pytest.raises(OSError, match="of this user alone"):
        listed(TRACKER, environment).__enter__()
    assert [] == list(other.iterdir())


def test_one_directory_suffices(environment: dict[str, str]) -> None:
    with listed(TRACKER, {"XDG_RUNTIME_DIR": "/proc/nowhere"}):
        assert [TRACKER] == local_trackers(environment)
    with listed(TRACKER, {"XDG_RUNTIME_DIR": "relative"}):
        assert [TRACKER] == local_trackers(environment)


@pytest.mark.parametrize("removed", [True, False])
def test_a_tracker_that_meets_a_sweep_makes_another_file(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    """The sweep comes between the creation and the lock: still at work, or already done."""
    make = tempfile.mkstemp
    holders: list[int] = []

    def make_and_meet_a_sweep(suffix: str, prefix: str, place: Path) -> tuple[int, str]:
        descriptor, path = make(suffix, prefix, place)
        if len(holders) < 2:
            holders.append(os.open(path, os.O_RDONLY))
            fcntl.flock(holders[-1], fcntl.LOCK_EX)
            if removed:
                os.unlink(path)
        return descriptor, path

    monkeypatch.setattr(tempfile, "mkstemp", make_and_meet_a_sweep)
    with listed(TRACKER, environment):
        for holder in holders:
            os.close(holder)
        assert [TRACKER] == local_trackers(environment)


def test_the_admin_port_is_one_of_its_ports() -> None:
    assert [8000, 6969, 8001] == TRACKER.all_ports
