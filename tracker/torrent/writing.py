"""Writes a .torrent file whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from tracker.torrent.model import TorrentError


def check_free(path: Path) -> None:
    """Refuse a path at which something exists.

    Raises:
        TorrentError: something exists there.
    """
    if os.path.lexists(path):
        raise TorrentError(f"{path} exists: overwrite it with --force, or choose another --output")


def write_whole(path: Path, content: bytes, *, force: bool) -> None:
    """Write a file so that readers see all of it or none.

    Args:
        path: where.
        content: all of it.
        force: replace a file that exists.

    Raises:
        TorrentError: something exists there, and `force` is false.
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".tracker-{os.getpid()}.torrent")
    with temporary.open("xb") as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            _put(temporary, path, force=force)
        finally:
            temporary.unlink(missing_ok=True)


def _put(temporary: Path, path: Path, *, force: bool) -> None:
    if force:
        temporary.replace(path)
        return
    with suppress(PermissionError, NotImplementedError):  # a file system without hard links
        try:
            path.hardlink_to(temporary)  # unlike rename, it fails if the path exists
        except FileExistsError:
            check_free(path)
        return
    check_free(path)
    temporary.replace(path)
