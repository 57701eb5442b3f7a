"""Magnet links (BEP 9, BEP 52)."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

from tracker.errors import Malformed
from tracker.model import HASH_SIZE, InfoHash
from tracker.torrent.model import Named, TorrentError
from tracker.wire.info_hash import read_info_hash

PREFIX: Final = "magnet:"
_BTIH: Final = "urn:btih:"
_BTMH: Final = "urn:btmh:1220"  # 12, 20: multihash of SHA-256, 32 bytes


def magnet(
    info_hashes: Iterable[bytes], name: str, trackers: Iterable[str], web_seeds: Iterable[str] = ()
) -> str:
    """Return the link to a torrent with these whole info_hashes: 20 bytes (v1), 32 (v2)."""
    topics = [
        f"xt={_BTIH if len(each) == HASH_SIZE else _BTMH}{each.hex()}" for each in info_hashes
    ]
    fields = [("dn", name), *(("tr", url) for url in trackers), *(("ws", url) for url in web_seeds)]
    rest = [f"{key}={quote(value, safe='')}" for key, value in fields]
    return f"magnet:?{'&'.join(topics + rest)}"


def parse_magnet(link: str) -> Named:
    """Return what a magnet link names: version 1 first, which more peers of a hybrid know.

    Raises:
        TorrentError: no info_hash is in it, or one is malformed.
    """
    fields = parse_qs(urlsplit(link).query)
    hashes = [
        parse_info_hash(topic[len(prefix) :])
        for prefix in (_BTIH, _BTMH)
        for topic in fields.get("xt", [])
        if topic.lower().startswith(prefix)
    ]
    if not hashes:
        raise TorrentError("the magnet link has no info_hash (xt=urn:btih:… or xt=urn:btmh:…)")
    return Named(tuple(dict.fromkeys(hashes)), tuple(fields.get("tr", ())))


def parse_info_hash(text: str) -> InfoHash:
    """Return the first info_hash of a magnet link, or that in 40 or 64 hex or 32 base32 digits.

    One of version 2 (64 hex digits, ``urn:btmh:``) is cut to 20 bytes, as trackers see it (BEP 52).

    Raises:
        TorrentError: there is none.
    """
    if text.lower().startswith(PREFIX):
        return parse_magnet(text).info_hashes[0]
    try:
        return read_info_hash(text)
    except Malformed as error:
        raise TorrentError(error.reason) from error
