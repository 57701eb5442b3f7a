"""What an announce may keep in its swarm."""

from tracker.metrics import Metrics
from tracker.policy.accounts import Accounts, Rate
from tracker.policy.crowds import ENTER, IGNORE, Crowds
from tracker.service.entries import Entries

ALICE, BOB = b"\1\2\3\4", b"\1\2\3\5"
SWARM = b"a" * 20


class Addresses:
    """Addresses that announce, and a clock."""

    def __init__(self, *, burst: int = 1000, endpoints: int = 1000) -> None:
        self.now = 0.0
        self.metrics = Metrics()
        self.accounts = Accounts(Rate(1, 1), Rate(1, burst), 64, 1000)
        self.entries = Entries(
            self.accounts, Crowds(endpoints, 100.0), self.metrics, lambda: self.now
        )

    def announce(self, ip: bytes, port: int, swarm: bytes = SWARM) -> bool:
        """Announce an endpoint; whether it may enter."""
        account = self.accounts.of(ip, self.now)
        entry = self.entries.entry(account, swarm, ip + port.to_bytes(2, "big"))
        assert entry in (ENTER, IGNORE)
        return entry is ENTER


def test_an_address_over_its_budget_of_entries_does_not_enter_until_that_refills() -> None:
    them = Addresses(burst=3)
    hashes = [bytes([number]) * 20 for number in range(5)]
    assert [True, True, True, False, False] == [them.announce(ALICE, 1, each) for each in hashes]
    assert them.announce(BOB, 1)
    assert {("entries", "address"): 2} == them.metrics.refused
    them.now += 1.0
    assert them.announce(ALICE, 1, hashes[0])
    assert not them.announce(ALICE, 1, hashes[1])


def test_a_refresh_spends_as_much_as_an_entry() -> None:
    them = Addresses(burst=3)
    assert [True, True, True, False] == [them.announce(ALICE, 1) for _ in range(4)]


def test_an_address_has_only_some_endpoints_in_a_swarm() -> None:
    them = Addresses(endpoints=2)
    # The first one is not counted.
    assert [True] * 3 + [False] == [them.announce(ALICE, port) for port in range(4)]
    assert {("endpoints", "address"): 1} == them.metrics.refused
    assert them.announce(BOB, 1)
    assert them.announce(ALICE, 4, b"b" * 20)
