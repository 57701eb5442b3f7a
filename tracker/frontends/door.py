"""The TCP port: hands each connection to the protocol that its request asks for.

HTTP and WebSocket come through one port. Every connection begins as `HttpConnection`; a request
for a WebSocket moves it to `WebSocketConnection`, one for a page to `LentConnection`. Behind a
proxy that speaks the PROXY protocol, `ProxiedConnection` reads its header first.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from tracker.errors import Malformed
from tracker.frontends.bounded import BoundedProtocol
from tracker.frontends.connections import Connection, Connections
from tracker.frontends.http import HttpConnection
from tracker.frontends.lent import LentConnection
from tracker.frontends.proxied import ProxiedConnection
from tracker.frontends.turns import Turns
from tracker.frontends.websocket import WebSocketFrontend
from tracker.frontends.wheel import Wheel
from tracker.metrics import Metrics
from tracker.model import Ip
from tracker.policy.accounts import NEVER, Account
from tracker.policy.addresses import Proxies
from tracker.policy.budgets import Budgets
from tracker.service.peers import Peers
from tracker.settings import HttpSettings
from tracker.wire.compact import format_ip, pack_ip
from tracker.wire.forwarded import hops, single
from tracker.wire.http import Route, Routes
from tracker.wire.http_head import END, Head
from tracker.wire.http_page import page_request
from tracker.wire.visit import visit_of

log = structlog.get_logger()

REPORT_EVERY_S = 60.0  # a proxy that names no client


class Shared(NamedTuple):
    """Objects shared by all TCP ports of a process."""

    http: HttpSettings
    peers: Peers
    websocket: WebSocketFrontend
    pages: Callable[[], asyncio.Protocol]  # returns the library's protocol for a connection
    connections: Connections
    proxies: Proxies
    budgets: Budgets
    turns: Turns
    wheel: Wheel
    metrics: Metrics
    proxy_protocol: bool  # connections begin with a PROXY header
    client_header: str  # in which proxies name the client; empty: the usual ones
    client_addresses: bool  # addresses that announces name are trusted


class Door:
    """Objects shared by the connections of one TCP port."""

    def __init__(self, shared: Shared, protocols: Sequence[str]) -> None:
        """`protocols`: those that this port serves, of ``http`` and ``ws``."""
        self.http = shared.http
        self.route = Routes(shared.http.paths)
        self.max_head = shared.http.max_head + len(END)  # bytes of a request, and of a buffer
        self.most_lines = shared.http.max_fields + 2  # of a head, with the first and the last
        self.peers = shared.peers if "http" in protocols else None
        self.wheel = shared.wheel
        self.proxies = shared.proxies
        self.accounts = shared.budgets.accounts
        self.memory = shared.budgets.memory
        self.turns = shared.turns
        self.connections = shared.connections
        self.now = asyncio.get_running_loop().time
        self.client_header = shared.client_header.lower().encode()
        usual = "X-Forwarded-For" if shared.proxy_protocol else "X-Forwarded-For or Forwarded"
        self.naming_header = shared.client_header or usual  # or headers, in which proxies name it
        if shared.proxy_protocol:
            self.naming_header = f"a PROXY header, or in {self.naming_header}"
        self._reported_at = NEVER  # when a proxy last named no client
        self.draining = False  # no connection is kept for another request
        self._shared = shared
        self.serves_websocket = "ws" in protocols
        self._metrics = shared.metrics

    def __call__(self) -> BoundedProtocol:
        """Return a protocol for a new connection, which is not counted yet."""
        return ProxiedConnection(self) if self._shared.proxy_protocol else HttpConnection(self)

    def after_handshake(self, connection: Connection, ip: Ip) -> HttpConnection:
        """Return a protocol for a connection that was counted before its TLS handshake."""
        return HttpConnection(self, connection, ip)

    def hand_over(
        self,
        connection: Connection,
        transport: asyncio.Transport,
        head: Head,
        unread: bytes,
        client: Ip,
        proxied: bool,
    ) -> None:
        """Give a connection to the WebSocket frontend or to the pages.

        Args:
            connection: counted for the client that sent the request.
            transport: of the connection.
            head: of the request.
            unread: the bytes after the request.
            client: address of the client.
            proxied: a trusted proxy sent the request.
        """
        if head.websocket and self.serves_websocket:
            protocol = self._shared.websocket.protocol(connection.left, connection.account)
            connection.owner = protocol
            transport.set_protocol(protocol)
            transport.resume_reading()
            protocol.connection_made(transport)
            protocol.received(head.websocket + unread)
        else:
            visit = visit_of(
                head,
                secure=transport.get_extra_info("sslcontext") is not None,
                client=client,
                proxied=proxied,
                local_port=transport.get_extra_info("sockname")[1],
            )
            lent = LentConnection(
                self._shared.pages(),
                connection,
                self.wheel,
                self._metrics.closed,
                self.memory,
                self._metrics.refused,
                self.http.request_timeout,
            )
            lent.serve(transport, page_request(head, visit))

    # -- what its connections ask --------------------------------------------------------------

    def client(self, ip: Ip, head: Head) -> Ip | None:
        """Return the client that a proxy at `ip` names; None: it names none."""
        header = self._shared.client_header
        named = single(head.named) if header else hops(head.x_forwarded_for, head.forwarded)
        return self.proxies.client(ip, named)

    def report_unnamed(self, ip: Ip, head: Head, to: Route) -> bool:
        """Log that a proxy at `ip` does not name the client, at most once a minute.

        False, and not logged: the request is not that of a peer. It may be a health check. A
        browser is counted here, an announce with its answer.
        """
        if head.websocket:
            self.count_request("unnamed", "ok")
        elif to.action != "announce" or b"info_hash=" not in to.query:
            return False
        if self.now() >= self._reported_at + REPORT_EVERY_S:
            self._reported_at = self.now()
            hint = f"configure it to send the client's address in {self.naming_header}"
            log.warning("proxy.unnamed", address=format_ip(ip), hint=hint)
        return True

    def may_work(self, account: Account, units: int) -> bool:
        """Spend work; False, and counted, if the address has too little of its budget left."""
        if self.accounts.work(account, units, self.now()):
            return True
        self.count_refused("work", "address")
        return False

    def named_address(self, names: Sequence[str], ip: Ip) -> Ip:
        """The address that an announce names for itself, where such names are trusted."""
        if self._shared.client_addresses:
            for name in names:
                try:
                    return pack_ip(name)
                except Malformed:
                    continue  # a name, or an address with a port: the socket's is as good
        return ip

    def count_request(self, action: str, outcome: str) -> None:
        """Count an HTTP request that was answered."""
        self._metrics.requests["http", action, outcome] += 1

    def count_closed(self, protocol: str, reason: str) -> None:
        """Count a connection that we cut."""
        self._metrics.closed[protocol, reason] += 1

    def count_unusable(self, part: str, number: int = 1) -> None:
        """Count parts of a request over HTTP that are left out."""
        self._metrics.unusable["http", part] += number

    def count_refused(self, budget: str, of: str) -> None:
        """Count what a budget refused."""
        self._metrics.refused[budget, of] += 1


def close_kept(connections: Connections, *, unasked: bool = False) -> None:
    """Close connections kept for another request; `unasked`: for their first one, too."""
    for each in connections:
        if isinstance(each.owner, HttpConnection | ProxiedConnection):
            each.owner.close(unasked=unasked)
