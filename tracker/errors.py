"""One tree of errors. `label` is constant (a metric's label), `reason` may be shown to a peer.

TrackerError
├── Refused        the peer's fault; asking again the same way will not help
│   ├── Malformed  bytes that are not a request
│   └── Denied     understood, and not allowed
└── Unavailable    our fault, and brief: ask again later
    ├── Away       Redis cannot be reached; its connection logs why
    │   └── Unserved   it is reached, and refuses the request
    ├── Overloaded too much in flight
    │   └── Full   the database refuses writes: its memory is full
    ├── Superseded another worker does it now
    └── Corrupt    data in Redis that are not what we wrote
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


class Away(Unavailable):
    """Redis cannot be reached. Its connection logs why, so that no request needs to.

    Args:
        trouble: the address, and what is wrong; empty if it is not known.

    The text says why, for operators; the reason does not, for clients.
    """

    def __init__(self, trouble: str = "") -> None:
        super().__init__("the tracker's store is away")
        self._trouble = trouble

    def __str__(self) -> str:
        return self._trouble or self.reason


class Unserved(Away):
    """Redis is reached, and refuses the request: a right is missing, or the like."""


class Overloaded(Unavailable):
    """More is in flight than the settings allow."""

    label = "overloaded"


class Full(Overloaded):
    """The database refuses writes because its memory is full; reads still work."""


class Superseded(Unavailable):
    """A background job's write that came too late: another worker has its lease."""

    label = "superseded"


class Corrupt(Unavailable):
    """Data in Redis that are not what a tracker writes: a wrong type, a wrong size, garbage.

    Args:
        key: its name, printable.
        problem: what is wrong with it.

    The text names the key, for operators; the reason does not, for clients.
    """

    label = "corrupt"

    def __init__(self, key: str, problem: str) -> None:
        super().__init__("the tracker cannot read its data")
        self.key, self.problem = key, problem

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}"
