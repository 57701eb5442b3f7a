"""Hash trees of version 2 (BEP 52): SHA-256 over blocks of 16 KiB, padded with zeros."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Final

BLOCK_SIZE: Final = 16 * 1024  # bytes below a leaf
ZERO: Final = bytes(32)  # a leaf beyond the end of a file


def root_of_data(data: memoryview, width: int = 1) -> bytes:
    """Return the root of a tree over `data`, at least one byte, with at least `width` leaves."""
    starts = range(0, len(data), BLOCK_SIZE)
    return root([sha256(data[at : at + BLOCK_SIZE]).digest() for at in starts], width)


def root(hashes: Sequence[bytes], width: int = 1, padding: bytes = ZERO) -> bytes:
    """Return the root of a tree over one layer.

    Args:
        hashes: the layer, at least one hash.
        width: the least number of hashes in it, a power of two; the tree is that high.
        padding: the hash that fills the layer up to a power of two.
    """
    level, left = list(hashes), max(width, 1 << (len(hashes) - 1).bit_length())
    while left > 1:
        if len(level) % 2:
            level.append(padding)
        level = [sha256(one + two).digest() for one, two in list(pairwise(level))[::2]]
        padding = sha256(padding + padding).digest()
        left //= 2
    return level[0]
