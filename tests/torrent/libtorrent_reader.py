"""What libtorrent makes of torrents, in types of ours."""

from pathlib import Path
from typing import NamedTuple

import libtorrent as lt

from tracker.torrent import Version

_FLAGS = {
    Version.V1: lt.create_torrent.v1_only,
    Version.V2: lt.create_torrent.v2_only,
    Version.HYBRID: 0,
}


class Read(NamedTuple):
    """A torrent as libtorrent reads it."""

    info_hashes: tuple[bytes, ...]
    name: str
    trackers: list[str]
    tiers: list[int]


def load(content: bytes) -> Read:
    """Read a .torrent file."""
    read = lt.load_torrent_buffer(content)
    assert read.ti is not None
    return _read(read, read.ti.name())


def load_magnet(link: str) -> Read:
    """Read a magnet link."""
    read = lt.parse_magnet_uri(link)
    return _read(read, read.name)


def make(source: Path, version: Version, length: int) -> dict[bytes, object]:
    """Make a torrent with libtorrent; its content, decoded."""
    files = lt.list_files(str(source))
    made = lt.create_torrent(files, piece_size=length, flags=_FLAGS[version])
    lt.set_piece_hashes(made, str(source.parent))
    content: dict[bytes, object] = made.generate()
    return content


def _read(read: lt.add_torrent_params, name: str) -> Read:
    hashes = read.info_hashes
    found = ((hashes.has_v1(), hashes.v1), (hashes.has_v2(), hashes.v2))
    return Read(
        tuple(each.to_bytes() for has, each in found if has),
        name,
        read.trackers,
        read.tracker_tiers,
    )
