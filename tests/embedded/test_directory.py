import fcntl
import os
import socket
import tempfile
from pathlib import Path

import pytest

from tracker.embedded import directory
from tracker.embedded.directory import PREFIX, private_directory, sweep


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where private directories are made; as short a path as the limit asks for."""
    monkeypatch.setattr(directory, "_LONGEST_BASE", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_is_for_this_user_only_and_is_gone_at_the_end(base: Path) -> None:
    with private_directory() as path:
        (path / "file").touch()
        assert 0o700 == path.stat().st_mode & 0o777
        assert [path] == list(base.iterdir())
    assert [] == list(base.iterdir())


def test_a_long_temporary_directory_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("d" * 80)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with private_directory() as path, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path / "redis.sock"))
        assert Path("/tmp") == path.parent


def test_a_sweep_removes_what_nobody_holds(base: Path) -> None:
    left = base / f"{PREFIX}left"
    left.mkdir()
    (left / "redis.sock").touch()
    sweep(base)
    assert not left.exists()


def test_a_sweep_spares_what_is_held_and_what_is_not_ours(base: Path) -> None:
    other, file = base / "another", base / f"{PREFIX}file"
    other.mkdir()
    file.touch()
    link = base / f"{PREFIX}link"
    link.symlink_to(other)
    with private_directory() as held:
        sweep(base)
        assert {held, other, file, link} == set(base.iterdir())


def test_a_sweep_spares_what_another_user_left(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = base / f"{PREFIX}foreign"
    foreign.mkdir()
    monkeypatch.setattr(os, "getuid", lambda: foreign.stat().st_uid + 1)
    sweep(base)
    assert foreign.exists()


@pytest.mark.parametrize("removed", [True, False])
def test_an_owner_that_meets_a_sweep_makes_another(
    base: Path, monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    """The sweep comes between mkdtemp and the lock: still at work, or already done."""
    make = tempfile.mkdtemp
    holders: list[int] = []

    def make_and_meet_a_sweep(**place: str) -> str:
        path = make(**place)
        if not holders:
            holders.append(os.open(path, os.O_RDONLY))
            fcntl.flock(holders[0], fcntl.LOCK_EX)
            if removed:
                os.rmdir(path)
        return path

    monkeypatch.setattr(tempfile, "mkdtemp", make_and_meet_a_sweep)
    with private_directory() as path:
        assert path.is_dir()
    os.close(holders[0])
