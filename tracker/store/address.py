"""Where a Redis is, and how one gets in: read from its URL by redis-py's own rules."""

import asyncio
import ssl
from typing import Any

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
    parse_url,
)
from redis.exceptions import RedisError

from tracker.store.resp import command


class Address:
    """A ``redis://``, ``rediss://`` or ``unix://`` URL, understood once.

    Raises:
        ValueError: the URL is none of these, or has options that redis-py does not know.
    """

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {**parse_url(url)}
        kind: type[AbstractConnection] = options.pop("connection_class", Connection)
        try:
            self._connection = kind(**options)
        except (TypeError, RedisError) as error:
            raise ValueError(f"Redis URL: {error}") from error
        if isinstance(self._connection, Connection):
            self._connection.host.encode("idna")  # as will be done to connect

    def __str__(self) -> str:
        """Without the secret, fit for a log."""
        connection = self._connection
        if isinstance(connection, UnixDomainSocketConnection):
            return f"unix://{connection.path}"
        assert isinstance(connection, Connection)
        host = f"[{connection.host}]" if ":" in connection.host else connection.host
        return f"{host}:{connection.port}"

    async def connect(self, protocol: asyncio.Protocol) -> None:
        """Open a connection that `protocol` is told of.

        Raises:
            OSError: nobody answered, or TLS failed.
        """
        loop = asyncio.get_running_loop()
        connection = self._connection
        if isinstance(connection, UnixDomainSocketConnection):
            await loop.create_unix_connection(lambda: protocol, connection.path)
        else:
            assert isinstance(connection, Connection)
            await loop.create_connection(
                lambda: protocol, connection.host, int(connection.port), ssl=self._tls()
            )

    def _tls(self) -> ssl.SSLContext | None:
        connection = self._connection
        return connection.ssl_context.get() if isinstance(connection, SSLConnection) else None

    def greeting(self) -> tuple[bytes, int]:
        """The commands that begin a connection, and how many replies they have."""
        connection = self._connection
        commands = [command("CLIENT", "SETNAME", "tracker")]
        if connection.db:
            commands.insert(0, command("SELECT", connection.db))
        if connection.password:
            user = [connection.username] if connection.username else []
            commands.insert(0, command("AUTH", *user, connection.password))
        return b"".join(commands), len(commands)
