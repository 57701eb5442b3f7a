"""The directory in which a tracker keeps the data of its private Redis from one run to the next.

================  ===============================================================================
file              content
================  ===============================================================================
``swarms.rdb``    the data of the last clean stop
``redis.rdb``     the same file while Redis loads it, and what Redis writes when it saves
``unusable.rdb``  the last file that could not be loaded
``unsaved``       exists while a tracker runs, and after one that could not save its data
================  ===============================================================================

Redis loads `redis.rdb` whenever it starts. The file has that name only while a tracker starts, so
a Redis that crashes later is empty when it is started again, and the frontends notice the loss. A
tracker that was killed while it loaded a file, perhaps for want of memory, does not load it again.

The directory is locked (flock on its descriptor) by the tracker that uses it.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import structlog

from tracker.settings import ListenSettings, RedisSettings

log = structlog.get_logger(__name__)

APPLICATION = "tracker-cluster"
REDIS_FILE = "redis.rdb"
TEMPORARY = "temp-*.rdb"  # of a Redis that was killed while it saved


def state_directory(
    redis: RedisSettings, listen: ListenSettings, environment: Mapping[str, str]
) -> Path | None:
    """Return the directory for the data of this tracker's private Redis.

    The directory of a setting is for one tracker. In the user's state directory (XDG Base
    Directory Specification) each tracker has one of its own, named after its port.

    Returns:
        None: the data are not kept, since a setting says so, the port is any free one, or no
        variable names a home.
    """
    if not redis.embedded_keep:
        return None
    if redis.embedded_dir is not None:
        return redis.embedded_dir.absolute()
    port, _ = listen.port_of(min(listen.only))
    base = _user_state(environment)
    return base / APPLICATION / str(port) if base and port else None


def _user_state(environment: Mapping[str, str]) -> Path | None:
    """``$XDG_STATE_HOME`` or ``~/.local/state``; the specification rejects relative paths."""
    for name, below in (("XDG_STATE_HOME", "."), ("HOME", ".local/state")):
        path = Path(environment.get(name, ""))
        if path.is_absolute():
            return path / below
    return None


class State:
    """A directory that is locked, and its files.

    Attributes:
        directory: where they are.
        lost: whether an earlier tracker ended without saving its data, or they cannot be loaded.
    """

    def __init__(self, directory: Path) -> None:
        """Mark the data as unsaved.

        Raises:
            OSError: the directory cannot be written to.
        """
        self.directory = directory
        self._swarms = directory / "swarms.rdb"
        self._redis = directory / REDIS_FILE
        self._unusable = directory / "unusable.rdb"
        self._unsaved = directory / "unsaved"
        self.lost = self._lost_before = self._unsaved.exists()
        self._offered: Path | None = None  # where the data are that this start has not loaded
        self._unsaved.touch(0o600)
        for left in (self._redis, *directory.glob(TEMPORARY)):
            left.unlink(missing_ok=True)

    def offer(self, limit: int) -> bool:
        """Let the next Redis that starts load the data; return whether there are any.

        Args:
            limit: bytes; a larger file is not loaded, since Redis may not use that much memory.

        Raises:
            OSError: the file cannot be renamed.
        """
        if not self._swarms.exists():
            return False
        self._offered = self._swarms.replace(self._redis)
        size = self._redis.stat().st_size
        if size > limit:
            self.reject(f"it has {size} bytes, and Redis may use {limit}")
            return False
        return True

    def loaded(self) -> None:
        """Redis has loaded the file: keep it, for the case that this tracker is killed."""
        self._redis.replace(self._swarms)
        self._offered = None

    def reject(self, error: str) -> None:
        """Put the file aside, and log why it cannot be loaded."""
        self._offered = self._redis.replace(self._unusable)
        self.lost = True
        log.warning("embedded_redis.not_loaded", file=str(self._unusable), error=error)

    def withdraw(self) -> None:
        """Redis did not start: leave the data as they were before.

        Also those that were put aside: without them it did not start either.
        """
        if self._offered is not None:
            self._offered.replace(self._swarms)
        if not self._lost_before:
            self._unsaved.unlink(missing_ok=True)

    def saved(self) -> None:
        """Redis has written its file: let the next start load it.

        Raises:
            OSError: the file cannot be renamed.
        """
        self._redis.replace(self._swarms)
        self._unsaved.unlink()


@contextmanager
def open_state(directory: Path | None) -> Iterator[State | None]:
    """Make the directory unless it exists, and lock it.

    Yields:
        None if there is no directory; or if it is not writable, belongs to another user than this
        one or root, or another tracker uses it, which is logged. The owner of a directory can
        replace files in it, and make us write to others through links.
    """
    if directory is None:
        yield None
        return
    lock: int | None = None
    try:
        directory.mkdir(0o700, parents=True, exist_ok=True)
        lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        state = None
        if (owner := os.fstat(lock).st_uid) in (os.geteuid(), 0):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            state = State(directory)
        else:
            reason = f"this directory belongs to user {owner}: choose one with --redis-embedded-dir"
            log.warning("embedded_redis.not_kept", directory=str(directory), reason=reason)
    except BlockingIOError:
        reason = "another tracker uses this directory: choose one with --redis-embedded-dir"
        log.warning("embedded_redis.not_kept", directory=str(directory), reason=reason)
        state = None
    except OSError as error:
        log.info("embedded_redis.not_kept", directory=str(directory), reason=error.strerror)
        state = None
    try:
        yield state
    finally:
        if lock is not None:
            os.close(lock)
