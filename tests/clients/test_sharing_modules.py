"""The modules of the pages that compute, called in a browser."""

import zipfile
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zlib import crc32

import bencodepy
import pytest

from tests.clients.sharing_site import run_pages, running_sites

PATIENCE = 120.0
LENGTHS = (0, 1, 55, 56, 63, 64, 65, 119, 120, 1000)
BYTES = bytes(index * 7 % 256 for index in range(1000))
HASH = "a" * 40
END_OF_DIRECTORY_64 = b"PK\x06\x06"


@pytest.fixture(scope="module")
def facts() -> Iterator[dict[str, Any]]:
    with running_sites() as sites:
        yield run_pages("sharing_modules.mjs", sites.urls[0], patience=PATIENCE)


@pytest.mark.timeout(PATIENCE)
def test_digests_and_checksums(facts: dict[str, Any]) -> None:
    for length, (digest, expected, checksum, in_parts) in zip(LENGTHS, facts["sums"], strict=True):
        assert expected == digest
        assert crc32(BYTES[:length]) == checksum
        assert crc32(BYTES[:length]) == in_parts


@pytest.mark.timeout(PATIENCE)
def test_torrent_files(facts: dict[str, Any]) -> None:
    common = {b"name": b"n", b"piece length": 65536, b"pieces": BYTES[:20]}
    files = [
        {b"length": 3, b"path": [b"a", "ä".encode()]},
        {b"length": 0, b"path": [b"b"]},
    ]
    several = {b"info": {**common, b"files": files}}
    single = {b"info": {**common, b"length": 3}}
    assert bencodepy.encode(several[b"info"]) == b64decode(facts["bencoded"])
    assert bencodepy.encode(single[b"info"]) == b64decode(facts["single"])


@pytest.mark.timeout(PATIENCE)
def test_a_torrent_file_stays_below_a_megabyte(facts: dict[str, Any]) -> None:
    for total, length in facts["pieceLengths"]:
        assert 20 * total / length < 1_000_000
        assert length & (length - 1) == 0
    assert 65_536 == facts["pieceLengths"][0][1]


@pytest.mark.timeout(PATIENCE)
def test_links(facts: dict[str, Any]) -> None:
    broken = [None] * 4
    assert [
        *broken,
        {"infoHash": HASH, "name": ""},
        {"infoHash": HASH, "name": "\ufffd%A"},
        {"infoHash": HASH, "name": "b c"},
        {"infoHash": "b" * 40, "name": "x"},
        None,
    ] == facts["links"]


@pytest.mark.timeout(PATIENCE)
def test_hosts_that_only_this_computer_can_open(facts: dict[str, Any]) -> None:
    assert {True} == set(facts["here"])
    assert {False} == set(facts["elsewhere"])


@pytest.mark.timeout(PATIENCE)
def test_names_are_safe_to_save(facts: dict[str, Any]) -> None:
    saved = [name for name, _ in facts["names"]]
    unnamed = ["unnamed"] * 4
    assert [*unnamed, "a_b", "_nul", "_NUL.txt", "_com1", "ab", "unnamed"] == saved[:-1]
    assert saved[-1].endswith(".gz")
    assert 180 == len(saved[-1])
    assert all(length <= 200 for _, length in facts["names"])


@pytest.mark.timeout(PATIENCE)
def test_paths_stay_inside_the_archive(facts: dict[str, Any]) -> None:
    *paths, deep = facts["paths"]
    assert ["a", "etc/passwd", "a/b", "unnamed", "unnamed", "a/b", "host/share"] == paths
    assert 31 == deep.count("/")


@pytest.mark.timeout(PATIENCE)
def test_archives(facts: dict[str, Any]) -> None:
    with zipfile.ZipFile(BytesIO(b64decode(facts["archive"]))) as archive:
        assert archive.testzip() is None
        assert ["ä/one.txt", "empty", "Ä/ONE (2).txt"] == archive.namelist()
        assert BYTES == archive.read("ä/one.txt")


@pytest.mark.timeout(PATIENCE)
def test_many_files_of_one_name_are_told_apart_at_once(facts: dict[str, Any]) -> None:
    assert 100_000 == facts["namesakes"]


@pytest.mark.timeout(PATIENCE)
def test_a_peer_that_asks_for_everything_at_once_makes_a_page_hold_little(
    facts: dict[str, Any],
) -> None:
    assert {"most": 1, "held": 16384} == facts["greedy"]


@pytest.mark.timeout(PATIENCE)
def test_archives_beyond_32_bits(facts: dict[str, Any]) -> None:
    huge = facts["huge"]
    assert huge["size"] > 1 << 32
    rest = b64decode(huge["rest"])
    assert END_OF_DIRECTORY_64 in rest
    with zipfile.ZipFile(Sparse(rest, huge["start"], huge["size"])) as archive:
        assert ["huge", "after"] == archive.namelist()
        assert huge["size"] == archive.getinfo("huge").file_size
        assert BYTES == archive.read("after")


class Sparse(BytesIO):
    """Bytes with a hole, which reads as zeros."""

    def __init__(self, content: bytes, at: int, size: int) -> None:
        super().__init__()
        self._content, self._hole, self._size, self._position = content, at, size, 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move; see io.BytesIO."""
        total = len(self._content) + self._size
        self._position = offset + (0, self._position, total)[whence]
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Read; the hole itself is too large to be read at once."""
        wanted = len(self._content) if size is None or size < 0 else size
        start, self._position = self._position, self._position + wanted
        if start >= self._hole + self._size:
            start -= self._size
            return self._content[start : start + wanted]
        assert start + wanted <= self._hole, "a part of the hole"
        return self._content[start : start + wanted]


@pytest.mark.timeout(PATIENCE)
def test_ranges(facts: dict[str, Any]) -> None:
    whole = {"start": 0, "end": 10, "partial": False}
    parts = [(0, 10), (0, 1), (5, 10), (7, 10), (9, 10)]
    partial = [{"start": start, "end": end, "partial": True} for start, end in [*parts, (0, 10)]]
    assert [whole, *partial[:5], None, whole, whole, partial[5]] == facts["ranges"]


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("noWebRtc", "WebRTC is missing"),
        ("offline", "This device is offline"),
        ("down", "The tracker does not answer"),
        ("slow", "takes long to answer"),
        ("refused", "rejects this download: not on the list"),
        ("nobody", "No one who has this file is online"),
        ("others", "others are waiting"),
        ("programs", "Open the magnet link"),
        ("silent", "bring the tab to the front"),
        ("nat", "this tracker has no relay"),
        ("natWithRelay", "A relay (TURN server) was tried"),
        ("relayOnly", "Open the link without"),
        ("stalled", "Connected, but nothing arrives"),
        ("throttled", "Keep this tab in a window of its own"),
    ],
)
def test_troubles_are_told_with_advice(facts: dict[str, Any], name: str, words: str) -> None:
    assert words in facts["diagnoses"][name]


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("name", ["pending", "downloading", "early"])
def test_patience_comes_before_advice(facts: dict[str, Any], name: str) -> None:
    assert "" == facts["diagnoses"][name]


@pytest.mark.timeout(PATIENCE)
def test_numbers_as_people_read_them(facts: dict[str, Any]) -> None:
    sizes = ["1 byte", "999 bytes", "1.0 kB", "1.0 MB", "1.5 GB"]
    speeds = ["0.0 kB/s", "0.5 kB/s", "2.0 MB/s"]
    durations = ["1 s", "1 min", "1 h", "1 h 30 min", "12 days", "unknown"]
    assert [*sizes, *speeds, "99 %", "100 %", *durations] == facts["formats"]
