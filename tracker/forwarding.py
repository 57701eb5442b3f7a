"""The process of ``tracker forward``: a `Forwarder`, its backends' look-up, an admin address."""

import asyncio
import socket
from functools import partial

import structlog
import uvloop

from tracker import log as logs
from tracker.frontends.listen import bind_all, bind_udp
from tracker.frontends.udp_forwarder import Forwarder
from tracker.metrics import Metrics
from tracker.ready import ready_line
from tracker.settings import Settings
from tracker.stopping import Stop, ignore_signals, obey_signals
from tracker.tasks import kept
from tracker.web.admin import Ops, OwnVitals

log = structlog.get_logger()

LOOK_UP_S = 1.0
LAST_ANSWERS_S = 1.0  # between the last request and the end


def run(settings: Settings, to: tuple[str, int]) -> int:
    """Forward until a signal to stop; return the exit code.

    Args:
        settings: of the listeners, UDP, the log, and the IPv6 prefix of one client.
        to: the name and the port of the backends.
    """
    logs.configure(settings.log.level, settings.log.json_lines)
    try:
        to[0].encode("idna")  # as it is for each look-up
    except UnicodeError as error:
        log.error("tracker.failed", error=f"--to: {to[0]!r} is not a host name: {error}")
        return 2
    try:
        uvloop.run(_serve(settings, to))
    except (OSError, ValueError) as error:
        log.error("tracker.failed", error=str(error))
        return 1
    finally:
        ignore_signals()
    return 0


async def _serve(settings: Settings, to: tuple[str, int]) -> None:
    stop, metrics = Stop(), Metrics()
    obey_signals(stop)
    listen = settings.listen
    port, flag = listen.port_of("udp")
    (fronts,) = bind_all(listen.host, port, [partial(bind_udp, flag=flag)])
    back = bind_udp("0.0.0.0", 0)  # noqa: S104
    forwarder = Forwarder(settings.udp, fronts, back, metrics, settings.limits.ipv6_prefix)
    look_up = asyncio.create_task(kept("look-up", partial(_look_up, forwarder, to)), name="look-up")
    vitals = OwnVitals(metrics, lambda: [] if forwarder.ready else ["no backend"])
    ops = Ops(listen.admin, vitals, listen.admin_hosts, moves=listen.admin_moves)
    try:
        await ops.start()
        ports = {"udp": fronts[0].getsockname()[1], "admin": ops.port}
        print(ready_line(ports), flush=True)
        await stop.asked.wait()
        await forwarder.drain()
        await asyncio.sleep(LAST_ANSWERS_S)
    finally:
        look_up.cancel()
        await ops.stop()
        forwarder.close()
    log.info("tracker.stopped")


async def _look_up(forwarder: Forwarder, to: tuple[str, int]) -> None:
    """Follow the addresses of the backends' name; keep the last ones while it has none."""
    loop = asyncio.get_running_loop()
    known: set[tuple[str, int]] = set()
    failed = False
    while True:
        try:
            found = await loop.getaddrinfo(*to, family=socket.AF_INET, type=socket.SOCK_DGRAM)
        except OSError as error:
            if not failed:
                log.warning("forward.unknown", name=to[0], error=str(error))
            failed = True
        else:
            failed = False
            backends = {(str(address[0]), int(address[1])) for *_, address in found}
            if backends != known:
                log.info("forward.backends", number=len(backends))
                known = backends
            forwarder.use(backends)
        await asyncio.sleep(LOOK_UP_S)
