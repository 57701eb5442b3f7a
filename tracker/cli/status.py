"""``tracker status``: frontends, swarms and Redis servers of a cluster, once or again and again.

It asks Redis alone, so it works from any machine that can reach that.
"""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.text import Text

from tracker import log as logs
from tracker.cli.board import board, footer
from tracker.cli.connection import check_url, connected, redis_settings
from tracker.cli.flags import add_flags, settings_of
from tracker.cli.here import add_port_flag
from tracker.cli.output import print_json, print_problem
from tracker.cli.overview import Observer, Overview, document
from tracker.cli.screen import Screen
from tracker.errors import Unavailable
from tracker.settings import RedisSettings, Settings
from tracker.store.redis_time import redis_time
from tracker.store.topology import Redis

_REFRESH_S: Final = 2.0
_WIDTH: Final = 160  # characters, where there is no terminal


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "tracker status [--watch] [--json] [OPTIONS]"
    parser.add_argument(
        "--watch", action="store_true", help=f"again every {_REFRESH_S:g} s, until q or Ctrl-C"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_port_flag(parser)
    add_flags(parser, ("redis",))


def run(arguments: Namespace) -> int:
    """Look and show."""
    settings = settings_of(arguments)
    redis = redis_settings(arguments, settings) if settings else None
    if settings is None or redis is None or not check_url(redis):
        return 2
    logs.configure("error", settings.log.json_lines)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    whole = console.is_terminal and not console.is_dumb_terminal
    try:
        if arguments.watch and whole and not arguments.json:
            asyncio.run(_fill_screen(settings, redis, console))
        else:
            show = _print_json if arguments.json else _printer(console)
            asyncio.run(_print(settings, redis, show, watch=arguments.watch))
    except Unavailable as error:
        print_problem(error)
        return 1
    except KeyboardInterrupt:
        return 0 if arguments.watch else 1
    return 0


async def _print(
    settings: Settings, to: RedisSettings, show: Callable[[Overview], None], *, watch: bool
) -> None:
    """Show the cluster one below the other."""
    async with connected(to) as redis:
        observer = Observer(redis, settings.workers, settings.limits)
        show(await observer.look(await redis_time(redis)))
        told = ""
        while watch:
            await asyncio.sleep(_REFRESH_S)
            try:
                show(await observer.look(await redis_time(redis)))
                told = ""
            except Unavailable as error:
                if told != str(error):
                    told = str(error)
                    print_problem(error)


async def _fill_screen(settings: Settings, to: RedisSettings, console: Console) -> None:
    """Show the cluster on the whole screen until the user ends it."""
    async with connected(to) as redis:
        observer = Observer(redis, settings.workers, settings.limits)
        watch = _Watch(redis, observer, await observer.look(await redis_time(redis)), console)
        await watch.run()


class _Watch:
    """What is on the screen, and its renewal."""

    def __init__(
        self, redis: Redis, observer: Observer, overview: Overview, console: Console
    ) -> None:
        self._redis = redis
        self._observer = observer
        self._overview = overview
        self._problem = ""
        self._screen = Screen(console, self._lines)

    async def run(self) -> None:
        """Return when the user ends it."""
        renewal = asyncio.create_task(self._renew())
        with self._screen.opened(renewal.cancel):
            await asyncio.wait((renewal,))
        if not renewal.cancelled():
            renewal.result()

    async def _renew(self) -> None:
        while True:
            self._screen.show()
            await asyncio.sleep(_REFRESH_S)
            try:
                self._overview = await self._observer.look(await redis_time(self._redis))
                self._problem = ""
            except Unavailable as error:
                self._problem = str(error)

    def _lines(self, width: int, height: int) -> list[Text]:
        body = board(self._overview, width, height - 1, self._problem)
        body += [Text()] * (height - 1 - len(body))
        keys = "q quits" if self._screen.has_keys else "Ctrl-C quits"
        return [*body[: height - 1], footer(self._overview.at, width, keys)]


def _printer(console: Console) -> Callable[[Overview], None]:
    def show(overview: Overview) -> None:
        for line in board(overview, console.width):
            console.print(line)

    return show


def _print_json(overview: Overview) -> None:
    """Print one document, which a reader of a pipe gets at once."""
    print_json(document(overview))
    sys.stdout.flush()
