"""``tracker torrent``: writes a .torrent file, prints its info_hash and magnet link."""

import os
import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tracker import torrent
from tracker.cli.output import print_json, print_line, print_problem, print_table
from tracker.cli.urls import NoTracker, are_local, local_urls, urls_of
from tracker.client import SCHEMES
from tracker.text import printable
from tracker.torrent.model import Progress
from tracker.torrent.writing import check_free, write_whole

_LARGE: Final = 256 * 1024 * 1024  # bytes that take long enough for a progress bar
_LONGEST_NAME: Final = 24  # characters, beside other text on a line
_VERSIONS: Final = {
    torrent.Version.V1: "for all clients (the default)",
    torrent.Version.V2: "for clients of BitTorrent v2 only",
    torrent.Version.HYBRID: "for both",
}
_EPILOG: Final = """\
Version 1 is the default because every client reads it. Version 2 and hybrid
torrents (BEP 52) are for clients with libtorrent 2, such as qBittorrent and
Deluge. rtorrent and WebTorrent use the part of version 1 of a hybrid torrent;
aria2 1.36 and Transmission 3 cannot read it.

example:
  tracker torrent holiday.mp4 --tracker tracker.example:8000"""


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "tracker torrent FILE ... [OPTIONS]"
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("words", nargs="+", metavar="FILE", help="file or directory to share; several go into one "
        "torrent, side by side in a directory that --name names")  # fmt: skip
    add("--tracker", action="append", default=[], metavar="HOST:PORT",
        help="tracker to announce to over HTTP, UDP and WebSocket, each in a tier of its own; "
        "may be repeated; default: the tracker on this machine")  # fmt: skip
    add("--announce", nargs="+", action="append", default=[], metavar="URL",
        help="announce URLs of one tier; may be repeated; FILE comes first")  # fmt: skip
    version = parser.add_mutually_exclusive_group()
    for each, about in _VERSIONS.items():
        version.add_argument(
            f"--{each.value}", dest="version", action="store_const", const=each, help=about
        )
    parser.set_defaults(version=torrent.Version.V1)
    add("--output", type=Path, metavar="FILE", help="where to write (default: NAME.torrent)")
    add("--force", action="store_true", help="overwrite that file")
    add("--name", help="name of the shared file or directory (default: that of FILE)")
    add("--private", action="store_true", help="peers from the trackers only (BEP 27)")
    add("--web-seed", action="append", default=[], metavar="URL",
        help="serves the same files over HTTP; may be repeated")  # fmt: skip
    add("--comment", metavar="TEXT", help="free text")
    add("--json", action="store_true", help="print JSON")


def run(arguments: Namespace) -> int:
    """Make it, write it, print what it is called."""
    try:
        tiers = _tiers(arguments)
    except ValueError as error:
        print_problem(error)
        return 2
    try:
        for word in arguments.words:
            Path(word).lstat()  # a missing file is reported before a missing tracker
        tiers = tiers or [[url] for url in local_urls(os.environ)]
        made, output = _make(arguments, tiers)
    except NoTracker as error:
        print_problem(f"which tracker? {error}: name one with --tracker HOST:PORT")
        return 2
    except torrent.TorrentError as error:
        print_problem(error)
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print_problem(f"{place}{error.strerror or error}")
        return 1
    _report(arguments, made, output, [url for tier in tiers for url in tier])
    return 0


def _tiers(arguments: Namespace) -> list[list[str]]:
    """Return the tiers of the trackers that flags name.

    Raises:
        ValueError: one cannot be a tracker.
    """
    tiers: list[list[str]] = [list(tier) for tier in arguments.announce]
    for url in (url for tier in tiers for url in tier):
        if urlsplit(url).scheme not in SCHEMES:
            schemes = ", ".join(SCHEMES)
            raise ValueError(f"{url} is not the URL of a tracker ({schemes}); FILE comes first")
    return tiers + [[url] for host_port in arguments.tracker for url in urls_of(host_port)]


def _make(arguments: Namespace, tiers: list[list[str]]) -> tuple[torrent.Torrent, Path]:
    sources = [Path(word) for word in arguments.words]
    name = torrent.name_of(sources, arguments.name)
    output = arguments.output or Path(f"{name}.torrent")
    if not arguments.force:
        check_free(output)  # before the work, too
    shared = torrent.collect(sources, name, leave_out=output)
    with _progress(shared, quiet=arguments.json) as progress:
        made = torrent.create(
            shared,
            tiers,
            arguments.version,
            private=arguments.private,
            web_seeds=arguments.web_seed,
            comment=arguments.comment,
            progress=progress,
        )
    write_whole(output, made.content, force=arguments.force)
    if shared.empty_directories:
        print_problem(f"left out, because a torrent holds files only: {_empty(shared)}")
    return made, output


def _empty(shared: torrent.Shared) -> str:
    count = shared.empty_directories
    return f"{count} empty {'directory' if count == 1 else 'directories'}"


@contextmanager
def _progress(shared: torrent.Shared, *, quiet: bool) -> Iterator[Progress]:
    """Show a bar while much is hashed, on standard error if that is a terminal."""
    if quiet or shared.size < _LARGE or not sys.stderr.isatty():
        yield lambda size: None
        return
    from rich import progress  # noqa: PLC0415 - takes long to import, for a small file
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True, highlight=False)
    if console.is_dumb_terminal:
        yield lambda size: None
        return
    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(bar_width=None),
        progress.TaskProgressColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, transient=True, expand=True) as bar:
        task = bar.add_task(printable(shared.name, _LONGEST_NAME), total=shared.size)
        yield lambda size: bar.advance(task, size)


def _report(arguments: Namespace, made: torrent.Torrent, output: Path, trackers: list[str]) -> None:
    link = torrent.magnet(made.info_hashes, made.name, trackers, arguments.web_seed)
    facts = {"file": str(output), "info_hash": made.info_hash.hex()}
    if arguments.version.has_v2:
        facts["info_hash_v2"] = made.info_hashes[-1].hex()
    facts["magnet"] = link
    if arguments.json:
        print_json(facts)
    else:
        print_table((name.replace("_v2", " v2"), value) for name, value in facts.items())
        print_line()
        for line in _next_steps(made, output):
            print_line(printable(line))
    if are_local(trackers):
        print_problem(
            "only this machine reaches the trackers in it: pass --tracker HOST:PORT with the name "
            "or the address under which others reach the tracker"
        )


def _next_steps(made: torrent.Torrent, output: Path) -> Iterator[str]:
    name = printable(made.name, _LONGEST_NAME)
    yield f"Seed it: open {output} in a BitTorrent client, next to {name}."
    yield "Share it: give others that file or the magnet link while your client runs."
    yield f"Look: tracker scrape {shlex.quote(str(output))}"
