"""Connection ids: who may use one, and for how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.wire.connection_id import ConnectionIds

LIFETIME_S = 120
SLOT_S = 1_700_000_040  # Unix seconds; a slot begins
IPV4, IPV6 = bytes([192, 0, 2, 1]), bytes.fromhex("20010db8000000000000000000000001")

ips = st.one_of(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16))
times = st.integers(0, 2**40)


def ids(*secrets: bytes) -> ConnectionIds:
    return ConnectionIds(secrets, LIFETIME_S)


@pytest.mark.parametrize(
    ("minted_s", "last_good_s"),
    [
        (SLOT_S, SLOT_S + 239),
        (SLOT_S + 60, SLOT_S + 239),
        (SLOT_S + 119, SLOT_S + 239),
        (SLOT_S + 120, SLOT_S + 359),
    ],
)
def test_an_id_is_good_until_the_next_slot_ends(minted_s: int, last_good_s: int) -> None:
    mine = ids(b"secret")
    minted = mine.mint(IPV4, minted_s)
    for now_s in (minted_s, minted_s + LIFETIME_S, last_good_s):
        assert mine.valid(minted, IPV4, now_s)
    for now_s in (last_good_s + 1, last_good_s + 1 + LIFETIME_S, last_good_s + 3 * LIFETIME_S):
        assert not mine.valid(minted, IPV4, now_s)


def test_an_id_of_the_next_slot_is_good_and_one_of_the_slot_after_it_is_not() -> None:
    mine = ids(b"secret")
    minted = mine.mint(IPV4, SLOT_S)
    assert mine.valid(minted, IPV4, SLOT_S - 1)
    assert mine.valid(minted, IPV4, SLOT_S - LIFETIME_S)
    assert not mine.valid(minted, IPV4, SLOT_S - LIFETIME_S - 1)


@given(times.filter(lambda now_s: now_s > 300), st.integers(-60, 60))
def test_an_id_lasts_a_minute_where_the_clock_differs_by_a_minute(now_s: int, skew_s: int) -> None:
    mine = ids(b"secret")
    minted = mine.mint(IPV4, now_s)
    for age_s in range(0, 61, 10):
        assert mine.valid(minted, IPV4, now_s + age_s + skew_s)


def test_the_low_byte_of_the_slot_may_overflow() -> None:
    last = 0xFF * LIFETIME_S  # the slot 255
    mine = ids(b"secret")
    minted = mine.mint(IPV4, last), mine.mint(IPV4, last + LIFETIME_S)
    assert [0xFF, 0] == [each[-1] for each in minted]
    for each in minted:
        for now_s in (last, last + LIFETIME_S):
            assert mine.valid(each, IPV4, now_s)


def test_a_frontend_accepts_the_ids_of_another_one_with_the_same_secret() -> None:
    assert ids(b"secret").mint(IPV4, SLOT_S) == ids(b"secret").mint(IPV4, SLOT_S)
    assert ids(b"secret").valid(ids(b"secret").mint(IPV6, SLOT_S), IPV6, SLOT_S)


def test_the_first_secret_mints_and_all_are_accepted() -> None:
    old, new = ids(b"old"), ids(b"new")
    both = ids(b"new", b"old")
    assert new.mint(IPV4, SLOT_S) == both.mint(IPV4, SLOT_S)
    assert both.valid(new.mint(IPV4, SLOT_S), IPV4, SLOT_S)
    assert both.valid(old.mint(IPV4, SLOT_S), IPV4, SLOT_S)
    assert not new.valid(old.mint(IPV4, SLOT_S), IPV4, SLOT_S)


def test_secrets_are_replaced_while_ids_are_in_use() -> None:
    mine = ids(b"old", b"new")
    minted = mine.mint(IPV4, SLOT_S)
    mine.use([b"new", b"newer", b"old"])
    assert ids(b"new").mint(IPV4, SLOT_S) == mine.mint(IPV4, SLOT_S)
    assert mine.valid(minted, IPV4, SLOT_S)
    mine.use([b"newer", b"newest", b"new"])
    assert not mine.valid(minted, IPV4, SLOT_S)


def test_a_secret_may_be_of_any_length_and_counts_to_its_last_byte() -> None:
    long, longer = ids(b"s" * 500), ids(b"s" * 501)
    assert long.valid(long.mint(IPV4, SLOT_S), IPV4, SLOT_S)
    assert not longer.valid(long.mint(IPV4, SLOT_S), IPV4, SLOT_S)


@pytest.mark.parametrize("secrets", [[], [b""], [b"secret", b""]])
def test_no_secret_is_refused(secrets: list[bytes]) -> None:
    with pytest.raises(ValueError, match="need a secret"):
        ConnectionIds(secrets, LIFETIME_S)


@pytest.mark.parametrize("bit", range(64))
def test_an_id_with_any_bit_changed_is_not_valid(bit: int) -> None:
    mine = ids(b"secret")
    minted = int.from_bytes(mine.mint(IPV4, SLOT_S), "big")
    assert not mine.valid((minted ^ 1 << bit).to_bytes(8, "big"), IPV4, SLOT_S + LIFETIME_S)


@given(ips, times, st.integers(0, LIFETIME_S))
def test_any_address_may_use_its_id_for_the_lifetime(ip: bytes, now_s: int, age_s: int) -> None:
    mine = ids(b"secret")
    minted = mine.mint(ip, now_s)
    assert len(minted) == 8
    assert mine.valid(minted, ip, now_s + age_s)


@given(ips, ips, times)
def test_an_id_serves_one_address(ip: bytes, other: bytes, now_s: int) -> None:
    mine = ids(b"secret")
    assert (ip == other) == mine.valid(mine.mint(ip, now_s), other, now_s)


@given(st.binary(max_size=20), ips, times)
def test_no_other_bytes_are_valid(connection_id: bytes, ip: bytes, now_s: int) -> None:
    assert not ids(b"secret").valid(connection_id, ip, now_s)
