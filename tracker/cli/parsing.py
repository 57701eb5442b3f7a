"""The command line: its commands, its help, and its errors for wrong ones.

Each command is a module of this package with two functions: ``configure(parser)`` adds its
arguments, ``run(arguments) -> int`` runs it and returns the exit code. Only the module of the
command in question is imported, so that a scrape does not wait for the server's libraries.
"""

import shlex
from argparse import (
    SUPPRESS,
    Action,
    ArgumentError,
    ArgumentParser,
    Namespace,
    RawDescriptionHelpFormatter,
    _ArgumentGroup,
    _SubParsersAction,
)
from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from typing import Any, Final, NoReturn, Protocol, cast

from tracker import __version__
from tracker.cli.output import print_problem
from tracker.text import did_you_mean

COMMANDS: Final = {
    "serve": "run a tracker",
    "workers": "run the background jobs of a cluster",
    "forward": "balance UDP datagrams over the frontends of a cluster",
    "torrent": "write a .torrent file and print its magnet link",
    "announce": "announce to a tracker and show its reply",
    "scrape": "ask a tracker for the counts of swarms",
    "status": "show the frontends, swarms and Redis servers of a cluster",
    "access": "show and edit the lists of torrents to allow and to deny",
    "health": "ask a running tracker whether it is ready",
    "settings": "list all settings",
    "completion": "print the completion script of a shell",
    "version": "print the version",
}
HELP: Final = "help"  # `tracker help COMMAND` is `tracker COMMAND --help`
_SUGGESTED: Final = 3  # options, at most
_LISTED: Final = 6  # choices, at most


class Command(Protocol):
    """The module of a command."""

    def configure(self, parser: ArgumentParser) -> None:
        """Add its arguments."""

    def run(self, arguments: Namespace) -> int:
        """Run it and return the exit code."""


class _Formatter(RawDescriptionHelpFormatter):
    """Help with room for long names, and commands without a title that says nothing."""

    def __init__(self, **options: object) -> None:
        super().__init__(**cast(Any, {"max_help_position": 28, **options}))

    def _format_action(self, action: Action) -> str:
        if isinstance(action, _SubParsersAction):
            return "".join(map(self._format_action, action._get_subactions()))  # noqa: SLF001
        return super()._format_action(action)


class Parser(ArgumentParser):
    """A parser whose errors are one line, with a suggestion where a known name is similar."""

    def __init__(self, **options: object) -> None:
        defaults = {"allow_abbrev": False, "formatter_class": _Formatter}
        super().__init__(**cast(Any, {**defaults, **options}))

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and where help is; exit with 2."""
        print_problem(f"{message}; see `{self.prog} --help`")
        self.exit(2)

    def _check_value(self, action: Action, value: object) -> None:
        choices = cast("Collection[str] | None", action.choices)
        if choices is None or value in choices:
            return
        near = did_you_mean(str(value), choices)
        if isinstance(action, _SubParsersAction):
            kind = str(action.metavar).lower()
            near = near or self._example(str(value), choices)
            raise ArgumentError(None, f"unknown {kind} {value!r}{near}")
        raise ArgumentError(action, f"{value!r} is not one of {', '.join(choices)}{near}")

    def _example(self, value: str, choices: Collection[str]) -> str:
        """Return a remark with the choices, for a value before which one of them is missing."""
        if len(choices) > _LISTED:
            return ""
        *others, last = choices
        example = f"{self.prog} {last} {shlex.quote(value)}"
        return f": name one of {', '.join([*others, last])}, as in `{example}`"


class HelpAll(Action):
    """Shows the options too that ``--help`` hides."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:  # noqa: A002
        super().__init__(option_strings, dest=dest, default=SUPPRESS, nargs=0, help=help)
        self._hidden: list[tuple[object, str, str | None]] = []

    def hide(self, group: _ArgumentGroup) -> None:
        """Hide a group with all its options."""
        self._hide(group, "description")
        for each in _actions(group):
            self._hide(each, "help")

    def _hide(self, thing: object, name: str) -> None:
        self._hidden.append((thing, name, getattr(thing, name)))
        setattr(thing, name, SUPPRESS)

    def reveal(self) -> None:
        """Show everything from now on."""
        for thing, name, text in self._hidden:
            setattr(thing, name, text)

    def __call__(self, parser: ArgumentParser, *_: object) -> NoReturn:
        """Print all help and exit."""
        self.reveal()
        parser.print_help()
        parser.exit()


def parse(words: Sequence[str]) -> Namespace | None:
    """Parse a command line, without the program's name; None: no command, the help is printed.

    A leading ``tracker`` is the program's name once more, as in ``docker run IMAGE tracker
    workers``: the image's entry point is the program already.

    Raises:
        SystemExit: from argparse, for ``--help``, ``--version`` and usage errors (2).
    """
    given = list(words)
    if given[:1] == ["tracker"]:
        del given[0]
    if given[:1] == [HELP]:
        given = [*given[1:], "--help"]
    parser, commands = _main_parser()
    if not given:
        parser.print_help()
        return None
    _check_first(parser, given[0])
    name = given[0] if given[0] in COMMANDS else None
    if name:
        load(name).configure(commands.choices[name])
    arguments, unknown = parser.parse_known_args(given)
    if name:
        _take_in(unknown, arguments, commands.choices[name])
    return arguments


def load(name: str) -> Command:
    """Import the module of a command."""
    return cast(Command, import_module(f"tracker.cli.{name}"))


def configured() -> Parser:
    """Return the parser of all commands, each with its options, none of which is hidden."""
    parser, commands = _main_parser()
    for name in COMMANDS:
        load(name).configure(commands.choices[name])
    for each in _parsers(parser):
        for action in each._actions:  # noqa: SLF001 - argparse has no public name for it
            if isinstance(action, HelpAll):
                action.reveal()
    return parser


def option_names(parser: ArgumentParser) -> set[str]:
    """Return the options of a command and of what is below it, as in ``tracker access deny``."""
    names = (each._option_string_actions for each in _parsers(parser))  # noqa: SLF001
    return set().union(*names)


def subcommands(parser: ArgumentParser) -> dict[str, ArgumentParser]:
    """Return the parsers below a parser, by name."""
    groups = (each for each in _actions(parser) if isinstance(each, _SubParsersAction))
    return {name: below for group in groups for name, below in group.choices.items()}


def _parsers(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    yield parser
    for below in subcommands(parser).values():
        yield from _parsers(below)


def _actions(container: ArgumentParser | _ArgumentGroup) -> list[Action]:
    if isinstance(container, ArgumentParser):
        return container._actions  # noqa: SLF001 - argparse has no public name for it
    return container._group_actions  # noqa: SLF001


def _main_parser() -> "tuple[Parser, _SubParsersAction[Parser]]":
    parser = Parser(
        prog="tracker",
        usage="tracker COMMAND [OPTIONS]",
        description="A BitTorrent tracker for HTTP, UDP and WebTorrent on one port.",
        epilog="Start with `tracker serve`. `tracker help COMMAND` shows a command's options.",
    )
    parser.add_argument("--version", action="version", version=f"tracker {__version__}")
    parser._positionals.title = "commands"  # noqa: SLF001 - a new group would be the last
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, summary in COMMANDS.items():
        description = f"{summary[0].upper()}{summary[1:]}."
        commands.add_parser(name, prog=f"tracker {name}", help=summary, description=description)
    commands.add_parser(HELP, help="show this help, or that of a command")
    return parser, commands


def _check_first(parser: Parser, word: str) -> None:
    if word.startswith("-") and word.partition("=")[0] not in option_names(parser):
        parser.error(
            f"unknown option {word}: options follow a command, as in `tracker serve {word}`"
        )


def _take_in(unknown: Sequence[str], arguments: Namespace, parser: Parser) -> None:
    """Add words that stand after options, which argparse leaves over, to the list ``words``."""
    for word in unknown:
        if word.startswith("-"):
            parser.error(_unknown_option(word, option_names(parser)))
    if unknown and "words" not in arguments:
        parser.error(f"unexpected argument {unknown[0]!r}")
    if unknown:
        arguments.words += unknown


def _unknown_option(word: str, known: Collection[str]) -> str:
    name = word.partition("=")[0]
    plain = "--" + name.strip("-").replace("_", "-").replace(".", "-").lower()
    # `--interval` is more likely the end of a longer name than a name that is spelled similarly.
    longer = sorted((each for each in known if each.endswith(plain[1:])), key=len)[:_SUGGESTED]
    near = f" (did you mean {' or '.join(longer)}?)" if longer else did_you_mean(plain, known)
    return f"unknown option {name}{near}"
