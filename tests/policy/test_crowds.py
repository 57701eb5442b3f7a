"""How many endpoints of one address a swarm holds."""

from tracker.policy.accounts import Account
from tracker.policy.crowds import ENTER, IGNORE, REFRESH, SEVERAL, Crowds, Entry

SWARM, ANOTHER = b"a" * 20, b"b" * 20


class Address:
    """An address that announces, and had two endpoints before."""

    def __init__(self, ip: bytes, crowds: Crowds) -> None:
        self.account = Account(ip)
        self.account.only = SEVERAL
        self._crowds = crowds

    def announce(self, port: int, now: float = 1.0, swarm: bytes = SWARM) -> Entry:
        endpoint = self.account.key + port.to_bytes(2, "big")
        return self._crowds.entry(self.account, swarm, endpoint, now)


def test_an_address_enters_some_endpoints_and_no_more() -> None:
    alice = Address(b"\1\2\3\4", Crowds(3, 100.0))
    found = [alice.announce(port) for port in range(5)]
    assert [ENTER, ENTER, ENTER, IGNORE, IGNORE] == found


def test_the_endpoints_that_came_first_are_refreshed_and_the_others_are_not() -> None:
    alice = Address(b"\1\2\3\4", Crowds(3, 100.0))
    for port in range(5):
        alice.announce(port)
    found = [alice.announce(port, 2.0) for port in range(5)]
    assert [REFRESH, REFRESH, REFRESH, IGNORE, IGNORE] == found


def test_the_first_endpoint_of_an_address_is_not_counted() -> None:
    alice = Address(b"\1\2\3\4", Crowds(2, 100.0))
    alice.account.only = None
    found = [alice.announce(port) for port in (1, 1, 2, 3, 1)]
    assert [ENTER, ENTER, ENTER, ENTER, IGNORE] == found


def test_one_endpoint_may_come_as_often_as_it_likes() -> None:
    alice = Address(b"\1\2\3\4", Crowds(2, 100.0))
    assert {ENTER} == {alice.announce(1, at / 10) for at in range(500)}


def test_another_address_and_another_swarm_are_not_concerned() -> None:
    crowds = Crowds(1, 100.0)
    alice, bob = Address(b"\1\2\3\4", crowds), Address(b"\1\2\3\5", crowds)
    for address, swarm in ((alice, SWARM), (bob, SWARM), (alice, ANOTHER)):
        assert ENTER == address.announce(1, swarm=swarm)
        assert IGNORE == address.announce(2, swarm=swarm)


def test_counting_begins_again_after_its_period() -> None:
    alice = Address(b"\1\2\3\4", Crowds(1, 100.0))
    alice.announce(1)
    assert IGNORE == alice.announce(2, 100.9)
    assert ENTER == alice.announce(2, 101.0)


def test_an_address_with_all_its_ports_holds_no_more_than_its_part_of_a_large_tracker() -> None:
    crowds = Crowds(100, 2700.0)
    for number in range(500_000):  # honest peers, one endpoint each
        assert ENTER == Address(number.to_bytes(4, "big"), crowds).announce(6881)
    alice = Address(b"\xff\2\3\4", crowds)
    entries = [alice.announce(port) for port in range(65_536)]
    assert 95 <= entries.count(ENTER) <= 105
    assert entries.count(REFRESH) < 3000  # not inserted, only taken for one that is there


def test_a_member_is_the_first_time_only_once_in_a_period() -> None:
    crowds = Crowds(3, 100.0)
    alice = Address(b"\1\2\3\4", crowds)
    alice.announce(1)
    member = alice.account.key + b"\0\1"
    assert [True, False, False] == [crowds.once(SWARM, member, 1.0) for _ in range(3)]
    assert crowds.once(ANOTHER, member, 1.0)
    assert crowds.once(SWARM, member, 101.0)


def test_each_of_several_frontends_accepts_twice_its_part_of_the_endpoints() -> None:
    crowds = Crowds(100, 100.0)
    for frontends, most in ((1, 100), (2, 100), (3, 67), (4, 50), (50, 20)):
        crowds.share_among(frontends)
        alice = Address(frontends.to_bytes(4, "big"), crowds)
        assert most == [alice.announce(port) for port in range(200)].count(ENTER)
    for frontends, most in ((1, 16), (2, 16), (4, 8), (50, 4)):
        crowds = Crowds(16, 100.0, least=4)
        crowds.share_among(frontends)
        alice = Address(b"\1\2\3\4", crowds)
        assert most == [alice.announce(port) for port in range(200)].count(ENTER)
    few = Crowds(3, 100.0)
    few.share_among(50)
    alice = Address(b"\1\2\3\4", few)
    assert 3 == [alice.announce(port) for port in range(200)].count(ENTER)
