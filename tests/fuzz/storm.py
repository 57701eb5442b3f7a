"""A storm of attacks on a tracker, and what must hold after it."""

import asyncio
import json
import os
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.tracker_process import TrackerProcess

SECONDS = float(os.environ.get("FUZZ_SECONDS", "4"))
SEED = os.environ.get("FUZZ_SEED") or secrets.token_hex(4)

WIDTH = 32  # attacks at once
WARM_UP_S = 2.0  # in which buffers, pools and caches find their size
ATTACK_S = 4.0  # the longest that one attack may take
CALM_S = 15.0  # in which all that a storm left behind must be gone
POLL_S = 0.05
SHOWN = 10  # lines of the log, when a test fails
IDLE = ("tracker_connections", "tracker_browsers", "tracker_store_in_flight")  # gauges, then 0
MAX_GROWTH = 16 << 20  # bytes; a storm has thousands of connections, each sends some kilobytes

# Timeouts so short that they run out during a storm, and a log that can be read by machine.
FLAGS = (
    "--log-json-lines",
    *("--http-request-timeout", "1", "--http-keepalive", "1"),
    *("--ws-ping-interval", "1", "--ws-idle-timeout", "2", "--ws-max-buffer", "65536"),
)

bounded = pytest.mark.timeout(SECONDS + 60)  # each test, however long a storm is asked for

Attack = Callable[[Random], Awaitable[None]]
Metrics = dict[tuple[str, ...], float]  # name, values by the names of labels


async def survives(
    tracker: TrackerProcess, attack: Attack, serves: Callable[[], Awaitable[None]]
) -> Metrics:
    """Attack for a while; then the tracker must serve, and be as it was before.

    Args:
        tracker: runs with `FLAGS`.
        attack: one attack, of `WIDTH` at a time; may end in a `ConnectionError`.
        serves: fails unless good requests, each on a new socket, are answered.

    Returns:
        The tracker's metrics, to see how deep the attacks went.
    """
    try:
        before = _descriptors(tracker)
        await _storm(attack, f"{SEED} warm-up", WARM_UP_S)
        await serves()
        await _calm(tracker, before)
        memory = _memory(tracker)
        await _storm(attack, SEED, SECONDS)
        await serves()
        metrics = await _calm(tracker, before)
        growth = _memory(tracker) - memory
        assert growth < MAX_GROWTH, f"{growth >> 10} KiB more than after the warm-up"
        assert not _complaints(tracker), "the log holds an error"
    except BaseException as error:
        error.add_note("\n".join((f"FUZZ_SEED={SEED}", *_complaints(tracker)[:SHOWN])))
        raise
    print(
        {k: v for k, v in metrics.items() if "_total" in k[0]},
        growth,
        len(tracker.stderr),
        file=__import__("sys").stderr,
    )
    return metrics


async def _storm(attack: Attack, seed: str, seconds: float) -> None:
    """Attacks side by side, the last ones cut off."""

    async def attacker(rng: Random) -> None:
        while True:
            try:
                async with asyncio.timeout(ATTACK_S):
                    await attack(rng)
            except (ConnectionError, TimeoutError):
                pass  # the tracker had enough of us, or waits for more than we have

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for number in range(WIDTH):
                group.create_task(attacker(Random(f"{seed} {number}")))


async def _calm(tracker: TrackerProcess, descriptors: int) -> Metrics:
    """Wait until nothing of a storm is left."""
    left: dict[str, float] = {}
    try:
        async with asyncio.timeout(CALM_S):
            while True:
                metrics = await _metrics(tracker)
                left = {name: metrics[name,] for name in IDLE if metrics[name,]}
                if (now := _descriptors(tracker)) > descriptors:
                    left["descriptors"] = now - descriptors
                if not left:
                    return metrics
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        pytest.fail(f"still there {CALM_S} s after the storm: {left}")


async def _metrics(tracker: TrackerProcess) -> Metrics:
    timeout = aiohttp.ClientTimeout(CALM_S)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{tracker.admin_url}/metrics") as reply,
    ):
        families = text_string_to_metric_families(await reply.text())
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }


def _descriptors(tracker: TrackerProcess) -> int:
    """Open files and sockets of the process."""
    return len(os.listdir(f"/proc/{tracker.pid}/fd"))


def _memory(tracker: TrackerProcess) -> int:
    """Bytes of the process that are in memory."""
    status = Path(f"/proc/{tracker.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) << 10


def _complaints(tracker: TrackerProcess) -> list[str]:
    """Lines of the log that are no event, as of a traceback, or an error's."""
    return [line for line in tracker.stderr.splitlines() if not _harmless(line)]


def _harmless(line: str) -> bool:
    try:
        event = json.loads(line)
    except ValueError:
        return False
    return event["level"] in {"info", "warning"} and "exception" not in event
