"""Where a Redis is, and how one gets in."""

import asyncio
import re
import ssl

import pytest
import trustme

from tests.redis_servers import StartRedis, TlsFiles
from tests.tools import reserved_port
from tracker.redis_url import BAD_URL
from tracker.store.address import Address
from tracker.store.reasons import Unusable
from tracker.store.resp import command

NAME = ("SETNAME", "tracker")
HELLO = command("HELLO", 2, *NAME)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://", "localhost:6379"),
        ("redis://10.0.0.1:7000/3", "10.0.0.1:7000"),
        ("redis://user:secret@store", "store:6379"),
        ("redis://:secret@store", "store:6379"),
        ("redis://[2001:db8::1]:7000", "[2001:db8::1]:7000"),
        ("rediss://user:secret@store:7000", "store:7000"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("unix://user:secret@/run/redis.sock?db=3", "unix:///run/redis.sock"),
    ],
)
def test_an_address_is_shown_without_its_secret(url: str, shown: str) -> None:
    assert shown == str(Address(url))


def hello(user: str, password: str) -> bytes:
    return command("HELLO", 2, "AUTH", user, password, *NAME)


@pytest.mark.parametrize(
    ("url", "commands"),
    [
        ("redis://store", [HELLO]),
        ("redis://store/0", [HELLO]),
        ("redis://store/3", [HELLO, command("SELECT", 3)]),
        ("redis://store?db=3", [HELLO, command("SELECT", 3)]),
        ("unix:///run/redis.sock?db=3", [HELLO, command("SELECT", 3)]),
        ("redis://:p%40ss@store", [hello("default", "p@ss")]),
        ("redis://user:secret@store/3", [hello("user", "secret"), command("SELECT", 3)]),
    ],
)
def test_a_connection_begins_with_what_its_url_asks_for(url: str, commands: list[bytes]) -> None:
    assert (b"".join(commands), len(commands)) == Address(url).greeting()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "store:6379",
        "http://store",
        "redis://store:seven",
        "redis://store:65536",
        "redis://store?db=x",
        "redis://store?colour=blue",
        "redis://store?max_connections=3",
        "rediss://store?ssl_cert_reqs=perhaps",
        "redis://two..dots",
        f"redis://{'long' * 20}",
    ],
)
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # redis-py's own words
        Address(url)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("colour=blue", "unknown option colour"),
        ("db=secret", "the value of the option db is not valid"),
    ],
)
def test_an_option_that_is_not_valid_is_named(query: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        Address(f"redis://:secret@store?{query}")


@pytest.mark.parametrize("url", ["redis://:[secret@store", "redis://:secret\uff20@store"])
def test_the_text_about_a_url_that_cannot_be_split_has_no_part_of_it(url: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(BAD_URL)}$"):
        Address(url)


async def test_it_is_an_os_error_when_nobody_answers() -> None:
    with reserved_port() as closed:
        for url in (f"redis://127.0.0.1:{closed}", "unix:///nowhere/redis.sock"):
            with pytest.raises(OSError):  # noqa: PT011  # each system has its own words
                await Address(url).connect(asyncio.Protocol())


async def test_tls_reaches_a_server_that_the_given_authority_vouches_for(
    start_redis: StartRedis, tls_files: TlsFiles
) -> None:
    await _visit(start_redis(tls=tls_files).url)


async def test_tls_may_be_told_to_trust_anybody(
    start_redis: StartRedis, tls_files: TlsFiles
) -> None:
    url = start_redis(tls=tls_files).url.partition("?")[0]
    await _visit(url + "?ssl_cert_reqs=none&ssl_check_hostname=false")


async def test_tls_refuses_a_server_that_nobody_vouches_for(
    start_redis: StartRedis, tls_files: TlsFiles
) -> None:
    url = start_redis(tls=tls_files).url
    with trustme.CA().cert_pem.tempfile() as stranger:
        for wrong in (url.partition("?")[0], url.replace(str(tls_files.ca), stranger)):
            with pytest.raises(ssl.SSLCertVerificationError):
                await Address(wrong).connect(asyncio.Protocol())


async def test_tls_refuses_a_server_of_another_name(
    start_redis: StartRedis, tls_files: TlsFiles
) -> None:
    server = start_redis(tls=tls_files, options=("--bind", "127.0.0.1", "127.0.0.2"))
    url = server.url.replace("127.0.0.1", "127.0.0.2")
    with pytest.raises(ssl.SSLCertVerificationError):
        await Address(url).connect(asyncio.Protocol())
    await _visit(url + "&ssl_check_hostname=false")


async def test_a_missing_certificate_file_is_reported_as_such() -> None:
    with pytest.raises(Unusable, match="certificate files of the Redis URL: no such file"):
        await Address("rediss://127.0.0.1?ssl_ca_certs=/nowhere/ca.pem").connect(asyncio.Protocol())


class Greeter(asyncio.Protocol):
    """Greets, and keeps the reply."""

    def __init__(self, greeting: bytes) -> None:
        self._greeting = greeting
        self.reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(self._greeting)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.reply.set_result(data)
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()


async def _visit(url: str) -> None:
    address = Address(url)
    greeter = Greeter(address.greeting()[0])
    await address.connect(greeter)
    assert (await greeter.reply).startswith(b"*")
    await greeter.closed.wait()
