"""Why a Redis server cannot be used, in the words of both the log and commands."""

import errno
import os
import re
import socket
import ssl
from typing import Final, NamedTuple

from tracker.errors import Unavailable
from tracker.text import printable


class Reason(NamedTuple):
    """What is wrong with a server, and what to do about it."""

    text: str
    hint: str = ""  # empty where there is nothing to suggest


class Unusable(Unavailable):
    """A server that answers and cannot be used, or a group of servers of which none can be."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.text)
        self.why = reason


_URL_LOGIN: Final = "check the user and the password in the Redis URL"
_NO_TLS: Final = "if the port has no TLS, write redis:// in place of rediss:// in the Redis URL"
_TLS: Final = "if the port has TLS, write rediss:// in place of redis:// in the Redis URL"

CLOSED: Final = Reason("the server closed the connection")
TIMEOUT: Final = Reason("no answer in time")
NOT_REDIS: Final = Reason(
    "the answer is not Redis's protocol", f"check that Redis listens on this port; {_TLS}"
)
NOT_PRIMARY: Final = Reason(
    "it is a replica, not a primary", "use the address of the primary, or that of Sentinels"
)
SENTINEL: Final = Reason(
    "it is a Sentinel, not a primary", "write redis+sentinel://HOST/SERVICE as the Redis URL"
)

# By the first word of an error reply. Redis's own text stands for itself where none is given.
_REPLIES: Final = {
    "WRONGPASS": Reason("wrong user or password (WRONGPASS)", _URL_LOGIN),
    "NOAUTH": Reason("a password is required (NOAUTH)", _URL_LOGIN),
    "NOPERM": Reason("", "give the user the rights that docs/cluster.md lists"),
    "LOADING": Reason("", "wait: it reads its data from disk"),
    "DENIED": Reason(
        "it is in protected mode (DENIED)", "set a password on the server, or protected-mode no"
    ),
}
_NAME_ERRORS: Final = {
    socket.EAI_AGAIN: Reason("the lookup of the host name failed", "check that DNS answers"),
}
_NO_NAME: Final = Reason("host name not found", "check the host in the Redis URL")
_CA: Final = "name the CA in the Redis URL: rediss://HOST?ssl_ca_certs=FILE"
_OTHER_NAME: Final = "use a host name or an address that the certificate has"
# By the codes of OpenSSL's X509_V_ERR_….
_CERTIFICATE_ERRORS: Final = dict.fromkeys((18, 19, 20, 21), _CA) | dict.fromkeys(
    (62, 64), _OTHER_NAME
)
_TLS_ERRORS: Final = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "name a certificate: ssl_certfile and ssl_keyfile",
}
_SYSTEM_ERRORS: Final = {
    errno.ECONNREFUSED: "check that Redis runs and listens there",
    errno.ENOENT: "check the path of the socket, and that Redis runs",
    errno.EACCES: "the user of this process may not open the socket",
}
# asyncio joins the errors of several addresses of a name in one text.
_ERRNO: Final = re.compile(r"\[Errno (\d+)\]")


def describe(address: object, reason: Reason) -> str:
    """Return the sentence with which a command fails."""
    hint = f"; {reason.hint}" if reason.hint else ""
    return f"cannot use Redis at {address}: {reason.text}{hint}"


def reply_reason(text: str) -> Reason:
    """Return what an error reply means; `text` is all of it, its code first."""
    text = printable(text)
    known = _REPLIES.get(text.partition(" ")[0], Reason(""))
    return known._replace(text=known.text or text)


def explain(error: Exception, *, tls: bool) -> Reason:
    """Return why a server cannot be used.

    Args:
        error: what came of an attempt to connect.
        tls: whether the connection was to be encrypted.
    """
    match error:
        case Unusable():
            return error.why
        case socket.gaierror():
            return _NAME_ERRORS.get(error.errno or 0, _NO_NAME)
        case ssl.SSLError():
            return _of_tls(error)
        case OSError():
            return _of_system(error, tls=tls)
    return Reason(printable(str(error)) or type(error).__name__)


def closed_reason(*, tls: bool) -> Reason:
    """Return why a server may close a connection before it answers the greeting."""
    return CLOSED if tls else CLOSED._replace(hint=_TLS)


def mode_reason(*, wants_cluster: bool) -> Reason:
    """Return why a URL of the other kind is needed."""
    if wants_cluster:
        return Reason("it is not a node of a Redis Cluster", "write redis:// in the Redis URL")
    return Reason("it is a node of a Redis Cluster", "write redis+cluster:// in the Redis URL")


def files_reason(error: OSError) -> Reason:
    """Return why the certificate files that a URL names cannot be read."""
    return Reason(
        f"cannot read the certificate files of the Redis URL: {_of_system(error).text}",
        "check ssl_ca_certs, ssl_certfile and ssl_keyfile",
    )


def _of_tls(error: ssl.SSLError) -> Reason:
    if isinstance(error, ssl.SSLCertVerificationError):
        text = printable(f"its certificate is not trusted: {error.verify_message}")
        return Reason(text, _CERTIFICATE_ERRORS.get(error.verify_code, ""))
    name = getattr(error, "reason", None) or ""
    text = name.replace("_", " ").lower() or printable(str(error))
    return Reason(f"the TLS handshake failed: {text}", _TLS_ERRORS.get(name, ""))


def _of_system(error: OSError, *, tls: bool = False) -> Reason:
    """Two event loops have two texts for the same error, so its kind and number decide."""
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return CLOSED
    if isinstance(error, TimeoutError) and error.errno is None:
        return TIMEOUT._replace(hint=_NO_TLS) if tls else TIMEOUT
    numbers = [error.errno] if error.errno is not None else map(int, _ERRNO.findall(str(error)))
    found = sorted(set(numbers))
    if not found:
        return Reason(printable(str(error)) or type(error).__name__)
    texts = [os.strerror(number) for number in found]
    hints = [_SYSTEM_ERRORS[number] for number in found if number in _SYSTEM_ERRORS]
    first, *others = texts
    return Reason(", ".join([first[:1].lower() + first[1:], *others]), "; ".join(hints))
