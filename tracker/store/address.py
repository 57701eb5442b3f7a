"""Where a Redis is, and how one gets in: read from its URL by redis-py's own rules."""

import asyncio
import re
import ssl
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
    parse_url,
)
from redis.exceptions import RedisError

from tracker.redis_url import BAD_URL, check_redis_url
from tracker.store.link import Reply
from tracker.store.lookup import Lookup
from tracker.store.reasons import (
    NOT_PRIMARY,
    NOT_REDIS,
    SENTINEL,
    Unusable,
    files_reason,
    mode_reason,
)
from tracker.store.resp import command
from tracker.text import printable

VERSION = re.compile(r"(?:^|(?<=\.))[0-9]{1,9}(?=\.|$)")  # a number between dots
LONGEST = 32  # characters of a mode or a role

# What redis-py says of options; the names are those of its own arguments or of the URL's query.
UNKNOWN_OPTION = re.compile(r"unexpected keyword argument '(\w+)'")
INVALID_OPTION = re.compile(r"Invalid value for '(\w+)' in connection URL")
NO_GROUP = "not like redis+KIND://HOST:PORT,HOST:PORT"
GROUP_URL = re.compile(
    r"(rediss?)\+[a-z]+://([^/?@]*@)?([^/?@]+)(?:/([^/?]*)(?:/(\d*))?)?(?:\?(.*))?"
)


class Server(NamedTuple):
    """What a server says of itself when it is greeted."""

    version: tuple[int, ...]  # as in (7, 0, 15)
    mode: str  # standalone, cluster or sentinel
    role: str  # master or replica

    @classmethod
    def of(cls, hello: Reply) -> Self:
        """Read the reply to HELLO in RESP2: names and values by turns.

        Raises:
            Unusable: it is none; the server is a Sentinel, no Redis, or one that is too old.
        """
        try:
            words = [word.decode() if isinstance(word, bytes) else "" for word in _list(hello)]
            fields = dict(zip(words[::2], words[1::2], strict=True))
            if fields["mode"] == "sentinel":  # which has no role
                raise Unusable(SENTINEL)
            version, mode, role = (fields[name] for name in ("version", "mode", "role"))
            numbers = tuple(map(int, VERSION.findall(version)))
        except (KeyError, ValueError) as error:
            reason = NOT_REDIS._replace(text=f"its reply to HELLO is not one of a Redis: {error}")
            raise Unusable(reason) from error
        return cls(numbers, printable(mode, LONGEST), printable(role, LONGEST))

    def require_primary(self) -> None:
        """Raise `Unusable` if it is anything else."""
        if self.role != "master":
            raise Unusable(NOT_PRIMARY)

    def require_mode(self, *, cluster: bool) -> None:
        """Raise `Unusable` if it is a node of a cluster and `cluster` is not set, or vice versa."""
        if cluster != (self.mode == "cluster"):
            raise Unusable(mode_reason(wants_cluster=cluster))


def _list(reply: Reply) -> list[Reply]:
    if not isinstance(reply, list):
        raise ValueError(f"{type(reply).__name__} instead of a list")  # noqa: TRY004 - as the rest
    return reply


class Group(NamedTuple):
    """What a URL of several servers tells.

    It is ``redis+KIND://[USER:PASSWORD@]HOST[:PORT],…[/NAME[/DATABASE]][?OPTIONS]``, or
    ``rediss+KIND`` for TLS.
    """

    addresses: Sequence["Address"]
    name: str
    own: dict[str, str]  # options that are not redis-py's

    @classmethod
    def of(cls, url: str, port: int, own: Sequence[str] = ()) -> Self:
        """Understand `url`; `port` is that of hosts without, `own` names options of our own.

        Raises:
            ValueError: it is no such URL, or has options that redis-py does not know.
        """
        found = GROUP_URL.fullmatch(url)
        if found is None:
            raise ValueError(NO_GROUP)
        try:
            parts = [urlsplit(f"//{host}") for host in found[3].split(",")]
            hosts = [(part.hostname or "", part.port or port) for part in parts]
        except ValueError:
            raise ValueError(BAD_URL) from None  # its text shows parts of the URL
        if not all(host for host, _ in hosts):
            raise ValueError(NO_GROUP)
        scheme, user, _, name, database, query = found.groups(default="")
        options = dict(parse_qsl(query))
        ours = {name: options.pop(name) for name in own if name in options}
        any_host = Address(f"{scheme}://{user}localhost/{database}?{urlencode(options)}")
        return cls([any_host.at(*host) for host in hosts], unquote(name), ours)


def _parsed(url: str) -> dict[str, Any]:
    """Return the options of redis-py that `url` stands for.

    Raises:
        ValueError: it is not valid. The text names an option at most: others show the password.
    """
    try:
        return dict(parse_url(url))
    except ValueError as error:
        invalid = INVALID_OPTION.match(str(error))
        text = f"the value of the option {invalid[1]} is not valid" if invalid else BAD_URL
        raise ValueError(text) from None


class Address:
    """A ``redis://``, ``rediss://`` or ``unix://`` URL, understood once.

    Args:
        url: such a URL.
        instead: options in place of those of the URL.

    Raises:
        ValueError: the URL is none of these, or has options that redis-py does not know.
    """

    def __init__(self, url: str, **instead: str | int) -> None:
        self._url = url
        check_redis_url(url)
        self._options: dict[str, Any] = {**_parsed(url), **instead}
        self._kind: type[AbstractConnection] = self._options.pop("connection_class", Connection)
        try:
            self._connection = self._kind(**self._options)
        except TypeError as error:
            unknown = UNKNOWN_OPTION.search(str(error))
            raise ValueError(f"unknown option {unknown[1]}" if unknown else BAD_URL) from None
        except RedisError as error:
            raise ValueError(str(error)) from error
        if isinstance(self._connection, Connection):
            try:
                self._connection.host.encode("idna")  # as will be done to connect
            except UnicodeError:
                raise ValueError("the host is not a valid name") from None
            self._lookup = Lookup(self._connection.host)

    def at(self, host: str, port: int) -> "Address":
        """Another server, which one enters as this one."""
        return Address(self._url, host=host, port=port)

    @property
    def host(self) -> str:
        """Of a server that is not on a UNIX socket; so is the port."""
        assert isinstance(self._connection, Connection)
        return self._connection.host

    @property
    def port(self) -> int:
        """See `host`."""
        assert isinstance(self._connection, Connection)
        return int(self._connection.port)

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return isinstance(self._connection, SSLConnection)

    def options(self) -> dict[str, Any]:
        """What redis-py must be told to make such connections itself, but for host and port."""
        names = self._options.keys() - {"host", "port"}
        return {name: self._options[name] for name in names} | {"connection_class": self._kind}

    def __str__(self) -> str:
        """Without the secret, fit for a log."""
        connection = self._connection
        if isinstance(connection, UnixDomainSocketConnection):
            return f"unix://{connection.path}"
        assert isinstance(connection, Connection)
        host = f"[{connection.host}]" if ":" in connection.host else connection.host
        return f"{host}:{connection.port}"

    async def find(self) -> Self:
        """Itself: for a server that stays where it is (`tracker.store.pipeline.Place`)."""
        return self

    async def connect(self, protocol: asyncio.Protocol) -> None:
        """Open a connection that `protocol` is told of.

        Raises:
            OSError: nobody answered, or TLS failed.
            Unusable: the certificate files that the URL names cannot be read.
        """
        connection = self._connection
        if isinstance(connection, UnixDomainSocketConnection):
            loop = asyncio.get_running_loop()
            await loop.create_unix_connection(lambda: protocol, connection.path)
        else:
            await self._connect_tcp(lambda: protocol)

    async def _connect_tcp(self, factory: Callable[[], asyncio.Protocol]) -> None:
        """Connect to one address of the host after the other, until one accepts."""
        loop, tls = asyncio.get_running_loop(), self._tls()
        name = self.host if tls else None
        addresses = await self.resolve()
        for address in addresses:
            try:
                await loop.create_connection(
                    factory, address, self.port, ssl=tls, server_hostname=name
                )
            except OSError as error:
                if isinstance(error, ssl.SSLError) or address is addresses[-1]:
                    raise
            else:
                return

    async def resolve(self) -> list[str]:
        """Return the IP addresses of the host, which is not a UNIX socket: see `Lookup`.

        Raises:
            socket.gaierror: as there.
        """
        return await self._lookup.addresses()

    def _tls(self) -> ssl.SSLContext | None:
        connection = self._connection
        if not isinstance(connection, SSLConnection):
            return None
        try:
            return connection.ssl_context.get()
        except OSError as error:
            raise Unusable(files_reason(error)) from error

    def greeting(self) -> tuple[bytes, int]:
        """The commands that begin a connection, and how many replies they have.

        The first one is HELLO: see `Server`.
        """
        connection = self._connection
        login: list[str] = []
        if connection.password:
            login = ["AUTH", connection.username or "default", connection.password]
        commands = [command("HELLO", 2, *login, "SETNAME", "tracker")]
        if connection.db:
            commands.append(command("SELECT", connection.db))
        return b"".join(commands), len(commands)
