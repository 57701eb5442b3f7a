"""A directory that is this process's alone, and that the next one removes if we cannot.

The directory itself is locked for the life of its process: see `tracker.lock`.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from tracker.lock import try_lock

log = structlog.get_logger(__name__)

PREFIX = "tracker-redis-"
# A UNIX socket's path has at most 103 bytes (macOS; Linux: 107). 8 are mkdtemp's random ones.
_LONGEST_BASE = 103 - len(f"/{PREFIX}") - 8 - len("/redis.sock")


@contextmanager
def private_directory() -> Iterator[Path]:
    """Make a directory that only this user may enter; remove it, and dead ones, in the end.

    Raises:
        OSError: there is no place for one.
    """
    base = _base()
    sweep(base)
    path, lock = _make(base)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)  # what stays is for the next sweep
        os.close(lock)


def sweep(base: Path) -> None:
    """Remove what killed trackers of this user left in `base`."""
    for path in base.glob(f"{PREFIX}*"):
        lock = try_lock(path, os.O_DIRECTORY)
        if lock is None:
            continue
        if os.fstat(lock).st_uid == os.getuid():
            shutil.rmtree(path, ignore_errors=True)
            log.debug("embedded_redis.swept", directory=str(path))
        os.close(lock)


def _base() -> Path:
    usual = tempfile.gettempdir()
    if len(os.fsencode(usual)) <= _LONGEST_BASE:
        return Path(usual)
    return Path("/tmp")  # noqa: S108 - mkdtemp makes the name


def _make(base: Path) -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        lock = try_lock(path, os.O_DIRECTORY)
        if lock is None:
            continue
        if path.exists():
            return path, lock
        os.close(lock)
