"""Requests and replies over one connection: order, bounds, and errors that stay apart."""

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import pytest
from redis import Redis
from structlog.testing import capture_logs

from tests.redis_servers import KINDS, Kind, RedisServer, StartRedis
from tests.store.asking import SETTINGS, events, piped, replies_of, replies_to, until
from tests.store.fake_redis import fake_redis
from tracker.errors import Away, Corrupt, Full, Overloaded, Unavailable, Unserved
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.address import Address
from tracker.store.damage import Damage
from tracker.store.link import Link, refusal
from tracker.store.pipeline import Pipeline
from tracker.store.reasons import NOT_REDIS
from tracker.store.resp import command
from tracker.store.trouble import Troubles


@pytest.fixture
async def pipeline(redis_server: RedisServer) -> AsyncIterator[Pipeline]:
    async with piped(redis_server.url) as pipeline:
        yield pipeline


async def test_replies_come_to_whom_they_belong_under_load(pipeline: Pipeline) -> None:
    chance = Random(1)
    asked: list[int] = []
    answered: list[int] = []

    async def ask(number: int) -> None:
        for _ in range(chance.randrange(10)):
            await asyncio.sleep(0)  # let others in between
        words = [b"%d of %d" % (part, number) for part in range(chance.randrange(1, 4))]
        commands = b"".join(command("ECHO", word) for word in words)
        asked.append(number)
        replies = await replies_of(pipeline, commands, len(words))
        answered.append(number)
        assert words == replies

    await asyncio.gather(*map(ask, range(5000)))
    assert asked == answered


async def test_what_one_turn_asks_is_written_at_once(
    pipeline: Pipeline, redis_server: RedisServer
) -> None:
    with redis_server.client() as client:
        before = client.info("stats")["total_reads_processed"]
        await asyncio.gather(*(replies_to(pipeline, "ECHO", number) for number in range(100)))
        after = client.info("stats")["total_reads_processed"]
    assert 1 == after - before - 1  # the client's own


async def test_replies_that_come_in_pieces_are_put_together(pipeline: Pipeline) -> None:
    large = bytes(range(256)) * 8192
    await replies_to(pipeline, "SET", "key", large)
    replies = await asyncio.gather(*(replies_to(pipeline, "GET", "key") for _ in range(5)))
    assert [[large]] * 5 == replies


async def test_replies_of_every_kind_are_read(pipeline: Pipeline) -> None:
    assert [b"PONG"] == await replies_to(pipeline, "PING")
    assert [2] == await replies_to(pipeline, "LPUSH", "list", "a", "b")
    assert [[b"b", b"a"]] == await replies_to(pipeline, "LRANGE", "list", 0, -1)
    assert [None] == await replies_to(pipeline, "GET", "nothing")
    assert [[]] == await replies_to(pipeline, "LRANGE", "nothing", 0, -1)


async def test_no_more_is_in_flight_than_the_settings_allow(redis_server: RedisServer) -> None:
    metrics = Metrics()
    settings = RedisSettings(max_in_flight=3)
    replies: list[object] = []
    async with piped(redis_server.url, settings, metrics) as pipeline:
        for number in range(3):
            pipeline.submit(command("ECHO", number), 1, replies.append)
        assert 3 == pipeline.in_flight
        with pytest.raises(Overloaded):
            pipeline.submit(command("ECHO", 4), 1, replies.append)
        await until(lambda: pipeline.in_flight == 0)
        assert [b"5"] == await replies_to(pipeline, "ECHO", 5)
    assert [[b"0"], [b"1"], [b"2"]] == replies
    assert {("overloaded",): 1} == metrics.store_errors


async def test_the_time_to_each_reply_is_measured(redis_server: RedisServer) -> None:
    metrics = Metrics()
    async with piped(redis_server.url, metrics=metrics) as pipeline:
        for _ in range(10):
            await replies_to(pipeline, "PING")
    count = metrics.registry().get_sample_value("tracker_store_seconds_count")
    assert count is not None
    assert 10 <= count <= 11  # the greeting may count


def _wrong_type(client: Redis) -> None:
    client.lpush("key", "x")


def _full(client: Redis) -> None:
    client.config_set("maxmemory", "1")


def _replica(client: Redis) -> None:
    client.replicaof("127.0.0.1", "1")


def _forbidden(client: Redis) -> None:
    client.acl_setuser(
        "default", enabled=True, nopass=True, keys=["*"], categories=["+@all"], commands=["-zadd"]
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("spoil", "name", "error_type"),
    [
        (_wrong_type, "corrupt", Corrupt),
        (_full, "oom", Full),
        (_replica, "readonly", Away),
        (_forbidden, "noperm", Unserved),
    ],
)
async def test_what_redis_refuses_is_an_error_of_that_request_alone(
    start_redis: StartRedis,
    kind: Kind,
    spoil: Callable[[Redis], None],
    name: str,
    error_type: type[Unavailable],
) -> None:
    metrics = Metrics()
    server = start_redis(kind)
    refused = command("PING") + command("ZADD", "key", 1, "member") + command("PING")
    async with piped(server.url, metrics=metrics) as pipeline:
        with server.client() as client:
            spoil(client)
        with capture_logs() as logs:
            results = await asyncio.gather(
                replies_to(pipeline, "PING"),
                replies_of(pipeline, refused, 3),
                replies_to(pipeline, "PING"),
                return_exceptions=True,
            )
    assert [b"PONG"] == results[0] == results[2]
    assert error_type is type(results[1])
    assert {(name,): 1} == metrics.store_errors
    logged = {"corrupt": "redis.corrupt", "readonly": "redis.away"}
    assert [logged.get(name, "redis.refused")] == events(logs)[:1]


async def refused_at_some_time(pipeline: Pipeline, task: asyncio.Task[Any]) -> bool:
    """Ask until that is refused, or the task is over."""
    while not task.done():
        try:
            await replies_to(pipeline, "GET", "key")
        except Unavailable:
            return True
    return False


async def test_a_redis_that_is_loading_its_data_refuses_for_a_while(
    start_redis: StartRedis,
) -> None:
    metrics = Metrics()
    server = start_redis(options=("--enable-debug-command", "local", "--key-load-delay", "3000"))
    async with piped(server.url, metrics=metrics) as pipeline:
        with server.client() as client:
            client.config_set("loading-process-events-interval-bytes", "1024")
            client.mset({str(number): "x" * 500 for number in range(200)})
            reload = asyncio.create_task(asyncio.to_thread(client.execute_command, "DEBUG RELOAD"))
            assert await refused_at_some_time(pipeline, reload)
            await reload
        assert [b"x" * 500] == await replies_to(pipeline, "GET", "7")
    assert {("loading",): 1} == metrics.store_errors


@pytest.mark.parametrize("kind", KINDS)
async def test_a_redis_that_is_busy_with_a_script_refuses_for_a_while(
    start_redis: StartRedis, kind: Kind
) -> None:
    metrics = Metrics()
    server = start_redis(kind)
    async with piped(server.url, metrics=metrics) as pipeline:
        with server.client() as client, server.client() as killer:
            client.config_set("lua-time-limit", "1")
            script = asyncio.create_task(
                asyncio.to_thread(client.execute_command, "EVAL", "while true do end", 0)
            )
            assert await refused_at_some_time(pipeline, script)
            killer.script_kill()
            with pytest.raises(Exception, match="killed"):
                await script
        assert [None] == await replies_to(pipeline, "GET", "key")
    assert {("busy",): 1} == metrics.store_errors


async def test_a_callback_that_raises_costs_the_others_nothing(pipeline: Pipeline) -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
    fault = ValueError("a fault")

    def raises(_: object) -> None:
        raise fault

    first = asyncio.ensure_future(replies_to(pipeline, "ECHO", 1))
    await asyncio.sleep(0)
    pipeline.submit(command("ECHO", 2), 1, raises)
    assert [b"3"] == await replies_to(pipeline, "ECHO", 3)
    assert [b"1"] == await first
    assert [fault] == [report["exception"] for report in reports]


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Away),
        (b"\0\0\0\0", Away),
        (b"*x\r\n", Away),
        (b"+OK\r\n+NOBODY ASKED\r\n", list),
    ],
)
async def test_what_is_no_reply_closes_the_connection(says: bytes, expected: type) -> None:
    async with fake_redis(says) as url, piped(url) as pipeline:
        with capture_logs() as logs:
            [result] = await asyncio.gather(replies_to(pipeline, "PING"), return_exceptions=True)
            await until(lambda: bool(logs))
    assert expected is type(result)
    assert ("redis.away", NOT_REDIS.text) == (logs[0]["event"], logs[0]["error"])


async def test_what_nobody_waits_for_closes_the_connection(
    pipeline: Pipeline, redis_server: RedisServer
) -> None:
    await replies_to(pipeline, "SUBSCRIBE", "channel")
    with capture_logs() as logs, redis_server.client() as client:
        client.publish("channel", "unasked")
        await until(lambda: "redis.up" in events(logs))
    assert ["redis.away", "redis.up"] == events(logs)


async def test_who_asks_a_link_that_is_closed_is_told(redis_server: RedisServer) -> None:
    link = Link(SETTINGS, Metrics())
    link.abort()  # nothing to close yet
    await Address(redis_server.url).connect(link)
    link.abort()
    with pytest.raises(Unavailable):  # it was taken before the loop told of the end
        await replies_of(link, command("PING"), 1)
    with pytest.raises(Unavailable):
        link.send(command("PING"), 1, lambda _: None)
    await asyncio.sleep(0)  # what was taken is not written to nowhere


@pytest.mark.parametrize(
    ("text", "kind", "error_type"),
    [
        ("OOM command not allowed", "oom", Full),
        ("ERR Error running script: @user_script: 3: -OOM command not allowed", "oom", Full),
        ("ERR Error running script: @user_script: 3: WRONGTYPE Operation", "corrupt", Corrupt),
        ("ERR unknown", "other", Unserved),
        ("CLUSTERDOWN The cluster is down", "clusterdown", Away),
    ],
)
def test_errors_of_scripts_are_those_of_their_commands(
    text: str, kind: str, error_type: type[Unavailable]
) -> None:
    metrics = Metrics()
    words = [b"EVAL", b"return", b"1", b"key"]
    error = refusal(text, words, "a:1", Damage(metrics), Troubles())
    assert (error_type, {(kind,): 1}) == (type(error), metrics.store_errors)
