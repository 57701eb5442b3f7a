"""Hashing in threads: the same whatever their number, and safe against files that change."""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.torrent.trees import torrent_of
from tracker.torrent import Shared, TorrentError, Version, collect, create
from tracker.torrent.hashing import hash_items

PIECE = 16_384
SHORTER = Path("/sys/devices/system/cpu/online")  # claims to have 4096 bytes


@pytest.mark.parametrize("version", Version)
def test_the_number_of_threads_changes_nothing(tree: Path, version: Version) -> None:
    (tree / "large").write_bytes(os.urandom(50 * PIECE + 1))
    items = collect([tree], "tree").items
    one, two, many = (hash_items(items, PIECE, version, threads=each) for each in (1, 2, 9))
    assert one == two == many


def test_a_file_that_fills_its_pieces_has_no_more_of_them(tmp_path: Path) -> None:
    data = os.urandom(2 * PIECE)
    (tmp_path / "file").write_bytes(data)
    hashes = hash_items(collect([tmp_path / "file"], "file").items, PIECE, Version.V1)
    assert hashlib.sha1(data[:PIECE]).digest() + hashlib.sha1(data[PIECE:]).digest() == (
        hashes.pieces
    )


def test_pieces_of_hybrid_torrents_are_padded_with_zeros_except_the_last(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(b"one")
    (tmp_path / "2").write_bytes(b"two")
    hashes = hash_items(collect([tmp_path], "x").items, 2**18, Version.HYBRID)
    padded = b"one" + bytes(2**18 - 3)
    assert hashlib.sha1(padded).digest() + hashlib.sha1(b"two").digest() == hashes.pieces
    one, two = hashes.files
    assert one is not None
    assert two is not None
    assert (hashlib.sha256(b"one").digest(), hashlib.sha256(b"two").digest()) == (
        one.root,
        two.root,
    )


@pytest.mark.skipif(not SHORTER.exists(), reason="needs Linux's sysfs")
def test_a_file_that_ends_early_is_an_error() -> None:
    with pytest.raises(TorrentError, match="became shorter"):
        torrent_of(SHORTER)


def replace_by_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


CHANGES: dict[str, Callable[[Path], object]] = {
    "rewritten": lambda file: file.write_bytes(os.urandom(PIECE)),
    "longer": lambda file: file.write_bytes(b"longer" * PIECE),
    "touched": lambda file: os.utime(file, ns=(0, 0)),
    "replaced": replace_by_pipe,
}


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    (tmp_path / "a").write_bytes(os.urandom(100 * PIECE))
    (tmp_path / "b").write_bytes(os.urandom(PIECE))
    return collect([tmp_path], "x")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_file_that_changes_before_it_is_read_is_an_error(
    shared: Shared, change: Callable[[Path], object]
) -> None:
    change(shared.items[1].source)
    with pytest.raises(TorrentError, match="b changed while the torrent was made"):
        create(shared, [])


def test_a_file_that_changes_while_it_is_read_is_an_error(shared: Shared) -> None:
    def progress(_: int) -> None:
        os.utime(shared.items[0].source, ns=(0, 0))

    with pytest.raises(TorrentError, match="a changed while the torrent was made"):
        create(shared, [], progress=progress)


def test_an_error_in_the_middle_ends_all_threads(shared: Shared) -> None:
    def progress(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create(shared, [], progress=progress)
    assert not [each.name for each in threading.enumerate() if each.name.startswith("hash")]
