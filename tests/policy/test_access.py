"""Which torrents are served."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Denied
from tracker.model import HASH_SIZE
from tracker.policy.access import OPEN, PAGE_SIZE, Access, AccessLists, Hashes

A, B, C = (bytes([number]) * HASH_SIZE for number in (1, 2, 3))

# Few different bytes: so that entries look alike, and one is found within two others.
alike = st.lists(st.sampled_from([0, 1, 255]), min_size=HASH_SIZE, max_size=HASH_SIZE).map(bytes)
sets = st.frozensets(alike, max_size=60)


def hashes(*entries: bytes) -> Hashes:
    return Hashes(b"".join(sorted(set(entries))))


@given(sets, sets, st.data())
def test_a_set_of_hashes_holds_what_was_put_in_and_nothing_else(
    entries: frozenset[bytes], others: frozenset[bytes], data: st.DataObject
) -> None:
    whole = b"".join(sorted(entries))
    cut = data.draw(st.integers(0, len(entries))) * HASH_SIZE
    found = Hashes(whole[:cut], whole[cut:])
    assert len(entries) == len(found)
    assert sorted(entries) == list(found)
    within = {whole[at : at + HASH_SIZE] for at in range(len(whole) - HASH_SIZE + 1)}
    for entry in entries | others | within:
        assert (entry in entries) is (entry in found)


def test_a_large_set_has_many_pages_and_finds_all_of_each() -> None:
    count = 10 * PAGE_SIZE // HASH_SIZE + 7
    entries = [number.to_bytes(HASH_SIZE, "big") for number in range(1, 2 * count, 2)]
    found = hashes(*entries)
    assert count == len(found)
    assert all(entry in found for entry in entries)
    between = [number.to_bytes(HASH_SIZE, "big") for number in range(0, 2 * count + 1, 2)]
    assert not any(entry in found for entry in between)


def test_an_entry_is_not_mistaken_for_the_end_of_one_and_the_begin_of_the_next() -> None:
    low, high = bytes(19) + b"\1", b"\2" * HASH_SIZE
    within = (low + high)[1 : 1 + HASH_SIZE]
    found = hashes(low, high)
    assert within not in found
    assert low in found
    assert high in found
    assert within in hashes(low, high, within)


@pytest.mark.parametrize("size", [1, PAGE_SIZE, 3 * PAGE_SIZE + 1, 10**6])
def test_a_set_is_cut_into_parts_and_put_together_again(size: int) -> None:
    entries = [number.to_bytes(HASH_SIZE, "big") for number in range(1000)]
    parts = list(hashes(*entries).parts(size))
    assert max(PAGE_SIZE, size) >= max(map(len, parts))
    assert entries == list(Hashes(*parts))


@pytest.mark.parametrize(
    ("access", "served"),
    [
        (OPEN, [A, B, C]),
        (Access(None, (hashes(A),)), [B, C]),
        (Access(None, (hashes(A), hashes(B))), [C]),
        (Access((hashes(A),), ()), [A]),
        (Access((hashes(A), hashes(B)), ()), [A, B]),
        (Access((hashes(A, B),), (hashes(A),)), [B]),
        (Access((hashes(),), ()), []),
        (Access(None, (hashes(),)), [A, B, C]),
    ],
)
def test_all_are_served_but_the_denied_and_if_some_are_allowed_those_only(
    access: Access, served: list[bytes]
) -> None:
    assert served == [entry for entry in (A, B, C) if access.allows(entry)]


def test_the_lists_in_force_are_replaced_as_one() -> None:
    lists = AccessLists()
    lists.check(A)
    lists.current = Access(None, (hashes(A),))
    lists.check(B)
    with pytest.raises(Denied, match="this torrent is not allowed"):
        lists.check(A)
