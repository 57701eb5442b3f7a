"""Where the primary is now, as the Sentinels that watch it tell; redis-py asks them."""

from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisError

from tracker.errors import Unavailable
from tracker.store.address import Address, Group
from tracker.store.control import patience, to_the_end

PORT = 26379
OWN = ("sentinel_username", "sentinel_password")


class Sentinels:
    """Those of ``redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/SERVICE[/DATABASE][?OPTIONS]``.

    User, password and database are the primary's; ``sentinel_username`` and
    ``sentinel_password`` are options. ``rediss+sentinel`` means TLS to all of them.

    Args:
        url: such a URL.
        limit_s: seconds in which all Sentinels have been asked, one after the other.

    Raises:
        ValueError: it is no such URL, or has options that redis-py does not know.
    """

    def __init__(self, url: str, limit_s: float) -> None:
        group = Group.of(url, PORT, OWN)
        if not group.name:
            raise ValueError("not like redis+sentinel://HOST,HOST/SERVICE")
        self._service = group.name
        self._address, *_ = group.addresses
        tls = {name: value for name, value in self._address.options().items() if "ssl_" in name}
        self._sentinel = Sentinel(  # type: ignore[no-untyped-call]
            [(each.host, each.port) for each in group.addresses],
            sentinel_kwargs={
                **tls,
                "ssl": self._address.tls,
                "username": group.own.get("sentinel_username"),
                "password": group.own.get("sentinel_password"),
                **patience(limit_s / len(group.addresses)),
            },
        )

    async def find(self) -> Address:
        """The primary (`tracker.store.pipeline.Find`).

        Raises:
            Unavailable: no Sentinel knows one that is up.
        """
        return await to_the_end(self._ask())

    async def _ask(self) -> Address:
        try:
            try:
                host, port = await self._sentinel.discover_master(self._service)
            finally:
                await self._sentinel.aclose()  # which may fail as well
            return self._address.at(host, int(port))
        except (RedisError, OSError, ValueError) as error:
            raise Unavailable(f"Sentinels: {error}") from error
