"""Scrapes are bounded, and answer for a denied torrent as for an unknown one."""

import pytest

from tests.service.broken_swarms import BrokenSwarms
from tests.store.asking import HASH, MEMBERS, NOW, a_plan, announce, answer, until
from tracker.errors import Overloaded, TrackerError, Unavailable
from tracker.metrics import Metrics
from tracker.model import Counts, Family
from tracker.policy.access import Access, AccessLists, Hashes
from tracker.policy.scrapes import Scrapes
from tracker.service.ports import Swarms
from tracker.service.scraping import Scraping
from tracker.store.swarms import RedisSwarms

OTHER = b"o" * 20


async def counts(
    swarms: Swarms, family: Family, access: AccessLists, scrapes: Scrapes | None = None
) -> list[Counts]:
    scraping = Scraping(swarms, access, scrapes or Scrapes(100), Metrics())
    return await answer(lambda done: scraping.scrape([HASH, OTHER, HASH], family, NOW, done))


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("access", [Access(None, (Hashes(HASH),)), Access((Hashes(OTHER),), ())])
async def test_a_denied_torrent_has_no_counts(
    swarms: RedisSwarms, family: Family, access: Access
) -> None:
    for info_hash in (HASH, OTHER):
        await announce(swarms, a_plan(MEMBERS[family](1), info_hash=info_hash, full=False))
    one, none = Counts(0, 0, 1), Counts(0, 0, 0)
    assert [one, one, one] == await counts(swarms, family, AccessLists())
    assert [none, one, none] == await counts(swarms, family, AccessLists(access))


@pytest.mark.parametrize("at_once", [True, False])
async def test_what_the_store_cannot_do_is_the_answer(at_once: bool) -> None:
    access = AccessLists(Access(None, (Hashes(HASH),)))
    error: TrackerError = Unavailable("away")
    swarms = BrokenSwarms(error, at_once=at_once)
    with pytest.raises(Unavailable, match="away"):
        await counts(swarms, Family.IPV4, access)


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_scrape_that_failed_takes_no_room(at_once: bool) -> None:
    scrapes = Scrapes(3)
    swarms = BrokenSwarms(Unavailable("away"), at_once=at_once)
    for _ in range(10):
        with pytest.raises(Unavailable, match="away"):
            await counts(swarms, Family.IPV4, AccessLists(), scrapes)


async def test_scrapes_beyond_the_limit_are_refused_until_others_are_answered(
    swarms: RedisSwarms,
) -> None:
    metrics, answers = Metrics(), list[object]()
    scraping = Scraping(swarms, AccessLists(), Scrapes(10), metrics)
    scraping.scrape([HASH] * 5, Family.IPV4, NOW, answers.append)
    with pytest.raises(Overloaded):
        scraping.scrape([HASH] * 5, Family.IPV4, NOW, answers.append)
    assert {("scrapes", "process"): 1} == metrics.refused
    scraping.scrape([HASH], Family.IPV4, NOW, answers.append)
    await until(lambda: len(answers) == 2)
    scraping.scrape([HASH] * 5, Family.IPV4, NOW, answers.append)
    await until(lambda: len(answers) == 3)
