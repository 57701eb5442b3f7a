"""The background jobs: what must be done once for the whole cluster, by whom has the lease.

They run within a tracker, or in a process of their own, ``tracker workers``.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog
import uvloop

from tracker import log as logs
from tracker.metrics import Metrics
from tracker.ready import ready_line
from tracker.settings import Settings
from tracker.stopping import Stop, ignore_signals, obey_signals
from tracker.store.access import AccessStore
from tracker.store.burial import Burial as Graves
from tracker.store.census import Census
from tracker.store.connect import connect
from tracker.store.history import History
from tracker.store.leases import Leases
from tracker.store.nodes import nodes
from tracker.store.redis_time import redis_time
from tracker.store.secrets import SecretStore, fresh_secret
from tracker.store.topology import Redis
from tracker.store.trouble import Troubles
from tracker.tasks import done_within
from tracker.web.admin import REDIS_AWAY, Ops, OwnVitals
from workers.access import AccessFiles
from workers.burial import Burial
from workers.runner import LeasedJob, run_leased
from workers.secrets import Rotation
from workers.servers import Servers
from workers.statistics import Statistics

log = structlog.get_logger()

HOLDER_SIZE = 16  # bytes that tell the holder of a lease from all others


def run(settings: Settings, url: str) -> int:
    """Run the jobs until a signal to stop; return the exit code."""
    logs.configure(settings.log.level, settings.log.json_lines)
    try:
        uvloop.run(_serve(settings, url))
    except (OSError, ValueError) as error:
        log.error("tracker.failed", error=str(error))
        return 1
    finally:
        ignore_signals()
    return 0


async def _serve(settings: Settings, url: str) -> None:
    stop, metrics = Stop(), Metrics()
    obey_signals(stop)
    async with background_jobs(settings, url, metrics) as redis:
        vitals = OwnVitals(metrics, lambda: [] if redis.up else [REDIS_AWAY])
        listen = settings.listen
        ops = Ops(listen.admin, vitals, listen.admin_hosts, moves=listen.admin_moves)
        try:
            await ops.start()
            print(ready_line({"admin": ops.port}, redis_up=redis.up), flush=True)
            await stop.asked.wait()
        finally:
            await ops.stop()
    log.info("tracker.stopped")


@asynccontextmanager
async def background_jobs(
    settings: Settings, url: str, metrics: Metrics, troubles: Troubles | None = None
) -> AsyncIterator[Redis]:
    """Run the jobs for the length of the context, over a connection of their own: that.

    Args:
        settings: all of them.
        url: of the Redis.
        metrics: count the jobs and what Redis does not serve them.
        troubles: of all connections of this process to Redis; None: it has no others.

    Raises:
        ValueError: the URL is none.
    """
    redis = connect(url, settings.redis, metrics, troubles)
    leases = Leases(redis, secrets.token_bytes(HOLDER_SIZE), settings.workers.lease)
    stop = asyncio.Event()
    await redis.start()
    await done_within(settings.redis.timeout, redis.wait_up())  # so that leases can be taken
    jobs = asyncio.create_task(run_leased(_jobs(settings, redis), leases, stop, metrics))
    try:
        yield redis
    finally:
        stop.set()
        await jobs
        await redis.close()


def _jobs(settings: Settings, redis: Redis) -> Sequence[LeasedJob]:
    history = History(redis, settings.workers)
    now = partial(redis_time, redis)
    jobs: list[LeasedJob] = [
        Statistics(Census(redis), history, settings.workers, now),
        Burial(Graves(redis), settings.cluster, now),
        AccessFiles(settings.access, AccessStore(redis)),
        Servers(partial(nodes, redis), settings.workers.statistics_period),
    ]
    if settings.udp.secret is None:
        period_s = settings.udp.secret_period
        store = SecretStore(redis, 2 * period_s)
        jobs.append(Rotation(store, period_s, now, fresh_secret))
    return jobs
