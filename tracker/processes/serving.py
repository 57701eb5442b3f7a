"""One of several processes that serve the same ports: ``python -m tracker.processes.serving FD``.

It is led by its supervisor, at the other end of the socket pair `FD`, and by nobody else: a service
manager may signal all processes of a service, and the drain must be one for all of them. When the
supervisor is gone, so is the child.
"""

import asyncio
import os
import socket
import sys
from contextlib import AsyncExitStack

import structlog
import uvloop

from tracker import log as logs
from tracker.frontends.listen import inherited
from tracker.node import Node
from tracker.processes.channel import Channel, Hello, Order
from tracker.processes.vitals import Report
from tracker.stopping import Stop, ignore_signals

log = structlog.get_logger()


def main(descriptor: int) -> int:
    """Serve until told to stop; returns the exit code."""
    ignore_signals()
    try:
        uvloop.run(_serve(descriptor))
    except (OSError, ValueError) as error:
        log.error("tracker.failed", error=str(error))
        return 1
    return 0


async def _serve(descriptor: int) -> None:
    channel = await Channel.over(socket.socket(fileno=descriptor))
    hello = await channel.receive(Hello)
    logs.configure(hello.settings.log.level, hello.settings.log.json_lines)
    stop = Stop(leads=False)
    async with AsyncExitStack() as stack:
        node = Node(hello.settings, hello.redis_url, hello.listeners.map(inherited))
        stack.push_async_callback(node.close)
        await node.start()
        obedience = asyncio.create_task(_obey(channel, node, stop), name="obedience")
        stack.callback(obedience.cancel)
        await stop.wait(node)


async def _obey(channel: Channel, node: Node, stop: Stop) -> None:
    """Do what the supervisor says, until the end: ours or its."""
    while True:
        try:
            order = await channel.receive(Order)
        except EOFError:  # Linux has killed us by now, others leave it to us
            os._exit(1)
        except Exception:  # a process that cannot be told to stop must not go on
            log.exception("task.failed", task="obedience")
            os._exit(1)
        try:
            await _carry_out(order, channel, node, stop)
        except Exception:
            log.exception("order.failed", order=order.name)


async def _carry_out(order: Order, channel: Channel, node: Node, stop: Stop) -> None:
    match order:
        case Order.DRAIN | Order.STOP:
            stop.ask(patient=order is Order.DRAIN)
        case Order.RELOAD:
            node.reload()
        case Order.REPORT:
            vitals = node.vitals
            reasons, warnings = await vitals.not_ready(), await vitals.warnings()
            channel.send(Report(reasons, await vitals.families(), warnings))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
