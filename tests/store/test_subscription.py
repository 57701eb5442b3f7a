"""One channel, heard on each kind of Redis, whatever becomes of the connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from tests.redis_servers import KINDS, Kind, RedisServer, StartRedis
from tests.store.asking import SETTINGS, connected, events, until
from tests.store.fake_redis import fake_redis
from tracker.metrics import Metrics
from tracker.store.address import Address
from tracker.store.reasons import NOT_PRIMARY
from tracker.store.resp import command
from tracker.store.subscription import Subscription, publish
from tracker.store.topology import One, Redis

CHANNEL = b"tracker:relay:test"


class Heard:
    """A subscription, and what it heard."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.messages: list[bytes] = []
        self.subscription = Subscription(redis, CHANNEL, SETTINGS, self.messages.append)

    async def say(self, message: bytes) -> int:
        """Publish as the relay does; returns how many heard it."""
        commands = publish(self.redis.primary(CHANNEL), CHANNEL, message)
        (heard,) = await self.redis.ask(CHANNEL, commands, 1)
        assert isinstance(heard, int)
        return heard

    async def works(self, message: bytes = b"again") -> None:
        """Return once a message arrived."""
        await self.subscription.wait_up()
        assert 1 == await self.say(message)
        await until(lambda: self.messages[-1:] == [message])


@asynccontextmanager
async def heard_on(redis: Redis) -> AsyncIterator[Heard]:
    heard = Heard(redis)
    heard.subscription.start()
    try:
        yield heard
    finally:
        await heard.subscription.close()
        assert not heard.subscription.up


@pytest.fixture
async def heard(redis_server: RedisServer) -> AsyncIterator[Heard]:
    async with connected(redis_server.url) as redis, heard_on(redis) as heard:
        await heard.subscription.wait_up()
        yield heard


async def test_messages_arrive_whole_and_in_order(heard: Heard) -> None:
    messages = [b"", b"\r\n$-1\r\n", bytes(range(256)), b"x" * 1_000_000, b"last"]
    for message in messages:
        assert 1 == await heard.say(message)
    await until(lambda: len(heard.messages) == len(messages))
    assert messages == heard.messages


@pytest.mark.parametrize(
    ("kind", "counting"), list(zip(KINDS, ("SHARDNUMSUB", "NUMSUB"), strict=True))
)
async def test_the_channel_is_a_sharded_one_where_redis_has_them(
    start_redis: StartRedis, kind: Kind, counting: str
) -> None:
    server = start_redis(kind)
    async with connected(server.url) as redis, heard_on(redis) as heard:
        await heard.works()
        assert [[CHANNEL, 1]] == await redis.ask(b"", command("PUBSUB", counting, CHANNEL), 1)


async def test_a_broken_connection_is_made_anew(redis_server: RedisServer, heard: Heard) -> None:
    with capture_logs() as logs:
        with redis_server.client() as client:
            assert 1 == client.client_kill_filter(_type="pubsub")
        await until(lambda: not heard.subscription.up)
        await heard.works()
    assert ["relay.lost", "relay.up"] == events(logs)


async def test_it_comes_back_with_redis(redis_server: RedisServer, heard: Heard) -> None:
    with capture_logs() as logs:
        redis_server.kill()
        await until(lambda: not heard.subscription.up and not heard.redis.up)
        redis_server.start()
        await heard.redis.wait_up()
        await heard.works()
    assert not {"relay.lost", "relay.away"} & set(events(logs))  # consequences


async def test_it_can_be_renewed(redis_server: RedisServer, heard: Heard) -> None:
    heard.subscription.renew()
    await until(lambda: not heard.subscription.up)
    heard.subscription.renew()  # it is about to be
    await heard.works()
    assert [b"again"] == heard.messages


async def test_without_redis_it_waits(start_redis: StartRedis) -> None:
    server = start_redis("debian")
    server.kill()
    redis = One(Address(server.url), SETTINGS, Metrics())
    with capture_logs() as logs:
        await redis.start()
        async with heard_on(redis) as heard:
            await until(lambda: "redis.away" in events(logs))
            assert not heard.subscription.up
            server.start()
            await heard.works()
    assert {"redis.away", "redis.up", "relay.up"} == set(events(logs))
    await redis.close()


class Moving:
    """The place of a server that another one takes."""

    def __init__(self, now: Address) -> None:
        self.now = now

    async def find(self) -> Address:
        return self.now


async def test_it_follows_its_channel_to_another_primary(start_redis: StartRedis) -> None:
    servers = [start_redis(kind) for kind in KINDS]  # which do it differently
    place = Moving(Address(servers[0].url))
    redis = One(place, SETTINGS, Metrics())
    await redis.start()
    async with heard_on(redis) as heard:
        await heard.works()
        place.now = Address(servers[1].url)
        link = redis.primaries()[0]._link
        assert link is not None
        link.abort()  # the old one stays, as one does that lost its role
        with capture_logs() as logs:
            await until(lambda: "relay.up" in events(logs))
        await heard.works()
    await redis.close()


async def test_a_replica_is_not_listened_to(redis_server: RedisServer, heard: Heard) -> None:
    with redis_server.client() as client, capture_logs() as logs:
        client.replicaof("127.0.0.1", "1")
        client.client_kill_filter(_type="pubsub")
        await until(lambda: "relay.away" in events(logs))
        client.replicaof("NO", "ONE")
        await heard.subscription.wait_up()
    (error,) = [each["error"] for each in logs if each["event"] == "relay.away"]
    assert NOT_PRIMARY.text == error


async def test_what_redis_refuses_is_asked_again(redis_server: RedisServer, heard: Heard) -> None:
    with redis_server.client() as client, capture_logs() as logs:
        client.acl_setuser("default", enabled=True, nopass=True, reset_channels=True)
        client.client_kill_filter(_type="pubsub")
        await until(lambda: "relay.away" in events(logs))
        refused = client.info("errorstats")["errorstat_NOPERM"]["count"]
        await until(lambda: client.info("errorstats")["errorstat_NOPERM"]["count"] > refused + 2)
        client.acl_setuser("default", enabled=True, nopass=True, channels=["*"])
        await heard.works()
    line, *others = [each for each in logs if each["event"] == "relay.away"]
    assert "NOPERM" in line["error"]
    assert "docs/cluster.md" in line["hint"]
    assert [] == others


async def test_a_redis_that_hangs_is_given_up_in_time_and_reported_once(
    redis_server: RedisServer, heard: Heard
) -> None:
    with capture_logs() as logs:
        redis_server.pause()
        began = asyncio.get_running_loop().time()
        heard.subscription.renew()
        await until(lambda: "redis.away" in events(logs))
        assert asyncio.get_running_loop().time() - began < SETTINGS.timeout * 2
        redis_server.resume()
        await heard.redis.wait_up()
        await heard.works()
    assert ["redis.away", "redis.up", "relay.up"] == events(logs)


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (b"nonsense\r\n", ["relay.away"]),
        (command("ssubscribe", CHANNEL, 1) + b"?\r\n", ["relay.up", "relay.lost"]),
        (
            command("ssubscribe", CHANNEL, 1) + command("sunsubscribe", CHANNEL, 0),
            ["relay.up", "relay.lost"],  # its slot is another node's now
        ),
    ],
)
async def test_anything_but_a_message_ends_the_connection(
    redis_server: RedisServer, says: bytes, told: list[str]
) -> None:
    async with fake_redis(says) as url, connected(redis_server.url) as redis:
        redis.primaries()[0].address = Address(url)  # it spoke well to the pipeline
        with capture_logs() as logs:
            async with heard_on(redis) as heard:
                await until(lambda: len(events(logs)) >= len(told))
                assert [] == heard.messages
        assert told == events(logs)[: len(told)]
