"""The ring turns once a period, however often anybody looks."""

from tests.redis_servers import RedisServer
from tests.store.asking import NOW, connected
from tracker.store.secrets import SecretStore, fresh_ring, fresh_secret
from workers.secrets import Rotation

PERIOD_S = 1000


class Clock:
    now_s = NOW

    async def __call__(self) -> int:
        return self.now_s


async def test_the_ring_turns_when_it_is_time(redis_server: RedisServer) -> None:
    clock = Clock()
    async with connected(redis_server.url) as redis:
        store = SecretStore(redis, 2 * PERIOD_S)
        job = Rotation(store, PERIOD_S, clock, fresh_secret)
        assert PERIOD_S > job.period_s
        await store.shared(fresh_ring(NOW))
        await job.run_once(1)
        first = await store.published()
        clock.now_s += PERIOD_S
        await job.run_once(1)
        await job.run_once(1)
        second = await store.published()
    assert first
    assert second
    assert (first.current, first.next) == (second.previous, second.current)
    assert (NOW, NOW + PERIOD_S) == (first.since, second.since)
