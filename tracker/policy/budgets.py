"""The budgets of one process, made once and handed to all that serves clients."""

from typing import NamedTuple

from tracker.policy.accounts import Accounts
from tracker.policy.crowds import Crowds
from tracker.policy.memory import Memory
from tracker.policy.scrapes import Scrapes


class Budgets(NamedTuple):
    """Bounds of the work and memory that clients may cause in this process and the cluster."""

    accounts: Accounts
    crowds: Crowds  # of HTTP and UDP peers
    browsers: Crowds
    scrapes: Scrapes
    memory: Memory

    def share_among(self, frontends: int) -> None:
        """Apply this frontend's part of the budgets that hold for the whole cluster.

        Args:
            frontends: how many a client of one protocol may use, this one among them. An address
                that uses protocols of separate frontends gets the budgets once for each group.
        """
        self.accounts.share_among(frontends)
        self.crowds.share_among(frontends)
        self.browsers.share_among(frontends)
