"""One serving process: its frontends over one store, and its place in the cluster."""

import asyncio
import gc
import os
import random
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress

import structlog

from tracker import __version__
from tracker.budgeting import client_budgets
from tracker.clock import clock, steady_us
from tracker.draining import NOTICE_S, POLL_S, Drain
from tracker.errors import TrackerError, Unavailable
from tracker.frontends.congestion import Congestion
from tracker.frontends.connections import Connections
from tracker.frontends.door import Shared
from tracker.frontends.listen import Listeners
from tracker.frontends.ports import TcpPorts
from tracker.frontends.sessions import Sessions
from tracker.frontends.tls import reload, server_context
from tracker.frontends.turns import Turns
from tracker.frontends.udp import UdpFrontend
from tracker.frontends.websocket import WebSocketFrontend
from tracker.frontends.webtorrent import WebTorrent
from tracker.frontends.wheel import Wheel
from tracker.metrics import Metrics
from tracker.model import FRONTEND_ID_SIZE, Facts
from tracker.policy.access import AccessLists
from tracker.policy.addresses import Networks, Proxies
from tracker.policy.secrets import Ring, accepted
from tracker.service.browsers import Browsers
from tracker.service.peers import Peers
from tracker.settings import Settings
from tracker.store.access import AccessReader, AccessStore
from tracker.store.connect import connect
from tracker.store.epochs import Epochs
from tracker.store.frontends import Frontends
from tracker.store.headroom import Headroom
from tracker.store.redis_time import SECOND_US, RedisClock
from tracker.store.relay import RedisRelay
from tracker.store.removals import Removals
from tracker.store.secrets import RingReader, SecretStore, fresh_ring
from tracker.store.swarms import RedisSwarms
from tracker.store.trouble import Troubles
from tracker.tasks import done_within
from tracker.upkeep import Heartbeat, LossWatch, Probe
from tracker.web.admin import REDIS_AWAY, OwnVitals
from tracker.website import Website
from tracker.wire.connection_id import ConnectionIds
from workers.runner import Job
from workers.runner import run as run_jobs

log = structlog.get_logger()

# Requests in flight are young objects without cycles; looking at them every 700 costs 4 % of CPU.
GC_THRESHOLD = (20_000, 20, 50)


class Node:
    """Serves until it is drained or closed.

    Args:
        settings: all of them.
        redis_url: of the store.
        listeners: its sockets, which it closes.
        troubles: of all connections of this process to Redis; None: it has no others.

    Raises:
        OSError: a certificate can't be had.
        ValueError: the URL is none.
    """

    def __init__(
        self,
        settings: Settings,
        redis_url: str,
        listeners: Listeners[socket.socket],
        troubles: Troubles | None = None,
    ) -> None:
        self.settings = settings
        self.metrics = metrics = Metrics()
        self.vitals = OwnVitals(metrics, self.not_ready, self.warnings)
        self.wheel = Wheel()
        self._listeners = listeners
        self._draining = False
        announce, ws, cluster = settings.announce, settings.ws, settings.cluster
        self.redis = connect(redis_url, settings.redis, metrics, troubles)

        self.headroom = Headroom(self.redis, settings.limits.redis_full_percent / 100, metrics)

        def swarms(ttl_s: int) -> RedisSwarms:
            return RedisSwarms(self.redis, self.headroom, ttl_s=ttl_s)

        self.budgets = budgets = client_budgets(settings)
        congestion = Congestion(self.redis, settings.limits.in_flight)
        self.turns = Turns(settings.limits.turn_time, congestion.severe)
        me = secrets.token_bytes(FRONTEND_ID_SIZE)
        self._now = RedisClock(self.redis, steady_us)
        self._since_us = self._now.local_us()
        self.frontends = Frontends(self.redis, me, cluster.dead_after, self._now)
        self._access = AccessLists()
        self.peers = Peers(
            announce,
            swarms(announce.peer_ttl),
            clock,
            self._access,
            budgets=budgets,
            metrics=metrics,
        )
        self.sessions = Sessions(ws, metrics, clock_us=steady_us, shared_us=self._now.at)
        self.removals = Removals(self.redis, settings.redis, ws.ttl, metrics)
        browsers = Browsers(
            ws,
            swarms(ws.ttl),
            self.removals,
            self.frontends,
            clock,
            self._access,
            budgets=budgets,
            metrics=metrics,
        )
        self.relay = RedisRelay(
            self.redis,
            settings.redis,
            self.frontends,
            self.sessions,
            browsers,
            metrics,
            cluster.max_relay,
            ws.max_message,
        )
        webtorrent = WebTorrent(ws, browsers, self.sessions, self.relay, me, metrics)
        self.websocket = WebSocketFrontend(
            ws, webtorrent, self.wheel, metrics, budgets=budgets, turns=self.turns
        )
        self._ring = fresh_ring(clock())
        secret = settings.udp.secret
        keys = (secret.get_secret_value().encode(),) if secret else accepted(self._ring)
        self._ids = ConnectionIds(keys, settings.udp.connection_lifetime)
        self.udp = UdpFrontend(
            settings.udp,
            self._ids,
            self.peers,
            clock,
            metrics,
            client_addresses=announce.client_addresses,
            proxies=Networks(settings.listen.trusted_proxies)
            if settings.udp.proxy_protocol
            else None,
            budgets=budgets,
            congestion=congestion,
        )
        self._tls = server_context(settings.tls)
        self.ports = dict(listeners.ports)
        self.website = Website(
            settings,
            self.redis,
            self.peers,
            browsers,
            self.ports,
            metrics,
            lambda: not self.not_ready(),
        )
        self.tcp = TcpPorts(
            self._shared(), settings.listen.backlog, self._tls, settings.limits.handshakes
        )
        self._leaving = asyncio.Event()
        self._upkeep: asyncio.Task[None] | None = None

    # -- begin ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to serve. Redis may come later: requests fail fast until it does."""
        await self.redis.start()
        await self._join()
        await self.website.pages.start()
        await self._listen()
        self.wheel.start(asyncio.get_running_loop())
        self._observe()
        gc.freeze()  # all made so far stays: the collector need not look at it again
        gc.set_threshold(*GC_THRESHOLD)

    async def _join(self) -> None:
        """Take a place in the cluster, at once if Redis is there: before anybody is served."""
        timeout_s = self.settings.redis.timeout
        self.relay.start()
        jobs = self._jobs()
        if await done_within(timeout_s, self.redis.wait_up()):
            await done_within(timeout_s, self.relay.wait_up())
            for job in jobs:
                with suppress(TrackerError):  # told when it runs again, at once
                    await done_within(timeout_s, job.run_once())
        self._upkeep = asyncio.create_task(
            run_jobs(jobs, self._leaving, self.metrics), name="upkeep"
        )

    def _jobs(self) -> Sequence[Job]:
        """What keeps this process's place in the cluster, most needed first."""
        period_s = self.settings.cluster.heartbeat
        jobs: list[Job] = [
            AccessReader(AccessStore(self.redis), self._access, period_s),
            LossWatch(Epochs(self.redis, self._now), self.peers.swarms_lost, period_s),
            Heartbeat(self.frontends, self.relay, self.facts, period_s, self.budgets.share_among),
            self.headroom,
            Probe(self.relay, period_s),
        ]
        if self.settings.udp.secret is None:
            store = SecretStore(self.redis, 2 * self.settings.udp.secret_period)
            jobs.insert(0, RingReader(store, self._ring, period_s, self._use_ring))
        return jobs

    def _use_ring(self, ring: Ring) -> None:
        self._ids.use(accepted(ring))

    async def _listen(self) -> None:
        for names, sockets in self._listeners.tcp:
            await self.tcp.listen(names, sockets)
        for sock in self._listeners.udp:
            self.udp.listen(sock)

    def _shared(self) -> Shared:
        """Return the objects shared by all TCP ports."""
        listen = self.settings.listen
        proxies = Proxies(listen.trusted_proxies, listen.trusted_hops)
        return Shared(
            http=self.settings.http,
            peers=self.peers,
            websocket=self.websocket,
            pages=self.website.pages.protocol,
            connections=Connections(
                listen, proxies, self.budgets.accounts, self.metrics, random.Random()
            ),
            proxies=proxies,
            budgets=self.budgets,
            turns=self.turns,
            wheel=self.wheel,
            metrics=self.metrics,
            proxy_protocol=listen.proxy_protocol,
            client_header=listen.client_header,
            client_addresses=self.settings.announce.client_addresses,
        )

    def reload(self) -> None:
        """Take what may change while we run: the certificate."""
        if self._tls is None:
            log.info("tls.none")
        else:
            reload(self._tls, self.settings.tls)

    # -- what it tells -------------------------------------------------------------------------

    def not_ready(self) -> list[str]:
        """Why this process should get no traffic now."""
        reasons = []
        if self._draining:
            reasons.append("draining")
        if not self.redis.up:
            reasons.append(REDIS_AWAY)
        return reasons

    def warnings(self) -> list[str]:
        """Return what an operator should know although this process serves."""
        return self.headroom.warnings()

    def facts(self) -> Facts:
        """What others are told of this frontend."""
        requests: dict[str, int] = dict.fromkeys(sorted(self.settings.listen.only), 0)
        for (protocol, action, _), count in self.metrics.requests.items():
            if action == "announce":
                requests[protocol] = requests.get(protocol, 0) + count
        latency_s = self.relay.latency_s
        return Facts(
            version=__version__,
            host=socket.gethostname(),
            pid=os.getpid(),
            since=self._now.at(self._since_us) // SECOND_US,
            beat=self._now.at(self._now.local_us()) / SECOND_US,
            ports={} if self._draining else self.ports,
            requests=requests,
            connections=len(self.tcp.connections),
            browsers=len(self.sessions),
            relay_us=None if latency_s is None else round(latency_s * 1e6),
        )

    def _observe(self) -> None:
        gauge = self.metrics.gauge
        gauge("tracker_connections", "TCP connections open.", lambda: len(self.tcp.connections))
        gauge("tracker_browsers", "WebSockets open.", lambda: len(self.sessions))
        gauge(
            "tracker_store_full",
            "Whether a primary has no memory for new swarms.",
            lambda: self.headroom.scarce,
        )
        gauge("tracker_store_up", "Whether Redis is there.", lambda: self.redis.up)
        gauge(
            "tracker_store_in_flight",
            "Requests that wait for Redis.",
            lambda: self.redis.in_flight,
        )

    # -- end -----------------------------------------------------------------------------------

    async def drain(self, *, patient: bool) -> None:
        """End without failing any client; arguments as of `tracker.stopping`."""
        self._draining = True
        end = Drain(
            self.settings,
            self.tcp,
            self.udp,
            self.websocket,
            self._unwritten,
            self.website.streams.end,
        )
        notice_s = NOTICE_S if any(self.frontends) else 0.0
        left_s = await end.run(self.settings.ws.drain if patient else 0.0, notice_s)
        await self._leave(max(POLL_S, left_s))

    def _unwritten(self) -> bool:
        """Return whether anything can still be written to Redis."""
        return bool(self.redis.in_flight or (self.redis.up and self.removals))

    async def _leave(self, timeout_s: float) -> None:
        """Give up the place in the cluster; without Redis it is lost after its time."""
        await self._end_upkeep()
        with suppress(Unavailable):
            await done_within(timeout_s, self.frontends.resign())

    async def _end_upkeep(self) -> None:
        self._leaving.set()
        if self._upkeep is not None:
            await asyncio.wait([self._upkeep])

    async def close(self) -> None:
        """Take down what is left, in whatever state."""
        self.wheel.stop()
        await self._end_upkeep()
        await self.tcp.close()
        self.udp.close()
        await self.website.pages.stop()
        await self.relay.close()
        self.removals.close()
        await self.redis.close()
        for sock in self._listeners.all():
            sock.close()
