"""While Redis is away requests fail at once or in time, and the pipeline recovers alone."""

import asyncio
from time import monotonic
from typing import Self

import pytest
import trustme
from structlog.testing import capture_logs

from tests.redis_clusters import RedisCluster
from tests.redis_servers import KINDS, Kind, RedisServer, StartRedis, TlsFiles
from tests.store.asking import SETTINGS, events, piped, replies_to, until
from tests.store.fake_redis import fake_redis
from tracker.errors import Away, Overloaded, TrackerError, Unavailable
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.address import Address
from tracker.store.pipeline import Pipeline
from tracker.store.reasons import TIMEOUT, Reason, describe
from tracker.store.resp import command

QUICK = RedisSettings(timeout=0.4, reconnect_max=0.05)
SLACK_S = 1.0  # of a busy machine


async def failures(pipeline: Pipeline, requests: int) -> list[type]:
    """What becomes of requests that are asked in one turn."""
    asked = (replies_to(pipeline, "ECHO", number) for number in range(requests))
    return [type(each) for each in await asyncio.gather(*asked, return_exceptions=True)]


async def stays_away(url: str) -> list[str]:
    """What is logged of an address that cannot be reached, until it was tried three times."""
    tried = asyncio.Semaphore(0)
    pipeline = Pipeline(Address(url), QUICK, Metrics(), changed=tried.release)
    with capture_logs() as logs:
        pipeline.start()
        for _ in range(3):
            await tried.acquire()
    assert not pipeline.up
    with pytest.raises(Unavailable):
        await replies_to(pipeline, "PING")
    await pipeline.close()
    assert {"warning"} == {each["log_level"] for each in logs if each["event"] == "redis.away"}
    assert not [each for each in logs if "secret" in str(each)]
    return events(logs)


async def test_requests_to_a_frozen_redis_fail_in_time(redis_server: RedisServer) -> None:
    metrics = Metrics()
    async with piped(redis_server.url, QUICK, metrics) as pipeline:
        redis_server.pause()
        asked_at = monotonic()
        with capture_logs() as logs:
            assert [Away] * 100 == await failures(pipeline, 100)
        waited = monotonic() - asked_at
        assert QUICK.timeout <= waited <= QUICK.timeout * (1 + 1 / 8) + SLACK_S
        assert [("redis.away", TIMEOUT.text)] == [(line["event"], line["error"]) for line in logs]
        assert {("timeout",): 1, ("lost",): 100} == metrics.store_errors

        with pytest.raises(Unavailable):  # at once
            pipeline.submit(command("PING"), 1, lambda _: None)
        redis_server.resume()
        await pipeline.wait_up()
        assert [b"PONG"] == await replies_to(pipeline, "PING")


async def test_a_redis_that_answers_late_but_in_time_is_waited_for(
    redis_server: RedisServer,
) -> None:
    async with piped(redis_server.url) as pipeline:
        redis_server.pause()
        asyncio.get_running_loop().call_later(SETTINGS.timeout / 8, redis_server.resume)
        assert [list] * 100 == await failures(pipeline, 100)


async def test_an_idle_connection_lasts_longer_than_the_time_of_a_reply(
    redis_server: RedisServer,
) -> None:
    settings = RedisSettings(timeout=0.5)
    with capture_logs() as logs:
        async with piped(redis_server.url, settings) as pipeline:
            await asyncio.sleep(settings.timeout * 1.25)
            assert [b"PONG"] == await replies_to(pipeline, "PING")
    assert ["redis.up"] == events(logs)


async def test_a_redis_that_is_killed_fails_what_is_in_flight_and_is_found_again(
    redis_server: RedisServer,
) -> None:
    metrics = Metrics()
    async with piped(redis_server.url, metrics=metrics) as pipeline:
        redis_server.pause()  # so that nothing is answered before the end
        in_flight = asyncio.ensure_future(failures(pipeline, 100))
        await until(lambda: pipeline.in_flight == 100)
        redis_server.kill()
        killed_at = monotonic()
        assert [Away] * 100 == await in_flight
        assert monotonic() - killed_at < SLACK_S < SETTINGS.timeout
        with pytest.raises(Unavailable):  # at once
            pipeline.submit(command("PING"), 1, lambda _: None)
        assert not pipeline.up
        assert 0 == pipeline.in_flight
        assert {("lost",): 100, ("away",): 1} == metrics.store_errors
        redis_server.start()
        await pipeline.wait_up()
        assert [b"PONG"] == await replies_to(pipeline, "PING")


async def test_a_connection_that_redis_closes_is_made_anew(redis_server: RedisServer) -> None:
    with capture_logs() as logs:
        async with piped(redis_server.url) as pipeline:
            with redis_server.client() as client:
                client.client_kill_filter(_type="normal", skipme=True)
            await until(lambda: "redis.lost" in events(logs))
            assert pipeline.up
            assert [b"PONG"] == await replies_to(pipeline, "PING")
    assert ["redis.up", "redis.lost", "redis.up"] == events(logs)


async def test_who_asks_again_as_soon_as_it_is_told_is_told_at_once(
    redis_server: RedisServer,
) -> None:
    results: list[TrackerError | None] = []

    async with piped(redis_server.url) as pipeline:

        def again(_: object) -> None:
            try:
                pipeline.submit(command("PING"), 1, lambda _: results.append(None))
            except Unavailable as error:
                results.append(error)

        redis_server.pause()
        pipeline.submit(command("PING"), 1, again)
        redis_server.kill()
        await until(lambda: bool(results))
    assert [Away] == [type(result) for result in results]


async def turns() -> None:
    """Let tasks that were just made begin; no connection is made so soon."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_who_asks_while_the_first_connection_is_made_waits_for_it(
    redis_server: RedisServer,
) -> None:
    pipeline = Pipeline(Address(redis_server.url), RedisSettings(max_in_flight=10), Metrics())
    pipeline.start()
    early = asyncio.ensure_future(failures(pipeline, 11))
    await turns()
    assert 10 == pipeline.in_flight
    assert not pipeline.up
    assert [*[list] * 10, Overloaded] == await early
    await pipeline.close()


async def test_who_asks_early_is_told_when_the_first_attempt_fails() -> None:
    metrics = Metrics()
    pipeline = Pipeline(Address("unix:///nowhere/redis.sock"), QUICK, metrics)
    with pytest.raises(Unavailable):  # before it is started
        await replies_to(pipeline, "PING")
    pipeline.start()
    assert [Away] * 2 == await failures(pipeline, 2)
    assert {("away",): 3} == metrics.store_errors
    await pipeline.close()


async def test_who_asks_early_is_told_when_it_is_closed(redis_server: RedisServer) -> None:
    pipeline = Pipeline(Address(redis_server.url), SETTINGS, Metrics())
    pipeline.start()
    early = asyncio.ensure_future(failures(pipeline, 2))
    await turns()
    assert 2 == pipeline.in_flight
    await pipeline.close()
    assert [Away] * 2 == await early


async def test_a_replica_is_no_server_to_write_to(start_redis: StartRedis) -> None:
    server = start_redis()
    with server.client() as client:
        client.replicaof("127.0.0.1", "1")
    assert ["redis.away"] == await stays_away(server.url)


async def test_a_node_of_a_cluster_is_no_single_server(redis_cluster: RedisCluster) -> None:
    assert ["redis.away"] == await stays_away(redis_cluster.nodes[0].url)


async def test_a_primary_that_is_demoted_is_left_and_looked_for_anew(
    start_redis: StartRedis,
) -> None:
    servers = [start_redis(), start_redis()]
    found = [Address(server.url) for server in servers]

    class Moving:
        async def find(self) -> Address:
            return found.pop(0)

    pipeline = Pipeline(Moving(), QUICK, Metrics())
    pipeline.start()
    await pipeline.wait_up()
    with servers[0].client() as client:
        client.replicaof("127.0.0.1", "1")
    with pytest.raises(Unavailable):
        await replies_to(pipeline, "SET", "key", "value")
    await until(lambda: not pipeline.up)
    await pipeline.wait_up()
    await replies_to(pipeline, "SET", "key", "value")
    assert servers[1].url == str(pipeline.address)
    await pipeline.close()


async def test_a_redis_that_comes_after_us_is_found(redis_server: RedisServer) -> None:
    redis_server.stop()
    pipeline = Pipeline(Address(redis_server.url), QUICK, Metrics())
    with capture_logs() as logs:
        pipeline.start()
        await until(lambda: "redis.away" in events(logs))
        redis_server.start()
        await pipeline.wait_up()
    assert [b"PONG"] == await replies_to(pipeline, "PING")
    await pipeline.close()
    assert {"redis.away", "redis.up"} == set(events(logs))
    assert "redis.up" == events(logs)[-1]


async def test_a_redis_that_does_not_greet_is_left_and_tried_again(
    redis_server: RedisServer,
) -> None:
    redis_server.pause()
    assert "redis.up" not in await stays_away(redis_server.url)


async def test_pauses_between_attempts_grow(start_redis: StartRedis) -> None:
    server = start_redis()
    server.stop()
    tried = asyncio.Semaphore(0)
    settings = RedisSettings(reconnect_max=10)
    pipeline = Pipeline(Address(server.url), settings, Metrics(), changed=tried.release)
    began_at = monotonic()
    pipeline.start()
    for _ in range(5):
        await tried.acquire()
    await pipeline.close()
    assert monotonic() - began_at >= 0.5 * (0.05 + 0.1 + 0.2 + 0.4)


async def test_closing_fails_what_is_in_flight(redis_server: RedisServer) -> None:
    async with piped(redis_server.url) as pipeline:
        redis_server.pause()
        in_flight = asyncio.ensure_future(failures(pipeline, 10))
        await until(lambda: pipeline.in_flight == 10)
        await pipeline.close()
        assert [Away] * 10 == await in_flight
        assert [Away] == await failures(pipeline, 1)
        assert not pipeline.up
    redis_server.resume()
    with redis_server.client() as client:
        assert "tracker" not in [each["name"] for each in client.client_list()]


async def test_closing_is_allowed_at_any_time(redis_server: RedisServer) -> None:
    pipeline = Pipeline(Address(redis_server.url), SETTINGS, Metrics())
    await pipeline.close()
    pipeline.start()
    await pipeline.close()
    await pipeline.close()
    assert not pipeline.up


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tcp", [False, True])
async def test_a_password_and_a_database_are_taken_from_the_url(
    start_redis: StartRedis, kind: Kind, tcp: bool
) -> None:
    server = start_redis(kind, password="secret", tcp=tcp)
    async with piped(server.url + "?db=3") as pipeline:
        await replies_to(pipeline, "SET", "key", "value")
        with server.client() as client:
            [ours] = [each for each in client.client_list() if each["name"] == "tracker"]
            assert ("3", None) == (ours["db"], client.get("key"))


async def test_a_user_is_taken_from_the_url(start_redis: StartRedis) -> None:
    server = start_redis(tcp=True)
    with server.client() as client:
        client.acl_setuser(
            "alice", enabled=True, passwords=["+secret"], keys=["*"], categories=["+@all"]
        )
    async with piped(server.url.replace("//", "//alice:secret@")) as pipeline:
        assert [b"alice"] == await replies_to(pipeline, "ACL", "WHOAMI")


@pytest.mark.parametrize("who", ["", ":wrong-secret@", "eve:secret@"])
async def test_a_wrong_or_missing_password_is_one_line_with_address_and_hint(
    start_redis: StartRedis, who: str
) -> None:
    server = start_redis(password="secret", tcp=True)
    metrics = Metrics()
    pipeline = Pipeline(Address(server.url.replace(":secret@", who)), QUICK, metrics)
    with capture_logs() as logs:
        pipeline.start()
        await until(lambda: metrics.store_errors["noauth",] >= 3)
    await pipeline.close()
    (line,) = logs
    assert ("redis.away", f"127.0.0.1:{server.port}") == (line["event"], line["address"])
    reason = Reason(line["error"], line["hint"])
    assert describe(line["address"], reason) == pipeline.trouble.text
    assert "secret" not in str(line)
    assert {("noauth",)} == {*metrics.store_errors}


async def test_a_database_that_does_not_exist_is_reported(redis_server: RedisServer) -> None:
    assert ["redis.away"] == await stays_away(f"{redis_server.url}?db=99")


async def test_tls_serves_where_the_authority_is_trusted(
    start_redis: StartRedis, tls_files: TlsFiles
) -> None:
    server = start_redis(tls=tls_files, password="secret")
    async with piped(server.url) as pipeline:
        assert [list] * 100 == await failures(pipeline, 100)
        server.kill()
        await until(lambda: not pipeline.up)
        server.start()
        await pipeline.wait_up()
        assert [b"PONG"] == await replies_to(pipeline, "PING")


async def test_tls_stays_away_where_the_authority_is_a_stranger(
    start_redis: StartRedis, tls_files: TlsFiles
) -> None:
    server = start_redis(tls=tls_files, password="secret")
    with trustme.CA().cert_pem.tempfile() as stranger:
        url = server.url.replace(str(tls_files.ca), stranger)
        assert ["redis.away"] == await stays_away(url)


async def test_a_missing_file_of_authorities_is_looked_for_again() -> None:
    assert ["redis.away"] == await stays_away("rediss://127.0.0.1?ssl_ca_certs=/nowhere/ca.pem")


async def test_a_defect_while_connecting_fails_what_waits_and_is_tried_again(
    redis_server: RedisServer,
) -> None:
    class Faulty(Address):
        fault: Exception | None = RuntimeError("a defect")

        async def find(self) -> Self:
            fault, self.fault = self.fault, None
            if fault:
                raise fault
            return self

    pipeline = Pipeline(Faulty(redis_server.url), SETTINGS, Metrics())
    with capture_logs() as logs:
        pipeline.start()
        assert [Away] == await failures(pipeline, 1)
        await pipeline.wait_up()
    assert ("task.failed", "redis pipeline") == (logs[0]["event"], logs[0]["task"])
    await pipeline.close()


@pytest.mark.parametrize(
    "hello",
    [
        b"+OK\r\n",
        b":7\r\n",
        b"$-1\r\n",
        b"*0\r\n",
        b"*1\r\n+version\r\n",
        b"*2\r\n+version\r\n+7.0.0\r\n",
        b"*6\r\n+version\r\n+\xff\xfe\r\n+mode\r\n+standalone\r\n+role\r\n+master\r\n",
        b"*1\r\n" * 1000,
        b"garbage\r\n",
        b"-ERR \xff\x1b[2J\r\n",
        b"$99999999999999999999\r\n",
    ],
)
async def test_a_strange_greeting_is_logged_and_tried_again(hello: bytes) -> None:
    async with fake_redis(b"", hello) as url:
        events = {*await stays_away(url)}
    assert {"redis.away"} == events
