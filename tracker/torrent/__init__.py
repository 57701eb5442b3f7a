"""Torrents: .torrent files of version 1 (BEP 3, 12, 19, 27), version 2 and both (BEP 52).

A torrent depends on its files and on the arguments alone: no date goes into it, so the same call
writes the same bytes.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import bencodepy

from tracker.torrent.hashing import Hashes, hash_items
from tracker.torrent.magnet import magnet, parse_info_hash
from tracker.torrent.model import Named, Progress, Torrent, TorrentError, Version
from tracker.torrent.reading import read_named
from tracker.torrent.sources import Item, Shared, collect, name_of

__all__ = [
    "Named",
    "Shared",
    "Torrent",
    "TorrentError",
    "Version",
    "collect",
    "create",
    "magnet",
    "name_of",
    "parse_info_hash",
    "piece_length",
    "read_named",
]

_MIN_PIECE: Final = 16 * 1024  # bytes, what clients ask for at once
_MAX_PIECE: Final = 16 * 1024 * 1024  # more wastes much on each damaged piece
_MOST_PIECES: Final = 2000  # 40 KB of hashes, unless pieces would exceed _MAX_PIECE


def create(
    shared: Shared,
    trackers: Sequence[Sequence[str]],
    version: Version = Version.V1,
    *,
    private: bool = False,
    web_seeds: Sequence[str] = (),
    comment: str | None = None,
    progress: Progress = lambda size: None,
) -> Torrent:
    """Make a torrent.

    Args:
        shared: the files.
        trackers: tiers of announce URLs, tried in order (BEP 12).
        version: which clients can read it.
        private: peers come from the trackers only (BEP 27).
        web_seeds: URLs that serve the same files over HTTP (BEP 19).
        comment: free text.
        progress: is called with the size of each piece that has been hashed.

    Raises:
        TorrentError: a file changed since it was collected.
        OSError: a file cannot be read.
    """
    length = piece_length(shared.size)
    hashes = hash_items(shared.items, length, version, progress)
    info: dict[bytes, object] = {b"name": shared.name, b"piece length": length}
    if version.has_v1:
        info |= {b"pieces": hashes.pieces, **_files(shared.items, length, version)}
    if version.has_v2:
        info |= {b"meta version": 2, b"file tree": _file_tree(shared, hashes)}
    if private:
        info[b"private"] = 1
    content: dict[bytes, object] = {b"info": info, **_announce(trackers)}
    if version.has_v2:
        content[b"piece layers"] = {
            each.root: b"".join(each.layer) for each in hashes.files if each and each.layer
        }
    if web_seeds:
        content[b"url-list"] = list(web_seeds)
    if comment is not None:
        content[b"comment"] = comment
    return Torrent(tuple(_info_hashes(_encode(info), version)), shared.name, _encode(content))


def piece_length(total: int) -> int:
    """Return the bytes of a piece for `total` bytes: a power of two, for at most 2000 pieces."""
    length = _MIN_PIECE
    while length < _MAX_PIECE and length * _MOST_PIECES < total:
        length *= 2
    return length


def _info_hashes(info: bytes, version: Version) -> Iterator[bytes]:
    if version.has_v1:
        yield hashlib.sha1(info, usedforsecurity=False).digest()
    if version.has_v2:
        yield hashlib.sha256(info).digest()


def _files(items: Sequence[Item], length: int, version: Version) -> dict[bytes, object]:
    """Return the files of version 1, in a hybrid torrent padded to whole pieces."""
    if not items[0].path:
        return {b"length": items[0].size}
    files: list[dict[bytes, object]] = []
    for item in items:
        files.append({b"length": item.size, b"path": list(item.path)})
        padding = -item.size % length
        if padding and version.has_v2 and item is not items[-1]:
            path = [".pad", str(padding)]
            files.append({b"attr": "p", b"length": padding, b"path": path})
    return {b"files": files}


def _file_tree(shared: Shared, hashes: Hashes) -> dict[bytes, object]:
    """Return the files of version 2: a dictionary per directory, keyed by name."""
    tree: dict[bytes, object] = {}
    for item, hashed in zip(shared.items, hashes.files, strict=True):
        *directories, name = item.path or (shared.name,)
        place = tree
        for directory in directories:
            below = place.setdefault(directory.encode(), {})
            assert isinstance(below, dict), "no file has the path of a directory"
            place = below
        file: dict[bytes, object] = {b"length": item.size}
        if hashed:
            file[b"pieces root"] = hashed.root
        place[name.encode()] = {b"": file}
    return tree


def _announce(trackers: Sequence[Sequence[str]]) -> dict[bytes, object]:
    """The first tracker, and all tiers where there is more than one tracker."""
    urls = [url for tier in trackers for url in tier]
    if len(urls) <= 1:
        return {b"announce": urls[0]} if urls else {}
    return {b"announce": urls[0], b"announce-list": [list(tier) for tier in trackers]}


def _encode(value: dict[bytes, object]) -> bytes:
    return bytes(bencodepy.encode(value))
