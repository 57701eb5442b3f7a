"""Torrents as values: versions, hashes, errors."""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, TypeAlias

from tracker.model import HASH_SIZE, InfoHash

Progress: TypeAlias = Callable[[int], object]  # is called with bytes that have been hashed


class TorrentError(Exception):
    """Files or a text that cannot become a torrent, or name none."""


class Version(Enum):
    """The version of BitTorrent that a torrent is for."""

    V1 = "v1"  # BEP 3
    V2 = "v2"  # BEP 52
    HYBRID = "hybrid"  # both: peers of either version share one torrent

    @property
    def has_v1(self) -> bool:
        """Whether clients of version 1 can read it."""
        return self is not Version.V2

    @property
    def has_v2(self) -> bool:
        """Whether clients of version 2 can read it."""
        return self is not Version.V1


class Torrent(NamedTuple):
    """A torrent that has been made."""

    info_hashes: tuple[bytes, ...]  # whole: 20 bytes of version 1, then 32 of version 2
    name: str
    content: bytes  # of the .torrent file

    @property
    def info_hash(self) -> InfoHash:
        """The first info_hash, as trackers see it."""
        return self.info_hashes[0][:HASH_SIZE]


class Named(NamedTuple):
    """What a .torrent file, a magnet link or an info_hash says about a torrent."""

    info_hashes: tuple[InfoHash, ...]  # as trackers see them: version 1 first
    trackers: tuple[str, ...] = ()
