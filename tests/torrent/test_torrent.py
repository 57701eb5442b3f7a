"""Torrents as other software reads them."""

import hashlib
import os
from pathlib import Path

import bencodepy
import pytest

from tests.tools import require_module
from tests.torrent.trees import URL, torrent_of
from tracker.torrent import TorrentError, Version, collect, create, magnet, name_of, piece_length

FILES = ["a", "b", "empty", "sub/ü 1", "sub.txt", "z"]


def info_of(content: bytes) -> dict[bytes, object]:
    info: dict[bytes, object] = bencodepy.decode(content)[b"info"]
    return info


def test_a_single_file_is_described_by_name_length_and_hashes_of_its_pieces(tmp_path: Path) -> None:
    data = os.urandom(40_000)
    (tmp_path / "file.bin").write_bytes(data)
    made = torrent_of(tmp_path / "file.bin")
    pieces = [data[at : at + 16_384] for at in range(0, len(data), 16_384)]
    info = {
        b"name": b"file.bin",
        b"length": 40_000,
        b"piece length": 16_384,
        b"pieces": b"".join(hashlib.sha1(piece).digest() for piece in pieces),
    }
    assert {b"announce": URL.encode(), b"info": info} == bencodepy.decode(made.content)
    assert hashlib.sha1(bencodepy.encode(info)).digest() == made.info_hash
    assert made.name == "file.bin"


def test_a_directory_lists_its_files_sorted_and_pieces_run_across_them(tree: Path) -> None:
    info = info_of(torrent_of(tree).content)
    data = b"".join((tree / name).read_bytes() for name in FILES)
    assert [
        {b"length": (tree / name).stat().st_size, b"path": name.encode().split(b"/")}
        for name in FILES
    ] == info[b"files"]
    pieces = [data[at : at + 16_384] for at in range(0, len(data), 16_384)]
    assert b"".join(hashlib.sha1(piece).digest() for piece in pieces) == info[b"pieces"]
    assert info[b"name"] == b"tree"


def test_several_sources_stand_side_by_side_in_a_named_directory(tree: Path) -> None:
    sources = [tree / "sub", tree / "b"]
    info = info_of(create(collect(sources, "both"), [[URL]]).content)
    paths = [[b"b"], [b"sub", "ü 1".encode()]]
    assert (b"both", paths) == (info[b"name"], [file[b"path"] for file in info[b"files"]])  # type: ignore[attr-defined]


@pytest.mark.parametrize("version", Version)
def test_keys_are_sorted_and_the_same_call_writes_the_same_bytes(
    tree: Path, version: Version
) -> None:
    shared = collect([tree], "tree")
    made, again = (
        create(shared, [[URL], [URL]], version, private=True, web_seeds=["http://x/"], comment="hi")
        for _ in range(2)
    )
    content = bencodepy.decode(made.content)
    assert sorted(content) == list(content)
    assert sorted(content[b"info"]) == list(content[b"info"])
    assert made == again


def test_extras_go_where_clients_look_for_them(tree: Path) -> None:
    seed = "http://seed.test/"
    shared = collect([tree], "n")
    made = create(shared, [[URL]], private=True, web_seeds=[seed], comment="ü")
    content = bencodepy.decode(made.content)
    assert (1, b"n") == (content[b"info"][b"private"], content[b"info"][b"name"])
    assert ([seed.encode()], "ü".encode()) == (content[b"url-list"], content[b"comment"])


@pytest.mark.parametrize(
    ("tiers", "expected"),
    [
        ([], {}),
        ([["a"]], {b"announce": b"a"}),
        ([["a", "b"]], {b"announce": b"a", b"announce-list": [[b"a", b"b"]]}),
        ([["a"], ["b"]], {b"announce": b"a", b"announce-list": [[b"a"], [b"b"]]}),
    ],
)
def test_trackers_are_listed_in_tiers(
    tree: Path, tiers: list[list[str]], expected: dict[bytes, object]
) -> None:
    content = bencodepy.decode(create(collect([tree], "tree"), tiers).content)
    assert expected == {key: content[key] for key in content if key.startswith(b"announce")}


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize("name", ["tree", "tree/b", "tree/sub.txt", "tree/a", "tree/sub/ü 1"])
def test_libtorrent_reads_the_same_and_finds_all_hashes_right(
    tree: Path, name: str, version: Version
) -> None:
    require_module("libtorrent")
    from tests.clients.libtorrent_peer import LibtorrentPeer  # noqa: PLC0415 - some platforms only
    from tests.torrent import libtorrent_reader as reader  # noqa: PLC0415

    source = tree.parent / name
    made = torrent_of(source, version, [URL, "ws://x.test/"], ["http://y.test/announce"])
    read = reader.load(made.content)
    assert (made.info_hashes, source.name) == (read.info_hashes, read.name)
    assert [URL, "ws://x.test/", "http://y.test/announce"] == read.trackers
    assert [0, 0, 1] == read.tiers

    link = reader.load_magnet(magnet(made.info_hashes, made.name, [URL]))
    assert (made.info_hashes, source.name, [URL]) == (link.info_hashes, link.name, link.trackers)

    (file := tree.parent / "made.torrent").write_bytes(torrent_of(source, version, []).content)
    LibtorrentPeer(file, source.parent, "127.0.0.1").finished()


@pytest.mark.parametrize("version", [Version.V2, Version.HYBRID])
def test_libtorrent_would_write_the_same_info_of_a_large_file(
    tmp_path: Path, version: Version
) -> None:
    """Pieces of several blocks, the last of which is not full."""
    require_module("libtorrent")
    from tests.torrent import libtorrent_reader as reader  # noqa: PLC0415 - some platforms only

    (file := tmp_path / "file").write_bytes(os.urandom(40 * 2**20 + 5))
    content = bencodepy.decode(torrent_of(file, version).content)
    assert content[b"info"][b"piece length"] == 32_768
    theirs = reader.make(file, version, 32_768)
    assert theirs[b"info"] == content[b"info"]
    assert theirs[b"piece layers"] == content[b"piece layers"]


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (1, 16_384),
        (2000 * 16_384, 16_384),
        (2000 * 16_384 + 1, 32_768),
        (10**10, 8_388_608),
        (10**15, 16_777_216),
    ],
)
def test_pieces_grow_with_the_whole_within_bounds(total: int, expected: int) -> None:
    assert expected == piece_length(total)


def test_all_bytes_are_reported_as_progress(tree: Path) -> None:
    sizes: list[int] = []
    shared = collect([tree], "tree")
    create(shared, [], progress=sizes.append)
    assert shared.size == sum(sizes)


def test_several_sources_need_a_name(tree: Path) -> None:
    with pytest.raises(TorrentError, match="need a name"):
        name_of([tree / "a", tree / "b"])
