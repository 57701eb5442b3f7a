"""Takes the pictures of commands on a terminal."""

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from tests.shape.files import ROOT
from tests.terminal import Terminal

COLUMNS, LINES = 110, 30  # of the terminal
END = "~ end ~"  # printed after a command that succeeded
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # loaded from elsewhere
SITE = ("tracker.example", 8000)  # of the guides
FILE_BYTES = 48 << 20

# Runs one command. The guide's tracker is the one at a port of this machine.
PROGRAM = """
import socket
from tracker.cli import main

resolve = socket.getaddrinfo
def getaddrinfo(host, port, *rest, **named):
    if (host, port) == {site}:
        host, port = "127.0.0.1", {port}
    return resolve(host, port, *rest, **named)
socket.getaddrinfo = getaddrinfo

if main() == 0:
    print({end!r})
"""


def take_status(redis_url: str, file: Path) -> None:
    """Draw what ``tracker status`` prints."""
    _draw(file, "tracker status", _printed(ROOT, "status", "--redis", redis_url))


def take_torrent(udp_port: int, file: Path) -> None:
    """Draw how a torrent is made, and what the tracker counts once its seeder has announced.

    Args:
        udp_port: of a tracker on this machine.
        file: receives the picture.
    """
    make = ("torrent", "holiday.mp4", "--tracker", "{}:{}".format(*SITE))
    seed = ("announce", "holiday.mp4.torrent", "--left", "0", "--stay")
    look = ("scrape", "holiday.mp4.torrent")
    with TemporaryDirectory() as place:
        directory = Path(place)
        with (directory / "holiday.mp4").open("wb") as holiday:
            holiday.truncate(FILE_BYTES)
        made = _printed(directory, *make, port=udp_port)
        _printed(directory, *seed, port=udp_port)
        counted = _printed(directory, *look, port=udp_port)
    shown = "\n\n".join(
        f"\x1b[1m$ tracker {' '.join(command)}\x1b[0m\n{printed}"
        for command, printed in ((make, made), (look, counted))
    )
    _draw(file, "tracker torrent, tracker scrape", shown)


def _printed(directory: Path, *command: str, port: int = 0) -> str:
    """Return what a command prints on a terminal; it must succeed."""
    program = PROGRAM.format(site=SITE, port=port, end=END)
    environment = {"PYTHONPATH": str(ROOT)}
    with Terminal(
        *("-c", program, *command),
        size=(COLUMNS, LINES),
        environment=environment,
        directory=directory,
    ) as terminal:
        printed = terminal.read_until(END.encode()).decode()
    return printed.partition(END)[0].replace("\r\n", "\n").strip()


def _draw(file: Path, title: str, printed: str) -> None:
    with open(os.devnull, "w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere)
        for line in Text.from_ansi(printed).split("\n", allow_blank=True):
            for row in line.divide(range(COLUMNS, len(line), COLUMNS)):  # as a terminal wraps it
                console.print(row)
        file.write_text(FONT_FACE.sub("", console.export_svg(title=title)))
