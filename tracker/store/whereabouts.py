"""Where a browser is that may have reconnected: the frontends on which it is in a swarm now."""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

from tracker.errors import TrackerError, Unavailable
from tracker.model import FrontendId, InfoHash, PeerId

# A look asks Redis once for each frontend. ICE candidates come in bursts, and a browser may send
# many answers to one that has left.
KNOWN_S = 1.0
MOST_KNOWN = 1000  # browsers

Done: TypeAlias = Callable[[list[FrontendId] | TrackerError], None]


class Entries(Protocol):
    """The entries of browsers in swarms: see `tracker.service.browsers`."""

    def leave(self, info_hash: InfoHash, peer_id: PeerId) -> None:
        """Remove the entry of a browser that this frontend has no socket of."""

    def find(self, info_hash: InfoHash, peer_id: PeerId, done: Done) -> None:
        """Find the frontends on which a browser is in a swarm; may raise Unavailable."""


class Place(NamedTuple):
    """The result of a look, and those who wait for the next one."""

    until: float  # the time of the next look
    frontends: list[FrontendId]
    waiting: list[Done]


class Whereabouts:
    """Looks browsers up, each once in `KNOWN_S`.

    Args:
        entries: are looked up.
        clock: monotonic seconds.
        later: calls a function after some seconds.
    """

    def __init__(
        self,
        entries: Entries,
        clock: Callable[[], float],
        later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self._entries = entries
        self._clock = clock
        self._later = later
        self._known: dict[tuple[InfoHash, PeerId], Place] = {}

    def find(self, info_hash: InfoHash, peer_id: PeerId, done: Done) -> None:
        """Find the frontends on which a browser is; `done` gets them or the error, now or later.

        A browser that was not found a moment ago may have come back since, so `done` then gets the
        result of another look at the end of that moment.
        """
        known = self._known.get((info_hash, peer_id))
        if known is None or known.until <= self._clock():
            self._look(info_hash, peer_id, [done])
        elif known.frontends:
            done(known.frontends)
        else:
            if not known.waiting:
                self._later(known.until - self._clock(), lambda: self.forget(info_hash, peer_id))
            known.waiting.append(done)

    def forget(self, info_hash: InfoHash, peer_id: PeerId) -> None:
        """Forget where a browser was: it has joined somewhere, or the moment is over."""
        known = self._known.pop((info_hash, peer_id), None)
        if known is not None and known.waiting:
            self._look(info_hash, peer_id, known.waiting)

    def _look(self, info_hash: InfoHash, peer_id: PeerId, waiting: list[Done]) -> None:
        def found(frontends: list[FrontendId] | TrackerError) -> None:
            if not isinstance(frontends, TrackerError):
                self._remember(info_hash, peer_id, frontends)
            for done in waiting:
                done(frontends)

        try:
            self._entries.find(info_hash, peer_id, found)
        except Unavailable as error:
            found(error)

    def _remember(self, info_hash: InfoHash, peer_id: PeerId, frontends: list[FrontendId]) -> None:
        known = self._known.get((info_hash, peer_id))
        if known is not None and known.waiting:
            return  # several looks were on their way; those who wait since the first get another
        now = self._clock()
        self._known.pop((info_hash, peer_id), None)  # so that the oldest come first
        while len(self._known) >= MOST_KNOWN:
            oldest = next(iter(self._known))
            place = self._known[oldest]
            if place.until > now or place.waiting:
                return
            del self._known[oldest]
        self._known[info_hash, peer_id] = Place(now + KNOWN_S, frontends, [])
