"""``tracker status``: frontends, swarms and Redis servers of a cluster, once or again and again.

It asks Redis alone, so it works from any machine that can reach that.
"""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from rich.console import Console
from rich.live import Live
from rich.text import Text

from tracker import log as logs
from tracker.cli.board import board
from tracker.cli.connection import NO_URL, check_url, connected
from tracker.cli.flags import add_flags, settings_of
from tracker.cli.output import print_json, print_problem
from tracker.cli.overview import Observer, Overview, document
from tracker.errors import Unavailable
from tracker.settings import Settings
from tracker.store.redis_time import redis_time

_REFRESH_S: Final = 2.0
_WIDTH: Final = 160  # characters, where no terminal tells


class _Output(NamedTuple):
    """Where things go to."""

    show: Callable[[Overview], None]
    tell: Callable[[object], None]  # of trouble


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "tracker status [--watch] [--json] [--config FILE] [--SETTING VALUE ...]"
    parser.add_argument(
        "--watch", action="store_true", help=f"again every {_REFRESH_S:g} s, until Ctrl-C"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_flags(parser, ("redis",))


def run(arguments: Namespace) -> int:
    """Look and show."""
    settings = settings_of(arguments)
    if settings is None:
        return 2
    if settings.redis.url is None:
        print_problem(NO_URL)
        return 2
    if not check_url(settings.redis):
        return 2
    logs.configure("error", settings.log.json_lines)
    try:
        with _output(arguments) as output:
            asyncio.run(_look(settings, output, watch=arguments.watch))
    except Unavailable as error:
        print_problem(error)
        return 1
    except KeyboardInterrupt:
        return 0 if arguments.watch else 1
    return 0


async def _look(settings: Settings, output: _Output, *, watch: bool) -> None:
    async with connected(settings.redis) as redis:
        observer = Observer(redis, settings.workers, settings.limits)
        output.show(await observer.look(await redis_time(redis)))
        told = ""
        while watch:
            await asyncio.sleep(_REFRESH_S)
            try:
                output.show(await observer.look(await redis_time(redis)))
                told = ""
            except Unavailable as error:
                if told != str(error):
                    told = str(error)
                    output.tell(error)


@contextmanager
def _output(arguments: Namespace) -> Iterator[_Output]:
    """Prints each overview, or on a terminal puts it in the last one's place."""
    if arguments.json:
        yield _Output(_print_json, print_problem)
        return
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    if not (arguments.watch and console.is_terminal):
        yield _Output(lambda overview: console.print(board(overview)), print_problem)
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        yield _Output(
            lambda overview: live.update(board(overview), refresh=True),
            lambda problem: live.update(Text(str(problem), style="red"), refresh=True),
        )


def _print_json(overview: Overview) -> None:
    """Who reads a pipe gets each at once."""
    print_json(document(overview))
    sys.stdout.flush()
