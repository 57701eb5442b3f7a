"""The number and the bytes of offers that one browser receives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.policy.accounts import NEVER, Rate
from tracker.policy.offers import CELLS, OfferBudget, Shares, cell_of

BUDGET = OfferBudget(Rate(2, 8), 1000)  # a small offer is one of at most 500 bytes


def spent(sizes: list[int], now: float = 100.0, at: float = NEVER) -> tuple[list[bool], float]:
    """Which offers of these sizes, each from another source, fit, and the number that is kept."""
    fit, shares = [], Shares()
    for source, size in enumerate(sizes):
        after = BUDGET.spend(at, size, now, shares, source)
        fit.append(after is not None)
        at = at if after is None else after
    return fit, at


@pytest.mark.parametrize(
    ("sizes", "fit"),
    [
        ([0] * 9, [True] * 8 + [False]),
        ([500] * 9, [True] * 8 + [False]),
        ([2000, 2000, 500, 1], [True, True, False, False]),
        ([4001, 4000, 0], [False, True, False]),
    ],
)
def test_a_burst_is_bounded_in_offers_and_in_bytes(sizes: list[int], fit: list[bool]) -> None:
    assert fit == spent(sizes)[0]


def test_the_budget_refills_with_time() -> None:
    _, at = spent([0] * 8)
    assert [False] == spent([0], 100.4, at)[0]
    assert [True, False] == spent([0, 0], 100.5, at)[0]
    assert [True] * 8 + [False] == spent([0] * 9, 1000.0, at)[0]


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 2000)), max_size=200))
def test_no_browser_receives_more_than_its_burst_and_its_rate(
    offers: list[tuple[int, int]],
) -> None:
    at, now_ms, number, size = NEVER, 0, 0, 0
    shares = Shares()
    for source, (offered, pause_ms) in enumerate(offers):
        now_ms += pause_ms
        after = BUDGET.spend(at, offered, now_ms / 1000, shares, source % CELLS)
        if after is not None:
            at, number, size = after, number + 1, size + offered
        assert number <= 8 + 2 * now_ms / 1000 + 1e-6
        assert size <= 4000 + now_ms + 1e-6


class Recipient:
    """A browser that receives offers of 2 bytes, with the default budget."""

    def __init__(self) -> None:
        self.shares, self.at = Shares(), NEVER
        self._budget = OfferBudget(Rate(50, 500), 262_144)

    def takes(self, cell: int, now: float, offers: int = 1) -> int:
        """Return how many offers of a source are delivered."""
        delivered = 0
        for _ in range(offers):
            after = self._budget.spend(self.at, 2, now, self.shares, cell)
            if after is not None:
                self.at, delivered = after, delivered + 1
        return delivered


def test_a_source_takes_a_quarter_of_what_is_left() -> None:
    recipient = Recipient()
    assert [100, 80, 64] == [recipient.takes(cell, 100.0, 1000) for cell in (1, 2, 3)]


@pytest.mark.parametrize("flooding", [1, 5, 60])
def test_a_source_gets_its_offers_through_while_others_flood_the_browser(flooding: int) -> None:
    recipient = Recipient()
    from_flood = from_honest = 0
    for step in range(600):  # a minute
        now = 100.0 + step / 10
        from_flood += sum(recipient.takes(cell, now, 10) for cell in range(flooding))
        if step % 100 == 50:
            from_honest += recipient.takes(CELLS - 1, now)
    assert 6 == from_honest
    assert from_flood <= 500 + 50 * 60


def test_sources_are_spread_over_the_cells() -> None:
    cells = {cell_of((b"frontend", number), 1) for number in range(10_000)}
    assert set(range(CELLS)) == cells


def test_sources_that_share_a_cell_do_not_share_it_for_all_recipients() -> None:
    one, two = (b"frontend", 1), (b"frontend", 2)
    shared = [cell_of(one, recipient) == cell_of(two, recipient) for recipient in range(1000)]
    assert sum(shared) < 50
