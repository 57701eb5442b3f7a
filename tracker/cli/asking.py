"""What `announce` and `scrape` have in common: which tracker, which torrents, what went wrong."""

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Awaitable, Callable, Sequence
from socket import AF_INET, AF_INET6, AF_UNSPEC
from typing import Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

from tracker.cli import values
from tracker.cli.output import print_problem
from tracker.cli.urls import NoTracker, local_urls
from tracker.client import SCHEMES, BadUrl, ClientError, Refused
from tracker.client.hints import hint_for
from tracker.model import InfoHash
from tracker.torrent import Named, TorrentError, parse_info_hash, read_named

_T = TypeVar("_T")
TORRENT_HELP: Final = (
    "an info_hash (40 or 64 hex digits, or 32 of base32), a .torrent file or a magnet link"
)
_SCHEMES: Final = ", ".join(f"{each}://" for each in SCHEMES)
_URL_EPILOG: Final = f"""\
URL begins with {_SCHEMES}.
Without it, the trackers named in the torrent are asked until one answers; if it
names none, the tracker on this machine is asked."""


class Question(NamedTuple):
    """What is asked, and whom."""

    torrents: tuple[Named, ...]
    urls: tuple[str, ...]  # the first that answers is enough

    @property
    def info_hashes(self) -> list[InfoHash]:
        """The info_hashes of all torrents, each once."""
        return list(
            dict.fromkeys(each for torrent in self.torrents for each in torrent.info_hashes)
        )


class UsageError(Exception):
    """Arguments that cannot be used."""


def add_arguments(parser: ArgumentParser, torrents: str) -> None:
    """Add the arguments; `torrents` is the metavar of the torrents."""
    parser.add_argument("words", nargs="+", metavar=torrents, help=TORRENT_HELP)
    parser.epilog = _URL_EPILOG
    parser.add_argument(
        "--timeout",
        type=values.seconds,
        default=10.0,
        metavar="SECONDS",
        help="default: %(default)g",
    )
    family = parser.add_mutually_exclusive_group()
    for flag, value, name in (("--ipv4", AF_INET, "IPv4"), ("--ipv6", AF_INET6, "IPv6")):
        family.add_argument(
            flag, dest="family", action="store_const", const=value, help=f"over {name} only"
        )
    parser.set_defaults(family=AF_UNSPEC)
    parser.add_argument("--json", action="store_true", help="print JSON")


def question_of(arguments: Namespace) -> Question:
    """Return what the arguments ask.

    Raises:
        UsageError: a word names no torrent, there is no torrent, or there is not one tracker.
    """
    urls = [word for word in arguments.words if "://" in word and not _is_magnet(word)]
    words = [word for word in arguments.words if word not in urls]
    if len(urls) > 1:
        raise UsageError(f"name one tracker, not {len(urls)}: {' '.join(urls)}")
    if not words:
        raise UsageError(f"which torrent? name {TORRENT_HELP}")
    torrents = tuple(map(_named, words))
    if not urls:
        named = dict.fromkeys(url for torrent in torrents for url in torrent.trackers)
        urls = [url for url in named if urlsplit(url).scheme in SCHEMES] or _local()
    return Question(torrents, tuple(urls))


def _named(word: str) -> Named:
    try:
        return read_named(word)
    except TorrentError as error:
        hint = f"; a URL begins with {_SCHEMES}" if ":" in word else ""
        raise UsageError(f"{error}{hint}") from error


def _local() -> list[str]:
    try:
        return local_urls(os.environ)
    except NoTracker as error:
        raise UsageError(f"which tracker? {error}: name its URL") from error


def _is_magnet(word: str) -> bool:
    return word.lower().startswith("magnet:")


async def first_answer(
    urls: Sequence[str], ask: Callable[[str], Awaitable[_T]]
) -> tuple[str, _T] | int:
    """Ask trackers one after another, and print why each of them does not answer.

    Returns:
        The URL that answers and its answer, or the command's exit code.
    """
    code = 1
    for url in urls:
        try:
            return url, await ask(url)
        except ClientError as error:
            place = f"{url}: " if len(urls) > 1 else ""
            print_problem(place + await explain(url, error))
            code = 2 if isinstance(error, BadUrl) else 1
    return code


async def explain(url: str, error: ClientError) -> str:
    """Return why there is no answer, and what to do about it."""
    retry_in_s = error.retry_in_s if isinstance(error, Refused) else None
    retry = "" if retry_in_s is None else f" (retry in {retry_in_s} s)"
    hint = await hint_for(url, error)
    return f"{error.reason}{retry}{'; ' if hint else ''}{hint}"


def info_hash(text: str) -> InfoHash:
    """An argument: an info_hash or a magnet link."""
    try:
        return parse_info_hash(text)
    except TorrentError as error:
        raise ArgumentTypeError(str(error)) from error
