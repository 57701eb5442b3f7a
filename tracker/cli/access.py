"""``tracker access``: shows the access lists, and edits those that are made by hand.

Lists of files are published by the background jobs, as the settings say; these here are in Redis
alone. Frontends follow within `cluster.heartbeat` seconds.
"""

import asyncio
import secrets
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from tracker import log as logs
from tracker.cli import asking
from tracker.cli.connection import connected, redis_settings
from tracker.cli.flags import add_flags, settings_of
from tracker.cli.here import add_port_flag
from tracker.cli.output import print_json, print_line, print_problem, print_table
from tracker.errors import Denied, TrackerError, Unavailable
from tracker.model import InfoHash
from tracker.policy.access import KINDS, LIST_NAMES, AccessLists, Hashes, ListName
from tracker.settings import Settings, WorkersSettings
from tracker.store.access import MANUAL_LEASE, AccessReader, AccessStore
from tracker.store.leases import Leases
from tracker.store.topology import Redis
from workers.access import read_list

_Parsers: TypeAlias = "_SubParsersAction[ArgumentParser]"

_WAIT_S: Final = 5.0  # for others who edit
_PAUSE_S: Final = 0.1
_COLUMNS: Final = ("kind", "source", "entries", "version")
_HOLDER_SIZE: Final = 8  # random bytes


def configure(parser: ArgumentParser) -> None:
    """Add the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for kind, what in zip(KINDS, ("the only torrents to serve", "torrents to refuse"), strict=True):
        _add_entries(_leaf(actions, kind, f"add to the list of {what}"))
    kinds = _add(actions, "remove", "remove entries from a list").add_subparsers(
        dest="kind", metavar="KIND", required=True
    )
    for kind in KINDS:
        _add_entries(_leaf(kinds, kind, f"remove entries from the list to {kind}"))
    clear = _leaf(actions, "clear", "remove a list")
    clear.add_argument("kind", choices=KINDS)
    show = _leaf(actions, "list", "show the lists")
    show.add_argument("kind", choices=KINDS, nargs="?", help="default: all")
    show.add_argument(
        "--entries", action="store_true", help="print the entries, in the format of --file"
    )
    show.add_argument("--json", action="store_true", help="print JSON")
    check = _leaf(actions, "check", "show whether a torrent is served; exit code 1 if it is not")
    check.add_argument("info_hash", metavar="INFO_HASH", type=asking.info_hash)


def _add(actions: _Parsers, name: str, summary: str) -> ArgumentParser:
    description = f"{summary.capitalize()}."
    return actions.add_parser(name, help=summary, description=description, allow_abbrev=False)


def _leaf(actions: _Parsers, name: str, summary: str) -> ArgumentParser:
    parser = _add(actions, name, summary)
    add_port_flag(parser)
    add_flags(parser, ("redis", "access"))
    return parser


def _add_entries(parser: ArgumentParser) -> None:
    parser.add_argument(
        "info_hashes", nargs="*", metavar="INFO_HASH", type=asking.info_hash,
        help="40 hex or 32 base32 digits, or a magnet link",
    )  # fmt: skip
    parser.add_argument(
        "--file",
        metavar="FILE",
        help="file or URL with one info_hash per line; if one is malformed, none is used",
    )


def run(arguments: Namespace) -> int:
    """Do what was asked."""
    settings = settings_of(arguments)
    if settings is None:
        return 2
    if "file" in arguments and not (arguments.file or arguments.info_hashes):
        print_problem("which torrents? name their info_hashes, or a --file of them")
        return 2
    redis = redis_settings(arguments, settings)
    if redis is None:
        return 2
    settings = settings.model_copy(update={"redis": redis})
    logs.configure("error", settings.log.json_lines)  # trouble with Redis is printed below
    try:
        return asyncio.run(_run(arguments, settings))
    except ValueError as error:
        print_problem(f"redis.url: {error}")
        return 2
    except TrackerError as error:
        print_problem(error)
        return 1


async def _run(arguments: Namespace, settings: Settings) -> int:
    most = settings.access.max_entries
    async with connected(settings.redis) as redis:
        store = AccessStore(redis)
        if arguments.action == "list":
            await _list(store, arguments)
        elif arguments.action == "check":
            return await _check(store, arguments.info_hash)
        elif arguments.action == "clear":
            async with _lease(redis, settings.workers) as token:
                await store.clear(ListName(arguments.kind, "manual"), token)
        else:
            given = await _given(arguments, most)
            async with _lease(redis, settings.workers) as token:
                await _edit(store, arguments, most, given, token)
    return 0


async def _given(arguments: Namespace, most: int) -> frozenset[InfoHash]:
    """What is to be added or removed."""
    found = await read_list(arguments.file, most) if arguments.file else ()
    return frozenset([*arguments.info_hashes, *found])


async def _edit(
    store: AccessStore,
    arguments: Namespace,
    most: int,
    given: frozenset[InfoHash],
    token: int,
) -> None:
    removing = arguments.action == "remove"
    name = ListName(arguments.kind if removing else arguments.action, "manual")
    version = (await store.versions()).get(name)
    if removing and not version:  # an empty one is not the same
        print_line(f"there is no list {name}")
        return
    before = frozenset(await store.load(name, version)) if version else frozenset()
    after = before - given if removing else before | given
    if len(after) > most:
        raise Denied(f"{name} would have more than {most} entries")
    await store.publish(name, Hashes(b"".join(sorted(after))), token)
    done = "removed" if removing else "added"
    entries = "1 entry" if len(after) == 1 else f"{len(after)} entries"
    print_line(f"{name}: {entries}, {abs(len(after) - len(before))} {done}")
    if name.kind == "allow" and not after:
        print_problem("a list to allow that is empty allows nothing; `clear allow` ends it")


async def _list(store: AccessStore, arguments: Namespace) -> None:
    published = await store.versions()
    found = [
        (name, version)
        for name in LIST_NAMES
        if (version := published.get(name)) and arguments.kind in (None, name.kind)
    ]
    if not arguments.entries:
        rows = [(*name, version.entries, version.id) for name, version in found]
        if arguments.json:
            print_json([dict(zip(_COLUMNS, row, strict=True)) for row in rows])
        else:
            print_table([_COLUMNS, *rows])
        return
    contents = {str(name): await store.load(name, version) for name, version in found}
    if arguments.json:
        print_json({name: [each.hex() for each in hashes] for name, hashes in contents.items()})
        return
    for title, hashes in contents.items():
        print_line(f"# {title}")
        for each in hashes:
            print_line(each.hex())


async def _check(store: AccessStore, info_hash: InfoHash) -> int:
    lists = AccessLists()
    await AccessReader(store, lists, 0.0).run_once()
    allowed = lists.current.allows(info_hash)
    print_line("allowed" if allowed else "denied")
    return 0 if allowed else 1


@asynccontextmanager
async def _lease(redis: Redis, settings: WorkersSettings) -> AsyncIterator[int]:
    """The right to edit; yields its fencing token."""
    leases = Leases(redis, secrets.token_bytes(_HOLDER_SIZE), settings.lease)
    try:
        async with asyncio.timeout(_WAIT_S):  # nobody tells when it is free
            while (token := await leases.acquire(MANUAL_LEASE)) is None:  # noqa: ASYNC110
                await asyncio.sleep(_PAUSE_S)
    except TimeoutError as error:
        raise Unavailable("somebody else is editing the lists: try again") from error
    try:
        yield token
    finally:
        await leases.release(MANUAL_LEASE)
