"""A flag for each setting, and the settings that flags, environment and files make together."""

import os
from argparse import ArgumentParser, BooleanOptionalAction, Namespace, _ArgumentGroup
from collections.abc import Container
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from tracker.cli.output import print_problem
from tracker.cli.settings import default_text
from tracker.config import (
    CONFIG_VARIABLE,
    ENTRIES,
    SECRETS_VARIABLE,
    ConfigError,
    Entry,
    load,
    section_type,
)
from tracker.settings import AccessSettings, Settings

_ALIASES: Final = {"redis.url": ["--redis"], "redis.embedded_keep": ["--keep"]}
_ALL: Final = frozenset(Settings.model_fields)


def add_flags(parser: ArgumentParser, sections: Container[str] = _ALL) -> None:
    """Add the flags of these sections, grouped; other settings come from elsewhere."""
    parser.epilog = (
        "Settings come from flags, the environment, files in the directory that "
        f"{SECRETS_VARIABLE} names, and a TOML file, in this order of weight. "
        "`tracker settings` lists them."
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"TOML file ({CONFIG_VARIABLE})"
    )
    for section, entries in groupby(ENTRIES, attrgetter("section")):
        if section in sections:
            group = parser.add_argument_group(section, section_type(section).__doc__)
            for entry in entries:
                _add_flag(group, entry)


def settings_of(arguments: Namespace) -> Settings | None:
    """What all sources say together; None, after telling why, if they can't be used."""
    given = vars(arguments)
    flags = {e.name: given[e.name] for e in ENTRIES if given.get(e.name) is not None}
    try:
        return load(flags, os.environ, arguments.config)
    except ConfigError as error:
        for problem in error.problems:
            print_problem(problem)
        return None


def lists_exist(settings: AccessSettings) -> bool:
    """Return whether all files of access lists exist; print those that do not.

    URLs pass: their servers may answer later.
    """
    missing = False
    for entry in ENTRIES:
        place = {"access.allow": settings.allow, "access.deny": settings.deny}.get(entry.name)
        if place and not place.startswith(("http://", "https://")) and not Path(place).exists():
            print_problem(
                f"{entry.name} = {place!r} ({entry.flag}, {entry.variable}): no such file: "
                "create it, even if it is empty, or correct the path"
            )
            missing = True
    return not missing


def _add_flag(group: _ArgumentGroup, entry: Entry) -> None:
    shape: dict[str, Any] = (
        {"action": BooleanOptionalAction}
        if entry.info.annotation is bool
        else {"metavar": entry.field.upper()}
    )
    help_ = f"{entry.info.description} (default: {default_text(entry)}; {entry.variable})"
    group.add_argument(
        *_ALIASES.get(entry.name, []),
        entry.flag,
        dest=entry.name,
        default=None,  # not given: another source may say
        help=help_.replace("%", "%%"),
        **shape,
    )
