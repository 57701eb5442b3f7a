"""What each Redis server tells of itself, for those who operate it."""

import asyncio
from typing import NamedTuple, cast

from tracker.errors import Unavailable
from tracker.store.pipeline import Pipeline
from tracker.store.resp import command
from tracker.store.topology import Redis
from tracker.text import printable

LONGEST = 32  # characters of a version or a role


class Vitals(NamedTuple):
    """From the command INFO."""

    version: str
    role: str  # master or slave, in Redis's words
    memory: int  # bytes in use
    max_memory: int  # bytes; 0: no bound
    commands_per_second: int
    clients: int
    replicas: int  # that are connected
    policy: str = "noeviction"  # what happens when the memory is full


class Node(NamedTuple):
    """One primary."""

    address: str
    vitals: Vitals | None  # None: it does not answer, or we may not ask


async def nodes(redis: Redis) -> list[Node]:
    """All primaries, by address."""
    return sorted(await asyncio.gather(*map(_node, redis.primaries())), key=lambda it: it.address)


async def _node(primary: Pipeline) -> Node:
    address = str(primary.address)
    try:
        (reply,) = await primary.ask(command("INFO"), 1)
    except Unavailable:
        return Node(address, None)
    try:
        return Node(address, _vitals(cast(bytes, reply).decode()))
    except (AttributeError, KeyError, ValueError) as error:
        primary.damage.found(b"INFO", f"{address} misses {error}")
        return Node(address, None)


def _vitals(info: str) -> Vitals:
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    return Vitals(
        version=printable(fields["redis_version"], LONGEST),
        role=printable(fields["role"], LONGEST),
        memory=int(fields["used_memory"]),
        max_memory=int(fields["maxmemory"]),
        commands_per_second=int(fields["instantaneous_ops_per_sec"]),
        clients=int(fields["connected_clients"]),
        replicas=int(fields["connected_slaves"]),
        policy=printable(fields["maxmemory_policy"], LONGEST),
    )
