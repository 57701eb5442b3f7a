"""After Redis lost all swarms: they fill again, and the load stays even; simulated."""

import asyncio
import random
from collections import Counter, defaultdict

from tests.budgets import account, budgets
from tests.redis_servers import RedisServer
from tests.service.conftest import Clock
from tests.store.asking import NOW, answer, ipv4
from tracker.model import Announce, Announced, Counts, Event
from tracker.service.peers import Peers
from tracker.settings import AnnounceSettings
from tracker.store.swarms import RedisSwarms

SETTINGS = AnnounceSettings()
PEERS, SWARMS = 3000, 30
BIN_S = 60
EVEN = PEERS * BIN_S / SETTINGS.interval  # announces in a bin, when nothing happened
NOISE = 5 * EVEN**0.5  # chance alone exceeds that in one bin of a million


class Crowd:
    """Peers that announce as they are told to, from a time of their own on."""

    def __init__(self, peers: Peers, clock: Clock, seed: int) -> None:
        self._peers, self._clock = peers, clock
        chance = random.Random(seed)
        self._due: defaultdict[int, list[int]] = defaultdict(list)  # peers by the second
        for number in range(PEERS):
            self._due[NOW + chance.randrange(SETTINGS.interval)].append(number)
        self.announces: Counter[int] = Counter()  # by bins
        self.intervals: dict[int, int] = {}  # what each peer was told first

    async def live(self, seconds: int) -> None:
        """Let time pass."""
        for _ in range(seconds):
            now_s = self._clock.now_s
            due = self._due.pop(now_s, [])
            self.announces[(now_s - NOW) // BIN_S] += len(due)
            for number, said in zip(due, await asyncio.gather(*map(self._ask, due)), strict=True):
                self.intervals.setdefault(number, said.interval_s)
                self._due[now_s + said.interval_s].append(number)
            self._clock.now_s += 1

    async def sizes(self) -> int:
        """How many peers all swarms have."""
        hashes = [_info_hash(number) for number in range(SWARMS)]
        counts: list[Counts] = await answer(lambda done: self._peers.scrape(hashes, done))
        return sum(each.seeders + each.leechers for each in counts)

    async def _ask(self, number: int) -> Announced:
        peer_id = b"%020d" % number
        request = Announce(
            _info_hash(number % SWARMS), peer_id, ipv4(number + 1), Event.NONE, False, None, False
        )
        return await ask(self._peers, request)


async def ask(peers: Peers, request: Announce) -> Announced:
    return await answer(lambda done: peers.announce(request, account(request), done))


def _info_hash(number: int) -> bytes:
    return b"%020d" % number


async def test_lost_swarms_are_back_without_a_stampede(
    redis_server: RedisServer, swarms: RedisSwarms, clock: Clock
) -> None:
    peers = Peers(SETTINGS, swarms, clock, budgets=budgets())
    crowd = Crowd(peers, clock, seed=3)
    interval, tenth = SETTINGS.interval, SETTINGS.interval // 10
    longest = round(interval * (1 + SETTINGS.interval_jitter))
    await crowd.live(longest)
    assert PEERS == await crowd.sizes()
    with redis_server.client() as redis:
        redis.flushall()
    peers.swarms_lost(clock.now_s)
    lost_in = (clock.now_s - NOW) // BIN_S
    crowd.intervals.clear()

    await crowd.live(tenth)
    here = len(crowd.intervals)  # who came by since
    assert here == await crowd.sizes() >= PEERS / 10 * 0.8
    assert tenth >= max(crowd.intervals.values())

    await crowd.live(tenth)
    await crowd.live(longest - 2 * tenth)
    assert PEERS == await crowd.sizes()
    await crowd.live(longest)

    after = [crowd.announces[at] for at in range(lost_in + 1, max(crowd.announces))]
    assert 2 * EVEN + NOISE >= max(after)
    settled = after[-longest // 2 // BIN_S :]
    assert EVEN - NOISE <= min(settled)
    assert EVEN + NOISE >= max(settled)


async def test_each_peer_comes_early_once(
    redis_server: RedisServer, swarms: RedisSwarms, clock: Clock
) -> None:
    peers = Peers(SETTINGS, swarms, clock, budgets=budgets())
    peers.swarms_lost(clock.now_s)
    request = Announce(bytes(20), bytes(20), ipv4(1), Event.NONE, False, None, True)
    first = await ask(peers, request)
    assert SETTINGS.interval / 20 <= first.interval_s <= SETTINGS.interval / 10
    assert first.min_interval_s == first.interval_s
    clock.now_s += first.interval_s
    second = await ask(peers, request)
    assert SETTINGS.interval * (1 - SETTINGS.interval_jitter) <= second.interval_s
    assert SETTINGS.min_interval == second.min_interval_s


async def test_after_an_interval_new_peers_are_told_the_usual_again(
    swarms: RedisSwarms, clock: Clock
) -> None:
    peers = Peers(SETTINGS, swarms, clock, budgets=budgets())
    peers.swarms_lost(clock.now_s)
    clock.now_s += SETTINGS.interval
    request = Announce(bytes(20), bytes(20), ipv4(1), Event.NONE, False, None, False)
    said = await ask(peers, request)
    assert SETTINGS.interval * (1 - SETTINGS.interval_jitter) <= said.interval_s
