"""The process of ``tracker serve``: what it starts, in order, and takes down again."""

import resource
from contextlib import AsyncExitStack

import structlog
import uvloop

from tracker import log as logs
from tracker.budgeting import process_memory
from tracker.embedded import EmbeddedRedis, EmbeddedRedisFailed, EmbeddedRedisMissing
from tracker.frontends.listen import open_ports
from tracker.frontends.ops import REDIS_AWAY, Ops
from tracker.frontends.tls import server_context
from tracker.jobs import background_jobs
from tracker.node import Node
from tracker.policy.connections import fit_files, most_tls
from tracker.processes.supervisor import Supervisor
from tracker.ready import ready_line
from tracker.settings import Settings
from tracker.stopping import Stop, ignore_signals, obey_signals
from tracker.store.trouble import Troubles

log = structlog.get_logger()


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
        log.info("tracker.few_files", **fitting, open_files=files.open_files)
    return settings.model_copy(update={"listen": listen.model_copy(update=fitting)})


def _fit_memory(settings: Settings) -> Settings:
    """Take no more TLS connections than there is memory for."""
    listen = settings.listen
    fitting = {"max_connections": most_tls(process_memory(settings))}
    if settings.tls.cert is None or fitting["max_connections"] >= listen.max_connections:
        return settings
    log.info("tracker.little_memory", **fitting)
    return settings.model_copy(update={"listen": listen.model_copy(update=fitting)})


async def serve(settings: Settings) -> None:
    """Serve until a signal to stop.

    Raises:
        OSError: a port, a certificate or the embedded Redis can't be had.
        EmbeddedRedisMissing: no Redis is told, and there is none to start.
    """
    stop, troubles = Stop(), Troubles()
    tracker: Node | Supervisor | None = None

    def reload() -> None:
        if tracker is not None:
            tracker.reload()

    obey_signals(stop, reload)
    async with AsyncExitStack() as stack:
        listeners = open_ports(settings.listen)
        url = settings.redis.url.get_secret_value() if settings.redis.url else None
        if url is None:
            embedded = EmbeddedRedis(memory_mib=settings.redis.embedded_memory)
            url = (await stack.enter_async_context(embedded)).url
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
        print(ready_line({**tracker.ports, "admin": ops.port}, redis_up=redis_up), flush=True)
        await stop.wait(tracker)
    log.info("tracker.stopped")
