"""A storm of attacks on a tracker, and what must hold after it."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from random import Random

import pytest

from tests import one_address
from tests.tracker_process import TrackerProcess, running_tracker
from tests.vitals import Metrics, calm, complaints, descriptors, settled_memory

SECONDS = float(os.environ.get("FUZZ_SECONDS", "4"))
SEED = os.environ.get("FUZZ_SEED") or secrets.token_hex(4)

WIDTH = 32  # attacks at once
WARM_UP_S = 2.0  # in which buffers, pools and caches find their size
ATTACK_S = 4.0  # the longest that one attack may take
# Bytes, less than if each connection left its buffer behind. Pools and caches take some MiB, and
# the longer a storm lasts, the more holes are in them.
MAX_GROWTH = int(10 + SECONDS / 2) << 20
SHOWN = 10  # lines of the log, when a test fails

# Timeouts so short that they run out during a storm, and a log that can be read by machine.
FLAGS = (
    "--log-json-lines",
    *("--http-request-timeout", "1", "--http-keepalive", "1"),
    *("--redis-max-in-flight", "1000"),
    *one_address.FLAGS,
    *("--ws-ping-interval", "1", "--ws-idle-timeout", "2", "--ws-max-buffer", "65536"),
)

# glibc gives back at once what is free, so that memory is what is in use.
THRIFTY = {"MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_MMAP_THRESHOLD_": "16384"}

target = partial(running_tracker, *FLAGS, env=THRIFTY)

bounded = pytest.mark.timeout(SECONDS + 60)  # each test, however long a storm is asked for

Attack = Callable[[Random], Awaitable[None]]


async def survives(
    tracker: TrackerProcess, attack: Attack, serves: Callable[[], Awaitable[None]]
) -> Metrics:
    """Attack for a while; then the tracker must serve, and be as it was before.

    Args:
        tracker: of `target`.
        attack: one attack, of `WIDTH` at a time; may end in a `ConnectionError`.
        serves: fails unless good requests, each on a new socket, are answered.

    Returns:
        The tracker's metrics, to see how deep the attacks went.
    """
    try:
        files = descriptors(tracker)
        await _storm(attack, f"{SEED} warm-up", WARM_UP_S)
        await calm(tracker, files)
        memory = await settled_memory(tracker)
        await _storm(attack, SEED, SECONDS)
        await calm(tracker, files)
        await serves()
        metrics = await calm(tracker, files)
        growth = await settled_memory(tracker) - memory
        assert growth < MAX_GROWTH, f"{growth >> 10} KiB more than after the warm-up"
        assert not complaints(tracker), "the log holds an error"
    except BaseException as error:
        error.add_note("\n".join((f"FUZZ_SEED={SEED}", *complaints(tracker)[:SHOWN])))
        raise
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
