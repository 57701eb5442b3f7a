"""Leases: which of several workers does a job now. Redis's clock tells when one is over."""

from typing import cast

from tracker.store.keys import lease_keys
from tracker.store.scripts import Script
from tracker.store.topology import Redis

_take, _release = Script("lease"), Script("release")


class Leases:
    """Leases of one holder.

    Args:
        redis: where they are.
        holder: who asks; one of its own for each process.
        ttl_s: a lease that was not renewed for so long is free.

    Each method raises Unavailable when Redis is away.
    """

    def __init__(self, redis: Redis, holder: bytes, ttl_s: float) -> None:
        self.ttl_s = ttl_s
        self._redis = redis
        self._holder = holder

    async def acquire(self, name: str) -> int | None:
        """Take the lease `name`, or renew it; None: somebody else has it.

        Returns:
            A fencing token: the same at each renewal, greater than that of any holder before.
        """
        holder, token = lease_keys(name)
        take = _take.call(holder, token, args=(self._holder, round(self.ttl_s * 1000)))
        (number,) = await self._redis.ask(holder, take, 1)
        return cast(int, number) or None

    async def release(self, name: str) -> None:
        """Give it back, if it is still held."""
        holder, _ = lease_keys(name)
        await self._redis.ask(holder, _release.call(holder, args=(self._holder,)), 1)
