"""The ``tracker`` command. Exit codes: 0 after success, 2 for bad usage or settings, 1 otherwise.

Each command is a module of this package with two functions: ``configure(parser)`` adds its
arguments, ``run(arguments) -> int`` does it. Only the module of the command that was asked for
is imported, so that a scrape does not wait for the server's libraries.
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Final, Protocol, cast

from tracker import __version__

_COMMANDS: Final = {
    "serve": "run a tracker",
    "workers": "run the background jobs of a cluster",
    "forward": "balance UDP datagrams over the frontends of a cluster",
    "announce": "announce to a tracker and show its reply",
    "scrape": "ask a tracker for the counts of swarms",
    "torrent": "write a .torrent file and print its magnet link",
    "access": "show and edit the lists of torrents to allow and to deny",
    "status": "show the frontends, swarms and Redis servers of a cluster",
    "health": "ask a running tracker how it is",
    "settings": "list all settings",
}


class _Command(Protocol):
    def configure(self, parser: ArgumentParser) -> None: ...

    def run(self, arguments: Namespace) -> int: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; `argv` without the program's name, None: that of the process.

    Raises:
        SystemExit: from argparse, for ``--help``, ``--version`` and usage errors (2).
    """
    try:  # parsing imports the command's module, which takes long enough for a Ctrl-C
        arguments = _parse(sys.argv[1:] if argv is None else argv)
        code = _command(arguments.command).run(arguments)
        sys.stdout.flush()  # here, where a closed pipe can be dealt with
    except KeyboardInterrupt:
        return 1
    except BrokenPipeError:
        # Whoever read has left. What is unsent must not fail again when the interpreter exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _parse(argv: Sequence[str]) -> Namespace:
    parser = ArgumentParser("tracker", description="A BitTorrent tracker.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"tracker {__version__}")
    known: list[str] = []
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in _COMMANDS.items():
        subparser = commands.add_parser(
            name, help=summary, description=f"{summary.capitalize()}.", allow_abbrev=False
        )
        if name in argv:
            _command(name).configure(subparser)
            known += subparser._option_string_actions  # noqa: SLF001 - there is no public name
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        near = get_close_matches(unknown[0].partition("=")[0], known, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    return arguments


def _command(name: str) -> _Command:
    return cast(_Command, import_module(f"tracker.cli.{name}"))
