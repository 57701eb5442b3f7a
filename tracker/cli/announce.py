"""``tracker announce``: announces one peer, shows the reply, and takes the peer out again.

The peer is a leecher by default, because trackers do not return seeders to seeders.
"""

import asyncio
import secrets
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Final
from urllib.parse import urlsplit

from tracker.cli import asking
from tracker.cli.output import print_json, print_line, print_problem, print_table
from tracker.cli.values import number
from tracker.client import AnnounceReply, AnnounceRequest, ClientError, announce
from tracker.model import HASH_SIZE, Event, PeerId

_PREFIX: Final = b"-TC0001-"  # of our peer_ids (BEP 20)


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "tracker announce [URL] TORRENT [OPTIONS]"
    asking.add_arguments(parser, "TORRENT")
    add = parser.add_argument
    add("--port", type=number(65535), default=6881,
        help="of the peer; default: %(default)s")  # fmt: skip
    add("--event", choices=("started", "completed", "stopped"), metavar="EVENT",
        help="started, completed or stopped; default: none")  # fmt: skip
    add("--stay", action="store_true",
        help="leave the peer in the swarm; otherwise it stops after the reply")  # fmt: skip
    add("--left", type=number(2**63 - 1), default=1, metavar="BYTES",
        help="still to download; 0: a seeder; default: %(default)s")  # fmt: skip
    add("--numwant", type=number(2**31 - 1), metavar="N", help="peers asked for")
    add("--peer-id", type=_peer_id, help="20 characters or 40 hex digits; default: random")


def run(arguments: Namespace) -> int:
    """Announce, print the reply, and announce that the peer has stopped."""
    try:
        question = asking.question_of(arguments)
        if len(question.torrents) > 1:
            raise asking.UsageError("announce to one swarm at a time")  # noqa: TRY301
    except asking.UsageError as error:
        print_problem(error)
        return 2
    request = AnnounceRequest(
        info_hash=question.info_hashes[0],
        peer_id=arguments.peer_id or _PREFIX + secrets.token_bytes(HASH_SIZE - len(_PREFIX)),
        port=arguments.port,
        event=Event[arguments.event.upper()] if arguments.event else Event.NONE,
        left=arguments.left,
        numwant=arguments.numwant,
    )
    return asyncio.run(_run(question, request, arguments))


async def _run(question: asking.Question, request: AnnounceRequest, arguments: Namespace) -> int:
    async def ask(url: str) -> AnnounceReply:
        return await announce(url, request, arguments.timeout, arguments.family)

    answer = await asking.first_answer(question.urls, ask)
    if isinstance(answer, int):
        return answer
    url, reply = answer
    if arguments.json:
        peers = [peer._asdict() for peer in reply.peers]
        print_json({"tracker": url, **reply._asdict(), "peers": peers})
    else:
        _print(reply, None if url in arguments.words else url)
    # Over WebSocket the entry has gone with the connection.
    if arguments.stay or request.event is Event.STOPPED or urlsplit(url).scheme in ("ws", "wss"):
        return 0
    last = request._replace(event=Event.STOPPED, numwant=0)
    try:
        await announce(url, last, arguments.timeout, arguments.family)
    except ClientError as error:
        reason = await asking.explain(url, error)
        print_problem(f"the peer stays in the swarm until it expires: {reason}")
        return 1
    return 0


def _peer_id(text: str) -> PeerId:
    try:
        raw = bytes.fromhex(text) if len(text) == 2 * HASH_SIZE else text.encode("latin-1")
    except ValueError:
        raw = b""
    if len(raw) != HASH_SIZE:
        raise ArgumentTypeError("a peer_id has 20 characters or 40 hex digits")
    return raw


def _print(reply: AnnounceReply, url: str | None) -> None:
    print_table(
        [
            *([("tracker", url)] if url else []),
            ("interval", f"{reply.interval_s} s"),
            ("min interval", None if reply.min_interval_s is None else f"{reply.min_interval_s} s"),
            ("seeders", reply.seeders),
            ("leechers", reply.leechers),
            ("completed", reply.completed),
            ("external ip", reply.external_ip),
            ("warning", reply.warning),
            ("peers", len(reply.peers)),
        ]
    )
    if reply.peers:
        print_line()
        print_table([("host", "port"), *reply.peers])
