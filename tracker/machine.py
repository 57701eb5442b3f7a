"""The memory that the container, the service or the machine allows this process."""

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def allowed_memory(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int:
    """Bytes of memory that this process may use: the machine's, or what a cgroup allows.

    Args:
        root: where the kernel shows the cgroups.
        membership: the file that names the cgroups of this process.
    """
    allowed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for file in _limits(root, membership):
        try:
            limit = file.read_text().strip()
        except OSError:
            continue  # the topmost cgroup has no limit, and a container does not see all of them
        if limit.isdigit():  # otherwise "max"
            allowed = min(allowed, int(limit))
    return allowed


def _limits(root: Path, membership: Path) -> Iterator[Path]:
    """Yield the limit of each cgroup of this process, and of all above it (cgroups(7))."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # no Linux
        lines = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:  # version 2
            top, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        own = top / path.lstrip("/")
        yield from (each / name for each in (own, *own.parents) if each.is_relative_to(top))
