import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import NOW, WatchedRedis, replies_to
from tracker.model import Point, Snapshot, Totals
from tracker.settings import WorkersSettings
from tracker.store.history import History
from tracker.store.keys import HISTORY, RECENT_HISTORY

PERIOD_S, LENGTH = 300, 4
BEGIN = NOW - NOW % PERIOD_S

assert 0 == NOW % PERIOD_S


@pytest.fixture
def history(redis: WatchedRedis) -> History:
    return History(redis, WorkersSettings(history_period=PERIOD_S, history_length=LENGTH))


def snapshot(at: int, frontends: int = 1) -> Snapshot:
    return Snapshot(Totals(at, 1, 2, 3, 4, 5, 6, 7, 8), frontends, {"http": 1.5}, {}, [])


async def times(history: History) -> list[int]:
    return [point.at for point in await history.points()]


async def test_no_history_has_no_points(history: History) -> None:
    assert [] == await history.points()


async def test_a_point_is_a_snapshot_in_short(history: History) -> None:
    await history.record(snapshot(NOW, frontends=9))
    assert [
        Point(
            at=NOW,
            frontends=9,
            swarms=1,
            browser_swarms=2,
            ipv4_peers=7,
            ipv6_peers=11,
            browsers=15,
            rates={"http": 1.5},
        )
    ] == await history.points()


async def test_a_period_has_one_point_the_last_that_was_told(
    history: History, redis: WatchedRedis
) -> None:
    other = History(redis, WorkersSettings(history_period=PERIOD_S, history_length=LENGTH))
    await history.record(snapshot(BEGIN))
    await other.record(snapshot(BEGIN + PERIOD_S - 1))
    await history.record(snapshot(BEGIN + PERIOD_S - 1))
    await other.record(snapshot(BEGIN + PERIOD_S))
    assert [BEGIN + PERIOD_S - 1, BEGIN + PERIOD_S] == await times(history)


async def test_the_last_hour_has_finer_points_of_its_own(
    history: History, redis_server: RedisServer
) -> None:
    for second in range(0, 3900, 5):
        await history.record(snapshot(BEGIN + second))
    recent = await history.recent_points()
    assert [BEGIN + second for second in range(310, 3900, 15)] == [point.at for point in recent]
    assert 240 == len(recent)
    with redis_server.client() as client:
        assert 3600 - 5 <= client.ttl(RECENT_HISTORY) <= 3600


async def test_what_comes_late_takes_its_place(history: History) -> None:
    await history.record(snapshot(BEGIN + PERIOD_S))
    await history.record(snapshot(BEGIN))
    assert [BEGIN, BEGIN + PERIOD_S] == await times(history)


async def test_only_the_last_points_are_kept(history: History) -> None:
    for number in range(LENGTH + 3):
        await history.record(snapshot(NOW + number * PERIOD_S))
    assert [NOW + number * PERIOD_S for number in range(3, LENGTH + 3)] == await times(history)


async def test_another_period_keeps_the_points_there_are(
    history: History, redis: WatchedRedis
) -> None:
    await history.record(snapshot(NOW))
    shorter = History(redis, WorkersSettings(history_period=0.1, history_length=LENGTH))
    await shorter.record(snapshot(NOW + 1))
    await shorter.record(snapshot(NOW + 2))
    assert [NOW, NOW + 1, NOW + 2] == await times(history)


async def test_points_of_another_version_are_left_out(
    history: History, redis: WatchedRedis
) -> None:
    await history.record(snapshot(NOW))
    await replies_to(redis, "ZADD", HISTORY, NOW - 1, b"\x93\x01\x02\x03")
    assert [NOW] == await times(history)


async def test_history_vanishes_by_itself(history: History, redis_server: RedisServer) -> None:
    await history.record(snapshot(NOW))
    with redis_server.client() as client:
        assert PERIOD_S * LENGTH - 5 <= client.ttl(HISTORY) <= PERIOD_S * LENGTH


async def test_damaged_points_are_left_out(redis: WatchedRedis) -> None:
    await replies_to(redis, "ZADD", HISTORY, NOW, b"garbage")
    await replies_to(redis, "ZADD", HISTORY, NOW, b"\x98" + b"\xff" * 7 + b"\x80")
    assert [] == await History(redis, WorkersSettings()).points()
    await replies_to(redis, "DEL", HISTORY)
    await replies_to(redis, "SET", HISTORY, "x")
    assert [] == await History(redis, WorkersSettings()).points()
