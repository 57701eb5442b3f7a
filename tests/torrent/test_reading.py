"""What .torrent files, magnet links and info_hashes name."""

from hashlib import sha1
from pathlib import Path
from tempfile import NamedTemporaryFile

import bencodepy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.torrent.trees import torrent_of
from tracker.torrent import Named, TorrentError, Version, magnet, read_named
from tracker.torrent.reading import read_file

HASH = bytes(range(20))


@pytest.mark.parametrize("version", Version)
def test_a_torrent_names_all_its_info_hashes_and_trackers(tree: Path, version: Version) -> None:
    made = torrent_of(tree, version, ["udp://a:1"], ["ws://b", "http://c/announce"])
    (file := tree.parent / "x.torrent").write_bytes(made.content)
    expected = Named(
        tuple(each[:20] for each in made.info_hashes),
        ("udp://a:1", "ws://b", "http://c/announce"),
    )
    assert expected == read_named(str(file))
    assert expected == read_named(magnet(made.info_hashes, "x", expected.trackers))


def test_a_torrent_with_one_tracker_names_it(tree: Path) -> None:
    (file := tree.parent / "x.torrent").write_bytes(torrent_of(tree, Version.V1, ["u"]).content)
    assert ("u",) == read_file(file).trackers


def test_an_info_hash_alone_names_no_tracker() -> None:
    assert Named((HASH,)) == read_named(HASH.hex())


def test_the_info_hash_is_that_of_the_bytes_in_the_file(tmp_path: Path) -> None:
    """Even if its keys are not sorted."""
    (file := tmp_path / "x.torrent").write_bytes(b"d4:infod6:pieces0:4:name1:xee")
    assert (sha1(b"d6:pieces0:4:name1:xe").digest(),) == read_file(file).info_hashes


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not bencoded"),
        (b"<html>", "not bencoded"),
        (b"d4:info", "not bencoded"),
        (b"d4:infoi1ee", "no info dictionary"),
        (b"d4:infodee", "neither pieces nor a file tree"),
        (b"le", "not a dictionary"),
        (b"d4:info" + b"l" * 5000, "not bencoded"),
        (b"d4:info-1:e", "not bencoded"),
    ],
)
def test_another_file_is_not_a_torrent(tmp_path: Path, content: bytes, reason: str) -> None:
    (file := tmp_path / "x").write_bytes(content)
    with pytest.raises(TorrentError, match=f"x is not a .torrent file: .*{reason}"):
        read_file(file)


def test_trackers_that_are_not_text_are_left_out(tmp_path: Path) -> None:
    content = {
        b"info": {b"pieces": b""},
        b"announce-list": [1, [2, b"udp://a:1"], {b"x": b"y"}],
    }
    (file := tmp_path / "x").write_bytes(bencodepy.encode(content))
    assert ("udp://a:1",) == read_file(file).trackers


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("missing.torrent", "neither an info_hash .* nor a magnet link nor an existing file"),
        ("ab" * 19, "neither an info_hash"),
        ("/", "cannot read /: Is a directory"),
        ("a\0b", "cannot read"),
    ],
)
def test_what_names_no_torrent_is_an_error(text: str, reason: str) -> None:
    with pytest.raises(TorrentError, match=reason):
        read_named(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        with pytest.raises(TorrentError):
            read_file(Path(file.name))
