"""What one address may keep in the swarms of a real Redis, and who may enter them."""

from collections.abc import Callable
from random import Random

import pytest
from msgspec.structs import replace

from tests.redis_servers import RedisServer
from tests.service.conftest import Clock
from tests.store.asking import HASH, answer, scrape, swarms_on
from tracker.budgeting import client_budgets
from tracker.errors import TrackerError
from tracker.metrics import Metrics
from tracker.model import Announce, Announced, Event
from tracker.service.peers import Peers
from tracker.settings import Settings
from tracker.store.swarms import RedisSwarms

MIB = 1 << 20
HELD_MOST = 1024 * MIB // 100  # 1 % of 1 GiB: an address may use two groups of frontends
ENTRY_MOST = 230  # bytes of an entry in a swarm of its own, on average
FIRST_MINUTE_MOST = 10 * MIB
TTL_S = 2700


class Monotonic:
    """The clock of the budgets, set by the test."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def monotonic() -> Monotonic:
    return Monotonic()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


class Tracker:
    """Peers with the default budgets, except for some limits."""

    def __init__(
        self,
        swarms: RedisSwarms,
        clock: Clock,
        metrics: Metrics,
        monotonic: Monotonic,
        **limits: float,
    ) -> None:
        settings = Settings.model_validate({"limits": limits})
        self._monotonic = monotonic
        self._budgets = client_budgets(settings)
        self._peers = Peers(
            settings.announce,
            swarms,
            clock,
            budgets=self._budgets,
            metrics=metrics,
            monotonic=monotonic,
        )

    def announce(self, request: Announce, done: Callable[[Announced | TrackerError], None]) -> None:
        """Announce from the endpoint's own address."""
        account = self._budgets.accounts.of(request.endpoint[:-2], self._monotonic())
        self._peers.announce(request, account, done)


def endpoint(number: int, address: bytes = b"\x05\1\1\1") -> bytes:
    """Return an endpoint of an address; ports below 1024 are left out."""
    return address + (1024 + number).to_bytes(2, "big")


async def ask(
    peers: Tracker, member: bytes, info_hash: bytes = HASH, **changes: object
) -> Announced:
    request = Announce(info_hash, b"-TR3000-peerpeerpeer", member, Event.NONE, False, None, False)
    request = replace(request, **changes)
    return await answer(lambda done: peers.announce(request, done))


async def flood(peers: Tracker, count: int, random: Random) -> None:
    """Announce that many random info_hashes from one address of IPv6."""
    prefix = bytes.fromhex("2600000000000001")

    def done(result: object) -> None:
        assert isinstance(result, Announced)

    for _ in range(count // 400):
        for _ in range(400):
            member = prefix + random.randbytes(8) + b"\x1a\xe1"
            request = Announce(
                random.randbytes(20), random.randbytes(20), member, Event.NONE, False, None, False
            )
            peers.announce(request, done)
        await ask(peers, endpoint(6881))  # until all before it are answered


async def test_a_peer_over_the_budget_of_its_address_is_answered_and_not_entered(
    swarms: RedisSwarms, clock: Clock, metrics: Metrics, monotonic: Monotonic
) -> None:
    peers = Tracker(swarms, clock, metrics, monotonic, entries_burst=10, entries_per_second=1)
    for port in range(1, 31):
        reply = await ask(peers, endpoint(port), numwant=0)
    assert 10 == reply.counts.leechers
    assert 10 == len((await ask(peers, endpoint(40))).peers) // 6
    assert 21 == metrics.refused["entries", "address"]
    assert 11 == (await ask(peers, endpoint(1, b"\x05\1\1\2"))).counts.leechers
    monotonic.now = 2.5
    assert 12 == (await ask(peers, endpoint(50))).counts.leechers


async def test_one_address_holds_few_endpoints_of_a_swarm_and_the_first_stay(
    swarms: RedisSwarms, clock: Clock, metrics: Metrics, monotonic: Monotonic
) -> None:
    peers = Tracker(swarms, clock, metrics, monotonic, endpoints_per_swarm=10)
    for _ in range(2):
        for port in range(1, 101):
            await ask(peers, endpoint(port), numwant=0)
    [counts] = await scrape(swarms, now_s=clock.now_s)
    assert 11 == counts.leechers  # with the first endpoint of the address
    assert metrics.refused["endpoints", "address"] >= 180
    honest = [endpoint(1, bytes([5, 1, 2, each])) for each in range(100)]
    for member in honest:
        reply = await ask(peers, member, numwant=0)
    assert 111 == reply.counts.leechers
    for period in range(1, 6):  # refreshed members of old periods count as well
        clock.now_s += TTL_S - 100
        monotonic.now += TTL_S - 100
        for port in range(1, 1001, 7):
            reply = await ask(peers, endpoint(port + period), numwant=0)
        assert reply.counts.leechers <= 20 + 100 * (period == 1)


async def test_completed_counts_once_however_often_a_member_changes_its_role(
    swarms: RedisSwarms, clock: Clock, metrics: Metrics, monotonic: Monotonic
) -> None:
    peers = Tracker(swarms, clock, metrics, monotonic)
    for _ in range(5):
        await ask(peers, endpoint(1))
        await ask(peers, endpoint(1), event=Event.COMPLETED, seeding=True)
        await ask(peers, endpoint(1), event=Event.COMPLETED)  # with bytes left: not complete
    [counts] = await scrape(swarms, now_s=clock.now_s)
    assert 1 == counts.completed


async def test_an_answer_from_a_large_swarm_is_never_of_one_address(
    swarms: RedisSwarms, clock: Clock, metrics: Metrics, monotonic: Monotonic
) -> None:
    peers = Tracker(swarms, clock, metrics, monotonic, endpoints_per_swarm=200)
    for each in range(10):
        await ask(peers, endpoint(1, bytes([5, 1, 2, each])), numwant=0)
    clock.now_s += 10
    for port in range(1, 201):
        await ask(peers, endpoint(port), numwant=0)
    for _ in range(100):
        clock.now_s += 1
        reply = await ask(peers, endpoint(9, b"\x05\2\2\2"), numwant=5)
        addresses = {reply.peers[at : at + 4] for at in range(0, len(reply.peers), 6)}
        assert len(addresses) > 1


@pytest.mark.parametrize("numwant", [5, 200])
async def test_not_even_the_first_answer_of_a_frontend_is_of_one_address(
    swarms: RedisSwarms,
    clock: Clock,
    metrics: Metrics,
    monotonic: Monotonic,
    numwant: int,
) -> None:
    peers = Tracker(swarms, clock, metrics, monotonic, endpoints_per_swarm=200)
    for each in range(20):
        await ask(peers, endpoint(1, bytes([5, 1, 2, each])), numwant=0)
    clock.now_s += 10
    for port in range(1, 101):
        await ask(peers, endpoint(port), numwant=0)
    fresh = Tracker(swarms_on(swarms._redis), clock, metrics, monotonic)
    reply = await ask(fresh, endpoint(9, b"\x05\2\2\2"), numwant=numwant)
    assert len({reply.peers[at : at + 4] for at in range(0, len(reply.peers), 6)}) > 1


async def test_an_address_that_floods_for_hours_holds_one_percent_and_ten_mib_at_first(
    swarms: RedisSwarms,
    clock: Clock,
    metrics: Metrics,
    monotonic: Monotonic,
    redis_server: RedisServer,
) -> None:
    """At the highest rate of announces that the default budget of requests allows, and above."""
    peers, random = Tracker(swarms, clock, metrics, monotonic), Random(1)
    with redis_server.client() as client:

        def held() -> int:
            return int(client.info("memory")["used_memory"])

        def live() -> int:
            return int(client.dbsize())

        before = held()
        await flood(peers, 12_000, random)
        for _ in range(6):
            monotonic.now += 10
            await flood(peers, 400, random)
        per_entry = (held() - before) / live()
        assert held() - before <= FIRST_MINUTE_MOST
        for _ in range(264):  # until a TTL has passed: then as many expire as can enter
            monotonic.now += 10
            await flood(peers, 400, random)
        assert per_entry < ENTRY_MOST
        assert (held() - before) / live() < ENTRY_MOST
        assert held() - before <= HELD_MOST
        assert 40_000 < live() < 42_500
    assert metrics.refused["entries", "address"] > 10_000
