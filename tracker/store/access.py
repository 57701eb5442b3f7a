"""Access lists in Redis: published whole by one writer at a time, followed by every frontend.

The hash of a source has a field for each of its lists, as in ``deny:file``: ``ID PARTS ENTRIES
DIGEST`` of the version in force, or nothing where there is meant to be no such list. A version
never changes: its parts are written before the field names them, and stay a while after it names
others, for those who are still reading.

Where a field is missing, nobody ever said what is in force, or Redis lost it. So frontends go on
with what they know; a background job publishes lists of files again, but lists made by hand are
in Redis alone.
"""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import NamedTuple, Self, cast

import structlog

from tracker.errors import Corrupt, Superseded, Unavailable
from tracker.model import HASH_SIZE
from tracker.policy.access import (
    KINDS,
    LIST_NAMES,
    OPEN,
    SOURCES,
    Access,
    AccessLists,
    Hashes,
    ListName,
)
from tracker.store import fenced
from tracker.store.keys import access_key, access_part_key
from tracker.store.link import Reply
from tracker.store.resp import command
from tracker.store.topology import Part, Redis

log = structlog.get_logger()

MANUAL_LEASE = "access_manual"  # of who writes lists by hand; a background job has its own
PART_SIZE = 200_000  # bytes; a millisecond's work for both sides
LONGEST_PART = 1_048_576  # bytes; of one that another version may have written
VERSION = re.compile(rb"[0-9a-f]{16} [0-9]{1,5} [0-9]{1,10} [0-9a-f]{64}")
SPARE_S = 3600  # a version that is not, or no more, in force is kept for so many seconds


class Version(NamedTuple):
    """What is published of one list."""

    id: str  # random, so never that of another
    parts: int
    entries: int
    digest: str  # of the entries: the same for the same list

    def __str__(self) -> str:
        return " ".join(map(str, self))

    @classmethod
    def of(cls, text: bytes) -> Self:
        """Read the text of one.

        Raises:
            ValueError: it is none.
        """
        found = VERSION.fullmatch(text)
        if found is None:
            raise ValueError("no version of an access list")
        id_, parts, entries, digest = found[0].decode().split(" ")
        return cls(id_, int(parts), int(entries), digest)


class AccessStore:
    """The lists of one Redis. Each method raises Unavailable when that is away.

    Who writes must hold the lease for the lists of that source, and give its fencing `token`; it
    raises Superseded if somebody with a newer token wrote meanwhile.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def versions(self) -> dict[ListName, Version | None]:
        """Return what is in force; None: there is meant to be no such list.

        A list whose version cannot be read is left out, as one that Redis lost.
        """
        keys = [access_key(source) for source in SOURCES]
        names = [[name for name in LIST_NAMES if name.source == source] for source in SOURCES]
        looks = [
            Part(key, command("HMGET", key, *map(str, fields)), 1)
            for key, fields in zip(keys, names, strict=True)
        ]
        found: dict[ListName, Version | None] = {}
        for key, fields, replies in zip(
            keys, names, await self._redis.ask_each(looks), strict=True
        ):
            if not isinstance(replies, Corrupt):
                texts = zip(fields, cast(list[bytes | None], replies[0]), strict=True)
                found |= self._read(key, {name: text for name, text in texts if text is not None})
        return found

    def _read(
        self, key: bytes, texts: Mapping[ListName, bytes]
    ) -> Mapping[ListName, Version | None]:
        found: dict[ListName, Version | None] = {}
        for name, text in texts.items():
            try:
                found[name] = Version.of(text) if text else None
            except ValueError as error:
                self._redis.damage.found(key, f"{name}: {error}")
        return found

    async def load(self, name: ListName, version: Version) -> Hashes:
        """The entries of one version.

        Raises:
            Corrupt: its parts are not what was published.
            Unavailable: Redis is away, or not all parts are there.
        """
        hashes = Hashes()
        for key in _keys(name, version):
            (reply,) = await self._redis.ask(key, command("GETRANGE", key, 0, LONGEST_PART), 1)
            part = cast(bytes, reply)
            if len(part) > LONGEST_PART or len(part) % HASH_SIZE:
                raise self._redis.damage.found(key, f"{len(part)} bytes are no part of a list")
            if not part:  # gone, as are all that follow, perhaps
                break
            hashes.append(part)
        if len(hashes) != version.entries:
            raise Unavailable(f"the access list {name} is not whole in Redis")
        if await _digest(hashes) != version.digest:
            raise self._redis.damage.found(access_key(name.source), f"{name}: wrong digest")
        return hashes

    async def publish(self, name: ListName, hashes: Hashes, token: int) -> bool:
        """Put `hashes` in force; False: they are already."""
        published = await self.versions()
        digest = await _digest(hashes)
        old = published.get(name)
        if old and old.digest == digest and await self._is_whole(name, old):
            return False
        new = await self._write(name, hashes, digest)
        try:
            await self._switch(published, name, new, token)
        except Superseded:
            await self._each(name, new, "EXPIRE", SPARE_S)
            raise
        return True

    async def clear(self, name: ListName, token: int) -> bool:
        """Let there be no such list; False: so it is already."""
        published = await self.versions()
        if name in published and published[name] is None:
            return False
        await self._switch(published, name, None, token)
        return True

    async def _write(self, name: ListName, hashes: Hashes, digest: str) -> Version:
        """A new version, which nobody knows of yet, to stay."""
        id_, count = secrets.token_hex(8), 0
        for part in hashes.parts(PART_SIZE):
            key = access_part_key(str(name), id_, count)
            await self._redis.ask(key, command("SET", key, part, "EX", SPARE_S), 1)
            count += 1
        version = Version(id_, count, len(hashes), digest)
        await self._each(name, version, "PERSIST")
        return version

    async def _switch(
        self,
        published: Mapping[ListName, Version | None],
        name: ListName,
        new: Version | None,
        token: int,
    ) -> None:
        fields = {
            str(each): str(version or "")
            for each, version in {**published, name: new}.items()
            if each.source == name.source
        }
        key = access_key(name.source)
        await fenced.publish(self._redis, key, fields, token=token, ttl_s=None)
        if old := published.get(name):
            await self._each(name, old, "EXPIRE", SPARE_S)

    async def _is_whole(self, name: ListName, version: Version) -> bool:
        return all(await self._each(name, version, "EXISTS"))

    async def _each(self, name: ListName, version: Version, verb: str, *words: int) -> list[Reply]:
        """The replies to a command on each part."""
        parts = [Part(key, command(verb, key, *words), 1) for key in _keys(name, version)]
        return await self._redis.ask_all(parts)


class AccessReader:
    """A `workers.runner.Job` of each frontend: keeps `lists` as they are published.

    A list that could not be read whole is not touched, whatever becomes of the others.
    """

    name = "access_reader"
    limit_s = 60.0

    def __init__(self, store: AccessStore, lists: AccessLists, period_s: float) -> None:
        self.period_s = period_s
        self._store = store
        self._lists = lists
        self._known: dict[ListName, tuple[Version, Hashes]] = {}

    async def run_once(self) -> Mapping[str, int]:
        """Read what changed, if anything, and put it in force."""
        problem: Unavailable | None = None
        for name, version in (await self._store.versions()).items():
            try:
                await self._follow(name, version)
            except Unavailable as error:
                problem = error
        if problem:
            raise problem
        return {str(name): version.entries for name, (version, _) in self._known.items()}

    async def _follow(self, name: ListName, version: Version | None) -> None:
        known, _ = self._known.get(name, (None, None))
        if version == known:
            return
        if version:
            self._known[name] = version, await self._store.load(name, version)
        else:
            del self._known[name]
        self._lists.current = self._access()
        log.info("access.changed", list=str(name), entries=version.entries if version else None)

    def _access(self) -> Access:
        if not self._known:
            return OPEN
        allow, deny = (
            tuple(hashes for name, (_, hashes) in self._known.items() if name.kind == kind)
            for kind in KINDS
        )
        return Access(allow or None, deny)


def _keys(name: ListName, version: Version) -> list[bytes]:
    return [access_part_key(str(name), version.id, part) for part in range(version.parts)]


async def _digest(hashes: Hashes) -> str:
    """In small steps."""
    digest = hashlib.sha256()
    for part in hashes.parts(PART_SIZE):
        digest.update(part)
        await asyncio.sleep(0)
    return digest.hexdigest()
