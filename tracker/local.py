"""The trackers of this user on this machine: how `tracker status` and others find them.

Each `tracker serve` keeps a file in directories that only its user may enter: in the user's runtime
directory, which some systems remove when the user logs out, and in the directory for temporary
files. The file is locked for the life of the process, so a file without a lock was left by a
tracker that was killed.

The file holds the URL of the tracker's Redis with its password, if it has one. Its mode is 0600
and that of the directory 0700: only this user can read it, who can also read the memory of the
process. In a directory that others can enter there is no file.
"""

import json
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from tracker.lock import try_lock

RUNTIME: Final = "XDG_RUNTIME_DIR"  # the XDG Base Directory Specification
NAME: Final = "tracker-cluster"
SUFFIX: Final = ".json"
MOST: Final = 65_536  # bytes of a file that are read


class LocalTracker(NamedTuple):
    """What one tracker writes about itself."""

    pid: int
    since: int  # Unix seconds of its start
    redis: str  # URL
    private: bool  # whether the Redis is its own, which ends with it
    ports: dict[str, int]  # by protocol
    admin: str  # HOST:PORT
    urls: list[str]  # announce URLs, as this machine reaches them

    @property
    def all_ports(self) -> list[int]:
        """The ports of its protocols and the admin port, without repetition."""
        return list(dict.fromkeys([*self.ports.values(), int(self.admin.rpartition(":")[2])]))


@contextmanager
def listed(tracker: LocalTracker, environment: Mapping[str, str]) -> Iterator[None]:
    """Keep files about `tracker` for the length of the context.

    Args:
        tracker: what they say.
        environment: of this process.

    Raises:
        OSError: on entry: no file can be written.
    """
    files: list[tuple[Path, int]] = []
    problems: list[OSError] = []
    for directory in _directories(environment):
        try:
            files.append(_write(tracker, directory))
        except OSError as error:
            problems.append(error)
    if not files:
        raise problems[0]
    try:
        yield
    finally:
        for path, lock in files:
            path.unlink(missing_ok=True)
            os.close(lock)


def local_trackers(environment: Mapping[str, str]) -> list[LocalTracker]:
    """Return the running trackers of this user, the oldest first; remove files of killed ones."""
    found: dict[tuple[int, int], LocalTracker] = {}
    for directory in filter(_is_private, _directories(environment)):
        for path in directory.glob(f"*{SUFFIX}"):
            lock = try_lock(path)
            if lock is not None:
                path.unlink(missing_ok=True)
                os.close(lock)
            elif tracker := _read(path):
                found[tracker.since, tracker.pid] = tracker
    return [found[key] for key in sorted(found)]


def _directories(environment: Mapping[str, str]) -> list[Path]:
    runtime = Path(environment.get(RUNTIME) or "")
    temporary = Path(tempfile.gettempdir(), f"{NAME}-{os.getuid()}")
    return [runtime / NAME, temporary] if runtime.is_absolute() else [temporary]


def _is_private(directory: Path) -> bool:
    try:
        found = directory.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.getuid()
        and not stat.S_IMODE(found.st_mode) & 0o077
    )


def _write(tracker: LocalTracker, directory: Path) -> tuple[Path, int]:
    """Write a file about `tracker`; return its path and the descriptor that holds its lock.

    Raises:
        OSError: the file cannot be written, or others may enter the directory.
    """
    directory.mkdir(mode=0o700, exist_ok=True)
    if not _is_private(directory):
        raise PermissionError(f"{directory} is not a directory of this user alone (mode 0700)")
    while True:
        descriptor, name = tempfile.mkstemp(SUFFIX, f"{tracker.pid}-", directory)
        os.close(descriptor)
        path = Path(name)
        lock = try_lock(path)
        if lock is None:
            continue
        if os.fstat(lock).st_nlink:
            break
        os.close(lock)
    try:
        path.write_text(json.dumps(tracker._asdict()))
    except OSError:
        path.unlink(missing_ok=True)
        os.close(lock)
        raise
    return path, lock


def _read(path: Path) -> LocalTracker | None:
    """Return what a file says; None if it is being written, or of another version."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        with path.open("rb") as file:
            fields = json.loads(file.read(MOST))
        tracker = LocalTracker(**{name: fields[name] for name in LocalTracker._fields})
        if tracker.all_ports:
            return tracker
    return None
