"""What each address has used of its budgets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.policy.accounts import Account, Accounts, Rate

ALICE, BOB = b"\1\2\3\4", b"\1\2\3\5"


def accounts(*, prefix: int = 64, most: int = 1000) -> Accounts:
    return Accounts(Rate(10, 20), Rate(2, 4), prefix, most)


def test_an_address_spends_its_burst_at_once_and_then_its_rate() -> None:
    them = accounts()
    alice = them.of(ALICE, 100.0)
    assert them.work(alice, 20, 100.0)
    assert not them.work(alice, 1, 100.0)
    assert not them.work(alice, 2, 100.15)
    assert them.work(alice, 1, 100.15)
    assert them.work(them.of(BOB, 100.0), 20, 100.0)


def test_a_refused_request_spends_nothing() -> None:
    them = accounts()
    alice = them.of(ALICE, 0.0)
    assert not them.work(alice, 21, 0.0)
    assert them.work(alice, 20, 0.0)


def test_a_request_that_was_served_already_is_charged_beyond_the_budget() -> None:
    them = accounts()
    alice = them.of(ALICE, 100.0)
    them.charge(alice, 25, 100.0)
    assert not them.work(alice, 1, 100.5)
    assert them.work(alice, 1, 100.61)


def test_the_wait_for_more_work_is_exact() -> None:
    them = accounts()
    alice = them.of(ALICE, 0.0)
    them.work(alice, 20, 0.0)
    assert 0.5 == pytest.approx(them.work_wait_s(alice, 5, 0.0))
    assert them.work_wait_s(alice, 5, 0.6) <= 0


@given(
    spends=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 20)), max_size=100),
)
def test_no_address_ever_spends_more_than_its_burst_and_its_rate(
    spends: list[tuple[int, int]],
) -> None:
    them, now_ms, spent = accounts(), 0, 0
    for pause_ms, units in spends:
        now_ms += pause_ms
        account = them.of(ALICE, now_ms / 1000)
        spent += units * them.work(account, units, now_ms / 1000)
        assert spent <= 20 + 10 * now_ms / 1000 + 1e-6


@pytest.mark.parametrize(("frontends", "at_once"), [(1, 10_000), (2, 5_000), (50, 2_000)])
def test_entries_are_shared_out_among_the_frontends(frontends: int, at_once: int) -> None:
    them = Accounts(Rate(10, 20), Rate(30, 10_000), 64, 1000)
    them.share_among(frontends)
    alice = them.of(ALICE, 0.0)
    assert at_once == pytest.approx(
        [them.keep_entry(alice, 0.0) for _ in range(12_000)].count(True), abs=1
    )
    second = [them.keep_entry(alice, 10.0) for _ in range(1000)].count(True)
    assert max(300 / frontends, 20) == pytest.approx(second, abs=1)


def test_a_small_budget_of_entries_is_not_raised_by_sharing() -> None:
    them = accounts()  # 4 entries at once, 2 a second
    them.share_among(100)
    alice = them.of(ALICE, 0.0)
    assert [True] * 4 + [False] == [them.keep_entry(alice, 0.0) for _ in range(5)]


def test_a_part_of_an_entry_costs_a_part() -> None:
    them = accounts()
    alice = them.of(ALICE, 0.0)
    assert 8 == [them.keep_entry(alice, 0.0, 0.5) for _ in range(20)].count(True)


@given(pauses_ms=st.lists(st.integers(0, 3000), max_size=200))
def test_an_address_never_keeps_more_entries_than_its_burst_and_its_rate(
    pauses_ms: list[int],
) -> None:
    them, now_ms, kept = accounts(), 0, 0
    for pause_ms in pauses_ms:
        now_ms += pause_ms
        kept += them.keep_entry(them.of(ALICE, now_ms / 1000), now_ms / 1000)
        assert kept <= 4 + 2 * now_ms / 1000 + 1e-6


@pytest.mark.parametrize(
    ("prefix", "same", "other"),
    [
        (64, bytes(8) + b"\1" + bytes(7), bytes(7) + b"\1" + bytes(8)),
        (56, bytes(7) + b"\1" + bytes(8), bytes(6) + b"\1" + bytes(9)),
        (60, bytes(7) + b"\x0f" + bytes(8), bytes(7) + b"\x1f" + bytes(8)),
        (128, bytes(16), bytes(15) + b"\1"),
    ],
)
def test_addresses_of_one_ipv6_prefix_share_an_account(
    prefix: int, same: bytes, other: bytes
) -> None:
    them = accounts(prefix=prefix)
    account = them.of(bytes(16), 0.0)
    assert account is them.of(same, 0.0)
    assert account is not them.of(other, 0.0)


def test_an_account_survives_as_long_as_it_is_not_full_again() -> None:
    them = accounts(most=10)
    alice = them.of(ALICE, 0.0)
    them.work(alice, 20, 0.0)
    for at in range(1, 10):
        assert alice is them.of(ALICE, at * 1.5)


def test_accounts_are_bounded_in_number() -> None:
    them = accounts(most=100)
    for number in range(10_000):
        them.of(number.to_bytes(4, "big"), 0.0)
        assert len(them) <= 101


def test_an_account_with_connections_is_not_forgotten() -> None:
    them = accounts(most=4)
    alice = them.of(ALICE, 0.0)
    them.connected(alice)
    them.connected(alice)
    _flood(them)
    assert alice is them.of(ALICE, 0.0)
    them.disconnected(alice)
    _flood(them)
    assert alice is them.of(ALICE, 0.0)
    them.disconnected(alice)
    _flood(them)
    assert alice is not them.of(ALICE, 0.0)


def _flood(them: Accounts) -> list[Account]:
    return [them.of(number.to_bytes(4, "big"), 0.0) for number in range(100)]


@pytest.mark.parametrize("prefix", [48, 56, 60, 64, 128])
def test_the_key_of_an_address_is_that_of_its_account(prefix: int) -> None:
    them = accounts(prefix=prefix)
    for ip in (ALICE, bytes(range(16))):
        key = them.key(ip)
        assert 0 == len(them)
        assert key == accounts(prefix=prefix).of(ip, 0.0).key
