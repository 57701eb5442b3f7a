"""``tracker settings``: every setting as a table, as JSON, or as a TOML file to start from.

On a terminal each setting has lines of its own instead of a row, which would be too wide.
"""

import json
import os
import sys
import textwrap
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Final

from tracker.cli.output import print_json, print_line, print_table
from tracker.config import ENTRIES, Entry, section_type
from tracker.terminal import BOLD, DIM, Terminal

INDENT: Final = " " * 6


def configure(parser: ArgumentParser) -> None:
    """Add the choice of a format."""
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="as JSON")
    formats.add_argument("--toml", action="store_true", help="as a TOML file of the defaults")


def run(arguments: Namespace) -> int:
    """Print them."""
    if arguments.json:
        print_json([_as_json(entry) for entry in ENTRIES])
    elif arguments.toml:
        for line in _toml_lines():
            print_line(line)
    elif sys.stdout.isatty():
        for line in _paragraphs(Terminal(sys.stdout, os.environ)):
            print_line(line)
    else:
        head = ("environment", "flag", "default", "meaning")
        rows = [(e.variable, e.flag, default_text(e), e.info.description) for e in ENTRIES]
        print_table([head, *rows])
    return 0


def _paragraphs(terminal: Terminal) -> Iterator[str]:
    """Yield the settings of each section, wrapped to the width of the terminal."""
    for section, entries in groupby(ENTRIES, attrgetter("section")):
        yield from textwrap.wrap(f"{section}: {section_type(section).__doc__}", terminal.width)
        for entry in entries:
            head = f"{entry.flag} (default: {default_text(entry)})"
            first, *rest = _wrapped(head, "  ", terminal.width)
            yield ""
            yield first.replace(entry.flag, terminal.paint(entry.flag, BOLD), 1)
            yield from rest
            yield from _wrapped(str(entry.info.description), INDENT, terminal.width)
            yield INDENT + terminal.paint(entry.variable, DIM)
        yield ""


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    """Return lines that fit; `indent` is of the first one."""
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=INDENT, break_on_hyphens=False
    )


def default_text(entry: Entry) -> str:
    """A default as one would write it in the environment; ``none`` or ``empty`` for nothing."""
    match entry.default:
        case None:
            return "none"
        case "" | []:
            return "empty"
        case bool(value):
            return str(value).lower()
        case list(values):
            return ",".join(values)
        case value:
            return str(value)


def _as_json(entry: Entry) -> dict[str, object]:
    return {
        "name": entry.name,
        "environment": entry.variable,
        "flag": entry.flag,
        "default": entry.default,
        "meaning": entry.info.description,
    }


def _toml_lines() -> Iterator[str]:
    yield "# Settings of the tracker, each with its default."
    for section, entries in groupby(ENTRIES, attrgetter("section")):
        yield ""
        yield f"# {section_type(section).__doc__}"
        yield f"[{section}]"
        for entry in entries:
            yield f"# {entry.info.description} ({entry.variable})"
            yield _toml_line(entry)


def _toml_line(entry: Entry) -> str:
    if entry.default is None:  # TOML has no word for it
        return f"# {entry.field} ="
    # JSON's strings, numbers, booleans and lists are TOML's too.
    return f"{entry.field} = {json.dumps(entry.default)}"
