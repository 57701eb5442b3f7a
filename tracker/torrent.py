"""Torrents: .torrent files of version 1 (BEP 3, 12, 19, 27), magnet links and info_hashes (BEP 9).

A torrent depends on nothing but its files and what it is told: no date goes in, so the same call
writes the same bytes.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

import bencodepy

from tracker.errors import Malformed
from tracker.model import InfoHash
from tracker.wire.info_hash import read_info_hash

_MIN_PIECE: Final = 16 * 1024  # bytes, what clients ask for at once
_MAX_PIECE: Final = 16 * 1024 * 1024  # more wastes much on each damaged piece
_MOST_PIECES: Final = 2000  # 40 KB of hashes, unless pieces would exceed _MAX_PIECE
_BTIH: Final = "urn:btih:"
_BTMH: Final = "urn:btmh:1220"  # 12, 20: multihash of SHA-256, 32 bytes


class TorrentError(Exception):
    """The files, or a text, of which no torrent can be made."""


class Torrent(NamedTuple):
    """What was made."""

    info_hash: InfoHash
    name: str
    content: bytes  # of the .torrent file


class _Item(NamedTuple):
    """A file on disk, and where it is in the torrent."""

    source: Path
    path: tuple[str, ...]  # below the torrent's name; empty: the torrent is this file
    size: int  # bytes


def create(
    sources: Sequence[Path],
    trackers: Sequence[Sequence[str]],
    *,
    name: str | None = None,
    private: bool = False,
    web_seeds: Sequence[str] = (),
    comment: str | None = None,
) -> Torrent:
    """A torrent of a file, of a directory, or of several of both.

    Args:
        sources: what to share; several are put side by side into a directory.
        trackers: tiers of announce URLs, tried in order (BEP 12).
        name: of the file or directory; None: that of the only source.
        private: peers come from the trackers only (BEP 27).
        web_seeds: URLs that serve the same files over HTTP (BEP 19).
        comment: free text.

    Raises:
        TorrentError: nothing to share, two files in one place, or no name for several sources.
        OSError: a file cannot be read.
    """
    if name is None:
        if len(sources) != 1:
            raise TorrentError("several files need a name for the directory that they go to")
        name = sources[0].resolve().name
    _check_name(name)
    items = _collect(sources)
    total = sum(item.size for item in items)
    if not total:
        raise TorrentError("nothing to share: the files are empty")
    length = piece_length(total)
    info: dict[bytes, object] = {
        b"name": name,
        b"piece length": length,
        b"pieces": b"".join(_piece_hashes(items, length)),
        **_layout(items),
    }
    if private:
        info[b"private"] = 1
    content: dict[bytes, object] = {b"info": info, **_announce(trackers)}
    if web_seeds:
        content[b"url-list"] = list(web_seeds)
    if comment is not None:
        content[b"comment"] = comment
    return Torrent(_sha1(_encode(info)), name, _encode(content))


def piece_length(total: int) -> int:
    """Bytes of a piece for so many in all: a power of two that makes at most some 2000 pieces."""
    length = _MIN_PIECE
    while length < _MAX_PIECE and length * _MOST_PIECES < total:
        length *= 2
    return length


def magnet(
    info_hash: InfoHash, name: str, trackers: Iterable[str], web_seeds: Iterable[str] = ()
) -> str:
    """The link that stands for a torrent (BEP 9)."""
    fields = [("dn", name), *(("tr", url) for url in trackers), *(("ws", url) for url in web_seeds)]
    rest = "".join(f"&{key}={quote(value, safe='')}" for key, value in fields)
    return f"magnet:?xt={_BTIH}{info_hash.hex()}{rest}"


def parse_info_hash(text: str) -> InfoHash:
    """The info_hash in a magnet link, in 40 hex or 32 base32 digits.

    One of version 2 (64 hex digits, ``urn:btmh:``) is cut to 20 bytes, as trackers see it (BEP 52).

    Raises:
        TorrentError: there is none.
    """
    if text.lower().startswith("magnet:"):
        topics = parse_qs(urlsplit(text).query).get("xt", [])
        # Version 1 first: what of a hybrid torrent more peers know.
        for prefix in (_BTIH, _BTMH):
            for topic in topics:
                if topic.lower().startswith(prefix):
                    return parse_info_hash(topic[len(prefix) :])
        raise TorrentError("the magnet link names no torrent")
    try:
        return read_info_hash(text)
    except Malformed as error:
        raise TorrentError(error.reason) from error


def _check_name(name: str) -> None:
    """One path element of text: what all systems and clients can write."""
    if name in ("", ".", "..") or "/" in name:
        raise TorrentError(f"{name!r} is no name for a file")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise TorrentError(f"the name {name!r} is not UTF-8") from error


def _collect(sources: Sequence[Path]) -> list[_Item]:
    """All files of the sources, in the order given, directories sorted."""
    if len(sources) == 1:
        return list(_walk(sources[0], ()))
    items = [item for source in sources for item in _walk(source, (source.resolve().name,))]
    seen: set[tuple[str, ...]] = set()
    for item in items:
        if item.path in seen:
            raise TorrentError(f"two files would be {'/'.join(item.path)}")
        seen.add(item.path)
    return items


def _walk(source: Path, path: tuple[str, ...]) -> Iterator[_Item]:
    if source.is_symlink() and source.parent.resolve().is_relative_to(source.resolve()):
        raise TorrentError(f"{source} leads back to where it is")
    if source.is_dir():
        for child in sorted(source.iterdir()):
            _check_name(child.name)
            yield from _walk(child, (*path, child.name))
        return
    size = source.stat().st_size
    if not source.is_file():
        raise TorrentError(f"{source} is neither a file nor a directory")
    yield _Item(source, path, size)


def _layout(items: Sequence[_Item]) -> dict[bytes, object]:
    if not items[0].path:
        return {b"length": items[0].size}
    return {b"files": [{b"length": item.size, b"path": list(item.path)} for item in items]}


def _piece_hashes(items: Iterable[_Item], length: int) -> Iterator[bytes]:
    """Hashes of all pieces, 20 bytes each; pieces run across the ends of files."""
    piece, filled = memoryview(bytearray(length)), 0
    for source, _, size in items:
        left = size
        with source.open("rb", buffering=0) as file:
            while left:
                count = file.readinto(piece[filled : filled + left])
                if not count:
                    raise TorrentError(f"{source} became shorter while it was read")
                left, filled = left - count, filled + count
                if filled == length:
                    yield _sha1(piece)
                    filled = 0
    if filled:
        yield _sha1(piece[:filled])


def _announce(trackers: Sequence[Sequence[str]]) -> dict[bytes, object]:
    """The first tracker, and all tiers where there is more than one tracker."""
    urls = [url for tier in trackers for url in tier]
    if len(urls) <= 1:
        return {b"announce": urls[0]} if urls else {}
    return {b"announce": urls[0], b"announce-list": [list(tier) for tier in trackers]}


def _sha1(data: bytes | memoryview) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _encode(value: dict[bytes, object]) -> bytes:
    return bytes(bencodepy.encode(value))
