"""Budgets as a process with the default settings has them."""

from tracker.budgeting import client_budgets
from tracker.model import Announce
from tracker.policy.accounts import Account
from tracker.policy.budgets import Budgets
from tracker.settings import Settings


def budgets() -> Budgets:
    """Return fresh ones."""
    return client_budgets(Settings())


def account(request: Announce) -> Account:
    """Return an unused account of the address that announces."""
    return Account(request.endpoint[:-2])
