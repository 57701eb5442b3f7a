"""Publishes the access lists that the settings name: files, or what URLs answer with.

A list that cannot be read, or has one bad line, is refused whole: what was published stays in
force. If nothing was, a list to allow counts as empty: a wrong path must not open a private
tracker. A list that the settings name no more is taken out of force.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final, Protocol

import aiohttp
import structlog

from tracker.errors import Away, TrackerError, Unavailable
from tracker.policy.access import Hashes, ListName
from tracker.settings import AccessSettings
from tracker.wire.access_list import ListReader

log = structlog.get_logger()

PIECE: Final = 65_536  # bytes; a millisecond's work
TIMEOUT = aiohttp.ClientTimeout(total=60.0, sock_connect=10.0, sock_read=10.0)  # seconds
# A packed answer could unpack to any size.
HEADERS: Final = {"Accept-Encoding": "identity", "Accept": "text/plain, */*;q=0.5"}


class Store(Protocol):
    """What the job needs of the store. `token`: of the lease under which it runs."""

    async def versions(self) -> Mapping[ListName, object | None]:
        """Return what is in force; None: there is meant to be no such list."""

    async def publish(self, name: ListName, hashes: Hashes, token: int) -> bool:
        """Put `hashes` in force; False: they are already."""

    async def clear(self, name: ListName, token: int) -> bool:
        """Let there be no such list; False: so it is already."""


class AccessFiles:
    """A `workers.runner.LeasedJob`."""

    name = "access"
    limit_s = 180.0  # two lists, each as slow as may be

    def __init__(self, settings: AccessSettings, store: Store) -> None:
        self.period_s = settings.period
        self._most = settings.max_entries
        self._places = {
            ListName("allow", "file"): settings.allow,
            ListName("deny", "file"): settings.deny,
        }
        self._store = store

    async def run_once(self, token: int) -> Mapping[str, int]:
        """Read the lists; publish those that changed, or that Redis lost.

        Raises:
            Malformed: a list has a bad line.
            Unavailable: a list can't be had, or Redis is away.
        """
        counts: dict[str, int] = {}
        problem: TrackerError | None = None
        for name, place in self._places.items():
            try:
                counts[str(name)] = await self._renew(name, place, token)
            except Away:  # it is no fault of the list
                raise
            except TrackerError as error:
                log.error("access.refused", list=str(name), error=error.reason)
                problem = error
                if name.kind == "allow":
                    await self._allow_none(name, token)
        if problem:
            raise problem
        return counts

    async def _allow_none(self, name: ListName, token: int) -> None:
        """Let an empty list be in force if there is none yet."""
        if (await self._store.versions()).get(name) is None:
            await self._store.publish(name, Hashes(), token)
            log.error("access.closed", list=str(name))

    async def _renew(self, name: ListName, place: str | None, token: int) -> int:
        """Returns how many entries the list has."""
        if place is None:
            if await self._store.clear(name, token):
                log.debug("access.cleared", list=str(name))
            return 0
        hashes = await read_list(place, self._most)
        if await self._store.publish(name, hashes, token):
            log.info("access.published", list=str(name), entries=len(hashes))
        return len(hashes)


async def read_list(place: str, max_entries: int) -> Hashes:
    """The list in a file or at an http or https URL, read in small steps.

    Raises:
        Malformed: it has a bad line, or is too large.
        Unavailable: it can't be had.
    """
    reader = ListReader(max_entries)
    pieces = _from_url(place) if place.startswith(("http://", "https://")) else _from_file(place)
    async with aclosing(pieces):
        async for piece in pieces:
            reader.feed(piece)
    hashes = Hashes()
    for part in reader.finish():
        hashes.append(part)
        await asyncio.sleep(0)
    return hashes


async def _from_file(path: str) -> AsyncGenerator[bytes]:
    try:
        with await asyncio.to_thread(open, path, "rb", buffering=0) as file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece
    except OSError as error:
        raise Unavailable(f"it can't be read: {error.strerror}") from error


async def _from_url(url: str) -> AsyncGenerator[bytes]:
    """The URL may hold a password, so no error names it."""
    try:
        async with (
            aiohttp.ClientSession(
                timeout=TIMEOUT, headers=HEADERS, auto_decompress=False
            ) as session,
            session.get(url) as response,
        ):
            if response.status != 200:
                raise Unavailable(f"its server answers with status {response.status}")
            async for piece in response.content.iter_chunked(PIECE):
                yield piece
    except TimeoutError as error:
        raise Unavailable("its server is too slow") from error
    except aiohttp.ClientError as error:
        raise Unavailable(f"it can't be loaded: {type(error).__name__}") from error
