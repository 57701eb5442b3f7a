"""What `tracker serve` shows on a terminal once it serves: where, and how to use and stop it."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import which
from typing import Final

from tracker import __version__
from tracker.paths import paths_of
from tracker.redis_url import without_secrets
from tracker.settings import Settings
from tracker.terminal import BOLD, CYAN, DIM, YELLOW, Terminal

EVERYWHERE: Final = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
DEFAULT_PORT: Final = Settings().listen.port
LABEL_WIDTH: Final = len("Web page   ")
PRIVATE: Final = "a Redis of its own, in memory: it ends with the tracker"
SAVED: Final = ", saved at the stop"
AWAY: Final = "it cannot be used yet: announces fail until then"


def announce_urls(settings: Settings, ports: Mapping[str, int]) -> list[str]:
    """Return the announce URLs of a tracker as its own machine reaches them.

    Args:
        settings: all of them.
        ports: of the protocols that are served.
    """
    return [
        _url(settings, name, ports[name]) + path
        for name, path in paths_of(settings.http.paths[0]).items()
        if name in ports
    ]


def banner(
    settings: Settings,
    ports: Mapping[str, int],
    terminal: Terminal,
    saved_in: Path | None = None,
    *,
    redis_up: bool,
    alone: bool = True,
) -> str:
    """Return some lines for a person.

    Args:
        settings: all of them.
        ports: of the protocols that are served.
        terminal: what shows them.
        saved_in: the directory in which the data of a private Redis will be saved.
        redis_up: whether Redis can be used already.
        alone: whether no other tracker of this user runs on this machine.
    """
    lines = ["", terminal.paint(f"tracker-cluster {__version__}", BOLD), ""]
    rows = _rows(settings, ports, saved_in, redis_up=redis_up, alone=alone)
    for label, text, colour in rows:
        painted = terminal.paint(label.ljust(LABEL_WIDTH), DIM)
        lines.append(f"  {painted}{terminal.paint(text, colour)}")
    return "\n".join([*lines, ""])


def _rows(
    settings: Settings,
    ports: Mapping[str, int],
    saved_in: Path | None,
    *,
    redis_up: bool,
    alone: bool,
) -> Iterator[tuple[str, str, str]]:
    """Yield a label, a text and its colour for each line."""
    page_port = ports.get("http", ports.get("ws"))
    if page_port is not None:
        yield "Web page", f"{_url(settings, 'http', page_port)}/", CYAN
    label = "Announce"
    for url in announce_urls(settings, ports):
        yield label, url, CYAN
        label = ""
    yield "State", _state(settings, saved_in), ""
    if not redis_up:
        yield "", AWAY, YELLOW
    port = next(iter(ports.values()))
    choice = "" if alone and port == DEFAULT_PORT else f" --port {port}"
    yield "Watch", f"{_program()} status --watch{choice}", ""
    yield "Stop", "Ctrl-C", ""


def _state(settings: Settings, saved_in: Path | None) -> str:
    if settings.redis.url is not None:
        return without_secrets(settings.redis.url.get_secret_value())
    if saved_in is None:
        return PRIVATE
    home = Path("~").expanduser() if "HOME" in os.environ else saved_in
    below = home != saved_in and saved_in.is_relative_to(home)
    return f"{Path('~', saved_in.relative_to(home)) if below else saved_in}{SAVED}"


def _url(settings: Settings, protocol: str, port: int) -> str:
    """Return ``scheme://host`` and the port, unless the scheme implies it."""
    host = settings.listen.host
    name = "localhost" if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    secure = settings.tls.cert is not None and protocol != "udp"
    scheme = f"{protocol}{'s' if secure else ''}"
    return (
        f"{scheme}://{name}" if DEFAULT_PORTS.get(scheme) == port else f"{scheme}://{name}:{port}"
    )


def _program() -> str:
    """Return how this program is called from here: ``tracker`` if it is on PATH."""
    path = Path(sys.argv[0])
    if path.name != "tracker":
        return "tracker"
    found = which("tracker")
    return "tracker" if found and Path(found).resolve() == path.resolve() else str(path)
