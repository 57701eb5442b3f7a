"""A flag for each setting, and the settings that flags, environment and files make together."""

import os
import textwrap
from argparse import Action, ArgumentParser, BooleanOptionalAction, Namespace, _ArgumentGroup
from collections.abc import Collection, Container
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from tracker.cli.output import print_problem
from tracker.cli.parsing import HelpAll
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
PATHS: Final = ("FILE", "DIR")  # metavars of options whose values are paths
_FILES: Final = ("tls.cert", "tls.key", "access.allow", "access.deny")
_WIDTH: Final = 76  # characters of a line
_ALL: Final = frozenset(Settings.model_fields)
_SOURCES: Final = f"""\
Settings come from flags, then from the environment, then from files in the
directory that {SECRETS_VARIABLE} names, then from the TOML file.
`tracker settings` lists them all."""


class _Joined(Action):
    """The flag of a list: given again, it adds to the list."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Append the values to those given before."""
        before = getattr(namespace, self.dest)
        setattr(namespace, self.dest, values if before is None else f"{before},{values}")


def add_flags(
    parser: ArgumentParser,
    sections: Container[str] = _ALL,
    common: Collection[str] = ("redis.url",),
    examples: str = "",
) -> None:
    """Add the flags of some sections; other settings come from elsewhere.

    Args:
        parser: of the command.
        sections: names of sections.
        common: names of the settings that ``--help`` shows; ``--help-all`` shows all.
        examples: lines that begin the end of the help.
    """
    parser.epilog = f"{examples}\n{_SOURCES}" if examples else _SOURCES
    help_all = parser.add_argument("--help-all", action=HelpAll, help="show all options and exit")
    assert isinstance(help_all, HelpAll), "its own class"
    settings = parser.add_argument_group("settings")
    settings.add_argument(
        "--config", type=Path, metavar="FILE", help=f"TOML file of settings ({CONFIG_VARIABLE})"
    )
    by_name = {entry.name: entry for entry in ENTRIES if entry.section in sections}
    for name in common:
        if name in by_name:
            _add_flag(settings, by_name[name])
    for section, entries in groupby(ENTRIES, attrgetter("section")):
        if section in sections:
            about = textwrap.fill(section_type(section).__doc__ or "", _WIDTH)
            group = parser.add_argument_group(section, about)
            for entry in entries:
                if entry.name not in common:
                    _add_flag(group, entry)
            help_all.hide(group)


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
        else {"metavar": "FILE" if entry.name in _FILES else _last_word(entry.field)}
    )
    if entry.is_list:
        shape["action"] = _Joined
    default = "" if entry.default in (None, "", []) else f"default: {default_text(entry)}; "
    help_ = f"{entry.info.description} ({default}{entry.variable})"
    group.add_argument(
        *_ALIASES.get(entry.name, []),
        entry.flag,
        dest=entry.name,
        default=None,  # not given: another source may say
        help=help_.replace("%", "%%"),
        **shape,
    )


def _last_word(field: str) -> str:
    return field.rpartition("_")[2].upper()
