"""Announces and scrapes over UDP (BEP 15).

An address that has not proven itself by a connection id gets a connect reply of its request's size,
or silence, and nothing is kept for it. Only requests with a valid id spend an address's budget: a
forged source address must not spend the budget of its owner.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import structlog

from tracker.errors import Malformed, TrackerError
from tracker.frontends.congestion import Congestion
from tracker.frontends.udp_socket import Ancillary, Datagram, Origin, Send, Sender, UdpSocket
from tracker.metrics import Metrics
from tracker.model import HASH_SIZE, Announce, Announced, Counts, Ip
from tracker.policy.accounts import NEVER, Account
from tracker.policy.addresses import Networks, not_named
from tracker.policy.budgets import Budgets
from tracker.policy.floods import Floods
from tracker.service.peers import Peers
from tracker.service.ports import Clock
from tracker.settings import UdpSettings
from tracker.wire import proxy_protocol
from tracker.wire import udp as wire
from tracker.wire.compact import format_ip, pack, pack_ip
from tracker.wire.connection_id import ConnectionIds

log = structlog.get_logger()

MAX_REQUEST = 2048  # bytes read of a datagram; an announce with all its options is far smaller
LEAST = 16  # requests of a reading that are served although too many wait for Redis
REPLY_HEAD = 20  # bytes of an announce reply before its peers
COUNTS_SIZE, SCRAPE_HEAD = 12, 8
LEAST_REQUEST = 16  # bytes: connection id, action, transaction id
PER_ROUND = 256  # requests served of one reading if more datagrams wait; some milliseconds
ANNOUNCE = wire.ANNOUNCE.to_bytes(4, "big")
PROXY_HEADER = "a PROXY header"
UNNAMED = b""  # the address of a client that a proxy does not name
UNNAMED_EVERY_S = 60.0  # at most one log line
NO_KEY = bytes(4)  # of a client that sends none
REPORT_S = 1.0  # at most one error packet per address in this time reports a spent budget

ACTIONS = {wire.CONNECT: "connect", wire.ANNOUNCE: "announce", wire.SCRAPE: "scrape"}

Opened: TypeAlias = tuple[bytes, Ip, bytes]  # request, client, header that the answer begins with
Row: TypeAlias = tuple[bytes, bytes, Ip, bytes, Origin, Ancillary]  # the account's key first


class UdpFrontend:
    """All UDP sockets of this process."""

    def __init__(  # noqa: PLR0913 - all that the sockets share
        self,
        settings: UdpSettings,
        ids: ConnectionIds,
        peers: Peers,
        clock: Clock,
        metrics: Metrics,
        *,
        client_addresses: bool,
        proxies: Networks | None,
        budgets: Budgets,
        congestion: Congestion,
    ) -> None:
        """Create the part that all sockets share.

        Args:
            settings: of this protocol.
            ids: make and check connection ids.
            peers: answers announces and scrapes.
            clock: wall time.
            metrics: where requests are counted.
            client_addresses: believe the IP address that an announce names.
            proxies: networks of proxies. Each datagram must come from one of them and begin with
                a PROXY header that names the client. None: datagrams come from clients.
            budgets: what each address may ask.
            congestion: of the queue to Redis.
        """
        self.settings = settings
        self.late, self._room = congestion.late, congestion.room
        self.open = self._direct if proxies is None else partial(self._behind, proxies)
        self._proxied = proxies is not None
        self.max_request = MAX_REQUEST + (0 if proxies is None else proxy_protocol.MAX_SIZE)
        self.pressing = settings.receive_buffer  # the kernel doubles it, so half of the buffer
        self.prefix_bits = budgets.accounts.prefix_bits
        self._accounts = budgets.accounts
        self._refused = metrics.refused
        self._ids = ids
        self._peers = peers
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._count = metrics.requests
        self._client_addresses = client_addresses
        self._max_scrape = min(
            settings.max_scrape, (settings.max_reply - SCRAPE_HEAD) // COUNTS_SIZE
        )
        self._now_s, self._now = 0, 0.0
        self._unusable = metrics.unusable
        self._logged_at = self._unnamed_at = NEVER
        self._sockets: list[UdpSocket] = []
        self._dropped = metrics.udp_dropped
        self._dropped[()] = 0
        metrics.before_reading(self._count_drops)

    def listen(self, sock: socket.socket) -> None:
        """Serve a bound, non-blocking socket."""
        self._sockets.append(UdpSocket(self, sock))

    async def drain(self) -> None:
        """Read what has arrived, and no more. Requests in flight are still answered."""
        for each in self._sockets:
            await each.drain()

    def close(self) -> None:
        """Close the sockets."""
        self._count_drops()
        for each in self._sockets:
            each.close()
        self._sockets.clear()

    def _count_drops(self) -> None:
        for each in self._sockets:
            each.count_drops()

    def dropped(self, number: int) -> None:
        """Count datagrams for which a receive buffer had no room."""
        self._dropped[()] += number

    def restrained(self, number: int) -> None:
        """Count datagrams that the kernel's filter held back."""
        self._refused["work", "process"] += number

    def lost(self, error: OSError) -> None:
        """Count an answer that could not be sent."""
        self._count["udp", "reply", "lost"] += 1
        log.debug("udp.send", error=str(error))

    def floods(self) -> Floods:
        """Return the policy of one socket. Behind a proxy the kernel does not see the clients."""
        return Floods(PER_ROUND, restrains=not self._proxied)

    def begin(self) -> float:
        """Read the clocks for the next requests; return the monotonic time."""
        self._now_s = self._clock()
        self._now = now = self._loop.time()
        return now

    def handle(self, data: bytes, origin: Origin, ancillary: Ancillary, sender: Sender) -> None:
        """Answer one datagram, now or when Redis has answered. A defect costs this one only."""
        try:
            send = sender(origin, ancillary)
            if not self._proxied:  # as `_direct` does, without a call
                request, ip = data, pack_ip(origin[0])
            else:
                opened = self.open(data, origin)
                if opened is None:
                    return
                request, ip, header = opened
                if header:
                    send = partial(_send_after, header, send)
            if request[:12] == wire.CONNECT_HEAD and len(request) >= LEAST_REQUEST:
                self.connect(request, ip, send)
            elif self.proven(request, ip):
                self.serve(request, ip, send)
        except Exception as error:  # noqa: BLE001
            self.failed(error)

    def handle_fairly(
        self,
        datagrams: Sequence[Datagram],
        sender: Sender,
        floods: Floods,
        *,
        more_wait: bool,
    ) -> None:
        """Answer a fair choice of the datagrams; drop what proves nothing first.

        Connect requests have a share of their own, so that one with a forged source address takes
        nothing from the requests of the address's owner.
        """
        requests: list[Row] = []
        connects: list[Row] = []
        for data, origin, ancillary in datagrams:
            try:
                opened = self.open(data, origin)
                if opened is None:
                    continue
                request, ip, header = opened
                row = self._accounts.key(ip), request, ip, header, origin, ancillary
                if request[:12] == wire.CONNECT_HEAD and len(request) >= LEAST_REQUEST:
                    connects.append(row)
                elif self.proven(request, ip):
                    requests.append(row)
            except Exception as error:  # noqa: BLE001
                self.failed(error)
        room = max(LEAST, self._room() + PER_ROUND)
        chosen = floods.choose([row[0] for row in requests], more_wait=more_wait, room=room)
        self._handle_chosen(requests, chosen, self.serve, sender)
        chosen = floods.choose_connects([row[0] for row in connects], more_wait=more_wait)
        self._handle_chosen(connects, chosen, self.connect, sender)

    def _handle_chosen(
        self,
        rows: Sequence[Row],
        chosen: Sequence[bool],
        handle: Callable[[bytes, Ip, Send], None],
        sender: Sender,
    ) -> None:
        for (_, request, ip, header, origin, ancillary), serve in zip(rows, chosen, strict=True):
            if not serve:
                self._refused["work", "process"] += 1
                continue
            send = sender(origin, ancillary)
            try:
                handle(request, ip, partial(_send_after, header, send) if header else send)
            except Exception as error:  # noqa: BLE001
                self.failed(error)

    def proven(self, data: bytes, ip: Ip) -> bool:
        """Return whether the id in a request proves that `ip` sent it; count it if not."""
        if len(data) >= LEAST_REQUEST and self._ids.valid(data[:8], ip, self._now_s):
            return True
        self._count["udp", "unproven", "silent"] += 1
        return False

    def connect(self, data: bytes, ip: Ip, send: Send) -> None:
        """Answer a request for a connection id, whose source address may be forged."""
        self._count["udp", "connect", "ok"] += 1
        send(wire.encode_connect_reply(data[12:16], self._ids.mint(ip, self._now_s)))

    def serve(self, data: bytes, ip: Ip, send: Send) -> None:
        """Answer a proven request, if its address has enough of its budget left."""
        action = int.from_bytes(data[8:12], "big")
        units = 1 if action == wire.ANNOUNCE else max(1, (len(data) - LEAST_REQUEST) // HASH_SIZE)
        accounts, now = self._accounts, self._now
        account = accounts.of(ip, now)
        try:
            if not accounts.work(account, units, now):
                self._over_budget(account, data[12:16], send)
            elif action == wire.ANNOUNCE:
                self._announce(data, ip, account, send)
            elif action == wire.SCRAPE:
                self._scrape(data, send)
            else:
                raise Malformed("unknown action")
        except TrackerError as error:
            self._fail(ACTIONS.get(action, "unknown"), data[12:16], send, error)

    def _over_budget(self, account: Account, transaction_id: bytes, send: Send) -> None:
        """Refuse a request. To answer each one of a flood would cost as much as to serve it."""
        self._refused["work", "address"] += 1
        if self._now - account.reported_at >= REPORT_S:
            account.reported_at = self._now
            send(wire.encode_error(transaction_id, "too many requests from this address"))

    def failed(self, error: Exception) -> None:
        """Count a defect that a datagram has met, and log it at most once a second."""
        self._count["udp", "request", "failed"] += 1
        if self._now - self._logged_at >= 1:
            self._logged_at = self._now
            log.error("udp.failed", exc_info=error)

    def _direct(self, data: bytes, origin: Origin) -> Opened:
        """Return a client's request and its address."""
        return data, pack_ip(origin[0]), b""

    def _behind(self, proxies: Networks, data: bytes, origin: Origin) -> Opened | None:
        """Return the request after a PROXY header, its client, and the header if it is returned.

        None without a header from a trusted proxy.
        """
        proxy = pack_ip(origin[0])
        header = _header(data) if proxy in proxies else None  # any host can write such a header
        if header is None:
            self._count["udp", "proxy", "silent"] += 1
            return None
        size = header.size
        ip = header.source[0] if header.source else UNNAMED
        if ip == UNNAMED and data[size + 8 : size + 12] == ANNOUNCE:
            self._report_unnamed(proxy)
        return data[size:], ip, data[:size] if header.returned else b""

    def _report_unnamed(self, proxy: Ip) -> None:
        """Log an announce for which a proxy names no client, once in a while."""
        if self._now >= self._unnamed_at + UNNAMED_EVERY_S:
            self._unnamed_at = self._now
            hint = f"configure it to send the client's address in {PROXY_HEADER}"
            log.warning("proxy.unnamed", address=format_ip(proxy), hint=hint)

    def _announce(self, data: bytes, ip: Ip, account: Account, send: Send) -> None:
        if ip == UNNAMED:
            self._fail("unnamed", data[12:16], send, not_named(PROXY_HEADER))
            return
        request = wire.decode_announce(data)
        if self._client_addresses and len(ip) == 4 and request.ip != bytes(4):
            ip = request.ip
        announce = Announce(
            request.info_hash,
            request.peer_id,
            pack(ip, request.port),
            request.event,
            request.left == 0,
            request.numwant,
            False,
            b"" if request.key == NO_KEY else request.key,
        )
        self._peers.announce(
            announce, account, partial(self._announced, request.transaction_id, len(ip) + 2, send)
        )

    def _announced(
        self,
        transaction_id: bytes,
        stride: int,
        send: Send,
        result: Announced | TrackerError,
    ) -> None:
        if isinstance(result, TrackerError):
            self._fail("announce", transaction_id, send, result)
            return
        self._count["udp", "announce", "ok"] += 1
        counts = result.counts
        peers = result.peers if stride == 6 else result.peers6
        room = (self.settings.max_reply - REPLY_HEAD) // stride * stride
        send(
            wire.encode_announce_reply(
                transaction_id, result.interval_s, counts.leechers, counts.seeders, peers[:room]
            )
        )

    def _scrape(self, data: bytes, send: Send) -> None:
        request = wire.decode_scrape(data)
        if len(request.info_hashes) > self._max_scrape:
            raise Malformed(f"too many info_hashes, at most {self._max_scrape}")
        if (len(data) - LEAST_REQUEST) % HASH_SIZE:
            self._unusable["udp", "info_hash"] += 1
        self._peers.scrape(
            request.info_hashes, partial(self._scraped, request.transaction_id, send)
        )

    def _scraped(
        self,
        transaction_id: bytes,
        send: Send,
        result: Sequence[Counts] | TrackerError,
    ) -> None:
        if isinstance(result, TrackerError):
            self._fail("scrape", transaction_id, send, result)
        else:
            self._count["udp", "scrape", "ok"] += 1
            send(wire.encode_scrape_reply(transaction_id, result))

    def _fail(
        self,
        action: str,
        transaction_id: bytes,
        send: Send,
        error: TrackerError,
    ) -> None:
        self._count["udp", action, error.label] += 1
        send(wire.encode_error(transaction_id, error.reason))


def _header(data: bytes) -> proxy_protocol.Header | None:
    """Return the PROXY header of a datagram; None: there is none, or only a part of one."""
    try:
        return proxy_protocol.decode(data)
    except Malformed:
        return None


def _send_after(header: bytes, send: Send, reply: bytes) -> None:
    """Send an answer through a proxy that finds the client in the header before it."""
    send(header + reply)
