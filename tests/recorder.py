"""A browser's socket that keeps what it is to send."""

from tracker.frontends.sessions import Session


class Recorder(Session):
    """Attributes: sent, the messages."""

    __slots__ = ("sent",)

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    def send(self, message: bytes) -> None:
        """Keep it."""
        self.sent.append(message)
