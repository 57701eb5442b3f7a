import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tracker.frontends.ops import Ops, OwnVitals
from tracker.metrics import Metrics


class Reasons(list[str]):
    """Why the process is not ready, changed by the test."""

    def __call__(self) -> list[str]:
        return list(self)


@pytest.fixture
def reasons() -> Reasons:
    return Reasons()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def vitals(metrics: Metrics, reasons: Reasons) -> OwnVitals:
    return OwnVitals(metrics, reasons)


@pytest.fixture
async def ops(vitals: OwnVitals) -> AsyncIterator[Ops]:
    ops = Ops("127.0.0.1:0", vitals)
    await ops.start()
    yield ops
    await ops.stop()


@pytest.fixture
async def client(ops: Ops) -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(5)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{ops.port}", timeout=timeout) as session:
        yield session


async def test_health_is_well_also_when_not_ready(
    client: aiohttp.ClientSession, reasons: Reasons
) -> None:
    reasons.append("redis is away")
    async with client.get("/health") as reply:
        assert (200, "ok\n") == (reply.status, await reply.text())


async def test_readiness_follows_the_reasons(
    client: aiohttp.ClientSession, reasons: Reasons
) -> None:
    for now, status in (([], 200), (["draining", "redis is away"], 503), ([], 200)):
        reasons[:] = now
        async with client.get("/ready") as reply:
            assert status == reply.status
            assert {"ready": not now, "reasons": now} == await reply.json()


async def test_metrics_show_what_was_counted_and_the_process(
    client: aiohttp.ClientSession, metrics: Metrics
) -> None:
    metrics.requests["udp", "announce", "ok"] += 3
    metrics.gauge("tracker_browsers", "WebSockets open.", lambda: 4)
    async with client.get("/metrics") as reply:
        assert reply.headers["Content-Type"].startswith("text/plain; version=")
        families = list(text_string_to_metric_families(await reply.text()))
    values = {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }
    assert 3 == values["tracker_requests_total", frozenset({"udp", "announce", "ok"})]
    assert 4 == values["tracker_browsers", frozenset()]
    assert values["process_resident_memory_bytes", frozenset()] > 1 << 20


async def test_unknown_paths_and_methods_are_refused(client: aiohttp.ClientSession) -> None:
    async with client.get("/stats") as reply:
        assert 404 == reply.status
    async with client.post("/health", data=b"x" * 100_000) as reply:
        assert 405 == reply.status


async def test_each_reply_closes_its_connection(client: aiohttp.ClientSession) -> None:
    async with client.get("/health") as reply:
        assert "close" == reply.headers["Connection"]


async def test_a_port_that_is_taken_is_told(vitals: OwnVitals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ops = Ops(f"127.0.0.1:{port}", vitals)
        with pytest.raises(OSError, match="in use"):
            await ops.start()


async def test_after_stop_the_port_is_free(vitals: OwnVitals) -> None:
    ops = Ops("[::1]:0", vitals)
    assert 0 == ops.port
    await ops.start()
    port = ops.port
    await ops.stop()
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("::1", port)
