"""Which socket has the entry of a peer_id in a swarm."""

import pytest

from tracker.policy.accounts import Account
from tracker.policy.ownership import Claim, Owners

MEMBER, OTHER = b"m" * 40, b"o" * 40
HOME, THIEF, MOBILE = b"home", b"evil", b"move"


class Socket:
    """A socket of an address."""

    def __init__(self, address: bytes) -> None:
        self.account = Account(address)


@pytest.fixture
def owners() -> Owners[Socket]:
    return Owners()


def announce(owners: Owners[Socket], socket: Socket, member: bytes = MEMBER) -> Claim:
    """Claim an entry, and take it or wait for it."""
    claim = owners.claim(socket, member)
    if claim is Claim.FREE:
        owners.take(socket, member)
    elif claim is Claim.TAKEN:
        owners.wait(socket, member)
    return claim


def test_the_first_socket_takes_the_entry(owners: Owners[Socket]) -> None:
    socket = Socket(HOME)
    assert [Claim.FREE, Claim.OWNED] == [announce(owners, socket) for _ in range(2)]
    assert socket is owners.get(MEMBER)
    assert owners.get(OTHER) is None
    assert owners.release(socket, MEMBER)
    assert owners.get(MEMBER) is None


def test_a_claim_changes_nothing(owners: Owners[Socket]) -> None:
    first, thief = Socket(HOME), Socket(THIEF)
    owners.claim(first, MEMBER)
    assert owners.get(MEMBER) is None
    announce(owners, first)
    owners.claim(thief, MEMBER)
    assert owners.release(first, MEMBER)  # without an heir


def test_a_newer_socket_of_the_same_address_takes_over(owners: Owners[Socket]) -> None:
    old, new = Socket(HOME), Socket(HOME)
    announce(owners, old)
    assert Claim.FREE is owners.claim(new, MEMBER)
    assert old is owners.take(new, MEMBER)
    assert not owners.release(old, MEMBER)
    assert new is owners.get(MEMBER)


def test_a_socket_of_another_address_never_replaces_the_owner(owners: Owners[Socket]) -> None:
    owner, thief = Socket(HOME), Socket(THIEF)
    announce(owners, owner)
    assert [Claim.TAKEN] * 3 == [announce(owners, thief) for _ in range(3)]
    assert owner is owners.get(MEMBER)
    assert not owners.release(thief, MEMBER)
    assert owner is owners.get(MEMBER)
    assert owners.release(owner, MEMBER)


def test_the_longest_waiting_socket_inherits_the_entry(owners: Owners[Socket]) -> None:
    owner, first, second = Socket(HOME), Socket(MOBILE), Socket(THIEF)
    for socket in owner, first, second, first:
        announce(owners, socket)
    assert not owners.release(owner, MEMBER)
    assert first is owners.get(MEMBER)
    assert not owners.release(first, MEMBER)
    assert second is owners.get(MEMBER)
    assert owners.release(second, MEMBER)


def test_the_previous_owner_s_address_gets_the_entry_back_from_heirs(
    owners: Owners[Socket],
) -> None:
    owner, thief, accomplice, back = Socket(HOME), Socket(THIEF), Socket(MOBILE), Socket(HOME)
    for socket in owner, thief, accomplice:
        announce(owners, socket)
    owners.release(owner, MEMBER)
    owners.release(thief, MEMBER)
    assert accomplice is owners.get(MEMBER)
    assert Claim.FREE is owners.claim(back, MEMBER)
    assert owners.take(back, MEMBER) is None
    assert Claim.TAKEN is announce(owners, accomplice)
    assert not owners.release(back, MEMBER)
    assert accomplice is owners.get(MEMBER)


def test_the_previous_owner_is_forgotten_with_the_entry(owners: Owners[Socket]) -> None:
    owner, heir, late = Socket(HOME), Socket(MOBILE), Socket(THIEF)
    announce(owners, owner)
    announce(owners, heir)
    owners.release(owner, MEMBER)
    assert owners.release(heir, MEMBER)
    announce(owners, late)
    assert Claim.TAKEN is announce(owners, Socket(HOME))


def test_a_waiting_socket_can_take_the_entry_from_an_heir_of_its_address(
    owners: Owners[Socket],
) -> None:
    owner, first, second = Socket(HOME), Socket(MOBILE), Socket(MOBILE)
    for socket in owner, first, second:
        announce(owners, socket)
    owners.release(owner, MEMBER)
    assert first is owners.get(MEMBER)
    assert first is owners.take(second, MEMBER)
    assert owners.release(second, MEMBER)  # it does not wait for its own entry


def test_entries_are_independent(owners: Owners[Socket]) -> None:
    one, two = Socket(HOME), Socket(THIEF)
    announce(owners, one)
    announce(owners, two, OTHER)
    assert (one, two) == (owners.get(MEMBER), owners.get(OTHER))
    assert owners.release(one, MEMBER)
    assert two is owners.get(OTHER)


def test_nothing_is_kept_of_entries_that_ended(owners: Owners[Socket]) -> None:
    for _ in range(3):
        sockets = [Socket(b"%d" % number) for number in range(5)]
        for socket in sockets:
            announce(owners, socket)
        assert [False] * 4 + [True] == [owners.release(socket, MEMBER) for socket in sockets]
    assert ({}, {}, {}) == (owners._owners, owners._waiting, owners._previous)
