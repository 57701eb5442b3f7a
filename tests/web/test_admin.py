import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from tests.tools import reserved_port
from tracker.metrics import Metrics
from tracker.web.admin import Ops, OwnVitals


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
    ops = Ops("127.0.0.1:0", vitals, ["Admin.example"])
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


async def test_a_warning_does_not_make_it_unready(metrics: Metrics) -> None:
    ops = Ops("127.0.0.1:0", OwnVitals(metrics, list, lambda: ["redis is full"]))
    await ops.start()
    try:
        async with (
            aiohttp.ClientSession(f"http://127.0.0.1:{ops.port}") as session,
            session.get("/ready") as reply,
        ):
            assert 200 == reply.status
            body = await reply.json()
    finally:
        await ops.stop()
    assert {"ready": True, "reasons": [], "warnings": ["redis is full"]} == body


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


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8001", 200),
        ("tracker:8001", 200),
        ("admin.example", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
    ],
)
@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_only_names_of_its_own_are_answered(
    client: aiohttp.ClientSession, host: str, status: int, path: str
) -> None:
    async with client.get(path, headers={"Host": host}) as reply:
        assert status == reply.status
        if status == 421:
            assert f"'{host}' is not a name of the admin port" in await reply.text()
            assert "--admin-hosts" in await reply.text()


async def test_a_health_check_without_a_host_is_answered(ops: Ops) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ops.port)
    writer.write(b"GET /ready HTTP/1.0\r\n\r\n")
    assert b"HTTP/1.0 200 OK" == (await asyncio.wait_for(reader.readline(), 5)).strip()
    writer.close()


@pytest.mark.parametrize(
    "request_",
    [b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", b"no\r\n\r\n", b"GET /x HTTP/1.0\r\n\r\n"],
)
async def test_every_reply_has_our_headers(ops: Ops, request_: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ops.port)
    writer.write(request_)
    reply = await asyncio.wait_for(reader.read(), 5)
    assert b"\r\nServer: tracker-cluster\r\nConnection: close\r\n\r\n" in reply
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in reply
    assert b"frame-ancestors 'none'" in reply
    assert b"aiohttp" not in reply
    writer.close()


async def test_a_port_that_is_taken_is_told(vitals: OwnVitals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ops = Ops(f"127.0.0.1:{port}", vitals)
        with pytest.raises(OSError, match="in use"):
            await ops.start()


async def test_a_port_that_may_move_does_so_if_it_is_taken(vitals: OwnVitals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, capture_logs() as logs:
        port = taken.getsockname()[1]
        ops = Ops(f"127.0.0.1:{port}", vitals, moves=True)
        await ops.start()
        other = ops.port
        assert port != other
        _, writer = await asyncio.open_connection("127.0.0.1", other)
        writer.close()
        await ops.stop()
    (line,) = logs
    assert ("admin.moved", other, "warning") == (line["event"], line["port"], line["log_level"])
    assert f"port {port} is in use by this process" in line["reason"]


async def test_a_port_that_may_move_stays_if_it_is_free(vitals: OwnVitals) -> None:
    with reserved_port() as port:
        ops = Ops(f"127.0.0.1:{port}", vitals, moves=True)
        await ops.start()
        assert port == ops.port
        await ops.stop()


async def test_after_stop_the_port_is_free(vitals: OwnVitals) -> None:
    ops = Ops("[::1]:0", vitals)
    assert 0 == ops.port
    await ops.start()
    port = ops.port
    await ops.stop()
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("::1", port)


@pytest.mark.parametrize("path", ["/health", "/nothing"])
async def test_an_odd_expectation_is_refused_without_a_traceback(
    ops: Ops, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ops.port)
    head = b"GET %b HTTP/1.1\r\nHost: localhost\r\nExpect: \xff\r\n\r\n" % path.encode()
    writer.write(head)
    assert (await reader.read()).startswith((b"HTTP/1.1 417", b"HTTP/1.1 500"))
    writer.close()
    assert not caplog.records
