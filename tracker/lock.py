"""Locks of files and directories that show whether the process that made them still runs.

The owner locks what it makes (flock on a descriptor) for its whole life, however that ends. A
process that gets the lock of such a file or directory therefore knows that its owner is dead.

Another process may take the lock between the creation and the owner's lock. The owner then finds
that it has no lock, or that the path has been removed, and makes another file.
"""

import fcntl
import os
from pathlib import Path


def try_lock(path: Path, flags: int = 0) -> int | None:
    """Return a descriptor that holds the lock of `path`; closing it releases the lock.

    Args:
        path: an existing file or directory; a symbolic link is not followed.
        flags: for `os.open`, such as ``os.O_DIRECTORY``.

    Returns:
        None: the owner is alive, or `path` cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | flags)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
