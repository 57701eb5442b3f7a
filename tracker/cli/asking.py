"""What `announce` and `scrape` have in common: whom to ask, what about, and what went wrong."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from socket import AF_INET, AF_INET6, AF_UNSPEC

from tracker.cli.output import print_problem
from tracker.client import SCHEMES, BadUrl, ClientError, Refused
from tracker.model import InfoHash
from tracker.torrent import TorrentError, parse_info_hash


def add_arguments(parser: ArgumentParser) -> None:
    """Add the tracker's URL, and how to ask it."""
    parser.add_argument("url", metavar="URL", help=f"of the tracker ({', '.join(SCHEMES)})")
    parser.add_argument(
        "--timeout", type=seconds, default=10.0, metavar="SECONDS", help="default: %(default)g"
    )
    family = parser.add_mutually_exclusive_group()
    for flag, value, name in (("--ipv4", AF_INET, "IPv4"), ("--ipv6", AF_INET6, "IPv6")):
        family.add_argument(
            flag, dest="family", action="store_const", const=value, help=f"over {name} only"
        )
    parser.set_defaults(family=AF_UNSPEC)
    parser.add_argument("--json", action="store_true", help="print JSON")


def info_hash(text: str) -> InfoHash:
    """An argument: an info_hash or a magnet link."""
    try:
        return parse_info_hash(text)
    except TorrentError as error:
        raise ArgumentTypeError(str(error)) from error


def seconds(text: str) -> float:
    """An argument: a duration."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise ArgumentTypeError("must be more than 0")
    return value


def number(most: int) -> Callable[[str], int]:
    """The type of an argument: a number from 0 to `most`."""

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) > most:
            raise ArgumentTypeError(f"must be a number from 0 to {most}")
        return int(text)

    return parse


def report(error: ClientError) -> int:
    """Say why there is no answer; the command's exit code."""
    retry_in_s = error.retry_in_s if isinstance(error, Refused) else None
    hint = "" if retry_in_s is None else f" (retry in {retry_in_s} s)"
    print_problem(f"{error.reason}{hint}")
    return 2 if isinstance(error, BadUrl) else 1
