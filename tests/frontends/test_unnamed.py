"""Requests for which a trusted proxy does not name the client."""

import pytest
from structlog.testing import capture_logs

from tests.frontends.clients import HASH, SCRAPE, announce, browser, decoded, get
from tests.nodes import running_node
from tests.redis_servers import RedisServer

PROXY = {"trusted_proxies": ["127.0.0.1"]}
REFUSAL = b"the proxy in front of this tracker does not name your address: "


@pytest.mark.parametrize("header", [(), ("X-Forwarded-For: unknown",), ("X-Real-IP: 192.0.2.1",)])
async def test_an_announce_fails(redis: RedisServer, header: tuple[str, ...]) -> None:
    async with running_node(redis.url, listen=PROXY) as tracker:
        peer = await tracker.tcp()
        with capture_logs() as logs:
            for _ in range(2):
                reply = await peer.ask(announce(*header))
                assert {b"failure reason"} == decoded(reply.body).keys()
        assert ["proxy.unnamed"] == [entry["event"] for entry in logs if "proxy" in entry["event"]]
        assert 2 == tracker.requests["http", "unnamed", "denied"]
        assert 200 == (await peer.ask(get("/stats"))).status


async def test_a_browser_is_served_and_reported(redis: RedisServer) -> None:
    async with running_node(redis.url, listen=PROXY) as tracker:
        with capture_logs() as logs:
            async with browser(tracker) as one:
                await one.announce()
        assert 1 == tracker.requests["http", "unnamed", "ok"]
        assert ["proxy.unnamed"] == [entry["event"] for entry in logs if "proxy" in entry["event"]]


@pytest.mark.parametrize("target", ["/", "/stats", "/announce", SCRAPE, "/nowhere", "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_health_check_is_not_reported(redis: RedisServer, target: str, method: str) -> None:
    async with running_node(redis.url, listen=PROXY) as tracker:
        with capture_logs() as logs:
            peer = await tracker.tcp()
            await peer.send(get(target, method=method))
            await peer.reply(head_only=method == "HEAD")
        assert [] == [entry for entry in logs if "proxy" in entry["event"]]
        assert "unnamed" not in {action for _, action, _ in tracker.requests}


@pytest.mark.parametrize(
    ("listen", "before", "header"),
    [
        ({}, b"", "X-Forwarded-For or Forwarded"),
        ({"client_header": "X-Real-IP"}, b"", "X-Real-IP"),
        ({"proxy_protocol": True}, b"PROXY UNKNOWN\r\n", "a PROXY header, or in X-Forwarded-For"),
        (
            {"proxy_protocol": True, "client_header": "X-Real-IP"},
            b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n",
            "a PROXY header, or in X-Real-IP",
        ),
    ],
)
async def test_the_header_to_configure_is_named(
    redis: RedisServer, listen: dict[str, object], before: bytes, header: str
) -> None:
    async with running_node(redis.url, listen=PROXY | listen) as tracker:
        with capture_logs() as logs:
            reply = await (await tracker.tcp()).ask(before + announce(info_hash=HASH))
        configure = f"its operator must configure it to send your address in {header}"
        assert REFUSAL + configure.encode() == decoded(reply.body)[b"failure reason"]
        (hint,) = [entry["hint"] for entry in logs if entry["event"] == "proxy.unnamed"]
        assert f"configure it to send the client's address in {header}" == hint
