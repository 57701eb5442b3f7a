"""A .torrent file is written whole or not at all."""

import os
from pathlib import Path

import pytest

from tracker.torrent import TorrentError
from tracker.torrent.writing import check_free, write_whole


def test_a_new_file_has_the_mode_of_any_other_new_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "x", b"content", force=False)
    (other := tmp_path / "other").touch()
    assert b"content" == (tmp_path / "x").read_bytes()
    assert other.stat().st_mode == (tmp_path / "x").stat().st_mode
    assert ["other", "x"] == sorted(os.listdir(tmp_path))


@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_what_exists_is_left_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "file":
        path.write_bytes(b"precious")
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to("missing")
    before = path.lstat()
    with pytest.raises(TorrentError, match="x exists: overwrite it with --force"):
        check_free(path)
    with pytest.raises(TorrentError, match="x exists: overwrite it with --force"):
        write_whole(path, b"new", force=False)
    assert before == path.lstat()
    assert ["x"] == os.listdir(tmp_path)


def test_force_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    write_whole(tmp_path / "x", b"new", force=True)
    assert b"new" == (tmp_path / "x").read_bytes()
    assert ["x"] == os.listdir(tmp_path)


def test_a_failed_attempt_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        write_whole(tmp_path / "x", b"new", force=True)
    assert ["x"] == os.listdir(tmp_path)
