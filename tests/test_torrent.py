"""Torrents as other software reads them."""

import hashlib
import os
from pathlib import Path

import bencodepy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools import require_module
from tracker.torrent import (
    TorrentError,
    create,
    magnet,
    parse_info_hash,
    piece_length,
)

URL = "udp://tracker.test:8000/announce"
SHORTER = Path("/sys/devices/system/cpu/online")  # says that it has 4096 bytes
HASH = bytes(range(20))
HASH_2 = bytes(range(32))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory of files that share pieces, with an empty one and one of exactly a piece."""
    top = tmp_path / "tree"
    (top / "sub").mkdir(parents=True)
    (top / "b").write_bytes(os.urandom(40_000))
    (top / "a").write_bytes(os.urandom(16_384))
    (top / "empty").write_bytes(b"")
    (top / "sub" / "ü 1").write_bytes(os.urandom(1))
    return top


def info_of(content: bytes) -> dict[bytes, object]:
    info: dict[bytes, object] = bencodepy.decode(content)[b"info"]
    return info


def test_a_single_file_is_told_by_name_length_and_hashes_of_its_pieces(tmp_path: Path) -> None:
    data = os.urandom(40_000)
    (tmp_path / "file.bin").write_bytes(data)
    made = create([tmp_path / "file.bin"], [[URL]])
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
    info = info_of(create([tree], [[URL]]).content)
    names = ["a", "b", "empty", "sub/ü 1"]
    data = b"".join((tree / name).read_bytes() for name in names)
    assert [
        {b"length": (tree / name).stat().st_size, b"path": name.encode().split(b"/")}
        for name in names
    ] == info[b"files"]
    pieces = [data[at : at + 16_384] for at in range(0, len(data), 16_384)]
    assert b"".join(hashlib.sha1(piece).digest() for piece in pieces) == info[b"pieces"]
    assert info[b"name"] == b"tree"


def test_several_sources_stand_side_by_side_in_a_named_directory(tree: Path) -> None:
    info = info_of(create([tree / "b", tree / "sub"], [[URL]], name="both").content)
    paths = [[b"b"], [b"sub", "ü 1".encode()]]
    assert (b"both", paths) == (info[b"name"], [file[b"path"] for file in info[b"files"]])  # type: ignore[attr-defined]


def test_keys_are_sorted_and_the_same_call_writes_the_same_bytes(tree: Path) -> None:
    made = create([tree], [[URL], [URL]], private=True, web_seeds=["http://x/"], comment="hi")
    content = bencodepy.decode(made.content)
    assert sorted(content) == list(content)
    assert sorted(content[b"info"]) == list(content[b"info"])
    again = create([tree], [[URL], [URL]], private=True, web_seeds=["http://x/"], comment="hi")
    assert made == again


def test_extras_go_where_clients_look_for_them(tree: Path) -> None:
    seed = "http://seed.test/"
    made = create([tree], [[URL]], name="n", private=True, web_seeds=[seed], comment="ü")
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
    content = bencodepy.decode(create([tree], tiers).content)
    assert expected == {key: content[key] for key in content if key.startswith(b"announce")}


@pytest.mark.parametrize("name", ["tree", "tree/b"])
def test_libtorrent_reads_the_same(tree: Path, name: str) -> None:
    require_module("libtorrent")
    import libtorrent  # noqa: PLC0415 - not there on every platform

    source = tree.parent / name
    made = create([source], [[URL, "ws://x.test/"], ["http://y.test/announce"]])
    read = libtorrent.load_torrent_buffer(made.content)
    assert read.ti is not None
    assert (made.info_hash, source.name) == (read.info_hashes.v1.to_bytes(), read.ti.name())
    assert [URL, "ws://x.test/", "http://y.test/announce"] == read.trackers
    assert [0, 0, 1] == read.tracker_tiers
    link = libtorrent.parse_magnet_uri(magnet(made.info_hash, made.name, [URL]))
    assert (made.info_hash, source.name, [URL]) == (
        link.info_hashes.v1.to_bytes(),
        link.name,
        link.trackers,
    )


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


def test_a_file_that_fills_its_pieces_has_no_more_of_them(tmp_path: Path) -> None:
    data = os.urandom(2 * 16_384)
    (tmp_path / "file").write_bytes(data)
    pieces = info_of(create([tmp_path / "file"], [[URL]]).content)[b"pieces"]
    assert hashlib.sha1(data[:16_384]).digest() + hashlib.sha1(data[16_384:]).digest() == pieces


def test_nothing_to_share_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(TorrentError, match="the files are empty"):
        create([tmp_path], [[URL]])


def test_several_sources_need_a_name(tree: Path) -> None:
    with pytest.raises(TorrentError, match="need a name"):
        create([tree / "a", tree / "b"], [[URL]])


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "\udcff"])
def test_a_name_that_no_client_could_write_is_refused(tree: Path, name: str) -> None:
    with pytest.raises(TorrentError, match="name"):
        create([tree], [[URL]], name=name)


def test_a_file_name_that_is_not_text_is_refused(tree: Path) -> None:
    (tree / os.fsdecode(b"\xff")).write_bytes(b"x")
    with pytest.raises(TorrentError, match="not UTF-8"):
        create([tree], [[URL]])


def test_two_files_in_one_place_are_refused(tree: Path) -> None:
    (tree / "sub" / "a").write_bytes(b"x")
    with pytest.raises(TorrentError, match="two files would be a"):
        create([tree / "a", tree / "sub" / "a"], [[URL]], name="n")


def test_a_link_that_leads_back_is_refused(tree: Path) -> None:
    (tree / "sub" / "loop").symlink_to(tree)
    with pytest.raises(TorrentError, match="leads back"):
        create([tree], [[URL]])


def test_what_is_not_a_file_is_refused(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    with pytest.raises(TorrentError, match="neither a file nor a directory"):
        create([tree], [[URL]])


@pytest.mark.skipif(not SHORTER.exists(), reason="needs Linux's sysfs")
def test_a_file_that_ends_early_is_an_error() -> None:
    with pytest.raises(TorrentError, match="became shorter"):
        create([SHORTER], [[URL]])


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        create([tmp_path / "missing"], [[URL]])


def test_a_magnet_link_escapes_what_it_carries() -> None:
    assert (
        f"magnet:?xt=urn:btih:{HASH.hex()}&dn=a%26b%20%C3%BC&tr=udp%3A%2F%2Fx%3A1%2F%3Fa%3Db"
        "&ws=http%3A%2F%2Fy%2F"
    ) == magnet(HASH, "a&b ü", ["udp://x:1/?a=b"], ["http://y/"])


@pytest.mark.parametrize(
    "text",
    [
        HASH.hex(),
        HASH.hex().upper(),
        "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT",
        "aaaqeayeaudaocajbifqydiob4ibceqt",
        HASH_2.hex(),
        f"magnet:?xt=urn:btih:{HASH.hex()}&dn=x",
        "MAGNET:?dn=x&xt=urn:btih:AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT",
        f"magnet:?xt=urn:btmh:1220{HASH_2.hex()}",
        f"magnet:?xt=urn:btmh:1220{'ff' * 32}&xt=urn:btih:{HASH.hex()}",
    ],
)
def test_an_info_hash_is_read_in_every_usual_form(text: str) -> None:
    assert HASH == parse_info_hash(text)


@pytest.mark.parametrize(
    "text",
    ["", "xyz", HASH.hex()[1:], "1" * 32, "magnet:?dn=x", "magnet:?xt=urn:sha1:aa", "é" * 40],
)
def test_anything_else_is_no_info_hash(text: str) -> None:
    with pytest.raises(TorrentError):
        parse_info_hash(text)


@given(st.binary(min_size=20, max_size=20), st.text(), st.lists(st.text()))
def test_any_magnet_link_names_its_torrent(
    info_hash: bytes, name: str, trackers: list[str]
) -> None:
    assert info_hash == parse_info_hash(magnet(info_hash, name, trackers))
