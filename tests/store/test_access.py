"""Access lists in Redis: versions, who writes them, and frontends that follow."""

import asyncio

import pytest
import structlog.testing
from redis import Redis

from tests.redis_servers import RedisServer
from tests.store.asking import WatchedRedis, connected, events, replies_to
from tracker.errors import Corrupt, Superseded, Unavailable
from tracker.model import HASH_SIZE
from tracker.policy.access import LIST_NAMES, OPEN, Access, AccessLists, Hashes, ListName
from tracker.store import access as module
from tracker.store.access import LONGEST_PART, SPARE_S, AccessReader, AccessStore, Version
from tracker.store.keys import access_key, access_part_key

ALLOW, ALLOW_TOO, DENY, DENY_TOO = LIST_NAMES
TOKEN = 7


def numbered(*numbers: int) -> list[bytes]:
    return [number.to_bytes(HASH_SIZE, "big") for number in numbers]


def hashes(*numbers: int) -> Hashes:
    return Hashes(b"".join(numbered(*sorted(numbers))))


async def version_of(store: AccessStore, name: ListName) -> Version:
    version = (await store.versions())[name]
    assert version
    return version


async def loaded(store: AccessStore, name: ListName) -> list[bytes]:
    return list(await store.load(name, await version_of(store, name)))


@pytest.fixture
def store(redis: WatchedRedis) -> AccessStore:
    return AccessStore(redis)


@pytest.fixture
def lists() -> AccessLists:
    return AccessLists()


@pytest.fixture
def reader(store: AccessStore, lists: AccessLists) -> AccessReader:
    return AccessReader(store, lists, 5.0)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of some hundred entries have several parts."""
    monkeypatch.setattr(module, "PART_SIZE", 1)


def part_keys(client: Redis) -> list[bytes]:
    return list(client.scan_iter("tracker:access:*:*:*"))


def ttls(server: RedisServer) -> dict[int, int]:
    """Version keys by their time to live: how many there are of each."""
    found: dict[int, int] = {}
    with server.client() as client:
        for key in part_keys(client):
            ttl = client.ttl(key)
            ttl = SPARE_S if SPARE_S - 10 <= ttl <= SPARE_S else ttl
            found[ttl] = found.get(ttl, 0) + 1
    return found


async def test_at_first_nothing_is_published(store: AccessStore) -> None:
    assert {} == await store.versions()


@pytest.mark.parametrize("entries", [0, 1, 128, 129, 1000])
@pytest.mark.usefixtures("small_parts")
async def test_what_was_published_is_loaded(store: AccessStore, entries: int) -> None:
    assert await store.publish(DENY, hashes(*range(entries)), TOKEN)
    version = await version_of(store, DENY)
    assert (entries, -(-entries // 128)) == (version.entries, version.parts)
    assert numbered(*range(entries)) == await loaded(store, DENY)
    assert {DENY} == (await store.versions()).keys()


async def test_each_list_is_by_itself(store: AccessStore) -> None:
    for number, name in enumerate(LIST_NAMES):
        await store.publish(name, hashes(number), TOKEN)
    assert await store.clear(ALLOW_TOO, TOKEN)
    versions = await store.versions()
    assert LIST_NAMES == sorted(versions, key=LIST_NAMES.index)
    assert versions[ALLOW_TOO] is None
    for number, name in enumerate(LIST_NAMES):
        if name != ALLOW_TOO:
            assert numbered(number) == await loaded(store, name)


async def test_the_same_list_is_published_once(
    store: AccessStore, redis_server: RedisServer
) -> None:
    await store.publish(DENY, hashes(1, 2), TOKEN)
    first = await version_of(store, DENY)
    assert not await store.publish(DENY, hashes(1, 2), TOKEN)
    assert first == await version_of(store, DENY)
    assert await store.publish(DENY, hashes(1, 3), TOKEN)
    assert await store.publish(DENY, hashes(1, 2), TOKEN)
    again = await version_of(store, DENY)
    assert first.digest == again.digest
    assert first.id != again.id
    assert {-1: 1, SPARE_S: 2} == ttls(redis_server)


async def test_what_was_cleared_is_not_cleared_again(store: AccessStore) -> None:
    assert await store.clear(DENY, TOKEN)
    assert not await store.clear(DENY, TOKEN)
    assert {DENY: None} == await store.versions()


@pytest.mark.usefixtures("small_parts")
async def test_versions_in_force_stay_and_others_go_after_a_while(
    store: AccessStore, redis_server: RedisServer
) -> None:
    await store.publish(ALLOW, hashes(*range(300)), TOKEN)
    assert {-1: 3} == ttls(redis_server)
    old = await version_of(store, ALLOW)
    await store.publish(ALLOW, hashes(*range(100)), TOKEN)
    assert {-1: 1, SPARE_S: 3} == ttls(redis_server)
    assert 300 == len(await store.load(ALLOW, old))  # for who is still reading
    await store.clear(ALLOW, TOKEN)
    assert {SPARE_S: 4} == ttls(redis_server)
    with redis_server.client() as client:
        assert -1 == client.ttl(access_key("file"))


async def test_a_list_that_redis_lost_in_part_is_not_loaded_and_is_published_again(
    store: AccessStore, redis_server: RedisServer
) -> None:
    await store.publish(DENY, hashes(1), TOKEN)
    with redis_server.client() as client:
        client.delete(*part_keys(client))
    with pytest.raises(Unavailable, match="deny:file is not whole"):
        await loaded(store, DENY)
    assert await store.publish(DENY, hashes(1), TOKEN)
    assert numbered(1) == await loaded(store, DENY)


async def test_each_source_has_its_own_writers(store: AccessStore) -> None:
    await store.publish(DENY, hashes(1), TOKEN + 1)
    await store.publish(DENY_TOO, hashes(2), TOKEN)
    await store.clear(ALLOW_TOO, TOKEN)
    assert numbered(1) == await loaded(store, DENY)
    assert numbered(2) == await loaded(store, DENY_TOO)


async def test_who_lost_the_lease_changes_nothing_and_leaves_nothing_behind(
    store: AccessStore, redis_server: RedisServer
) -> None:
    await store.publish(DENY, hashes(1), TOKEN + 1)
    version = await version_of(store, DENY)
    with pytest.raises(Superseded):
        await store.publish(DENY, hashes(2), TOKEN)
    with pytest.raises(Superseded):
        await store.clear(DENY, TOKEN)
    assert version == await version_of(store, DENY)
    assert {-1: 1, SPARE_S: 1} == ttls(redis_server)


async def test_a_frontend_follows_what_is_published(
    store: AccessStore, reader: AccessReader, lists: AccessLists
) -> None:
    assert {} == await reader.run_once()
    assert OPEN is lists.current
    await store.publish(DENY, hashes(1), TOKEN)
    await store.publish(DENY_TOO, hashes(2), TOKEN)
    await store.publish(ALLOW_TOO, hashes(1, 3), TOKEN)
    assert {"deny:file": 1, "deny:manual": 1, "allow:manual": 2} == await reader.run_once()
    assert numbered(3) == [one for one in numbered(0, 1, 2, 3, 4) if lists.current.allows(one)]
    for name in (DENY, DENY_TOO, ALLOW_TOO):
        await store.clear(name, TOKEN)
    assert {} == await reader.run_once()
    assert OPEN is lists.current


async def test_an_empty_list_to_allow_allows_nothing(
    store: AccessStore, reader: AccessReader, lists: AccessLists
) -> None:
    await store.publish(ALLOW, hashes(), TOKEN)
    await reader.run_once()
    assert not lists.current.allows(bytes(HASH_SIZE))


async def test_a_frontend_loads_only_what_changed(
    store: AccessStore, reader: AccessReader, lists: AccessLists, redis: WatchedRedis
) -> None:
    await store.publish(DENY, hashes(1), TOKEN)
    await store.publish(DENY_TOO, hashes(2), TOKEN)
    await reader.run_once()
    in_force = lists.current
    redis.forget()
    with structlog.testing.capture_logs() as logs:
        await reader.run_once()
        assert (1, []) == (redis.round_trips, events(logs))
        assert in_force is lists.current
        await store.publish(DENY_TOO, hashes(3), TOKEN)
        await reader.run_once()
        await store.clear(DENY_TOO, TOKEN)
        await reader.run_once()
    assert in_force.deny[0] is lists.current.deny[0]
    told = [(entry["event"], entry["list"], entry["entries"]) for entry in logs]
    assert [("access.changed", "deny:manual", 1), ("access.changed", "deny:manual", None)] == told


async def test_a_frontend_goes_on_with_what_it_knows_when_redis_lost_it(
    store: AccessStore, reader: AccessReader, lists: AccessLists, redis_server: RedisServer
) -> None:
    await store.publish(DENY, hashes(1), TOKEN)
    await store.publish(DENY_TOO, hashes(2), TOKEN)
    await reader.run_once()
    with redis_server.client() as client:
        client.flushall()
    await reader.run_once()
    assert numbered(3) == [one for one in numbered(1, 2, 3) if lists.current.allows(one)]
    await store.publish(DENY, hashes(3), TOKEN)  # as the background job does
    await reader.run_once()
    assert numbered(1) == [one for one in numbered(1, 2, 3) if lists.current.allows(one)]
    await store.clear(DENY_TOO, TOKEN)
    await reader.run_once()
    assert numbered(1, 2) == [one for one in numbered(1, 2, 3) if lists.current.allows(one)]


async def test_a_list_that_is_not_whole_does_not_hold_up_the_others(
    store: AccessStore, reader: AccessReader, lists: AccessLists, redis_server: RedisServer
) -> None:
    await store.publish(ALLOW, hashes(1, 2), TOKEN)
    await reader.run_once()
    await store.publish(ALLOW, hashes(3), TOKEN)
    with redis_server.client() as client:
        client.delete(*part_keys(client))
    await store.publish(DENY, hashes(1), TOKEN)
    with pytest.raises(Unavailable, match="allow:file is not whole"):
        await reader.run_once()
    assert numbered(2) == [one for one in numbered(1, 2, 3) if lists.current.allows(one)]


@pytest.mark.usefixtures("small_parts")
async def test_a_frontend_never_has_half_a_list(
    store: AccessStore, reader: AccessReader, lists: AccessLists, redis: WatchedRedis
) -> None:
    await store.publish(DENY, hashes(*range(1000)), TOKEN)
    seen: list[Access] = []
    redis.before = lambda _: seen.append(lists.current)
    redis.forget()
    await reader.run_once()
    assert [OPEN] * 9 == seen  # what is published, and eight parts
    assert 1000 == len(lists.current.deny[0])


async def test_a_frontend_without_redis_says_so_and_goes_on(
    redis_server: RedisServer, lists: AccessLists
) -> None:
    async with connected(redis_server.url) as redis:
        store = AccessStore(redis)
        reader = AccessReader(store, lists, 5.0)
        await store.publish(DENY, hashes(1), TOKEN)
        await reader.run_once()
    with pytest.raises(Unavailable):
        await reader.run_once()
    assert not lists.current.allows(*numbered(1))


@pytest.mark.usefixtures("small_parts")
async def test_writing_and_reading_a_large_list_lets_others_run(
    store: AccessStore, reader: AccessReader
) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    await store.publish(DENY, hashes(*range(128 * 50)), TOKEN)
    written, turns = turns, 0
    await reader.run_once()
    counting.cancel()
    assert written >= 100
    assert turns >= 50


@pytest.mark.parametrize(
    "text",
    [
        b"garbage",
        b"\xff\xfe",
        b"x" * 100_000,
        b"0123456789abcdef 999999 1 " + b"0" * 64,
        b"0123456789abcdef -1 1 " + b"0" * 64,
        "0123456789abcdef ² 1 ".encode() + b"0" * 64,
    ],
)
async def test_a_damaged_version_is_reported_and_the_other_lists_stay_in_force(
    store: AccessStore, lists: AccessLists, reader: AccessReader, redis: WatchedRedis, text: bytes
) -> None:
    await store.publish(DENY, hashes(1), TOKEN)
    await store.publish(ALLOW, hashes(1, 2), TOKEN)
    await reader.run_once()
    before = lists.current
    await replies_to(redis, "HSET", access_key(DENY.source), str(DENY), text)
    with structlog.testing.capture_logs() as logs:
        await reader.run_once()
    assert before is lists.current
    assert [f"tracker:access:{DENY.source}"] == [entry["key"] for entry in logs]
    assert await store.publish(DENY, hashes(3), TOKEN)
    await reader.run_once()
    assert not lists.current.allows(numbered(3)[0])


async def test_lists_of_another_type_cost_only_their_own_source(
    store: AccessStore, redis: WatchedRedis
) -> None:
    await store.publish(DENY, hashes(1), TOKEN)
    other = next(name for name in LIST_NAMES if name.source != DENY.source)
    await replies_to(redis, "SET", access_key(other.source), "x")
    assert [DENY] == list(await store.versions())
    with pytest.raises(Corrupt):
        await store.publish(other, hashes(1), TOKEN)


async def test_a_version_of_very_many_parts_costs_one_look(
    store: AccessStore, redis: WatchedRedis
) -> None:
    forged = Version("0123456789abcdef", 99_999, 9_999_999_999, "0" * 64)
    await replies_to(redis, "HSET", access_key(DENY.source), str(DENY), str(forged))
    redis.forget()
    with pytest.raises(Unavailable, match="not whole"):
        await store.load(DENY, await version_of(store, DENY))
    assert 2 == redis.round_trips


@pytest.mark.parametrize("data", [b"x" * 19, b"x" * 20, b"x" * (LONGEST_PART + 10)])
async def test_a_damaged_part_is_not_put_in_force(
    store: AccessStore, redis: WatchedRedis, data: bytes
) -> None:
    await store.publish(DENY, hashes(1), TOKEN)
    version = await version_of(store, DENY)
    await replies_to(redis, "SET", access_part_key(str(DENY), version.id, 0), data)
    with pytest.raises(Corrupt):
        await store.load(DENY, version)
