"""The ring of UDP secrets in Redis, shared by all frontends."""

import secrets
from collections.abc import Callable, Mapping
from typing import cast

from tracker.policy.secrets import Ring
from tracker.store import fenced
from tracker.store.keys import SECRETS
from tracker.store.link import Reply
from tracker.store.resp import command
from tracker.store.scripts import Script
from tracker.store.topology import Redis

SECRET_SIZE = 32

_shared = Script("secrets")


def fresh_secret() -> bytes:
    """A random one."""
    return secrets.token_bytes(SECRET_SIZE)


def fresh_ring(now_s: int) -> Ring:
    """A ring of random secrets."""
    return Ring(b"", fresh_secret(), fresh_secret(), now_s)


class SecretStore:
    """Reads and turns it. Each method raises Unavailable when Redis is away.

    Args:
        redis: where it is.
        ttl_s: a ring that no frontend looked at for so long is forgotten.
    """

    def __init__(self, redis: Redis, ttl_s: int) -> None:
        self._redis = redis
        self._ttl_s = ttl_s

    async def shared(self, own: Ring) -> Ring:
        """The ring of all; `own` becomes that where there is none: at first, or after a loss."""
        share = _shared.call(SECRETS, args=(self._ttl_s, *own))
        (reply,) = await self._redis.ask(SECRETS, share, 1)
        ring = _ring(reply)
        assert ring is not None  # the script saw to it
        return ring

    async def published(self) -> Ring | None:
        """The ring of all; None where there is none yet, or no more."""
        (reply,) = await self._redis.ask(SECRETS, command("HMGET", SECRETS, *Ring._fields), 1)
        return _ring(reply)

    async def replace(self, ring: Ring, token: int) -> None:
        """Let `ring` be that of all.

        Raises:
            Superseded: a worker with a newer token did.
        """
        fields = ring._asdict()
        await fenced.publish(self._redis, SECRETS, fields, token=token, ttl_s=self._ttl_s)


class RingReader:
    """A `workers.runner.Job` of each frontend: follows the shared ring.

    Args:
        store: has it.
        own: what this frontend began with; the shared one where there is none yet.
        period_s: pause between two looks.
        use: called with each ring that is new.
    """

    name = "ring"
    limit_s = 10.0

    def __init__(
        self, store: SecretStore, own: Ring, period_s: float, use: Callable[[Ring], None]
    ) -> None:
        self.period_s = period_s
        self._store = store
        self._ring = own
        self._use = use

    async def run_once(self) -> Mapping[str, int]:
        """Look, and use what is new."""
        ring = await self._store.shared(self._ring)
        if ring != self._ring:
            self._ring = ring
            self._use(ring)
        return {"since": ring.since}


def _ring(reply: Reply) -> Ring | None:
    previous, current, following, since = cast(list[bytes | None], reply)
    if previous is None or current is None or following is None or since is None:
        return None
    return Ring(previous, current, following, int(since))
