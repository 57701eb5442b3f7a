"""Where a browser is that may have reconnected: the frontends on which it is in a swarm now."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from tracker.errors import TrackerError, Unavailable
from tracker.model import FrontendId, InfoHash, PeerId

# A look asks Redis once for each frontend. ICE candidates come in bursts, and a browser may send
# many answers to one that has left.
KNOWN_S = 1.0
MOST_KNOWN = 1000  # browsers

Done = Callable[[list[FrontendId] | TrackerError], None]


class Entries(Protocol):
    """The entries of browsers in swarms: see `tracker.service.browsers`."""

    def leave(self, info_hash: InfoHash, peer_id: PeerId) -> None:
        """Remove the entry of a browser that this frontend has no socket of."""

    def find(self, info_hash: InfoHash, peer_id: PeerId, done: Done) -> None:
        """Find the frontends on which a browser is in a swarm; may raise Unavailable."""


class Place(NamedTuple):
    """The result of a look."""

    until: float  # the time until which it is used
    frontends: list[FrontendId]


class Whereabouts:
    """Looks browsers up, each at most once in `KNOWN_S`.

    Args:
        entries: are looked up.
        clock: monotonic seconds.
    """

    def __init__(self, entries: Entries, clock: Callable[[], float]) -> None:
        self._entries = entries
        self._clock = clock
        self._known: dict[bytes, Place] = {}  # by info_hash + peer_id

    def find(self, info_hash: InfoHash, peer_id: PeerId, done: Done) -> None:
        """Find the frontends on which a browser is; `done` gets them or the error, now or later."""
        member = info_hash + peer_id
        known = self._known.get(member)
        if known is not None and known.until > self._clock():
            done(known.frontends)
            return

        def found(frontends: list[FrontendId] | TrackerError) -> None:
            if not isinstance(frontends, TrackerError):
                self._remember(member, frontends)
            done(frontends)

        try:
            self._entries.find(info_hash, peer_id, found)
        except Unavailable as error:
            done(error)

    def _remember(self, member: bytes, frontends: list[FrontendId]) -> None:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[member] = Place(self._clock() + KNOWN_S, frontends)
