"""The paths at which announces are served, as settings have them: ``/KEY/announce``."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

ANNOUNCE_PATHS: Final = (  # those of well-known trackers
    "/announce",
    "/KEY/announce",
    "/announce/",
    "/announce/KEY",
    "/announce.php",
    "/KEY/announce.php",
    "/announce.php/KEY",
    "/tracker.php/announce",
    "/tracker.php/KEY/announce",
)
KEY: Final = "KEY"  # the segment that stands for any word, such as a user's passkey
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)+/?")


def _checked(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Raises ValueError: one is not a path, or there is none."""
    for path in paths:
        if not _PATH.fullmatch(path):
            raise ValueError(f"not a path such as /announce or /KEY/announce: {path!r}")
    if not paths:
        raise ValueError("name one path at least")
    return paths


def paths_of(http: str = ANNOUNCE_PATHS[0]) -> dict[str, str]:
    """Return the path that announce URLs show: protocol -> path.

    Args:
        http: the path of announces over HTTP. The other protocols ignore the path.
    """
    return {"http": http, "udp": ANNOUNCE_PATHS[0], "ws": "/"}


Paths = Annotated[tuple[str, ...], AfterValidator(_checked)]


def scrape_path(path: str) -> str | None:
    """Return where the scrapes of an announce path are served (BEP 48).

    None if its last segment does not begin with ``announce``: clients send no scrape then.
    """
    before, _, last = path.rpartition("/")
    return f"{before}/scrape{last[8:]}" if last.startswith("announce") else None
