"""Commands that a node of a cluster did not serve are sent again, each where it belongs."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

import hiredis

from tracker.errors import Unavailable
from tracker.store.damage import Damage
from tracker.store.link import MENDABLE, Done, Reply, refusal, tell
from tracker.store.pipeline import Pipeline
from tracker.store.resp import command, key_of, split
from tracker.store.slots import Node
from tracker.store.trouble import Troubles

NO_NODE: Node = ("", 0)  # of replies without errors
MOST_ROUNDS = 10  # that a request may take: nodes may send it to and fro
ASKING = command("ASKING")  # before a command for a slot that is on its way to who gets it
REDIRECTION = re.compile(r"(MOVED|ASK) (\d+) (.*):(\d+)")
# What another look at the slots may mend, once.
STALE = frozenset({"CLUSTERDOWN", "READONLY", "MASTERDOWN", "LOADING"})


class Ways(Protocol):
    """What a cluster knows of its nodes. All raise Unavailable."""

    def primary(self, key: bytes) -> Pipeline:
        """Who has `key` now."""

    def moved(self, slot: int, node: Node) -> Pipeline:
        """A slot has a new owner."""

    def at(self, node: Node) -> Pipeline:
        """That node."""

    def after_pause(self, again: Callable[[], None]) -> None:
        """Call `again` in a moment, when a slot may have come to rest."""

    def after_look(self, again: Callable[[], None]) -> None:
        """Call `again` when the nodes have been asked anew who has which slot."""


class Refused(NamedTuple):
    """A command's error."""

    text: str
    node: Node  # that said so

    @property
    def code(self) -> str:
        """Its first word."""
        return self.text.partition(" ")[0]


class Batch:
    """What of a request goes to one node; a `Done`.

    Args:
        places: of the commands within the request; None for ASKING.
    """

    def __init__(self, mending: "Mending", places: Iterable[int | None]) -> None:
        self._mending = mending
        self._places = places

    def __call__(self, result: list[Reply] | Unavailable) -> None:
        """All were served, or none."""
        if isinstance(result, Unavailable):
            self._mending.end(result)
        else:
            self.take(result, NO_NODE)

    def take(self, replies: Sequence[Reply | hiredis.ReplyError], node: Node) -> None:
        """Some may be a `hiredis.ReplyError`, said by `node`."""
        self._mending.take(zip(self._places, replies, strict=True), node)


class Mending:
    """One request, until all of its commands have been served, or one of them can't be."""

    def __init__(
        self, ways: Ways, damage: Damage, troubles: Troubles, commands: bytes, done: Done
    ) -> None:
        self._ways = ways
        self._damage = damage
        self._troubles = troubles
        self._commands = split(commands)
        self._done: Done | None = done
        self._replies: list[Reply] = [None] * len(self._commands)
        self._refused: dict[int, Refused] = {}
        self._due = 1  # batches that were sent
        self._rounds = 0
        self._looked = False

    def whole(self) -> Batch:
        """The request as it was sent first."""
        return Batch(self, range(len(self._commands)))

    def end(self, result: list[Reply] | Unavailable) -> None:
        """Tell who waits, once."""
        done, self._done = self._done, None
        if done is not None:
            tell(done, result)

    def take(
        self, replies: Iterable[tuple[int | None, Reply | hiredis.ReplyError]], node: Node
    ) -> None:
        """The replies of one batch."""
        for place, reply in replies:
            if place is None:
                continue
            if isinstance(reply, hiredis.ReplyError):
                self._refused[place] = Refused(str(reply), node)
            else:
                self._replies[place] = reply
                self._refused.pop(place, None)
        self._due -= 1
        if self._due == 0 and self._done is not None:
            self._go_on()

    def _go_on(self) -> None:
        self._rounds += 1
        codes = {refused.code for refused in self._refused.values()}
        stale = not codes.isdisjoint(STALE)
        hopeless = not codes <= MENDABLE or self._rounds > MOST_ROUNDS or (stale and self._looked)
        try:
            if not codes:
                self.end(self._replies)
            elif hopeless:
                place, refused = self._worst()
                self.end(self._refusal(refused, self._commands[place]))
            elif stale:
                self._looked = True
                self._ways.after_look(self._send)
            elif "TRYAGAIN" in codes:
                self._ways.after_pause(self._send)
            else:
                self._send()
        except Unavailable as error:
            self.end(error)

    def _worst(self) -> tuple[int, Refused]:
        """The place of the error that stands for all, and the error."""
        _, _, place = min(
            (each.code in MENDABLE, each.text, place) for place, each in self._refused.items()
        )
        return place, self._refused[place]

    def _refusal(self, refused: Refused, words: Sequence[bytes]) -> Unavailable:
        host, port = refused.node
        server = f"{host}:{port}"
        return refusal(refused.text, words, server, self._damage, self._troubles)

    def _send(self) -> None:
        batches: dict[Pipeline, tuple[list[bytes], list[int | None]]] = {}
        try:
            for place, refused in sorted(self._refused.items()):
                words = self._commands[place]
                pipeline, asking = self._way(words, refused)
                commands, places = batches.setdefault(pipeline, ([], []))
                commands += [ASKING] * asking + [command(*words)]
                places += [None] * asking + [place]
            self._due = len(batches)
            for pipeline, (commands, places) in batches.items():
                pipeline.submit(b"".join(commands), len(commands), Batch(self, places))
        except Unavailable as error:
            self.end(error)

    def _way(self, words: list[bytes], refused: Refused) -> tuple[Pipeline, bool]:
        """Where a command goes now, and whether after ASKING."""
        if found := REDIRECTION.fullmatch(refused.text):
            kind, slot, host, port = found.groups()
            node = (host or refused.node[0], int(port))  # no host: that of who says so
            if kind == "ASK":
                return self._ways.at(node), True
            return self._ways.moved(int(slot), node), False
        key = key_of(words)
        if key is None:  # it was meant for that node only
            raise self._refusal(refused, words)
        return self._ways.primary(key), False
