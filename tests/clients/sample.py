"""A small torrent of random content."""

import os
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from pathlib import Path
from typing import Self

import bencodepy

PIECE_LENGTH = 1 << 14  # bytes
SIZE = 300_000  # bytes: several pieces, the last one short


@dataclass(frozen=True, slots=True)
class Sample:
    """A file to share, marked private (BEP 27): clients ask its trackers for peers, no one else."""

    name: str
    content: bytes = field(repr=False)

    @classmethod
    def random(cls) -> Self:
        """New content, so a new info_hash."""
        content = os.urandom(SIZE)
        return cls(f"{sha256(content).hexdigest()[:16]}.bin", content)

    @property
    def digest(self) -> str:
        """What a downloaded copy must hash to."""
        return sha256(self.content).hexdigest()

    @property
    def info_hash(self) -> bytes:
        """20 bytes (BEP 3)."""
        return sha1(bencodepy.encode(self._info())).digest()

    def write_content(self, folder: Path) -> Path:
        """Put the file where a seeder will look for it; the folder is made."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.name
        path.write_bytes(self.content)
        return path

    def write_torrent(self, folder: Path, announce: str, *others: str) -> Path:
        """Write the ``.torrent`` with one tracker or more (BEP 12); the folder is made."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.torrent"
        torrent = {b"announce": announce.encode(), b"info": self._info()}
        if others:
            torrent[b"announce-list"] = [[url.encode()] for url in (announce, *others)]
        path.write_bytes(bencodepy.encode(torrent))
        return path

    def _info(self) -> dict[bytes, bytes | int]:
        starts = range(0, len(self.content), PIECE_LENGTH)
        pieces = (self.content[start : start + PIECE_LENGTH] for start in starts)
        return {
            b"length": len(self.content),
            b"name": self.name.encode(),
            b"piece length": PIECE_LENGTH,
            b"pieces": b"".join(sha1(piece).digest() for piece in pieces),
            b"private": 1,
        }


def digest_of(path: Path) -> str:
    """To compare with `Sample.digest`."""
    return sha256(path.read_bytes()).hexdigest()
