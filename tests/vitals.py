"""How a tracker is, as seen from outside: its metrics, files, memory and log."""

import asyncio
import json
import os
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.forwarder_process import ForwarderProcess
from tests.tracker_process import TrackerProcess

CALM_S = 15.0  # in which all that a storm left behind must be gone
POLL_S = 0.05
IDLE = ("tracker_connections", "tracker_browsers", "tracker_store_in_flight")  # gauges, then 0

Metrics = dict[tuple[str, ...], float]  # name, values by the names of labels
Process = TrackerProcess | ForwarderProcess


async def calm(tracker: TrackerProcess, files: int) -> Metrics:
    """Wait until no socket and no request is left, and no more than so many files are open."""
    left: dict[str, float] = {}
    try:
        async with asyncio.timeout(CALM_S):
            while True:
                values = await metrics(tracker)
                left = {name: values[name,] for name in IDLE if values[name,]}
                if (now := descriptors(tracker)) > files:
                    left["descriptors"] = now - files
                if not left:
                    return values
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        pytest.fail(f"still there {CALM_S} s after the storm: {left}")


def descriptors(tracker: TrackerProcess) -> int:
    """Open files and sockets of the process."""
    return len(os.listdir(f"/proc/{tracker.pid}/fd"))


async def settled_memory(tracker: TrackerProcess) -> int:
    """Bytes of the process in memory, once its garbage collector has run.

    It runs after so many new objects. Pages that do not exist make some: cycles of aiohttp's.
    """
    async with asyncio.timeout(CALM_S):
        before = await _collections(tracker)
        while await _collections(tracker) == before:
            for _ in range(50):
                await _get(tracker, "/nothing")
    return memory(tracker)


def complaints(tracker: TrackerProcess) -> list[str]:
    """Lines of the log that are an error's, or no event's, as those of a traceback."""
    return [line for line in tracker.stderr.splitlines() if not _harmless(line)]


def _harmless(line: str) -> bool:
    try:
        event = json.loads(line)
    except ValueError:
        return False
    return event["level"] in {"info", "warning"} and "exception" not in event


def memory(tracker: Process) -> int:
    """Return the bytes of the process that are in memory (its resident set)."""
    status = Path(f"/proc/{tracker.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) << 10


async def _collections(tracker: TrackerProcess) -> float:
    return (await metrics(tracker))["python_gc_collections_total", "0"]


async def metrics(tracker: Process) -> Metrics:
    """Read the metrics from the admin port."""
    families = text_string_to_metric_families(await _get(tracker, "/metrics"))
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


async def _get(tracker: Process, path: str) -> str:
    timeout = aiohttp.ClientTimeout(CALM_S)
    async with (
        aiohttp.ClientSession(tracker.admin_url, timeout=timeout) as session,
        session.get(path) as reply,
    ):
        return await reply.text()
