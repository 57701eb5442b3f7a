"""The process of ``tracker serve``: what it starts, in order, and takes down again."""

import asyncio
import resource
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack

import structlog
import uvloop

from tracker import log as logs
from tracker.embedded import EmbeddedRedis, EmbeddedRedisFailed, EmbeddedRedisMissing
from tracker.frontends.listen import open_ports
from tracker.frontends.ops import Ops
from tracker.frontends.tls import server_context
from tracker.jobs import background_jobs
from tracker.node import Node
from tracker.processes.supervisor import Supervisor
from tracker.settings import Settings
from tracker.stopping import Stop, ignore_signals, obey_signals

log = structlog.get_logger()

SPARE_FILES = 100  # beside the connections: listeners, Redis, logs


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # there is nothing to read again yet
    logs.configure(settings.log.level, settings.log.json_lines)
    try:  # before anything is started for nothing
        server_context(settings.tls)
    except OSError as error:
        log.error("tls.failed", error=str(error))
        return 2
    settings = _fit_files(settings)
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
    wanted = settings.listen.max_connections + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return settings
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed == wanted:
        return settings
    most = max(1, allowed - SPARE_FILES)
    log.info("tracker.few_files", max_connections=most, open_files=allowed)
    listen = settings.listen.model_copy(update={"max_connections": most})
    return settings.model_copy(update={"listen": listen})


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        OSError: a port, a certificate or the embedded Redis can't be had.
        EmbeddedRedisMissing: no Redis is told, and there is none to start.
    """
    stop = Stop()
    obey_signals(stop)
    async with AsyncExitStack() as stack:
        listeners = open_ports(settings.listen)
        url = settings.redis.url.get_secret_value() if settings.redis.url else None
        if url is None:
            embedded = EmbeddedRedis(memory_mib=settings.redis.embedded_memory)
            url = (await stack.enter_async_context(embedded)).url
        tracker: Node | Supervisor
        if settings.listen.processes == 1:
            tracker = Node(settings, url, listeners[0])
        else:
            tracker = Supervisor(settings, url, listeners)
        stack.push_async_callback(tracker.close)
        if settings.redis.url is None or settings.listen.with_workers:
            await stack.enter_async_context(background_jobs(settings, url, tracker.metrics))
        ops = Ops(settings.listen.admin, tracker.vitals)
        stack.push_async_callback(ops.stop)
        await tracker.start()
        await ops.start()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, tracker.reload)
        print(ready_line({**tracker.ports, "admin": ops.port}), flush=True)
        await stop.wait(tracker)
    log.info("tracker.stopped")


def ready_line(ports: Mapping[str, int]) -> str:
    """What stdout gets to say when and where each protocol is ready."""
    return "ready " + " ".join(f"{name}={port}" for name, port in ports.items())
