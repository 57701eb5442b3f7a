"""Torrents of ``tracker torrent``, in all versions of BitTorrent, in real clients."""

from pathlib import Path

import pytest

from tests.clients.libtorrents import join
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
