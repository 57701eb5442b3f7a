"""Reads what .torrent files, magnet links and info_hashes say about a torrent."""

import hashlib
from pathlib import Path
from typing import Final

from tracker.errors import Malformed
from tracker.model import HASH_SIZE
from tracker.torrent.magnet import PREFIX, parse_info_hash, parse_magnet
from tracker.torrent.model import Named, TorrentError
from tracker.wire.bencode import decode_dictionary

_MAX_SIZE: Final = 64 * 1024 * 1024  # bytes of a .torrent file; large ones have 10 MiB


def read_named(text: str) -> Named:
    """Return what `text` names: a magnet link, an info_hash, or a .torrent file.

    Raises:
        TorrentError: it names no torrent.
    """
    if text.lower().startswith(PREFIX):
        return parse_magnet(text)
    try:
        return Named((parse_info_hash(text),))
    except TorrentError:
        return read_file(Path(text))


def read_file(path: Path) -> Named:
    """Return the info_hashes and the trackers of a .torrent file.

    Raises:
        TorrentError: it cannot be read, or is not a .torrent file.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_SIZE + 1)
    except FileNotFoundError as error:
        raise TorrentError(
            f"{path} is neither an info_hash (40 or 64 hex digits, or 32 of base32) "
            "nor a magnet link nor an existing file"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL
        raise TorrentError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from error
    if len(content) > _MAX_SIZE:
        raise TorrentError(f"{path} is not a .torrent file: it is larger than 64 MiB")
    try:
        return _named(content)
    except Malformed as error:
        raise TorrentError(f"{path} is not a .torrent file: {error.reason}") from error


def _named(content: bytes) -> Named:
    values = decode_dictionary(content)
    info, raw = values.get(b"info", (None, b""))
    if not isinstance(info, dict):
        raise Malformed("it has no info dictionary")
    hashes = []
    if b"pieces" in info:
        hashes.append(hashlib.sha1(raw, usedforsecurity=False).digest())
    if b"file tree" in info:
        hashes.append(hashlib.sha256(raw).digest()[:HASH_SIZE])
    if not hashes:
        raise Malformed("its info dictionary has neither pieces nor a file tree")
    tiers, _ = values.get(b"announce-list", (None, b""))
    first, _ = values.get(b"announce", (None, b""))
    return Named(tuple(hashes), tuple(_urls(tiers)) or tuple(_urls([[first]])))


def _urls(tiers: object) -> list[str]:
    """Return the URLs of all tiers (BEP 12), without what is not text."""
    if not isinstance(tiers, list):
        return []
    found = [url for tier in tiers if isinstance(tier, list) for url in tier]
    return [url.decode(errors="replace") for url in found if isinstance(url, bytes)]
