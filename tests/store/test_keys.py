"""Every key's name."""

from tests.store.asking import HASH
from tracker.model import HASH_SIZE, Family
from tracker.store.keys import KEY_SIZE, STATISTICS, completed_key, swarm_key


def test_no_two_families_share_a_swarm() -> None:
    assert 3 == len({swarm_key(family, HASH) for family in Family})


def test_both_ip_families_share_their_completed_downloads_and_browsers_have_their_own() -> None:
    ipv4, ipv6, browser = (completed_key(family, HASH) for family in Family)
    assert ipv4 == ipv6 != browser


def test_no_hash_makes_a_key_of_another_kind() -> None:
    tags = {swarm_key(family, b"") for family in Family}
    others = {completed_key(family, b"") for family in Family}
    assert tags.isdisjoint(others)
    assert {1} == {len(tag) for tag in tags | others}
    assert KEY_SIZE == 1 + HASH_SIZE != len(STATISTICS)
