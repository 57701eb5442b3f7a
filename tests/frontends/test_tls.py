import asyncio
import os
import re
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest
import structlog.testing
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from tracker.frontends.tls import MAX_FILE, reload, server_context
from tracker.settings import TlsSettings

DEADLINE_S = 5


class Certificates:
    """The files of a listener, and the authority that signs what is in them."""

    def __init__(self, directory: Path) -> None:
        self.settings = TlsSettings(cert=directory / "cert.pem", key=directory / "key.pem")
        self._authority = trustme.CA()

    def renew(self) -> bytes:
        """Put a new certificate into the files; returns it as a client sees it (DER)."""
        leaf = self._authority.issue_cert("localhost")
        self.write(leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes())
        return ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())

    def write(self, cert: bytes, key: bytes) -> None:
        assert self.settings.cert
        assert self.settings.key
        self.settings.cert.write_bytes(cert)
        self.settings.key.write_bytes(key)

    def client(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(["h2", "http/1.1"])
        self._authority.configure_trust(context)
        return context


Spoil: TypeAlias = Callable[[Certificates], None]


class Listener(NamedTuple):
    files: Certificates
    context: ssl.SSLContext
    first: bytes  # the certificate it started with
    port: int

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.files.client(), server_hostname="localhost"
        )

    async def shown(self) -> bytes:
        """The certificate that a new connection gets to see."""
        _, writer = await self.connect()
        session = writer.get_extra_info("ssl_object")
        der: bytes = session.getpeercert(binary_form=True)
        writer.close()
        await writer.wait_closed()
        return der


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
    writer.close()


@pytest.fixture
def files(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@pytest.fixture
async def listener(files: Certificates) -> AsyncIterator[Listener]:
    first = files.renew()
    context = server_context(files.settings)
    assert context
    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context)
    yield Listener(files, context, first, server.sockets[0].getsockname()[1])
    server.close()


def test_without_a_certificate_there_is_no_context() -> None:
    assert server_context(TlsSettings()) is None


async def test_old_protocols_are_refused_and_http_1_is_agreed_on(listener: Listener) -> None:
    assert ssl.TLSVersion.TLSv1_2 == listener.context.minimum_version
    _, writer = await listener.connect()
    session = writer.get_extra_info("ssl_object")
    assert ("TLSv1.3", "http/1.1") == (session.version(), session.selected_alpn_protocol())
    writer.close()
    await writer.wait_closed()


async def test_new_connections_see_the_new_certificate_and_open_ones_go_on(
    listener: Listener,
) -> None:
    assert listener.first == await listener.shown()
    reader, writer = await listener.connect()
    second = listener.files.renew()
    assert reload(listener.context, listener.files.settings)
    assert second == await listener.shown()
    writer.write(b"still here\n")
    assert b"still here\n" == await asyncio.wait_for(reader.readline(), DEADLINE_S)
    writer.close()
    await writer.wait_closed()


def spoil_certificate(files: Certificates) -> None:
    files.write(b"nonsense", b"nonsense")


def spoil_pair(files: Certificates) -> None:
    """The certificate is new already, its key not yet."""
    files.renew()
    assert files.settings.key
    old = files.settings.key.read_bytes()
    files.renew()
    files.settings.key.write_bytes(old)


def remove_key(files: Certificates) -> None:
    files.renew()
    assert files.settings.key
    files.settings.key.unlink()


def lock_key(files: Certificates) -> None:
    """A passphrase would be asked for on the terminal, and block the loop."""
    files.renew()
    assert files.settings.key
    locked = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    files.settings.key.write_bytes(locked)


def replace_by_fifo(files: Certificates) -> None:
    """To open it would wait for a writer."""
    assert files.settings.cert
    files.renew()
    files.settings.cert.unlink()
    os.mkfifo(files.settings.cert)


def replace_by_directory(files: Certificates) -> None:
    assert files.settings.key
    files.renew()
    files.settings.key.unlink()
    files.settings.key.mkdir()


def replace_by_endless_device(files: Certificates) -> None:
    assert files.settings.cert
    files.renew()
    files.settings.cert.unlink()
    files.settings.cert.symlink_to("/dev/zero")


def replace_by_huge_file(files: Certificates) -> None:
    assert files.settings.cert
    files.renew()
    os.truncate(files.settings.cert, MAX_FILE + 1)


SPOILS = [
    *(spoil_certificate, spoil_pair, remove_key, lock_key, replace_by_fifo, replace_by_directory),
    *(replace_by_endless_device, replace_by_huge_file),
]


@pytest.mark.parametrize("spoil", SPOILS)
async def test_bad_files_leave_the_old_certificate_in_use(listener: Listener, spoil: Spoil) -> None:
    spoil(listener.files)
    with structlog.testing.capture_logs() as events:
        assert not reload(listener.context, listener.files.settings)
    assert ["tls.reload_failed"] == [event["event"] for event in events]
    assert listener.first == await listener.shown()


@pytest.mark.parametrize("spoil", SPOILS)
def test_bad_files_at_the_start_are_an_error(files: Certificates, spoil: Spoil) -> None:
    spoil(files)
    with pytest.raises(OSError):  # noqa: PT011 - each file fails in its own words
        server_context(files.settings)


def test_the_error_names_the_file_without_a_certificate_or_key(tmp_path: Path) -> None:
    files = Certificates(tmp_path)
    files.renew()
    cert, key = files.settings.cert, files.settings.key
    assert cert
    assert key
    leaf, secret = cert.read_bytes(), key.read_bytes()
    for content, text in (
        ((b"", secret), f"the certificate {cert} cannot be used: no certificate in it"),
        ((secret, secret), f"the certificate {cert} cannot be used: no certificate in it"),
        ((leaf, leaf), f"the key {key} cannot be used: no key in it"),
    ):
        files.write(*content)
        with pytest.raises(OSError, match=f"^{re.escape(text)}$"):
            server_context(files.settings)
    key.unlink()
    with pytest.raises(
        OSError, match=f"^the key {re.escape(str(key))} cannot be used: No such file"
    ):
        server_context(files.settings)
