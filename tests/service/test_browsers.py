"""Announces and scrapes of browsers, down to a real Redis."""

from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from tests.budgets import budgets
from tests.service.broken_swarms import BrokenSwarms
from tests.service.conftest import Clock
from tests.store.asking import HASH, NOW, TTL_S, a_plan, announce, answer, ipv4
from tracker.errors import Denied, Overloaded, TrackerError, Unavailable
from tracker.metrics import Metrics
from tracker.model import (
    BrowserAnnounce,
    BrowserAnnounced,
    Counts,
    Event,
    FrontendId,
    PeerId,
)
from tracker.policy.access import Access, AccessLists, Hashes
from tracker.policy.accounts import Account
from tracker.service import ports
from tracker.service.browsers import SPARE, Browsers
from tracker.service.ports import Removals, Swarms
from tracker.settings import WsSettings
from tracker.store.swarms import RedisSwarms

HERE, THERE, GONE = b"here....", b"there...", b"gone...."
SETTINGS = WsSettings()


class Reachable:
    """The frontends that the service may offer to; it tells nobody anything by itself."""

    dead = (GONE,)

    def __init__(self, me: FrontendId) -> None:
        self.me = me

    def __iter__(self) -> Iterator[FrontendId]:
        """Never asked by the service."""
        raise NotImplementedError

    def heard(self, frontend: FrontendId) -> None:
        """No messages arrive here."""

    def lost(self, frontend: FrontendId) -> None:
        """Never told by the service."""
        raise NotImplementedError


class Noted:
    """Removals that are noted only."""

    def __init__(self) -> None:
        self.added: list[tuple[bytes, bytes]] = []
        self.forgotten: list[tuple[bytes, bytes]] = []

    def add(self, info_hash: bytes, member: bytes) -> None:
        """As the port says."""
        self.added.append((info_hash, member))

    def forget(self, info_hash: bytes, member: bytes) -> None:
        """As the port says."""
        self.forgotten.append((info_hash, member))


def peer(number: int) -> PeerId:
    return b"-WW0001-%012d" % number


def request(
    number: int, *, event: Event = Event.NONE, seeding: bool = False, offers: int = 5
) -> BrowserAnnounce:
    return BrowserAnnounce(HASH, peer(number), event, seeding, offers)


def browsers_of(
    frontend: FrontendId,
    swarms: Swarms,
    clock: ports.Clock,
    settings: WsSettings = SETTINGS,
    removals: Removals | None = None,
) -> Browsers:
    removals = removals or Noted()
    return Browsers(
        settings, swarms, removals, Reachable(frontend), clock, budgets=budgets(), metrics=Metrics()
    )


async def ask(browsers: Browsers, asked: BrowserAnnounce) -> BrowserAnnounced:
    account = Account(asked.peer_id)  # an address of its own for each

    def announce(done: Callable[[BrowserAnnounced | TrackerError], None]) -> None:
        browsers.announce(asked, account, done)

    return await answer(announce)


async def scrape(browsers: Browsers, *info_hashes: bytes) -> list[Counts]:
    return await answer(lambda done: browsers.scrape(info_hashes, done))


@pytest.fixture
def here(swarms: RedisSwarms, clock: Clock) -> Browsers:
    return browsers_of(HERE, swarms, clock)


@pytest.fixture
def there(swarms: RedisSwarms, clock: Clock) -> Browsers:
    return browsers_of(THERE, swarms, clock)


@pytest.fixture
def gone(swarms: RedisSwarms, clock: Clock) -> Browsers:
    return browsers_of(GONE, swarms, clock)


async def test_browsers_find_each_other_on_all_frontends_and_never_themselves(
    here: Browsers, there: Browsers
) -> None:
    assert BrowserAnnounced(120, Counts(0, 0, 1), []) == await ask(here, request(1))
    reply = await ask(there, request(2))
    assert ([(peer(1), HERE)], Counts(0, 0, 2)) == (reply.takers, reply.counts)
    reply = await ask(here, request(1))
    assert [(peer(2), THERE)] == reply.takers


async def test_a_browser_that_moved_to_another_frontend_is_not_its_own_taker(
    here: Browsers, there: Browsers
) -> None:
    await ask(here, request(1))
    assert [] == (await ask(there, request(1))).takers


async def test_entries_of_one_peer_id_on_two_frontends_both_get_offers(
    here: Browsers, there: Browsers
) -> None:
    await ask(here, request(1))
    await ask(there, request(1))
    assert {(peer(1), HERE), (peer(1), THERE)} == set((await ask(here, request(2))).takers)


async def test_a_browser_that_does_not_enter_is_served_and_changes_nothing(
    swarms: RedisSwarms, clock: Clock
) -> None:
    removals = Noted()
    browsers = browsers_of(HERE, swarms, clock, removals=removals)
    for number in 1, 2:
        await ask(browsers, request(number))
    entered = [(HASH, peer(number) + HERE) for number in (1, 2)]
    assert entered == removals.forgotten
    for event in Event.NONE, Event.COMPLETED, Event.STOPPED:
        other = replace(request(1, event=event, seeding=True), enters=False)
        assert Counts(0, 0, 2) == (await ask(browsers, other)).counts
    assert [(peer(2), HERE)] == (await ask(browsers, replace(other, event=Event.NONE))).takers
    assert entered == removals.forgotten
    assert [Counts(0, 0, 2)] == await scrape(browsers, HASH)


async def test_browsers_of_frontends_that_cannot_be_reached_take_nothing(
    here: Browsers, gone: Browsers
) -> None:
    await ask(gone, request(1))
    reply = await ask(here, request(2))
    assert ([], Counts(0, 0, 2)) == (reply.takers, reply.counts)


async def test_a_seeder_s_offers_go_to_leechers_first_and_then_to_seeders(here: Browsers) -> None:
    await ask(here, request(1, seeding=True))
    await ask(here, request(2))
    reply = await ask(here, request(3, seeding=True))
    takers = [(peer(2), HERE), (peer(1), HERE)]
    assert (takers, Counts(2, 0, 1)) == (reply.takers, reply.counts)
    reply = await ask(here, request(4))
    assert {peer(1), peer(2), peer(3)} == {taker for taker, _ in reply.takers}


@pytest.mark.parametrize(
    ("offers", "takers"), [(0, 0), (1, 1 + SPARE), (4, 4 + SPARE), (10, 15), (11, 15), (99, 15)]
)
async def test_there_are_a_few_more_takers_than_offers_and_bounds_for_both(
    here: Browsers, offers: int, takers: int
) -> None:
    for number in range(1, 21):
        await ask(here, request(number, offers=0))
    found = (await ask(here, request(99, offers=offers))).takers
    assert takers == len(found) == len(set(found))
    assert {taker for taker, _ in found} <= {peer(number) for number in range(1, 21)}


async def test_a_large_swarm_has_takers_for_all_offers(here: Browsers) -> None:
    for number in range(1, 201):
        await ask(here, request(number, seeding=number % 2 == 0, offers=0))
    for _ in range(20):
        reply = await ask(here, request(999, offers=10))
        assert len(reply.takers) >= 10
        assert peer(999) not in dict(reply.takers)
        assert Counts(100, 0, 101) == reply.counts


async def test_who_stops_is_gone_and_offered_to_nobody(here: Browsers) -> None:
    await ask(here, request(1))
    await ask(here, request(2))
    reply = await ask(here, request(1, event=Event.STOPPED))
    assert ([], Counts(0, 0, 1)) == (reply.takers, reply.counts)
    assert [] == (await ask(here, request(2))).takers


async def test_a_browser_whose_socket_closed_is_removed_from_its_own_frontend_alone(
    swarms: RedisSwarms, clock: Clock
) -> None:
    removals = Noted()
    browsers_of(HERE, swarms, clock, removals=removals).leave(HASH, peer(1))
    assert [(HASH, peer(1) + HERE)] == removals.added


async def test_an_announce_that_fails_at_once_keeps_the_removal(clock: Clock) -> None:
    removals = Noted()
    broken = BrokenSwarms(Unavailable("away"), at_once=True)
    browsers = browsers_of(HERE, broken, clock, removals=removals)
    with pytest.raises(Unavailable):
        await ask(browsers, request(1))
    assert [] == removals.forgotten


async def test_who_completes_is_counted_once_and_apart_from_ip_peers(
    here: Browsers, there: Browsers, swarms: RedisSwarms
) -> None:
    await ask(here, request(1))
    for browsers in (here, here, there):  # there it is a stranger
        await ask(browsers, request(1, event=Event.COMPLETED, seeding=True))
    assert [Counts(2, 1, 0), Counts(0, 0, 0)] == await scrape(here, HASH, bytes(20))
    view = await announce(swarms, a_plan(ipv4(1), seeding=True))
    assert Counts(1, 0, 0) == view.counts


async def test_the_clock_and_the_interval_are_those_that_are_given(
    swarms: RedisSwarms, clock: Clock
) -> None:
    browsers = browsers_of(HERE, swarms, clock, WsSettings(interval=60))
    assert 60 == (await ask(browsers, request(1))).interval_s
    clock.now_s = NOW + TTL_S
    assert [Counts(0, 0, 0)] == await scrape(browsers, HASH)


async def test_a_torrent_that_is_not_allowed_is_denied(swarms: RedisSwarms, clock: Clock) -> None:
    lists = AccessLists(Access(None, (Hashes(HASH),)))
    browsers = Browsers(
        SETTINGS,
        swarms,
        Noted(),
        Reachable(HERE),
        clock,
        lists,
        budgets=budgets(),
        metrics=Metrics(),
    )
    with pytest.raises(Denied, match="this torrent is not allowed"):
        await ask(browsers, request(1))
    assert [Counts(0, 0, 0)] == await scrape(browsers, HASH)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("error", [Unavailable("away"), Overloaded("full")])
async def test_what_the_store_cannot_do_is_told(
    clock: Clock, error: TrackerError, at_once: bool
) -> None:
    browsers = browsers_of(HERE, BrokenSwarms(error, at_once=at_once), clock)
    with pytest.raises(type(error), match=error.reason):
        await ask(browsers, request(1))
    with pytest.raises(type(error), match=error.reason):
        await scrape(browsers, HASH)


async def test_a_browser_counts_once_as_a_completed_download(here: Browsers) -> None:
    for seeding in False, True:
        for event in Event.NONE, Event.COMPLETED, Event.COMPLETED:
            await ask(here, request(1, event=event, seeding=seeding and event is not Event.NONE))
            [counts] = await scrape(here, HASH)
            assert counts.completed == int(seeding and event is Event.COMPLETED)
    for event, seeding in ((Event.STARTED, False), (Event.COMPLETED, True)) * 3:
        await ask(here, request(1, event=event, seeding=seeding))
    [counts] = await scrape(here, HASH)
    assert 1 == counts.completed
