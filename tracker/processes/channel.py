"""What supervisor and child say to each other, over a socket pair that nobody else has.

Whole Python values, pickled: both ends are the same program, so no other reader has to be
thought of, and settings keep their types. Secrets pass here, and never by arguments or variables
that others on the machine may see.
"""

import asyncio
import pickle
import socket
from enum import Enum, auto
from typing import NamedTuple, Self, TypeVar

from tracker.frontends.listen import Listeners
from tracker.settings import Settings

T = TypeVar("T")

HEAD_SIZE = 4  # bytes that tell the size of what follows


class Hello(NamedTuple):
    """What a child is told first: all that it needs to serve."""

    settings: Settings
    redis_url: str
    listeners: Listeners[int]  # descriptors that it inherits


class Order(Enum):
    """What a child is told later."""

    DRAIN = auto()  # as SIGTERM: drain, browsers may stay; the second time: end at once
    STOP = auto()  # as SIGINT: drain; the second time: end at once
    RELOAD = auto()  # as SIGHUP
    REPORT = auto()  # answered by a `Report`, once the child serves


class Channel:
    """One end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, sock: socket.socket) -> Self:
        """The end that `sock` is; it is closed with it."""
        return cls(*await asyncio.open_unix_connection(sock=sock))

    def send(self, value: object) -> None:
        """Say something; what nobody reads any more is lost."""
        if not self._writer.is_closing():
            data = pickle.dumps(value)
            self._writer.write(len(data).to_bytes(HEAD_SIZE, "big") + data)

    async def receive(self, kind: type[T]) -> T:
        """The next value that the other end sent, of the kind that it must be.

        Raises:
            EOFError: it is gone.
        """
        try:
            size = int.from_bytes(await self._reader.readexactly(HEAD_SIZE), "big")
            data = await self._reader.readexactly(size)
        except ConnectionError as error:
            raise EOFError from error
        value = pickle.loads(data)  # noqa: S301 - our own words
        assert isinstance(value, kind)
        return value

    def close(self) -> None:
        """Close this end."""
        self._writer.close()
