"""Torrents of ``tracker torrent``, in all versions of BitTorrent, in real clients."""

import socket
from pathlib import Path

import pytest

from tests.clients.libtorrents import join
from tests.clients.test_rtorrent import download_with_rtorrent
from tests.clients.test_transmission_aria2 import download_with_aria2
from tests.tools import reserved_port
from tests.torrent.trees import grow_tree
from tests.tracker_process import TrackerProcess
from tracker.cli import main
from tracker.torrent import Version, read_named


def contents(top: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("version", Version)
def test_libtorrent_downloads_a_directory(
    version: Version, tracker: TrackerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = grow_tree(tmp_path / "seeder")
    file = tmp_path / "tree.torrent"
    place = ("--output", str(file), "--announce", tracker.http_url)
    assert 0 == main(["torrent", str(tree), f"--{version.value}", *place])
    hashes = read_named(str(file)).info_hashes
    assert (2 if version is Version.HYBRID else 1) == len(hashes)

    seeder = join(file, tree.parent)
    for _ in hashes:  # libtorrent is in a swarm per version
        assert 0 == seeder.announced()
    capsys.readouterr()
    assert 0 == main(["scrape", str(file)])
    rows = capsys.readouterr().out.splitlines()[1 : 1 + len(hashes)]
    assert [[each.hex(), "1", "0", "0"] for each in hashes] == [row.split() for row in rows]

    leecher = join(file, tmp_path / "leecher")
    leecher.finished()
    leecher.flushed()
    assert contents(tree) == contents(tmp_path / "leecher" / "tree")


def test_libtorrents_meet_by_the_magnet_hash_of_version_2(
    tracker: TrackerProcess, tmp_path: Path
) -> None:
    """The tracker knows the swarm by the first 20 bytes of the hash (BEP 52)."""
    (tmp_path / "seeder").mkdir()
    (content := tmp_path / "seeder" / "file.bin").write_bytes(tmp_path.name.encode() * 9999)
    file = tmp_path / "file.torrent"
    place = ("--output", str(file), "--announce", tracker.udp_url)
    assert 0 == main(["torrent", str(content), "--v2", *place])
    seeder = join(file, content.parent)
    assert 0 == seeder.announced()
    leecher = join(file, tmp_path / "leecher")
    assert 1 == leecher.announced()
    leecher.finished()
    leecher.flushed()
    assert content.read_bytes() == (tmp_path / "leecher" / "file.bin").read_bytes()


def test_aria2_downloads_a_directory(tracker: TrackerProcess, tmp_path: Path) -> None:
    """In version 1: of a torrent with a file tree, aria2 1.36 computes a wrong info_hash."""
    tree = grow_tree(tmp_path / "seeder")
    file = tmp_path / "tree.torrent"
    place = ("--output", str(file), "--announce", tracker.http_url, "--private")
    assert 0 == main(["torrent", str(tree), *place])
    seeder = join(file, tree.parent)
    assert 0 == seeder.announced()
    with reserved_port() as tcp_port, reserved_port(socket.SOCK_DGRAM) as udp_port:
        run = download_with_aria2(file, tmp_path / "leecher", tcp_port, udp_port)
    assert 0 == run.returncode, run.stdout
    assert contents(tree) == contents(tmp_path / "leecher" / "tree")


def test_rtorrent_downloads_the_part_of_version_1_of_a_hybrid_torrent(
    tracker: TrackerProcess, tmp_path: Path
) -> None:
    tree = grow_tree(tmp_path / "seeder")
    file = tmp_path / "tree.torrent"
    place = ("--output", str(file), "--announce", tracker.http_url, "--private")
    assert 0 == main(["torrent", str(tree), "--hybrid", *place])
    seeder = join(file, tree.parent)
    assert [0, 0] == [seeder.announced(), seeder.announced()]
    output = download_with_rtorrent(file, tmp_path / "leecher", tmp_path / "home")
    got = contents(tmp_path / "leecher" / "tree")
    padding = [name for name in got if name.startswith(".pad/")]
    assert contents(tree) == {name: got[name] for name in got.keys() - padding}, output
    assert all(not any(got[name]) for name in padding)
