"""The order of service under overload: clients take turns, and those that ask for little go first.

As in FQ-CoDel (RFC 8290), a client without anything that waits is new: it goes before those that
wait in rounds, until it has used a credit of work. The credit is renewed when its round comes, so a
client that pauses and asks again gains no more than one that waits. Unlike there, rounds go on
while new clients come: a flood from ever new addresses only slows the others down.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

NEW_IN_A_ROW = 8  # new clients that are served before one of the others
MOST_EMPTY = 4096  # clients whose credit is remembered although nothing of them waits

Client = TypeVar("Client", bound=Hashable)
Item = TypeVar("Item")


class _Queue(Generic[Item]):
    """The items of one client, and the work that it may cause before it has to wait."""

    __slots__ = ("credit", "items")

    def __init__(self, credit: float) -> None:
        self.items: deque[Item] = deque()
        self.credit = credit


class Rounds(Generic[Client, Item]):
    """Items that wait, by client.

    Args:
        credit: work that a client may cause in each round before it has to wait for the next.
    """

    def __init__(self, credit: float) -> None:
        self._credit = credit
        self.size = 0  # how many items wait; an attribute, since each request asks for it
        # Ordered dictionaries find their first key at once, also after many were removed.
        self._new: OrderedDict[Client, _Queue[Item]] = OrderedDict()
        self._old: OrderedDict[Client, _Queue[Item]] = OrderedDict()  # in the order of the rounds
        self._empty = 0  # of the old, without items
        self._in_a_row = 0  # new clients that were served since one of the others
        self._served: tuple[Client, _Queue[Item]] | None = None

    def add(self, client: Client, item: Item) -> None:
        """Append an item to those of its client."""
        queue = self._new.get(client)
        if queue is None:
            queue = self._old.get(client)
            if queue is None:
                queue = self._new[client] = _Queue(self._credit)
            elif not queue.items:
                self._empty -= 1
                if queue.credit > 0:
                    self._new[client] = self._old.pop(client)
        queue.items.append(item)
        self.size += 1

    def next(self) -> Item:
        """Remove and return the item whose turn it is; `spend` what it costs before the next call.

        Raises:
            IndexError: nothing waits.
        """
        if not self.size:
            raise IndexError("nothing waits")
        while True:
            if self._new and (self._in_a_row < NEW_IN_A_ROW or not self._old):
                self._in_a_row += 1
                client, queue = self._new.popitem(last=False)
                break
            client, queue = self._old.popitem(last=False)
            if queue.items:
                self._in_a_row = 0
                queue.credit = self._credit
                break
            self._empty -= 1  # its round has come, and it does not wait: it will be new again
        self.size -= 1
        self._old[client] = queue  # behind all others
        self._served = client, queue
        item = queue.items.popleft()
        self._empty += not queue.items
        return item

    def spend(self, work: float) -> None:
        """Charge the client that was served last; it goes on before the others if it has credit."""
        assert self._served is not None
        (client, queue), self._served = self._served, None
        queue.credit -= work
        if not self.size:
            self._old.clear()
            self._empty = 0
        elif queue.items:
            self._old.pop(client, None)
            self._new.pop(client, None)  # if it has asked again meanwhile
            (self._new if queue.credit > 0 else self._old)[client] = queue
        elif self._empty > MOST_EMPTY:
            del self._old[client]
            self._empty -= 1
