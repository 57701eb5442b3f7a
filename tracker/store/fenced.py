"""Writes by the holder of a lease, refused once a newer holder has written.

A lease alone can't promise that only one writes: a holder that was frozen wakes up and believes
that it still holds. So each write brings the lease's token, and what is written remembers it.
"""

from collections.abc import Mapping

from tracker.errors import Superseded
from tracker.store.scripts import Script
from tracker.store.topology import Redis

_publish = Script("publish")


async def publish(
    redis: Redis,
    key: bytes,
    fields: Mapping[str, bytes | str | int],
    *,
    token: int,
    ttl_s: int | None,
) -> None:
    """Replace the hash at `key` by `fields` and a field ``fence``, which is `token`.

    Args:
        token: of the writer's lease.
        ttl_s: seconds until the hash expires; None: it stays.

    Raises:
        Superseded: who holds the lease now has written already; nothing was changed.
        Unavailable: Redis is away.
    """
    words = [word for field in fields.items() for word in field]
    (written,) = await redis.ask(key, _publish.call(key, args=(token, ttl_s or 0, *words)), 1)
    if not written:
        raise Superseded("somebody else holds the lease by now")
