"""What is asked of trackers and what they answer, alike for all protocols; and the errors.

ClientError
├── BadUrl       not the address of a tracker
├── Unreachable  no connection, or no answer in time
├── BadReply     an answer that does not follow the protocol
└── Refused      the tracker's own failure reason
"""

from collections.abc import Iterable
from typing import NamedTuple

from tracker.model import Endpoint, Event, InfoHash, PeerId
from tracker.wire.compact import unpack


class ClientError(Exception):
    """There is no answer; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadUrl(ClientError):
    """Not the address of a tracker."""


class Unreachable(ClientError):
    """No connection, or no answer in time."""


class BadReply(ClientError):
    """The answer does not follow the protocol."""


class Refused(ClientError):
    """The tracker answered with a failure."""

    def __init__(self, reason: str, retry_in_s: int | None = None) -> None:
        super().__init__(reason)
        self.retry_in_s = retry_in_s  # None: not told


class AnnounceRequest(NamedTuple):
    """One peer's announce."""

    info_hash: InfoHash
    peer_id: PeerId
    port: int  # where the peer listens; a browser's is not sent
    event: Event = Event.NONE
    left: int = 0  # bytes to download; 0: a seeder
    numwant: int | None = None  # None: the tracker's default


class Peer(NamedTuple):
    """Where another peer listens."""

    host: str  # an IP address
    port: int


class AnnounceReply(NamedTuple):
    """What the tracker answered; None where it, or its protocol, is silent."""

    interval_s: int
    min_interval_s: int | None = None
    seeders: int | None = None
    leechers: int | None = None
    completed: int | None = None
    external_ip: str | None = None
    warning: str | None = None
    peers: tuple[Peer, ...] = ()


def to_peers(endpoints: Iterable[Endpoint]) -> tuple[Peer, ...]:
    """Peers of compact endpoints."""
    return tuple([Peer(*unpack(endpoint)) for endpoint in endpoints])
