"""Which files go into a torrent, and what cannot be shared."""

import os
import socket
from pathlib import Path

import pytest

from tests.torrent.trees import torrent_of
from tracker.torrent import TorrentError, collect, name_of


def paths(tree: Path, leave_out: Path | None = None) -> list[str]:
    return ["/".join(item.path) for item in collect([tree], "tree", leave_out).items]


def test_files_are_sorted_within_their_directory(tree: Path) -> None:
    assert ["a", "b", "empty", "sub/ü 1", "sub.txt", "z"] == paths(tree)


def test_links_to_files_and_directories_are_followed(tree: Path) -> None:
    (tree / "link").symlink_to(tree / "sub")
    (tree / "y").symlink_to("a")
    assert {"link/ü 1", "y"} <= set(paths(tree))


def test_the_torrent_itself_is_left_out(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "tree.torrent").write_bytes(b"x")
    (tree / "sub" / "tree.torrent").write_bytes(b"x")
    monkeypatch.chdir(tree)
    assert "tree.torrent" not in paths(tree, Path("tree.torrent"))
    assert "sub/tree.torrent" in paths(tree, Path("tree.torrent"))


def test_empty_directories_are_counted(tree: Path) -> None:
    (tree / "nothing").mkdir()
    (tree / "sub" / "nothing").mkdir()
    assert 2 == collect([tree], "tree").empty_directories


def test_empty_files_alone_are_nothing_to_share(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(TorrentError, match="nothing to share: all files are empty"):
        torrent_of(tmp_path / "empty")


def test_an_empty_directory_is_nothing_to_share(tmp_path: Path) -> None:
    with pytest.raises(TorrentError, match="nothing to share: there is no file"):
        torrent_of(tmp_path)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "\udcff"])
def test_a_name_that_no_client_could_write_is_refused(tree: Path, name: str) -> None:
    with pytest.raises(TorrentError, match="name"):
        name_of([tree], name)


def test_a_file_name_that_is_not_text_is_refused(tree: Path) -> None:
    (tree / os.fsdecode(b"\xff")).write_bytes(b"x")
    with pytest.raises(TorrentError, match="not UTF-8: rename the file"):
        collect([tree], "tree")


def test_two_files_in_one_place_are_refused(tree: Path) -> None:
    (tree / "sub" / "a").write_bytes(b"x")
    with pytest.raises(TorrentError, match="two files have the same path in the torrent: a"):
        collect([tree / "a", tree / "sub" / "a"], "n")


def test_a_link_that_leads_back_is_refused(tree: Path) -> None:
    (tree / "sub" / "loop").symlink_to(tree)
    with pytest.raises(TorrentError, match="leads back"):
        collect([tree], "tree")


def test_links_that_lead_to_each_other_are_refused(tree: Path) -> None:
    (tree / "other").mkdir()
    (tree / "sub" / "to-other").symlink_to(tree / "other")
    (tree / "other" / "to-sub").symlink_to(tree / "sub")
    with pytest.raises(TorrentError, match="leads back"):
        collect([tree], "tree")


def test_a_link_to_nothing_is_refused(tree: Path) -> None:
    (tree / "dangling").symlink_to("missing")
    with pytest.raises(TorrentError, match="dangling is a symbolic link to missing, which is"):
        collect([tree], "tree")


def test_a_named_pipe_is_refused(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    with pytest.raises(TorrentError, match="pipe is a named pipe: only files and directories"):
        collect([tree], "tree")


def test_a_socket_is_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(TorrentError, match="socket is a socket: only files and directories"):
            collect([tree], "tree")


def test_a_device_is_refused() -> None:
    with pytest.raises(TorrentError, match="/dev/null is a character device"):
        collect([Path("/dev/null")], "null")


def test_directories_deeper_than_clients_read_are_refused(tree: Path) -> None:
    Path(tree, *["d"] * 100).mkdir(parents=True)
    with pytest.raises(TorrentError, match="nested more than 90 deep"):
        collect([tree], "tree")


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        collect([tmp_path / "missing"], "missing")
