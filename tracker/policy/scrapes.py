"""How many info_hashes of scrapes may wait for the database: one costs as much as half an announce.

One scrape has up to a hundred of them, so a flood of scrapes could keep the database busy for
seconds while it counts as few requests.
"""


class Scrapes:
    """The scrapes of one process that wait for the database.

    Args:
        most: info_hashes that may wait at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting = 0

    def begin(self, size: int) -> bool:
        """Let a scrape of `size` info_hashes wait; False: there is no room for it.

        A scrape gets at most half of the room that is left, so while large ones are refused, small
        ones are still served.
        """
        if 2 * size > self._most - self._waiting and self._waiting:
            return False
        self._waiting += size
        return True

    def end(self, size: int) -> None:
        """Count a scrape that was answered, or failed."""
        self._waiting -= size
