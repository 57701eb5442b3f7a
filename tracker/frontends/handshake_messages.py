"""Counts the TLS handshake messages of each connection, and bounds them.

TLS 1.3 lets a client change its keys at any time. Such a message has 27 bytes and costs the tracker
about 15 µs. The event loop passes on application data only, so no protocol sees it, and OpenSSL has
no limit of its own. OpenSSL reports each message to a callback, which Python's `ssl` uses for
debugging and does not document. It adds about 5 µs to a request and its answer.
"""

import asyncio
import ssl
from _ssl import _SSLContext
from collections.abc import Callable
from typing import cast

MOST = 64  # of a connection: a handshake takes up to 5, a client changes its keys every few GB
PER_UNIT = 4  # messages that cost as much CPU as an announce
_HANDSHAKE = 22  # content type: RFC 8446, section 5.1


class CountedTls(ssl.SSLObject):
    """TLS of one connection."""

    messages = 0  # of handshakes, from the client
    _exceeded: Callable[[int], None] | None = None

    def limit(self, exceeded: Callable[[int], None]) -> None:
        """Call `exceeded` with the number of messages once the client has sent `MOST`."""
        self._exceeded = exceeded
        if self.messages >= MOST:
            exceeded(self.messages)

    def report(self) -> None:
        """Say that there were `MOST` messages, or more by now."""
        if self._exceeded is not None:
            self._exceeded(self.messages)


def count_messages(context: ssl.SSLContext) -> None:
    """Count the messages of each connection that begins in this context, as `CountedTls`."""
    context.sslobject_class = CountedTls
    # The setter of `ssl.SSLContext` would convert each argument to an enum: 10 µs more a request.
    vars(_SSLContext)["_msg_callback"].__set__(context, _count)


def _count(tls: object, direction: str, _version: int, content: int, *_: object) -> None:
    if content != _HANDSHAKE or direction != "read":
        return
    counted = cast(CountedTls, tls)
    counted.messages += 1
    if counted.messages == MOST:
        # OpenSSL is in the middle of a read, which cannot be aborted from here.
        asyncio.get_running_loop().call_soon(counted.report)
