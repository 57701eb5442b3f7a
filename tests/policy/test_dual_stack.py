"""Clients that announce over both IPv4 and IPv6."""

from collections.abc import Iterator
from itertools import count

import pytest
from msgspec.structs import replace

from tracker.model import Announce, Counts, Event
from tracker.policy.dual_stack import DualStack, Listed, counted_once

NOW, TTL_S = 1_800_000_000, 2700
ENDPOINT = {4: b"\xc0\0\2\1\x1a\xe1", 6: b"\x20\x01\x0d\xb8" + bytes(11) + b"\1\x1a\xe1"}


def an_announce(family: int, **changed: object) -> Announce:
    """One client's announce, unless something is changed."""
    announce = Announce(
        b"h" * 20, b"p" * 20, ENDPOINT[family], Event.NONE, False, None, True, b"key"
    )
    return replace(announce, **changed)


def endpoint(found: Listed | None) -> bytes | None:
    return None if found is None else found.endpoint


@pytest.mark.parametrize(("first", "second"), [(4, 6), (6, 4)])
def test_the_second_announce_finds_the_endpoint_of_the_first(first: int, second: int) -> None:
    table = DualStack(TTL_S)
    assert None is table.note(an_announce(first), NOW)
    assert ENDPOINT[first] == endpoint(table.note(an_announce(second), NOW))
    assert ENDPOINT[second] == endpoint(table.note(an_announce(first), NOW))


def test_announces_over_one_family_find_nothing() -> None:
    table = DualStack(TTL_S)
    for _ in range(3):
        assert None is table.note(an_announce(4), NOW)


@pytest.mark.parametrize(
    "changed", [{"info_hash": b"H" * 20}, {"peer_id": b"P" * 20}, {"key": b"other"}]
)
def test_a_client_is_known_by_peer_id_and_key_in_one_swarm(changed: dict[str, object]) -> None:
    table = DualStack(TTL_S)
    table.note(an_announce(4), NOW)
    assert None is table.note(an_announce(6, **changed), NOW)
    assert ENDPOINT[4] == endpoint(table.note(an_announce(6), NOW))


def test_the_latest_endpoint_and_role_are_found() -> None:
    table = DualStack(TTL_S)
    moved = b"\xc0\0\2\2\x1a\xe2"
    table.note(an_announce(4), NOW)
    table.note(an_announce(4, endpoint=moved, seeding=True), NOW)
    found = table.note(an_announce(6), NOW)
    assert found is not None
    assert (moved, True) == (found.endpoint, found.seeding)


def test_an_endpoint_is_found_until_it_expires() -> None:
    table = DualStack(TTL_S)
    table.note(an_announce(4), NOW)
    assert ENDPOINT[4] == endpoint(table.note(an_announce(6), NOW + TTL_S - 1))
    assert None is table.note(an_announce(6), NOW + TTL_S)


def test_an_endpoint_that_left_is_not_found_and_one_that_leaves_finds_nothing() -> None:
    table = DualStack(TTL_S)
    table.note(an_announce(4), NOW)
    table.note(an_announce(6), NOW)
    assert None is table.note(an_announce(4, event=Event.STOPPED), NOW)
    assert None is table.note(an_announce(6), NOW)


def test_nothing_is_found_after_all_was_forgotten() -> None:
    table = DualStack(TTL_S)
    table.note(an_announce(4), NOW)
    table.clear()
    assert None is table.note(an_announce(6), NOW)


def clients() -> Iterator[bytes]:
    return (number.to_bytes(20, "big") for number in count())


def test_newer_clients_replace_older_ones_and_nothing_grows() -> None:
    table = DualStack(TTL_S, clients=32)
    recent = clients()
    older = [next(recent) for _ in range(1000)]
    for peer_id in older:
        table.note(an_announce(4, peer_id=peer_id), NOW)
    found = [table.note(an_announce(6, peer_id=peer_id), NOW) for peer_id in older]
    assert 0 < sum(each is not None for each in found) <= 32
    assert 32 * 64 == len(table._table)


@pytest.mark.parametrize(
    ("counts", "seeding", "expected"),
    [
        (Counts(5, 7, 3), True, Counts(4, 7, 3)),
        (Counts(5, 7, 3), False, Counts(5, 7, 2)),
        (Counts(0, 7, 0), True, Counts(0, 7, 0)),
        (Counts(0, 7, 0), False, Counts(0, 7, 0)),
    ],
)
def test_a_client_is_counted_once_by_its_other_role(
    counts: Counts, seeding: bool, expected: Counts
) -> None:
    assert expected == counted_once(counts, Listed(ENDPOINT[4], seeding))
