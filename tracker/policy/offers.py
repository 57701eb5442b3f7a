"""The number and the bytes of offers that one browser receives, as one budget.

The generic cell rate algorithm keeps one number: until when the budget is spent. A small offer
costs one step of the rate in offers; a large one costs the time that its bytes take.

Each source of offers may take a quarter of what is left of the budget. Many sources therefore get
equal parts of it, and an offer from a source that has sent none is delivered. Sources are counted
in cells, in constant memory. Few of them share one, different ones for each recipient, and Python's
keyed hash keeps a source from choosing its cell.
"""

from array import array
from collections.abc import Hashable

from tracker.policy.accounts import NEVER, Rate

CELLS = 256  # 4 bytes each, for each browser that received offers lately
PART = 4  # a source may take 1/PART of what is left


def cell_of(source: Hashable, recipient: int) -> int:
    """Return the cell in which a recipient, by its number, counts a source of offers."""
    return hash((source, recipient)) & (CELLS - 1)


class Shares:
    """The parts of one browser's budget that sources took in the current period."""

    __slots__ = ("spent_s", "until")

    def __init__(self) -> None:
        self.spent_s = array("f", bytes(4 * CELLS))
        self.until = NEVER  # the end of the period


class OfferBudget:
    """The budget of each browser.

    Args:
        offers: the rate, in offers.
        bytes_per_second: the rate, in bytes; the burst lasts as long as that of `offers`.
    """

    def __init__(self, offers: Rate, bytes_per_second: float) -> None:
        self._step_s, self._window_s = offers.step_s, offers.window_s
        self._byte_s = 1 / bytes_per_second

    def spend(
        self, spent_until: float, size: int, now: float, shares: Shares, cell: int
    ) -> float | None:
        """Spend one offer of `size` bytes.

        Args:
            spent_until: the previous result for this browser; minus infinity at first.
            shares: of this browser.
            cell: of the source of the offer, see `cell_of`.

        Returns:
            The new time until which the budget is spent; None if the offer does not fit.
        """
        cost_s, before = size * self._byte_s, now - self._window_s
        if cost_s < self._step_s:
            cost_s = self._step_s
        if before < spent_until:
            before = spent_until
        at = before + cost_s
        if at > now:
            return None
        if now >= shares.until:
            shares.until = now + self._window_s
            shares.spent_s = array("f", bytes(4 * CELLS))
        spent_s = shares.spent_s[cell]
        if spent_s and (spent_s + cost_s) * PART > now - before:
            return None
        shares.spent_s[cell] = spent_s + cost_s
        return at
