"""What a process logs about servers that it cannot use: each trouble at once, then each minute."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

import structlog

from tracker.store.quiet import Quiet
from tracker.store.reasons import Reason, describe, reply_reason

Key = TypeVar("Key")

log = structlog.get_logger()

QUIET_S: Final = 60.0  # between two lines with the same reason
MOST_REASONS: Final = 10  # of one outage that are logged within that time
STEADY_S: Final = 5.0  # a connection that breaks sooner continues the outage before it


class Events(NamedTuple):
    """The names of what is logged about a kind of connection."""

    up: str
    lost: str  # the connection broke, and was replaced at once
    away: str
    refused: str = ""


REDIS: Final = Events("redis.up", "redis.lost", "redis.away", "redis.refused")
RELAY: Final = Events("relay.up", "relay.lost", "relay.away")


class Outage:
    """The time in which connections of this process to one server are down.

    Attributes:
        down: those connections.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.down: set[Trouble] = set()
        self._clock = clock
        self._since = self._last = clock()
        self._quiet = Quiet(QUIET_S, MOST_REASONS, clock)
        self._logged = False  # whether anything was, since all connections were up
        self._lost: Reason | None = None  # why a connection broke, until something is logged

    @property
    def _for_s(self) -> int:
        return round(self._clock() - self._since)

    def is_over(self, after_s: float) -> bool:
        """Return whether all connections are up, and nothing happened for that long."""
        return not self.down and self._clock() - self._last > after_s

    def lose(self, reason: Reason) -> None:
        """Note that a connection broke. The next attempt shows what to log."""
        self._last = self._clock()
        self._lost = reason

    def log(self, event: str, address: object, reason: Reason, key: str = "") -> None:
        """Log the reason, unless it, or one with the same `key`, was logged within a minute."""
        self._last = self._clock()
        self._lost = None
        if not self._quiet.is_due(key or reason):
            return
        self._logged = True
        hint = {"hint": reason.hint} if reason.hint else {}
        lasting = {"for_s": self._for_s} if self._for_s else {}
        log.warning(event, address=str(address), error=reason.text, **hint, **lasting)

    def end(self, events: Events, address: object) -> None:
        """Log that all connections are up again, if the log has that they were not."""
        if self._lost is not None:
            self.log(events.lost, address, self._lost)
        self._last = self._clock()
        if self._logged:
            log.info(events.up, address=str(address), after_s=self._for_s)
        self._logged = False


class Troubles:
    """The outages of all servers.

    All connections of a process share this object, so that several connections to one server
    cause one line.

    Args:
        events: what is logged.
        clock: seconds, monotonic.
    """

    def __init__(self, events: Events = REDIS, clock: Callable[[], float] = time.monotonic) -> None:
        self.events = events
        self._clock = clock
        self._outages: dict[str, Outage] = {}
        self._refusals: dict[tuple[str, str], Outage] = {}

    def of(self, server: object) -> "Trouble":
        """Return the trouble of a new connection; those to the same server share their lines."""
        return Trouble(self, str(server))

    def outage(self, server: str) -> Outage:
        """Return the outage of a server, which begins now unless it lasts already."""
        self._forget()
        return self._outages.setdefault(server, Outage(self._clock))

    def known(self, server: str) -> Outage | None:
        """Return the outage of a server, if there is one."""
        self._forget()
        return self._outages.get(server)

    def refused(self, address: str, text: str, kind: str) -> str:
        """Log a request that a server refuses; return a line about it for the user of a command.

        While a server is away nothing is logged: most refusals are consequences of that.

        Args:
            address: of the server.
            text: its reply.
            kind: of the reply, one of a few words.
        """
        self._forget()
        reason = reply_reason(text)
        if not self._outages:
            refusal = self._refusals.get((address, kind))
            if refusal is None:
                refusal = self._refusals[address, kind] = Outage(self._clock)
            refusal.log(self.events.refused, address, reason, kind)
        return describe(address, reason)

    def _forget(self) -> None:
        """Drop what is over: what comes next is logged at once."""
        self._outages = _lasting(self._outages, STEADY_S)
        self._refusals = _lasting(self._refusals, QUIET_S)


def _lasting(outages: dict[Key, Outage], after_s: float) -> dict[Key, Outage]:
    return {key: outage for key, outage in outages.items() if not outage.is_over(after_s)}


class Trouble:
    """Why one connection is down.

    Attributes:
        text: one line for the user of a command; empty without trouble.
    """

    def __init__(self, troubles: Troubles, server: str) -> None:
        self.text = ""
        self._troubles = troubles
        self._server = server

    def add(self, address: object, reason: Reason) -> None:
        """Note and log why the server at `address` cannot be used."""
        self._begin(address, reason).log(self._troubles.events.away, address, reason)

    def lose(self, address: object, reason: Reason) -> None:
        """Note why the connection broke; it is logged once the next attempt succeeds."""
        self._begin(address, reason).lose(reason)

    def _begin(self, address: object, reason: Reason) -> Outage:
        self.text = describe(address, reason)
        outage = self._troubles.outage(self._server)
        outage.down.add(self)
        return outage

    def end(self, address: object) -> None:
        """Note that the connection is up; log it if it was the last one down, or (debug) is new."""
        self.text = ""
        events, outage = self._troubles.events, self._troubles.known(self._server)
        if outage is None:
            log.debug(events.up, address=str(address))
        elif self in outage.down:
            outage.down.remove(self)
            if not outage.down:
                outage.end(events, address)

    def leave(self) -> None:
        """Note that the connection is closed for good."""
        outage = self._troubles.known(self._server)
        if outage is not None:
            outage.down.discard(self)
