"""Lookups of host names that delay nothing but their callers.

An event loop waits for its own lookups when it closes, and logs an error that comes after the
caller gave up. A name server that does not answer would thus delay the end of a process for many
seconds, and fill the log.
"""

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from tracker.tasks import retrieved


class Lookup:
    """The addresses of one host, looked up at most once at a time.

    Args:
        host: a name or an IP address.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._running: asyncio.Future[list[str]] | None = None

    async def addresses(self) -> list[str]:
        """Return the host's IP addresses in the order in which to try them.

        A lookup goes on when its caller is cancelled; the next caller gets its result, so that
        slow name servers are of use.

        Raises:
            socket.gaierror: there is no such host, or no name server answers.
        """
        with suppress(ValueError):
            ipaddress.ip_address(self._host)
            return [self._host]
        running = self._running = self._running or self._begin()
        try:
            return await asyncio.shield(running)
        finally:
            if running.done() and self._running is running:
                self._running = None

    def _begin(self) -> asyncio.Future[list[str]]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[str]] = loop.create_future()
        future.add_done_callback(retrieved)

        def look_up() -> None:
            report: Callable[[], None]
            try:
                found = socket.getaddrinfo(self._host, None, type=socket.SOCK_STREAM)
                addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
                report = partial(future.set_result, addresses)
            except OSError as error:
                report = partial(future.set_exception, error)
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(report)

        threading.Thread(target=look_up, name="lookup", daemon=True).start()
        return future
