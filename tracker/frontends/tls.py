"""The certificate of HTTPS and WSS, and its renewal while the listeners run."""

import os
import ssl
import stat
from pathlib import Path

import structlog

from tracker.frontends.handshake_messages import count_messages
from tracker.settings import TlsSettings

MAX_FILE = 1 << 20  # bytes; a long chain has some thousand

PEM_BEGIN = {  # a part of the first line of what a PEM file holds
    "certificate": b"CERTIFICATE-----",
    "key": b"PRIVATE KEY-----",
}

log = structlog.get_logger(__name__)


def server_context(settings: TlsSettings) -> ssl.SSLContext | None:
    """A context for listeners, or None where no certificate is set.

    TLS 1.2 and newer with Python's own choice of ciphers; ALPN offers HTTP/1.1 alone.

    Raises:
        OSError: a file cannot be used, or the files do not fit together; the text says which.
    """
    if settings.cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    count_messages(context)
    _load(context, settings)
    return context


def reload(context: ssl.SSLContext, settings: TlsSettings) -> bool:
    """Read the certificate files again into a context that is in use.

    New connections get the new certificate, open ones keep theirs. The files are tried in a
    context apart first, since a failed load could leave a certificate without its key.

    Returns:
        Whether the new certificate is in use; if not, the old one is, and the log says why.
    """
    try:
        _load(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), settings)
        _load(context, settings)
    except OSError as error:
        log.error("tls.reload_failed", cert=str(settings.cert), error=str(error))
        return False
    log.info("tls.reloaded", cert=str(settings.cert))
    return True


def _load(context: ssl.SSLContext, settings: TlsSettings) -> None:
    """Raises OSError for files that do not serve; a passphrase is refused, never asked for."""
    assert settings.cert is not None
    assert settings.key is not None
    for path, what in (settings.cert, "certificate"), (settings.key, "key"):
        try:
            _check_file(path, what)
        except OSError as error:
            why = error.strerror or error
            raise OSError(f"the {what} {path} cannot be used: {why}") from error
    try:
        context.load_cert_chain(settings.cert, settings.key, password="")
    except OSError as error:
        files = f"the certificate {settings.cert} and the key {settings.key}"
        raise OSError(f"{files} cannot be used: {error}") from error


def _check_file(path: Path, what: str) -> None:
    """Refuse what OpenSSL would wait for or read without end: a FIFO, a device, a huge file.

    Raises:
        OSError: it is not a regular file of at most `MAX_FILE` bytes, cannot be read, or has no
            `what`, a key of `PEM_BEGIN`.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError("it is not a regular file")
    if found.st_size > MAX_FILE:
        raise OSError(f"it has {found.st_size} bytes, more than {MAX_FILE}")
    if PEM_BEGIN[what] not in path.read_bytes():
        raise OSError(f"no {what} in it")
