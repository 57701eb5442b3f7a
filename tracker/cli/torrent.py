"""``tracker torrent``: writes a .torrent file, prints its info_hash and magnet link."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from urllib.parse import urlsplit

from tracker import torrent
from tracker.cli.output import print_json, print_problem, print_table
from tracker.client import SCHEMES


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("files", nargs="+", type=Path, metavar="FILE", help="file or directory to share; several "
        "go into one torrent, side by side in a directory that --name names")  # fmt: skip
    add("--announce", nargs="+", action="append", required=True, metavar="URL",
        help="trackers, after the files; repeated for a next tier of them")  # fmt: skip
    add("--output", type=Path, metavar="FILE", help="where to write (default: NAME.torrent)")
    add("--name", help="name of the shared file or directory (default: that of FILE)")
    add("--private", action="store_true", help="peers from the trackers only")
    add("--web-seed", action="append", default=[], metavar="URL",
        help="serves the same files over HTTP; may be repeated")  # fmt: skip
    add("--comment", metavar="TEXT", help="free text")
    add("--json", action="store_true", help="print JSON")


def run(arguments: Namespace) -> int:
    """Make it, write it, print what it is called."""
    trackers = [url for tier in arguments.announce for url in tier]
    for url in trackers:
        if urlsplit(url).scheme not in SCHEMES:
            print_problem(f"{url} is no tracker's URL ({', '.join(SCHEMES)}); files come first")
            return 2
    try:
        made = torrent.create(
            arguments.files,
            arguments.announce,
            name=arguments.name,
            private=arguments.private,
            web_seeds=arguments.web_seed,
            comment=arguments.comment,
        )
        output = arguments.output or Path(f"{made.name}.torrent")
        output.write_bytes(made.content)
    except (torrent.TorrentError, OSError) as error:
        print_problem(error)
        return 1
    link = torrent.magnet(made.info_hash, made.name, trackers, arguments.web_seed)
    facts = {"file": str(output), "info_hash": made.info_hash.hex(), "magnet": link}
    if arguments.json:
        print_json(facts)
    else:
        print_table(facts.items())
    return 0
