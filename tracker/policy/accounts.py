"""The budgets that each address has used: requests, entries in swarms, connections, memory.

An address is an IPv4 address, or the IPv6 prefix that one customer gets. Rates are kept by the
generic cell rate algorithm: one number per budget says until when it is spent, so an account that
is not touched refills by itself and can be forgotten.
"""

from collections.abc import Callable
from typing import NamedTuple

from tracker.model import Ip

NEVER = float("-inf")


class Rate(NamedTuple):
    """A rate limit: `per_second` units on average, `burst` units at once."""

    per_second: float
    burst: float

    @property
    def step_s(self) -> float:
        """Seconds that one unit takes to refill."""
        return 1 / self.per_second

    @property
    def window_s(self) -> float:
        """Seconds after which an unused budget is full again."""
        return self.burst / self.per_second


# Entries of an address at one of many frontends: a client with 2,000 torrents starts at once.
LEAST = Rate(2, 2000)


def client_key(prefix_bits: int) -> Callable[[Ip], bytes]:
    """Return a function that maps an address to the key of its client.

    The key is an IPv4 address, or the first `prefix_bits` of an IPv6 address.
    """
    size, bits = divmod(prefix_bits, 8)
    mask = 0xFF00 >> bits & 0xFF

    def key(ip: Ip) -> bytes:
        if len(ip) == 4:
            return ip
        return ip[:size] + bytes((ip[size] & mask,)) if bits else ip[:size]

    return key


class Account:
    """The use of one address. Times are seconds of the clock given to `Accounts`."""

    __slots__ = (
        "connections",
        "crowded",
        "entries_at",
        "held",
        "key",
        "only",
        "reported_at",
        "work_at",
    )

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.work_at = NEVER  # until then the requests are spent; a window before that, none is
        self.entries_at = NEVER  # likewise, entries in swarms
        self.connections = 0  # open now
        self.only: bytes | None = None  # its endpoint; empty if it has had several
        self.crowded = False  # some swarm holds as many of its endpoints as one may
        self.held = 0  # bytes of this process's memory
        self.reported_at = NEVER  # when a refusal was last reported to the client


class Accounts:
    """The accounts of all addresses that did something lately, bounded in number.

    Args:
        work: requests of one address.
        entries: announces of one address that enter or refresh a peer; of all frontends together.
        prefix_bits: of an IPv6 address that stand for one client.
        most: accounts kept at once; with more, the longest untouched are forgotten. An account
            with open connections is never forgotten.
    """

    def __init__(self, work: Rate, entries: Rate, prefix_bits: int, most: int) -> None:
        self._work_step_s, self._work_window_s = work.step_s, work.window_s
        self._entries = entries
        self.prefix_bits = prefix_bits
        self.key = client_key(prefix_bits)
        self._generation_s = max(work.window_s, entries.window_s)
        self._most = max(1, most // 2)  # of each generation
        self._young: dict[bytes, Account] = {}
        self._old: dict[bytes, Account] = {}
        self._pinned: dict[bytes, Account] = {}
        self._next_at = NEVER  # when the young generation becomes the old one
        self.prefix_bytes = -(-prefix_bits // 8)  # of an IPv6 account's key
        self.share_among(1)

    def share_among(self, frontends: int) -> None:
        """Apply this frontend's part of the budgets that hold for several frontends together.

        A part is never so small that one client would notice: with many frontends, an address that
        uses all of them may keep more than the budget.
        """
        rate = max(self._entries.per_second / frontends, min(LEAST.per_second, self._entries[0]))
        burst = max(self._entries.burst / frontends, min(LEAST.burst, self._entries[1]))
        self._entries_step_s, self._entries_window_s = 1 / rate, burst / rate

    def of(self, ip: Ip, now: float) -> Account:
        """Return the account of an address, 4 or 16 bytes, at the time `now`."""
        key = ip if len(ip) == 4 else self.key(ip)  # most are IPv4: without a call
        account = self._young.get(key)
        if account is None:
            if now >= self._next_at or len(self._young) >= self._most:
                self._age(now)
            account = self._old.get(key) or self._pinned.get(key) or Account(key)
            self._young[key] = account
        return account

    def __len__(self) -> int:
        """How many accounts are kept, some counted twice."""
        return len(self._young) + len(self._old) + len(self._pinned)

    def work(self, account: Account, units: int, now: float) -> bool:
        """Spend `units` of requests; False, and nothing spent, if the budget has less left."""
        at, empty_at = account.work_at, now - self._work_window_s
        if at < empty_at:
            at = empty_at
        at += units * self._work_step_s
        if at > now:
            return False
        account.work_at = at
        return True

    def charge(self, account: Account, units: int, now: float) -> None:
        """Spend `units` of requests that were served already; the budget may go below zero."""
        at, empty_at = account.work_at, now - self._work_window_s
        if at < empty_at:
            at = empty_at
        account.work_at = at + units * self._work_step_s

    def work_wait_s(self, account: Account, units: int, now: float) -> float:
        """Seconds until `units` of requests can be spent; at most 0: now."""
        at = max(account.work_at, now - self._work_window_s) + units * self._work_step_s
        return at - now

    def keep_entry(self, account: Account, now: float, cost: float = 1.0) -> bool:
        """Spend what an announce keeps in a swarm for its time to live; `cost` of one entry.

        An announce spends as much whether it enters a peer or refreshes it, so the rate of an
        address bounds what it holds: the burst, and what it announces in one time to live.

        Returns:
            False, and nothing spent, if the budget is used up.
        """
        at, full_at = account.entries_at, now - self._entries_window_s
        if at < full_at:
            at = full_at
        at += self._entries_step_s * cost
        if at > now:
            return False
        account.entries_at = at
        return True

    def connected(self, account: Account) -> None:
        """Count a connection of this address."""
        account.connections += 1
        self._pinned[account.key] = account

    def disconnected(self, account: Account) -> None:
        """Count a connection less."""
        account.connections -= 1
        if not account.connections:
            self._pinned.pop(account.key, None)

    def _age(self, now: float) -> None:
        self._old, self._young = self._young, {}
        self._next_at = now + self._generation_s
