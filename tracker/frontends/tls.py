"""The certificate of HTTPS and WSS, and its renewal while the listeners run."""

import ssl

import structlog

from tracker.settings import TlsSettings

log = structlog.get_logger(__name__)


def server_context(settings: TlsSettings) -> ssl.SSLContext | None:
    """A context for listeners, or None where no certificate is set.

    TLS 1.2 and newer with Python's own choice of ciphers; ALPN offers HTTP/1.1 alone.

    Raises:
        OSError: a file cannot be read; `ssl.SSLError` is one: the files do not fit together.
    """
    if settings.cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        _load(context, settings)
    except OSError as error:
        raise OSError(f"the certificate {settings.cert} can not be used: {error}") from error
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
    context.load_cert_chain(settings.cert, settings.key, password="")
