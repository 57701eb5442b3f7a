"""Hashes the pieces of files: read in one thread, hashed in several, in bounded memory."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha1
from io import FileIO
from typing import Final, NamedTuple, TypeVar

from tracker.torrent.merkle import BLOCK_SIZE, root, root_of_data
from tracker.torrent.model import Progress, TorrentError, Version
from tracker.torrent.sources import Item, State

_T = TypeVar("_T")
_MOST_THREADS: Final = 8  # a disk rarely keeps up with more
_ZEROS: Final = bytes(64 * 1024)


class FileHashes(NamedTuple):
    """The hashes of one file in version 2."""

    root: bytes
    layer: tuple[bytes, ...]  # of its pieces; empty: the file is not longer than a piece


class Hashes(NamedTuple):
    """All hashes of a torrent; those of the other version are empty."""

    pieces: bytes  # version 1: 20 bytes per piece
    files: tuple[FileHashes | None, ...]  # version 2: one per item, None for an empty file


class _Piece(NamedTuple):
    """Bytes that have been read and can be hashed."""

    buffer: bytearray
    size: int
    item: int  # index of the item that the last byte belongs to

    @property
    def data(self) -> memoryview:
        return memoryview(self.buffer)[: self.size]


def hash_items(
    items: Sequence[Item],
    length: int,
    version: Version,
    progress: Progress = lambda size: None,
    threads: int | None = None,
) -> Hashes:
    """Hash all files.

    Args:
        items: the files.
        length: bytes of a piece.
        version: decides which hashes are made, and whether each file begins with a new piece.
        progress: is called after each piece with its size.
        threads: None: one per core.

    Raises:
        TorrentError: a file changed since it was collected.
        OSError: a file cannot be read.
    """
    threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)
    last = len(items) - 1

    def sha1_of(piece: _Piece) -> bytes:
        padded = version.has_v2 and piece.item != last  # with the padding file that follows
        return _sha1(piece.data, length if padded else 0)

    def root_of(piece: _Piece) -> bytes:
        whole = items[piece.item].size > length
        return root_of_data(piece.data, length // BLOCK_SIZE if whole else 1)

    def hash_piece(piece: _Piece) -> tuple[_Piece, bytes, bytes]:
        return (
            piece,
            sha1_of(piece) if version.has_v1 else b"",
            root_of(piece) if version.has_v2 else b"",
        )

    buffers = deque(bytearray(length) for _ in range(threads + 1))
    pieces: list[bytes] = []
    layers: list[list[bytes]] = [[] for _ in items]
    for piece, of_v1, of_v2 in _in_order(
        hash_piece, _read(items, length, buffers, aligned=version.has_v2), buffers, threads
    ):
        buffers.append(piece.buffer)
        pieces.append(of_v1)
        layers[piece.item].append(of_v2)
        progress(piece.size)
    files = (_file_hashes(layer, length) if version.has_v2 else None for layer in layers)
    return Hashes(b"".join(pieces), tuple(files))


def _in_order(
    job: Callable[[_Piece], _T], pieces: Iterator[_Piece], buffers: deque[bytearray], threads: int
) -> Iterator[_T]:
    """Apply `job` in threads; a result is waited for when no buffer is left to read into."""
    pool = ThreadPoolExecutor(threads, "hash")
    try:
        waiting: deque[Future[_T]] = deque()
        for piece in pieces:
            waiting.append(pool.submit(job, piece))
            if not buffers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _read(
    items: Sequence[Item], length: int, buffers: deque[bytearray], *, aligned: bool
) -> Iterator[_Piece]:
    """Read all files in order; unless `aligned`, pieces run across the ends of files."""
    buffer, filled, last = buffers.popleft(), 0, 0
    for at, item in enumerate(items):
        left = item.size
        with _open(item) as file:
            while left:
                last = at
                count = file.readinto(memoryview(buffer)[filled : min(length, filled + left)])
                if not count:
                    raise TorrentError(f"{item.source} became shorter while it was read")
                left, filled = left - count, filled + count
                if filled == length or (aligned and not left):
                    yield _Piece(buffer, filled, at)
                    buffer, filled = buffers.popleft(), 0
    if filled:
        yield _Piece(buffer, filled, last)


@contextmanager
def _open(item: Item) -> Iterator[FileIO]:
    """Open a file, without waiting if a named pipe has taken its place."""
    number = os.open(item.source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with FileIO(number) as file:
        _check_unchanged(item, file)
        yield file
        _check_unchanged(item, file)


def _check_unchanged(item: Item, file: FileIO) -> None:
    if State.of(os.fstat(file.fileno())) != item.state:
        raise TorrentError(
            f"{item.source} changed while the torrent was made: "
            "try again when no program writes to it"
        )


def _sha1(data: memoryview, padded_to: int) -> bytes:
    hasher = sha1(data, usedforsecurity=False)
    missing = padded_to - len(data)
    while missing > 0:
        hasher.update(_ZEROS[:missing])
        missing -= len(_ZEROS)
    return hasher.digest()


def _file_hashes(layer: Sequence[bytes], length: int) -> FileHashes | None:
    if len(layer) <= 1:
        return FileHashes(layer[0], ()) if layer else None
    padding = root_of_zeros(length)
    return FileHashes(root(layer, padding=padding), tuple(layer))


def root_of_zeros(length: int) -> bytes:
    """Return the root of a tree whose leaves, for a piece of `length` bytes, are all zero."""
    return root([bytes(32)], length // BLOCK_SIZE)
