"""One connection to one Redis server: many requests in flight, no task for any of them.

What one turn of the loop asks is written at once; replies come back in order and are matched by
a queue of callbacks: to await a client library for each would cost more than all the rest of an
announce. Bounded in number and in time.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import TypeAlias, cast

import hiredis

from tracker.errors import Away, Full, Overloaded, Unavailable, Unserved
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.damage import Damage
from tracker.store.reasons import (
    CLOSED,
    NOT_PRIMARY,
    NOT_REDIS,
    TIMEOUT,
    Reason,
    Unusable,
    describe,
    explain,
    reply_reason,
)
from tracker.store.resp import key_of, split
from tracker.store.trouble import Troubles

# Whatever RESP can say; who sent the commands knows the shape of their replies.
Reply: TypeAlias = list["Reply"] | bytes | int | None
Done: TypeAlias = Callable[[list[Reply] | Unavailable], None]
# Takes over a request of which some replies are a `hiredis.ReplyError`: the commands as they were
# sent, all replies, and who waits for them.
Mend: TypeAlias = Callable[[bytes, list[Reply], Done], None]

PLENTY = 64  # requests; larger batches cost Redis no less a request
GATHER_S = 0.005  # longest wait for more of them, which matters if turns of the loop take long
# What another server, another moment or another look at the cluster may mend.
MENDABLE = frozenset(
    {"MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "READONLY", "MASTERDOWN", "LOADING"}
)
# It was the primary when we connected, and is no more: connect anew.
DEMOTED = frozenset({"READONLY", "MASTERDOWN"})
# Errors that those of a script name somewhere within.
WRONG_TYPE, OUT_OF_MEMORY = "WRONGTYPE", "OOM"
KNOWN_REFUSALS = MENDABLE | {OUT_OF_MEMORY, "NOAUTH", "NOPERM", "BUSY", "MISCONF", "NOREPLICAS"}


class Link(asyncio.Protocol):
    """One connection's life: from `connection_made` to `connection_lost`, then never again."""

    def __init__(
        self,
        settings: RedisSettings,
        metrics: Metrics,
        mend: Mend | None = None,
        damage: Damage | None = None,
        troubles: Troubles | None = None,
    ) -> None:
        """Start unconnected.

        `mend` gets the requests with errors that it may mend; without it they fail. `damage` and
        `troubles`, which log what Redis refuses, outlive connections.
        """
        self._mend = mend
        self._loop = asyncio.get_running_loop()
        self._most = settings.max_in_flight
        self._timeout = settings.timeout
        self._metrics = metrics
        self._damage = damage or Damage(metrics)
        self._troubles = troubles or Troubles()
        self._reader = hiredis.Reader(replyError=self._refused)
        self._transport: asyncio.Transport | None = None
        # Replies due, callback, sent at, commands.
        self._waiting: deque[tuple[int, Done, float, bytes]] = deque()
        self._replies: list[Reply] = []  # of the request at the head of the queue
        self._refusal: str | None = None  # the first error among them
        self._out: list[bytes] = []
        self._gathered = 0  # how many of them the last turn of the loop left
        self._since = 0.0  # when the first of them came
        self._watch: asyncio.TimerHandle | None = None
        self.lost = asyncio.Event()
        self.reason = CLOSED  # why it is lost
        # The server's address, once it has answered the greeting. Until then, errors are about the
        # login, and the pipeline reports them.
        self.server = ""

    def send(self, commands: bytes, count: int, done: Done) -> None:
        """Send `commands`, which have `count` replies; `done` gets those, or why there are none.

        Raises:
            Overloaded: too many wait already.
            Unavailable: the connection is closed.
        """
        if len(self._waiting) >= self._most:
            self._metrics.store_errors["overloaded",] += 1
            raise Overloaded("the tracker is overloaded")
        if self.lost.is_set():
            self._metrics.store_errors["away",] += 1
            raise self._away()
        now = self._loop.time()
        if not self._out:
            self._since = now
            self._loop.call_soon(self._flush)
        self._out.append(commands)
        self._waiting.append((count, done, now, commands))

    def _away(self) -> Away:
        return Away(describe(self.server, self.reason) if self.server else "")

    def abort(self, reason: Reason = CLOSED) -> None:
        """Close at once; requests in flight get Away."""
        if not self.lost.is_set():
            self.reason = reason
        if self._transport is not None:
            self._transport.abort()

    def __len__(self) -> int:
        """How many requests wait for replies."""
        return len(self._waiting)

    @property
    def oldest_at(self) -> float:
        """When the oldest request that waits was sent, by the loop's clock; inf: none waits."""
        return self._waiting[0][2] if self._waiting else inf

    def _flush(self) -> None:
        """Write, once a turn of the loop brought nothing more, or when there is plenty.

        Under load that makes batches where one turn has but a few requests: a write costs both
        sides a system call or two. An idle loop turns again in microseconds, no timer needed.
        """
        gathered = len(self._out)
        if self._gathered < gathered < PLENTY and self._loop.time() - self._since <= GATHER_S:
            self._gathered = gathered
            self._loop.call_soon(self._flush)
            return
        if self._transport is not None:
            self._transport.write(b"".join(self._out))
        self._out.clear()
        self._gathered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's fits by shape only
        self._watch = self._loop.call_later(self._timeout / 8, self._check_deadline)

    def data_received(self, data: bytes) -> None:
        """Take in what the other end sent."""
        self._reader.feed(data)
        gets, waiting, replies = self._reader.gets, self._waiting, self._replies
        if waiting:  # the longest wait of this turn; one look at the clock serves all
            self._metrics.store_seconds.observe(self._loop.time() - waiting[0][2])
        try:
            while (reply := gets()) is not False:
                replies.append(reply)
                if len(replies) == waiting[0][0]:
                    _, done, _, commands = waiting.popleft()
                    finished, replies = replies, []
                    self._replies = replies
                    if self._refusal is None:
                        tell(done, finished)
                    else:
                        refusal, self._refusal = self._refusal, None
                        self._refuse(refusal, commands, finished, done)
        except Exception:  # noqa: BLE001 - bytes that are not a reply we asked for
            # Hiredis raises errors of many kinds; each of our requests is answered once we close.
            unasked = self._refusal if not waiting else None  # as when it has too many clients
            self.abort(NOT_REDIS if unasked is None else reply_reason(unasked))

    def _refused(self, text: str) -> Exception:
        """Hiredis asks what to put in place of an error reply; we note the first as well."""
        if self._refusal is None:
            self._refusal = text
        return hiredis.ReplyError(text)

    def _refuse(self, text: str, commands: bytes, replies: list[Reply], done: Done) -> None:
        code = text.partition(" ")[0]
        if not self.server:
            self._damage.errors[kind(code),] += 1
            tell(done, Unusable(reply_reason(text)))
            return
        if code in DEMOTED:
            self._loop.call_soon(self.abort, NOT_PRIMARY)
        if self._mend is not None and code in MENDABLE:
            self._mend(commands, replies, done)
            return
        words = _refused_words(commands, replies)
        tell(done, refusal(text, words, self.server, self._damage, self._troubles))

    def _check_deadline(self) -> None:
        """Replies come in order, so only the oldest request's age matters."""
        now = self._loop.time()
        if self._waiting and now - self._waiting[0][2] > self._timeout:
            self._metrics.store_errors["timeout",] += 1
            self.abort(TIMEOUT)
        else:
            self._watch = self._loop.call_later(self._timeout / 8, self._check_deadline)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        assert self._watch is not None  # made with the connection
        self._watch.cancel()
        self._transport = None
        if exc is not None and self.reason is CLOSED:
            self.reason = explain(exc, tls=False)
        self.lost.set()
        error = self._away()
        while self._waiting:
            _, done, _, _ = self._waiting.popleft()
            self._metrics.store_errors["lost",] += 1
            tell(done, error)


def _refused_words(commands: bytes, replies: list[Reply]) -> list[bytes]:
    """The words of the first command that has an error for a reply."""
    refused = (isinstance(reply, hiredis.ReplyError) for reply in replies)
    pairs = zip(split(commands), refused, strict=False)
    return next((words for words, is_refused in pairs if is_refused), [])


def refusal(
    text: str, words: Sequence[bytes], server: str, damage: Damage, troubles: Troubles
) -> Unavailable:
    """Count, log and return what a request comes to that Redis refused.

    Args:
        text: the error.
        words: the command that it is about.
        server: the address of the server.
        damage: gets keys of another type.
        troubles: logs all other errors.
    """
    if WRONG_TYPE in text:
        return damage.found(key_of(words) or b"?", "has another type than ours")
    code = OUT_OF_MEMORY if f"-{OUT_OF_MEMORY} " in text else text.partition(" ")[0]
    damage.errors[kind(code),] += 1
    if code in DEMOTED:  # the connection is closed, and reports that
        return Away(describe(server, NOT_PRIMARY))
    trouble = troubles.refused(server, text, kind(code))
    if code == OUT_OF_MEMORY:
        return Full("the tracker is full")
    return Away(trouble) if code in MENDABLE else Unserved(trouble)


def kind(code: str) -> str:
    """Return the label of an error's code in the metric of errors."""
    if code == "WRONGPASS":  # a wrong password is counted as a missing one
        return "noauth"
    return code.lower() if code in KNOWN_REFUSALS else "other"


def tell(done: Done, result: list[Reply] | Unavailable) -> None:
    """Call `done`; one request's fault must not cost the others."""
    try:
        done(result)
    except Exception as error:  # noqa: BLE001 - it goes to the loop, as if that had called
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a store callback failed", "exception": error}
        )
