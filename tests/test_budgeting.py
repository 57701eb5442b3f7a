"""Budgets from settings."""

import pytest

from tracker.budgeting import client_budgets
from tracker.policy.accounts import Account, Accounts
from tracker.service.browsers import COST
from tracker.settings import Settings

ADDRESS = b"\1\2\3\4"
TWO_PERCENT = (1 << 30) * 2 // 100  # bytes of a Redis of 1 GiB
ENTRY_SIZE = 230  # bytes of an entry in a swarm of its own, see tests/service/test_entries_stored
PEER_TTL_S, BROWSER_TTL_S = 2700, 300
STEP_S = 10


class Socket:
    """Holds memory."""

    def __init__(self, address: bytes) -> None:
        self.held = 0
        self.account = Account(address)

    def shed(self) -> None:
        """Is not called: no budget is exceeded."""
        raise AssertionError


@pytest.mark.parametrize(("processes", "sockets"), [(1, 64), (4, 16)])
def test_the_processes_share_the_memory(processes: int, sockets: int) -> None:
    settings = Settings.model_validate(
        {
            "listen": {"processes": processes},
            "limits": {"memory_mib": 128, "socket_memory_kib": 1024},
        }
    )
    memory = client_budgets(settings).memory
    for number in range(sockets):
        each = Socket(number.to_bytes(4, "big"))
        assert memory.refuses(each, 1 << 20) is None
        memory.hold(each, 1 << 20)
    assert "process" == memory.refuses(Socket(b"last"), 1 << 20)


def test_without_a_setting_clients_get_a_part_of_the_machines_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tracker.budgeting.allowed_memory", lambda: 64 << 20)
    memory = client_budgets(Settings()).memory
    memory.hold(Socket(b"one "), 8 << 20)
    assert memory.refuses(Socket(b"two "), 1) is None
    assert "process" == memory.refuses(Socket(b"two "), 32_768)


def group(frontends: int) -> list[Accounts]:
    """Return the default accounts of frontends that share their budgets."""
    budgets = [client_budgets(Settings()) for _ in range(frontends)]
    for each in budgets:
        each.share_among(frontends)
    return [each.accounts for each in budgets]


def filled(frontends: list[Accounts], start_s: int, end_s: int, cost: float = 1.0) -> int:
    """Return how many entries one address may store from `start_s` to `end_s`."""
    kept = 0
    for accounts in frontends:
        account = accounts.of(ADDRESS, start_s)
        for now_s in range(start_s, end_s, STEP_S):
            while accounts.keep_entry(account, now_s, cost):
                kept += 1
    return kept


def most_held(frontends: int, *, browsers: bool) -> int:
    """Return the most entries of one address that can be alive at the same time.

    With browsers, the address lets its budget refill before the last time to live of browsers.
    """
    accounts = group(frontends)
    if not browsers:
        return filled(accounts, 0, PEER_TTL_S)
    limits = Settings().limits
    refill_s = round(limits.entries_burst / limits.entries_per_second)
    last_s = PEER_TTL_S - BROWSER_TTL_S
    peers = filled(accounts, 0, last_s - refill_s)
    return peers + filled(accounts, last_s, PEER_TTL_S, COST)


def test_an_address_fills_two_percent_of_redis_at_two_and_two_frontends() -> None:
    """As in docker-compose.yml: two frontends for HTTP and WebSocket, two for UDP."""
    entries = most_held(2, browsers=True) + most_held(2, browsers=False)
    assert 0.95 * TWO_PERCENT <= entries * ENTRY_SIZE <= TWO_PERCENT


@pytest.mark.parametrize("frontends", [1, 9])
def test_an_address_fills_two_percent_of_redis_at_nine_frontends_of_all_protocols(
    frontends: int,
) -> None:
    assert most_held(frontends, browsers=True) * ENTRY_SIZE <= TWO_PERCENT


@pytest.mark.parametrize("frontends", [1, 2])
def test_a_thousand_users_of_one_address_with_25_torrents_each_are_stored(frontends: int) -> None:
    accounts, per_interval, refused = group(frontends), 1000 * 25, 0
    interval_s = Settings().announce.interval
    for number in range(3 * per_interval):
        now_s = number * interval_s / per_interval
        each = accounts[number % frontends]
        refused += not each.keep_entry(each.of(ADDRESS, now_s), now_s)
    assert 0 == refused
