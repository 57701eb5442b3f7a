"""One tree of errors. `label` is constant (a metric's label), `reason` may be shown to a peer.

TrackerError
├── Refused        the peer's fault; asking again the same way will not help
│   ├── Malformed  bytes that are not a request
│   └── Denied     understood, and not allowed
└── Unavailable    our fault, and brief: ask again later
    ├── Overloaded too much in flight
    └── Superseded another worker does it now
"""

from typing import ClassVar


class TrackerError(Exception):
    """What a request can come to, other than an answer."""

    label: ClassVar[str] = "internal"
    retry_in_s: ClassVar[int | None] = None  # seconds after which asking again may help

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(TrackerError):
    """The peer's fault; asking again the same way will not help."""

    label = "refused"


class Malformed(Refused):
    """Bytes that are not a request of the protocol."""

    label = "malformed"


class Denied(Refused):
    """A well-formed request that the tracker's rules do not allow."""

    label = "denied"


class Unavailable(TrackerError):
    """The shared state cannot be reached; recovers by itself."""

    label = "unavailable"
    retry_in_s = 120


class Overloaded(Unavailable):
    """More is in flight than the settings allow."""

    label = "overloaded"


class Superseded(Unavailable):
    """A background job's write that came too late: another worker has its lease."""

    label = "superseded"
