"""``tracker scrape``: the counts of swarms."""

import asyncio
from argparse import ArgumentParser, Namespace

from tracker.cli import asking
from tracker.cli.output import print_json, print_table
from tracker.client import ClientError, scrape


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    asking.add_arguments(parser)
    parser.add_argument(
        "info_hashes", nargs="+", metavar="INFO_HASH", type=asking.info_hash,
        help="40 hex or 32 base32 digits, or a magnet link",
    )  # fmt: skip


def run(arguments: Namespace) -> int:
    """Scrape, print the counts; those that the tracker left out are dashes, in JSON null."""
    question = scrape(arguments.url, arguments.info_hashes, arguments.timeout, arguments.family)
    try:
        known = asyncio.run(question)
    except ClientError as error:
        return asking.report(error)
    found = {info_hash.hex(): known.get(info_hash) for info_hash in arguments.info_hashes}
    if arguments.json:
        print_json({name: counts and counts._asdict() for name, counts in found.items()})
        return 0
    head = ("info_hash", "seeders", "leechers", "completed")
    rows = [
        (name, counts.seeders, counts.leechers, counts.completed) if counts
        else (name, None, None, None)
        for name, counts in found.items()
    ]  # fmt: skip
    print_table([head, *rows])
    return 0
