"""``tracker announce``: announces one peer and shows the reply.

The peer is a leecher unless told otherwise, since seeders are not shown each other; nothing is
announced as stopped afterwards.
"""

import asyncio
import secrets
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Final

from tracker.cli import asking
from tracker.cli.output import print_json, print_line, print_table
from tracker.client import AnnounceReply, AnnounceRequest, ClientError, announce
from tracker.model import HASH_SIZE, Event, PeerId

_PREFIX: Final = b"-TC0001-"  # of our peer_ids (BEP 20)


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    asking.add_arguments(parser)
    add = parser.add_argument
    add("info_hash", metavar="INFO_HASH", type=asking.info_hash,
        help="40 hex or 32 base32 digits, or a magnet link")  # fmt: skip
    add("--port", type=asking.number(65535), default=6881, help="of the peer; default: %(default)s")
    add("--event", choices=("started", "completed", "stopped"), help="default: none")
    add("--left", type=asking.number(2**63 - 1), default=1, metavar="BYTES",
        help="still to download; 0: a seeder; default: %(default)s")  # fmt: skip
    add("--numwant", type=asking.number(2**31 - 1), metavar="N", help="peers asked for")
    add("--peer-id", type=_peer_id, help="20 characters or 40 hex digits; default: random")


def run(arguments: Namespace) -> int:
    """Announce, print the reply."""
    request = AnnounceRequest(
        info_hash=arguments.info_hash,
        peer_id=arguments.peer_id or _PREFIX + secrets.token_bytes(HASH_SIZE - len(_PREFIX)),
        port=arguments.port,
        event=Event[arguments.event.upper()] if arguments.event else Event.NONE,
        left=arguments.left,
        numwant=arguments.numwant,
    )
    try:
        reply = asyncio.run(announce(arguments.url, request, arguments.timeout, arguments.family))
    except ClientError as error:
        return asking.report(error)
    if arguments.json:
        print_json({**reply._asdict(), "peers": [peer._asdict() for peer in reply.peers]})
    else:
        _print(reply)
    return 0


def _peer_id(text: str) -> PeerId:
    try:
        raw = bytes.fromhex(text) if len(text) == 2 * HASH_SIZE else text.encode("latin-1")
    except ValueError:
        raw = b""
    if len(raw) != HASH_SIZE:
        raise ArgumentTypeError("a peer_id has 20 characters or 40 hex digits")
    return raw


def _print(reply: AnnounceReply) -> None:
    print_table(
        [
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
