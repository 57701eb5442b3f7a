"""Where the primary is now, as the Sentinels that watch it tell; redis-py speaks to them."""

from contextlib import suppress
from typing import Any

from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisError

from tracker.store.address import Address, Group
from tracker.store.control import cause_of, patience, resolved, to_the_end
from tracker.store.reasons import Reason, Unusable, explain

PORT = 26379
OWN = ("sentinel_username", "sentinel_password")
NAME_HINT = "check the name at the end of the Redis URL"


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
        self._hosts = ",".join(map(str, group.addresses))
        self._address, *_ = group.addresses
        share_s = limit_s / len(group.addresses)
        tls = {name: value for name, value in self._address.options().items() if "ssl_" in name}
        self._sentinel = Sentinel(  # type: ignore[no-untyped-call]
            [(each.host, each.port) for each in group.addresses],
            sentinel_kwargs={
                **tls,
                "ssl": self._address.tls,
                "username": group.own.get("sentinel_username"),
                "password": group.own.get("sentinel_password"),
                **patience(share_s),
            },
        )
        self._share_s = share_s
        self._clients = list(zip(group.addresses, self._sentinel.sentinels, strict=True))

    def __str__(self) -> str:
        """Those that the URL names, and the service."""
        return f"{self._hosts}/{self._service}"

    async def find(self) -> Address:
        """The primary (`tracker.store.pipeline.Place`).

        Raises:
            Unusable: no Sentinel knows one that is up.
        """
        return await to_the_end(self._ask())

    async def _ask(self) -> Address:
        """Ask one Sentinel after the other, first the one that knew the primary the last time.

        redis-py's `discover_master` does the same, but its error does not show what is wrong.
        """
        verdicts: list[Reason] = []  # of Sentinels that answer
        failures: list[Reason] = []  # of the others
        try:
            for each in list(self._clients):
                try:
                    primary = await self._primary_of(*each)
                except Unusable as error:
                    verdicts.append(error.why)
                except (RedisError, OSError, ValueError, KeyError) as error:
                    failures.append(explain(cause_of(error), tls=self._address.tls))
                else:
                    self._clients.remove(each)
                    self._clients.insert(0, each)
                    return primary
        finally:
            with suppress(RedisError, OSError):  # else it would hide what is wrong
                await self._sentinel.aclose()
        if verdicts:
            raise Unusable(verdicts[0])
        texts = ", ".join(dict.fromkeys(failure.text for failure in failures))
        raise Unusable(Reason(f"no Sentinel can be asked: {texts}", failures[0].hint))

    async def _primary_of(self, sentinel: Address, client: Any) -> Address:  # noqa: ANN401
        """Return what one Sentinel knows, asked by redis-py's client of it.

        Raises:
            Unusable: it knows no such primary, or finds that it is down.
        """
        await resolved(sentinel, self._share_s)
        primaries = await client.sentinel_masters()
        state = primaries.get(self._service)
        if state is None:
            raise Unusable(Reason(f"Sentinel knows no primary named {self._service}", NAME_HINT))
        address = self._address.at(state["ip"], int(state["port"]))
        if not self._sentinel.check_master_state(state, self._service):
            raise Unusable(Reason(f"Sentinel finds the primary {address} down"))
        return address
