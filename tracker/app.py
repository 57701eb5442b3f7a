"""The process of ``tracker serve``: what it starts, in order, and takes down again."""

import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import structlog
import uvloop

from tracker import log as logs
from tracker.banner import announce_urls, banner
from tracker.budgeting import process_memory
from tracker.embedded import (
    EmbeddedRedis,
    EmbeddedRedisFailed,
    EmbeddedRedisMissing,
    state_directory,
)
from tracker.errors import Unavailable
from tracker.frontends.listen import open_ports
from tracker.frontends.tls import server_context
from tracker.jobs import background_jobs
from tracker.local import LocalTracker, listed, local_trackers
from tracker.metrics import Metrics
from tracker.node import Node
from tracker.policy.connections import fit_files, most_tls
from tracker.processes.supervisor import Supervisor
from tracker.ready import ready_line
from tracker.settings import ListenSettings, Settings
from tracker.stopping import Stop, ignore_signals, obey_signals
from tracker.store.connect import connect
from tracker.store.epochs import Epochs
from tracker.store.redis_time import redis_time
from tracker.store.trouble import Troubles
from tracker.tasks import done_within
from tracker.terminal import Terminal
from tracker.web.admin import REDIS_AWAY, Ops

log = structlog.get_logger()

FEW: Final = 2000  # connections: a smaller limit is logged even if the operator set none


def run(settings: Settings) -> int:
    """Serve until a signal to stop; return the exit code."""
    logs.configure(settings.log.level, settings.log.json_lines)
    try:  # before anything is started for nothing
        server_context(settings.tls)
    except OSError as error:
        log.error("tls.failed", error=str(error))
        return 2
    settings = _fit_memory(_fit_files(settings))
    try:
        uvloop.run(serve(settings))
    except (OSError, ValueError, EmbeddedRedisFailed, EmbeddedRedisMissing) as error:
        log.error("tracker.failed", error=str(error))
        return 1
    finally:
        ignore_signals()
    return 0


def _fit_files(settings: Settings) -> Settings:
    """Raise the limit of open files as far as we may, and take no more connections than that."""
    listen = settings.listen
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = None if hard == resource.RLIM_INFINITY else hard
    files = fit_files(listen.max_connections, listen.backlog, len(listen.tcp_ports), allowed)
    if soft != resource.RLIM_INFINITY and soft < files.open_files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files.open_files, hard))
    fitting = {"max_connections": files.connections, "backlog": files.backlog}
    if fitting["max_connections"] < listen.max_connections:
        log_limit = _limit_logger(listen, files.connections)
        log_limit("tracker.few_files", **fitting, open_files=files.open_files)
    return settings.model_copy(update={"listen": listen.model_copy(update=fitting)})


def _fit_memory(settings: Settings) -> Settings:
    """Take no more TLS connections than there is memory for."""
    listen = settings.listen
    fitting = {"max_connections": most_tls(process_memory(settings))}
    if settings.tls.cert is None or fitting["max_connections"] >= listen.max_connections:
        return settings
    log_limit = _limit_logger(listen, fitting["max_connections"])
    log_limit("tracker.little_memory", **fitting)
    return settings.model_copy(update={"listen": listen.model_copy(update=fitting)})


def _limit_logger(listen: ListenSettings, connections: int) -> Callable[..., object]:
    """Return what logs that the tracker takes only that many connections."""
    # The default is more than most machines need.
    expected = listen.max_connections if "max_connections" in listen.model_fields_set else FEW
    method: Callable[..., object] = log.info if connections < expected else log.debug
    return method


class _Started(NamedTuple):
    """A tracker that serves."""

    tracker: Node | Supervisor
    redis_url: str
    saved_in: Path | None  # the directory in which its private Redis will be saved
    admin_port: int
    redis_up: bool


async def serve(settings: Settings) -> None:
    """Serve until a signal to stop.

    Raises:
        OSError: a port, a certificate or the embedded Redis can't be had.
        EmbeddedRedisMissing: no Redis is told, and there is none to start.
    """
    stop = Stop()
    tracker: Node | Supervisor | None = None

    def reload() -> None:
        if tracker is not None:
            tracker.reload()

    obey_signals(stop, reload)
    async with AsyncExitStack() as stack:
        started = await stop.unless_asked(_start(settings, stack))
        if started is not None:
            tracker = started.tracker
            _list(settings, started, stack)
            _report(settings, started)
            await stop.wait(tracker)
    log.info("tracker.stopped")


async def _start(settings: Settings, stack: AsyncExitStack) -> _Started:
    """Start all parts; `stack` stops them. May be cancelled."""
    troubles = Troubles()
    saved_in: Path | None = None
    listeners = open_ports(settings.listen)
    url = settings.redis.url.get_secret_value() if settings.redis.url else None
    if url is None:
        directory = state_directory(settings.redis, settings.listen, os.environ)
        embedded = EmbeddedRedis(settings.redis.embedded_memory, directory=directory)
        url = (await stack.enter_async_context(embedded)).url
        saved_in = embedded.directory
        if embedded.lost:
            await _declare_lost(settings, url, troubles)
    tracker: Node | Supervisor
    if settings.listen.processes == 1:
        tracker = Node(settings, url, listeners[0], troubles)
    else:
        tracker = Supervisor(settings, url, listeners)
    stack.push_async_callback(tracker.close)
    if settings.redis.url is None or settings.listen.with_workers:
        jobs = background_jobs(settings, url, tracker.metrics, troubles)
        await stack.enter_async_context(jobs)
    listen = settings.listen
    ops = Ops(listen.admin, tracker.vitals, listen.admin_hosts, moves=listen.admin_moves)
    stack.push_async_callback(ops.stop)
    await tracker.start()
    await ops.start()
    reasons = await tracker.vitals.not_ready()
    redis_up = not any(reason.endswith(REDIS_AWAY) for reason in reasons)
    return _Started(tracker, url, saved_in, ops.port, redis_up)


async def _declare_lost(settings: Settings, url: str, troubles: Troubles) -> None:
    """Let the frontends know that an earlier run of this tracker could not save its data."""
    redis = connect(url, settings.redis, Metrics(), troubles)
    await redis.start()
    try:
        with suppress(Unavailable):  # it has just answered; if it is away, peers come when due
            await done_within(settings.redis.timeout, redis.wait_up())
            await Epochs(redis, partial(redis_time, redis)).declare_lost()
    finally:
        await redis.close()


def _list(settings: Settings, started: _Started, stack: AsyncExitStack) -> None:
    """Let other commands of this user find the tracker until `stack` ends."""
    host = settings.listen.admin.rpartition(":")[0]
    ports = dict(started.tracker.ports)
    entry = LocalTracker(
        pid=os.getpid(),
        since=int(time.time()),
        redis=started.redis_url,
        private=settings.redis.url is None,
        ports=ports,
        admin=f"{host}:{started.admin_port}",
        urls=announce_urls(settings, ports),
    )
    try:
        stack.enter_context(listed(entry, os.environ))
    except OSError as error:
        log.warning("tracker.unlisted", error=str(error))


def _report(settings: Settings, started: _Started) -> None:
    """Print on a terminal what a person needs to know, otherwise one line for programs."""
    ports, redis_up = started.tracker.ports, started.redis_up
    if sys.stdout.isatty() and not settings.log.json_lines:
        terminal = Terminal(sys.stdout, os.environ)
        alone = len(local_trackers(os.environ)) <= 1
        text = banner(settings, ports, terminal, started.saved_in, redis_up=redis_up, alone=alone)
    else:
        text = ready_line({**ports, "admin": started.admin_port}, redis_up=redis_up)
    print(text, flush=True)
