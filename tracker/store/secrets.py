"""The ring of UDP secrets in Redis, shared by all frontends."""

import re
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
SINCE = re.compile(rb"[0-9]{1,12}")

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
        ring = self._read(reply)
        return own if ring is None else ring

    async def published(self) -> Ring | None:
        """Return the shared ring; None: there is none, or it is damaged."""
        (reply,) = await self._redis.ask(SECRETS, command("HMGET", SECRETS, *Ring._fields), 1)
        return self._read(reply)

    def _read(self, reply: Reply) -> Ring | None:
        try:
            return _ring(reply)
        except (TypeError, ValueError) as error:  # the next frontend that looks replaces it
            self._redis.damage.found(SECRETS, error)
            return None

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
    """Read one; None: there is none.

    Raises:
        ValueError: it is not a whole one.
    """
    fields = cast(list[bytes | None], reply)
    if None in fields:
        return None
    previous, current, following, since = cast(list[bytes], fields)
    sizes = {len(current), len(following), len(previous) or SECRET_SIZE}
    if sizes != {SECRET_SIZE} or not SINCE.fullmatch(since):
        raise ValueError("no ring of secrets")
    return Ring(previous, current, following, int(since))
