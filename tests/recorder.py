"""A browser's socket that keeps what it is to send."""

from tracker.frontends.session import Session
from tracker.policy.accounts import Account

HOME = bytes((10, 0, 0, 1))


class Recorder(Session):
    """A socket without a network.

    Attributes:
        sent: the messages.
        challenges: how often it was asked for a sign of life.
        held: bytes of memory that it makes the process hold.
        allowed: bytes that it may hold.
        free: bytes of relayed messages that it takes now.
    """

    __slots__ = ("allowed", "challenges", "free", "held", "sent")

    def __init__(self, address: bytes = HOME) -> None:
        super().__init__(Account(address))
        self.sent: list[bytes] = []
        self.challenges = 0
        self.held, self.allowed = 0, 1_000_000
        self.free = 10_000_000

    def send(self, message: bytes) -> None:
        """Keep the message."""
        self.sent.append(message)

    def takes(self, size: int) -> bool:
        """Take what there is room for."""
        return size <= self.free

    def challenge(self) -> None:
        """Count the challenge."""
        self.challenges += 1

    def hold(self, size: int, budget: str = "memory") -> bool:
        """Count memory, up to `allowed`."""
        if self.held + size > self.allowed:
            return False
        self.held += size
        return True

    def release(self, size: int) -> None:
        """Count less memory."""
        self.held -= size
