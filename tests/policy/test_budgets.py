"""The budgets of one process, as far as they are shared with others."""

import pytest

from tracker.budgeting import client_budgets
from tracker.policy.crowds import ENTER
from tracker.settings import Settings

SWARM = b"s" * 20


def test_what_holds_for_the_whole_cluster_is_shared_among_its_frontends() -> None:
    limits = {"entries_burst": 10_000, "work_burst": 1024, "work_per_second": 1024}
    budgets = client_budgets(Settings.model_validate({"limits": limits}))
    budgets.share_among(4)
    account = budgets.accounts.of(b"\1\2\3\4", 0.0)
    kept = sum(budgets.accounts.keep_entry(account, 0.0) for _ in range(11_000))
    assert 2500 == pytest.approx(kept, abs=1)
    parts = (budgets.crowds, b"\5\6\7\x08", 50), (budgets.browsers, b"\5\6\7\x09", 8)
    for crowds, address, part in parts:
        other = budgets.accounts.of(address, 0.0)
        members = [b"%5d" % number for number in range(100)]
        entries = [crowds.entry(other, SWARM, member, 0.0) for member in members]
        assert 1 + part == entries.count(ENTER)  # the first one does not count
    assert 1024 == sum(budgets.accounts.work(account, 1, 0.0) for _ in range(1100))
