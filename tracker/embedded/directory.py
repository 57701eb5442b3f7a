"""A directory that is this process's alone, and that the next one removes if we cannot.

The directory itself is locked (flock on its descriptor) as long as its process lives, however
that ends; so whoever gets the lock of one knows that its owner is dead. A sweep may lock a
directory between its birth and its owner's lock: then the owner makes another.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

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
        lock = _try_lock(path)
        if lock is None:
            continue
        if os.fstat(lock).st_uid == os.getuid():
            shutil.rmtree(path, ignore_errors=True)
            log.info("embedded_redis.swept", directory=str(path))
        os.close(lock)


def _base() -> Path:
    usual = tempfile.gettempdir()
    if len(os.fsencode(usual)) <= _LONGEST_BASE:
        return Path(usual)
    return Path("/tmp")  # noqa: S108 - mkdtemp makes the name


def _make(base: Path) -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        lock = _try_lock(path)
        if lock is None:
            continue
        if path.exists():
            return path, lock
        os.close(lock)


def _try_lock(path: Path) -> int | None:
    """A descriptor that holds the lock, or None: its owner lives, or it is gone or not ours."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
