"""``tracker scrape``: the counts of swarms."""

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping

from tracker.cli import asking
from tracker.cli.output import print_json, print_line, print_problem, print_table
from tracker.client import scrape
from tracker.model import Counts, InfoHash


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "tracker scrape [URL] TORRENT ... [OPTIONS]"
    asking.add_arguments(parser, "TORRENT")


def run(arguments: Namespace) -> int:
    """Scrape, print the counts; those that the tracker left out are dashes, in JSON null."""
    try:
        question = asking.question_of(arguments)
    except asking.UsageError as error:
        print_problem(error)
        return 2
    return asyncio.run(_run(question, arguments))


async def _run(question: asking.Question, arguments: Namespace) -> int:
    async def ask(url: str) -> Mapping[InfoHash, Counts]:
        return await scrape(url, question.info_hashes, arguments.timeout, arguments.family)

    answer = await asking.first_answer(question.urls, ask)
    if isinstance(answer, int):
        return answer
    url, known = answer
    found = {info_hash.hex(): known.get(info_hash) for info_hash in question.info_hashes}
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
    if url not in arguments.words:
        print_line()
        print_table([("tracker", url)])
    return 0
