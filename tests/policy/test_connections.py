"""Limits of connections: of one address, of the process, and of its open files."""

import pytest

from tracker.policy.connections import (
    NO_LIMIT,
    Files,
    fit_files,
    most_per_address,
    most_tls,
    to_shed,
)


@pytest.mark.parametrize(
    ("connections", "backlog", "ports", "allowed", "expected"),
    [
        (50_000, 4096, 1, None, Files(58_292, 50_000, 4096)),
        (50_000, 4096, 1, 58_292, Files(58_292, 50_000, 4096)),
        (50_000, 4096, 1, 58_291, Files(58_291, 50_000 - 1 + 2 * (4096 - 3643), 3643)),
        (50_000, 4096, 1, 20_000, Files(20_000, 17_400, 1250)),
        (50_000, 4096, 2, 20_000, Files(20_000, 14_900, 1250)),
        (50_000, 100, 1, 20_000, Files(20_000, 19_700, 100)),
        (500, 4096, 1, 2000, Files(2000, 500, 125)),
        (50_000, 4096, 1, 64, Files(64, 1, 16)),
    ],
)
def test_files_are_kept_in_reserve(
    connections: int, backlog: int, ports: int, allowed: int | None, expected: Files
) -> None:
    if expected.connections > connections:
        expected = expected._replace(connections=connections)
    assert expected == fit_files(connections, backlog, ports, allowed)


@pytest.mark.parametrize(
    ("memory", "expected"), [(256 << 20, 5461), (16 << 20, 341), (98_304, 2), (1, 1)]
)
def test_tls_takes_at_most_twice_the_budget_of_memory(memory: int, expected: int) -> None:
    assert expected == most_tls(memory)


@pytest.mark.parametrize(
    ("most", "per_address", "expected"),
    [(50_000, 5000, 5000), (6000, 5000, 3000), (1, 5000, 1), (10, 0, NO_LIMIT), (10, 1, 1)],
)
def test_an_address_has_at_most_half_of_all_connections(
    most: int, per_address: int, expected: int
) -> None:
    assert expected == most_per_address(most, per_address)


@pytest.mark.parametrize(
    ("newcomer", "others", "expected"),
    [
        (0, [], None),
        (0, [1, 1, 1], None),
        (0, [1, 2, 1], 1),
        (3, [4, 4], None),
        (3, [4, 5, 9, 5], 2),
        (9, [4, 5, 9, 5], None),
        (0, [0, 0], None),
    ],
)
def test_the_largest_holder_makes_room_for_a_smaller_one(
    newcomer: int, others: list[int], expected: int | None
) -> None:
    assert expected == to_shed(newcomer, others)
