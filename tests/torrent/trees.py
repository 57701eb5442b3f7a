"""Files to share."""

import os
from pathlib import Path

from tracker.torrent import Torrent, Version, collect, create, name_of

URL = "udp://tracker.test:8000/announce"


def grow_tree(folder: Path) -> Path:
    """Make a directory: files that share pieces, empty ones, one of exactly a piece."""
    top = folder / "tree"
    (top / "sub").mkdir(parents=True)
    (top / "b").write_bytes(os.urandom(40_000))
    (top / "a").write_bytes(os.urandom(16_384))
    (top / "empty").write_bytes(b"")
    (top / "sub" / "ü 1").write_bytes(os.urandom(1))
    (top / "sub.txt").write_bytes(os.urandom(70_000))
    (top / "z").write_bytes(b"")
    return top


def torrent_of(source: Path, version: Version = Version.V1, *tiers: list[str]) -> Torrent:
    """Make a torrent of one file or directory."""
    return create(collect([source], name_of([source])), tiers or [[URL]], version)
