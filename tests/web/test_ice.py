"""``/ice.json``: which servers it names, who may read it, and how often."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.frontends.clients import get
from tests.nodes import HttpReply, RunningNode, running_node
from tests.redis_servers import RedisServer, redis_servers
from tracker.policy.ice import turn_credential

SECRET = "0123456789abcdef"
ICE: dict[str, Any] = {
    "stun": ("stun:ice.example",),
    "turn": ("turn:ice.example", "turn:ice.example?transport=tcp"),
    "turn_secret": SECRET,
    "turn_ttl": 600,
    "origins": ("https://videos.example", "https://*.videos.example"),
    "request_burst": 3,
    "requests_per_minute": 0.01,
}


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_servers() as start:
        yield start("debian")


async def ask(tracker: RunningNode, *headers: str) -> HttpReply:
    """Ask for the servers; the request names the host ``tracker.test``."""
    peer = await tracker.tcp()
    reply = await peer.ask(get("/ice.json", *headers))
    await peer.close()
    return reply


async def test_it_names_the_servers_and_a_credential_that_expires(redis: RedisServer) -> None:
    async with running_node(redis.url, ice=ICE) as tracker:
        before = int(time.time())
        reply = await ask(tracker)
        after = time.time()

    assert 200 == reply.status
    assert "no-store" == reply.headers["cache-control"]
    document = json.loads(reply.body)
    stun, turn = document["iceServers"]
    assert {"urls": ["stun:ice.example"]} == stun
    assert ["turn:ice.example", "turn:ice.example?transport=tcp"] == turn["urls"]
    expiry = int(turn["username"].partition(":")[0])
    assert before + 600 <= expiry <= after + 600
    expected = turn_credential(SECRET.encode(), bytes((127, 0, 0, 1)), expiry - 600, 600)
    assert (turn["username"], turn["credential"]) == expected
    assert 600 == document["ttl"]


async def test_without_servers_the_list_is_empty(redis: RedisServer) -> None:
    async with running_node(redis.url) as tracker:
        assert [] == json.loads((await ask(tracker)).body)["iceServers"]


async def test_a_secret_without_servers_gives_no_credentials(redis: RedisServer) -> None:
    ice = {"stun": ("stun:ice.example",), "turn_secret": SECRET}
    async with running_node(redis.url, ice=ice) as tracker:
        reply = await ask(tracker)
    assert [{"urls": ["stun:ice.example"]}] == json.loads(reply.body)["iceServers"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://videos.example",
        "https://www.videos.example",
        "http://tracker.test",
        "https://tracker.test",
    ],
)
async def test_pages_of_the_tracker_and_of_allowed_websites_may_read_it(
    redis: RedisServer, origin: str
) -> None:
    async with running_node(redis.url, ice=ICE) as tracker:
        reply = await ask(tracker, f"Origin: {origin}")
    assert 200 == reply.status
    assert origin == reply.headers["access-control-allow-origin"]
    assert "Origin" == reply.headers["vary"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "https://videos.example.evil.example", "\xff", "*"],
)
async def test_pages_of_other_websites_may_not(redis: RedisServer, origin: str) -> None:
    async with running_node(redis.url, ice=ICE) as tracker:
        reply = await ask(tracker, f"Origin: {origin}")
        assert 1 == tracker.node.metrics.refused["ice", "origin"]
    assert 403 == reply.status
    assert "--ice-origins" in json.loads(reply.body)["error"]
    assert "access-control-allow-origin" not in reply.headers
    assert b"credential" not in reply.body


@pytest.mark.parametrize("line", ["X-Forwarded-Host: evil.example", "Forwarded: host=evil.example"])
async def test_no_script_makes_its_website_the_tracker_s_own(redis: RedisServer, line: str) -> None:
    behind_proxy: dict[str, Any] = {"trusted_proxies": ("127.0.0.0/8",)}
    async with running_node(redis.url, ice=ICE, listen=behind_proxy) as tracker:
        reply = await ask(
            tracker, "X-Forwarded-For: 192.0.2.1", "Origin: https://evil.example", line
        )
        own = await ask(tracker, "X-Forwarded-For: 192.0.2.1", "Origin: https://tracker.test", line)
    assert 403 == reply.status
    assert "access-control-allow-origin" not in reply.headers
    assert 200 == own.status


async def test_programs_get_it_and_no_website_is_allowed_by_their_response(
    redis: RedisServer,
) -> None:
    async with running_node(redis.url, ice=ICE) as tracker:
        reply = await ask(tracker)
    assert 200 == reply.status
    assert "access-control-allow-origin" not in reply.headers
    assert "same-origin" == reply.headers["cross-origin-resource-policy"]


async def test_all_websites_can_be_allowed(redis: RedisServer) -> None:
    async with running_node(redis.url, ice=ICE | {"origins": ("*",)}) as tracker:
        reply = await ask(tracker, "Origin: https://any.example")
    assert "https://any.example" == reply.headers["access-control-allow-origin"]


async def test_an_address_that_asks_too_often_is_refused_and_others_are_not(
    redis: RedisServer,
) -> None:
    settings: dict[str, Any] = {"trusted_proxies": ("127.0.0.0/8",)}
    async with running_node(redis.url, ice=ICE, listen=settings) as tracker:
        one, other = "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2"
        origin = "Origin: https://videos.example"
        served = [(await ask(tracker, one)).status for _ in range(3)]
        reply = await ask(tracker, one, origin)
        assert 1 == tracker.node.metrics.refused["ice", "address"]
        elsewhere = (await ask(tracker, other)).status

    assert [200] * 3 == served
    assert 429 == reply.status
    assert 0 < int(reply.headers["retry-after"])
    assert "https://videos.example" == reply.headers["access-control-allow-origin"]
    assert b"credential" not in reply.body
    assert 200 == elsewhere


async def test_addresses_of_one_ipv6_prefix_are_one_client(redis: RedisServer) -> None:
    settings: dict[str, Any] = {"trusted_proxies": ("127.0.0.0/8",)}
    names = set()
    async with running_node(redis.url, ice=ICE, listen=settings) as tracker:
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"):
            reply = await ask(tracker, f"X-Forwarded-For: {address}")
            turn = json.loads(reply.body)["iceServers"][1]
            names.add(turn["username"].partition(":")[2])
    assert 2 == len(names)
