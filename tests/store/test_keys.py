"""Every key's name."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.crc import key_slot

from tests.store.asking import HASH
from tracker.model import HASH_SIZE, Family
from tracker.store.keys import (
    KEY_SIZE,
    STATISTICS,
    info_hash_of,
    slot,
    swarm_key,
)


def test_no_two_families_share_a_swarm() -> None:
    assert 3 == len({swarm_key(family, HASH) for family in Family})


def test_no_hash_makes_a_key_of_another_kind() -> None:
    assert KEY_SIZE == len(swarm_key(Family.IPV4, HASH))
    assert KEY_SIZE != len(STATISTICS)
    assert HASH == info_hash_of(swarm_key(Family.BROWSER, HASH))


@given(st.binary(min_size=HASH_SIZE, max_size=HASH_SIZE))
@example(b"}" * HASH_SIZE)
@example(b"{" + bytes(HASH_SIZE - 1))
@example(b"a}" + bytes(HASH_SIZE - 2))
def test_all_keys_of_a_hash_are_in_one_slot(info_hash: bytes) -> None:
    keys = [swarm_key(family, info_hash) for family in Family]
    assert 1 == len({slot(key) for key in keys})


@pytest.mark.parametrize(
    "key", [b"key", b"{a}b", b"a{b}c", b"{}a", b"a{}{b}", b"{a", b"a}b{", b"{{a}}", b""]
)
def test_slots_are_those_of_redis(key: bytes) -> None:
    assert key_slot(key) == slot(key)
