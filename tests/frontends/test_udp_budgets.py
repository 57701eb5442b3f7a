"""What one address may ask over UDP, and what it costs the others if it asks for more."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.frontends.clients import HASH, UdpPeer, announce_packet, scrape_packet, udp_peer
from tests.nodes import RunningNode, running_node
from tests.redis_servers import RedisServer
from tracker.policy.accounts import Account
from tracker.wire import udp
from tracker.wire.compact import pack_ip
from tracker.wire.proxy_protocol import encode_v2

BURST = 100
LIMITS = {"work_per_second": 0.001, "work_burst": BURST}
REFUSAL = udp.ErrorReply(b"last", "too many requests from this address")


async def spend(tracker: RunningNode, peer: UdpPeer, connection_id: bytes, header: bytes) -> None:
    """Use up the budget of one address."""
    for _ in range(BURST):
        peer.send(header + announce_packet(connection_id))
    for _ in range(BURST):
        assert isinstance(await peer.reply(), udp.AnnounceReply)


async def test_an_address_over_its_budget_gets_one_error_and_then_silence(
    redis: RedisServer,
) -> None:
    async with (
        running_node(redis.url, limits=LIMITS) as tracker,
        udp_peer(tracker.port("udp"), local="127.0.0.7") as peer,
        udp_peer(tracker.port("udp"), local="127.0.0.8") as other,
    ):
        connection_id = await peer.connect()
        await spend(tracker, peer, connection_id, b"")
        assert REFUSAL == await peer.ask(announce_packet(connection_id, transaction_id=b"last"))
        for _ in range(10):
            peer.send(announce_packet(connection_id))
        await peer.connect()  # the next answer; it takes nothing of the budget
        assert 11 == tracker.node.metrics.refused["work", "address"]
        await other.announce(await other.connect())


async def test_the_error_is_repeated_after_a_second(redis: RedisServer) -> None:
    async with (
        running_node(redis.url, limits=LIMITS) as tracker,
        udp_peer(tracker.port("udp")) as peer,
    ):
        connection_id = await peer.connect()
        await spend(tracker, peer, connection_id, b"")
        last = announce_packet(connection_id, transaction_id=b"last")
        assert REFUSAL == await peer.ask(last)
        account = tracker.node.budgets.accounts.of(pack_ip("127.0.0.1"), 0.0)
        account.reported_at -= 1.0  # a second ago
        assert REFUSAL == await peer.ask(last)


async def test_a_scrape_costs_as_much_as_it_has_hashes(redis: RedisServer) -> None:
    async with (
        running_node(redis.url, limits=LIMITS) as tracker,
        udp_peer(tracker.port("udp")) as peer,
    ):
        connection_id = await peer.connect()
        assert isinstance(
            await peer.ask(scrape_packet(connection_id, *[HASH] * 74)), udp.ScrapeReply
        )
        reply = await peer.ask(scrape_packet(connection_id, *[HASH] * 27))
        assert udp.ErrorReply(b"scra", "too many requests from this address") == reply
        assert isinstance(
            await peer.ask(scrape_packet(connection_id, *[HASH] * 26)), udp.ScrapeReply
        )


async def test_forged_sources_spend_nothing_of_the_budget_of_their_victim(
    redis: RedisServer,
) -> None:
    async with (
        running_node(redis.url, limits=LIMITS) as tracker,
        udp_peer(tracker.port("udp")) as peer,
    ):
        connection_id = await peer.connect()
        for _ in range(3 * BURST):
            peer.send(announce_packet(b"forged!!"))
            peer.send(udp.encode_connect_request(b"forg"))
        for _ in range(3 * BURST):
            await peer.reply()
        await peer.announce(connection_id)
        assert not tracker.node.metrics.refused["work", "address"]


async def test_behind_a_proxy_the_client_s_address_has_the_budget(redis: RedisServer) -> None:
    settings: dict[str, Any] = {
        "listen": {"trusted_proxies": ("127.0.0.1/32",)},
        "udp": {"proxy_protocol": True},
        "limits": LIMITS,
    }
    to = pack_ip("192.0.2.9"), 6969
    alice, bob = (encode_v2((pack_ip(f"192.0.2.{n}"), 1000), to) for n in (1, 2))
    async with (
        running_node(redis.url, **settings) as tracker,
        udp_peer(tracker.port("udp")) as proxy,
    ):
        ids = []
        for header in (alice, bob):
            reply = await proxy.ask(header + udp.encode_connect_request(b"conn"))
            assert isinstance(reply, udp.ConnectReply)
            ids.append(reply.connection_id)
        await spend(tracker, proxy, ids[0], alice)
        last = announce_packet(ids[0], transaction_id=b"last")
        assert REFUSAL == await proxy.ask(alice + last)
        reply = await proxy.ask(bob + announce_packet(ids[1]))
        assert isinstance(reply, udp.AnnounceReply)


@pytest.mark.parametrize("pressed", [False, True])
async def test_a_defect_costs_only_the_datagram_that_met_it(
    redis: RedisServer,
    pressed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with (
        running_node(redis.url) as tracker,
        udp_peer(tracker.port("udp")) as peer,
    ):
        connection_id = await peer.connect()
        node = tracker.node
        if pressed:
            for each in node.udp._sockets:
                each.floods.press(each._loop.time())
        announce = node.peers.announce

        def defective(request: udp.AnnounceRequest, account: Account, done: object) -> None:
            if request.info_hash == bytes(20):
                raise ZeroDivisionError
            announce(request, account, done)  # type: ignore[arg-type]

        monkeypatch.setattr(node.peers, "announce", defective)
        with capture_logs() as events:
            for _ in range(5):
                peer.send(announce_packet(connection_id, info_hash=bytes(20)))
            await peer.announce(connection_id)
    assert 5 == tracker.requests["udp", "request", "failed"]
    assert 1 == [event["event"] for event in events].count("udp.failed")
