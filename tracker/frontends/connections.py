"""The open TCP connections of a process, counted from `accept` until they are closed.

Each belongs to the account of an address. Trusted proxies' own connections belong to no account,
and only the process's limit holds for them, until a PROXY header or a WebSocket's request names the
client behind.
"""

import asyncio
import random
from collections.abc import Iterator
from typing import Protocol

from tracker.metrics import Metrics
from tracker.model import Ip
from tracker.policy.accounts import Account, Accounts
from tracker.policy.addresses import Proxies
from tracker.policy.connections import most_per_address, to_shed
from tracker.settings import ListenSettings
from tracker.wire.compact import pack_ip

SAMPLE = 32  # open connections among which the one to shed is chosen
COST = 1  # units of work of a connection
_CLOSED = -1


class Owner(Protocol):
    """The current user of a connection: a protocol, or a TLS handshake."""

    def abort(self) -> None:
        """Close at once."""


class _NoOwner:
    """The owner of a connection that is not counted any more."""

    def abort(self) -> None:
        """Do nothing."""


_NO_OWNER = _NoOwner()


class Connection:
    """One open connection, whichever protocol serves it."""

    __slots__ = ("_all", "account", "at", "counted", "owner")

    def __init__(
        self, connections: "Connections", owner: Owner, account: Account, counted: bool
    ) -> None:
        self._all = connections
        self.owner = owner
        self.account = account
        self.counted = counted  # in the account
        self.at = _CLOSED  # position among all

    @property
    def is_open(self) -> bool:
        """Whether it is counted."""
        return self.at != _CLOSED

    def left(self) -> None:
        """Count it no more; it is closed, or about to be."""
        self._all.remove(self)


class Connections:
    """All connections of one process, on whichever port."""

    def __init__(
        self,
        listen: ListenSettings,
        proxies: Proxies,
        accounts: Accounts,
        metrics: Metrics,
        chance: random.Random,
    ) -> None:
        self._most = listen.max_connections
        self._per_address = most_per_address(
            listen.max_connections, listen.max_connections_per_address
        )
        self._proxies = proxies
        self._direct = not proxies  # clients connect themselves
        self._accounts = accounts
        self._metrics = metrics
        self._chance = chance
        self._now = asyncio.get_running_loop().time
        self._open: list[Connection] = []

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def __iter__(self) -> Iterator[Connection]:
        """Iterate over the open connections; they may close meanwhile."""
        return iter(self._open.copy())

    def admit(self, owner: Owner, ip: Ip, cost: int = COST) -> Connection | None:
        """Count a new connection; None: it must be closed, a limit is reached.

        Args:
            owner: serves it first.
            ip: of the other end.
            cost: units of work.
        """
        now = self._now()
        account = self._accounts.of(ip, now)
        counted = self._direct or ip not in self._proxies
        if counted and not self._allows(account, cost, now):
            return None
        if len(self._open) >= self._most and not self._shed_for(account):
            self._refuse("full", "connections", "process")
            return None
        connection = Connection(self, owner, account, counted)
        connection.at = len(self._open)
        self._open.append(connection)
        if counted:
            self._accounts.connected(account)
        return connection

    def move(self, connection: Connection, ip: Ip) -> bool:
        """Count a proxy's connection for the client behind it; False: it must be closed."""
        if connection.counted or ip in self._proxies:
            return True
        now = self._now()
        account = self._accounts.of(ip, now)
        if not self._allows(account, COST, now):
            return False
        connection.account, connection.counted = account, True
        self._accounts.connected(account)
        return True

    def remove(self, connection: Connection) -> None:
        """Count a connection no more; no harm if it was removed before."""
        connection.owner = _NO_OWNER  # no cycle for the garbage collector
        if connection.at == _CLOSED:
            return
        last = self._open.pop()
        if last is not connection:
            self._open[connection.at] = last
            last.at = connection.at
        connection.at = _CLOSED
        if connection.counted:
            self._accounts.disconnected(connection.account)

    def _allows(self, account: Account, cost: int, now: float) -> bool:
        if account.connections >= self._per_address:
            self._refuse("address", "connections", "address")
            return False
        if not self._accounts.work(account, cost, now):
            self._refuse("work", "work", "address")
            return False
        return True

    def _shed_for(self, newcomer: Account) -> bool:
        """Close a connection of an address that has many; False: no address has enough."""
        size = len(self._open)
        sample = [self._open[self._chance.randrange(size)] for _ in range(SAMPLE)]
        at = to_shed(newcomer.connections, [each.account.connections for each in sample])
        if at is None:
            return False
        self._refuse("shed", "connections", "process")
        owner = sample[at].owner
        self.remove(sample[at])
        owner.abort()
        return True

    def _refuse(self, reason: str, budget: str, of: str) -> None:
        self._metrics.closed["tcp", reason] += 1
        self._metrics.refused[budget, of] += 1


def socket_ip(transport: asyncio.BaseTransport) -> Ip | None:
    """Return the packed address of the other end; None if it has left already."""
    address = transport.get_extra_info("peername")
    return None if address is None else pack_ip(address[0])
