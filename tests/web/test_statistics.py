"""Statistics: read once for all visitors, and written for people and programs."""

import asyncio

import pytest

from tests.web.conftest import FACTS, STATISTICS, TOTALS, Given
from tracker import __version__
from tracker.web import statistics
from tracker.web.statistics import (
    NOTHING,
    FrontendRow,
    SharedStatistics,
    Statistics,
    clock_time,
    document,
    duration,
    number,
    numbers,
    rate,
)


class Slow(Given):
    """Statistics that come when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = asyncio.Event()

    async def __call__(self) -> Statistics:
        await super().__call__()
        await self.may_end.wait()
        return self.statistics


async def test_visitors_at_the_same_time_share_one_look() -> None:
    slow = Slow()
    shared = SharedStatistics(slow)
    visitors = [asyncio.create_task(shared()) for _ in range(5)]
    await asyncio.sleep(0)
    visitors[0].cancel()  # that of the visitor who asked first
    slow.may_end.set()
    results = await asyncio.gather(*visitors, return_exceptions=True)
    assert [STATISTICS] * 4 == results[1:]
    assert 1 == slow.looks


async def test_old_statistics_are_read_again(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "FRESH_S", 0.0)
    shared = SharedStatistics(given)
    await shared()
    given.statistics = NOTHING
    assert NOTHING == await shared()


async def test_after_a_failure_the_next_visitor_looks_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statistics, "FRESH_S", 0.0)
    failing = True

    async def look() -> Statistics:
        if failing:
            raise RuntimeError
        return STATISTICS

    shared = SharedStatistics(look)
    with pytest.raises(RuntimeError):
        await shared()
    failing = False
    assert STATISTICS == await shared()


def test_programs_get_all_totals() -> None:
    assert {
        "version": __version__,
        "totals": TOTALS._asdict(),
        "age_s": 3.0,
        "frontends": 2,
        "announces_per_second": {"http": 20.0, "udp": 21.0, "ws": 0.5},
    } == document(STATISTICS)


def test_programs_get_null_for_what_is_not_known() -> None:
    fields = ("totals", "age_s", "frontends", "announces_per_second")
    assert [None] * 4 == [document(NOTHING)[name] for name in fields]
    counted_never = STATISTICS._replace(snapshot=None)
    assert [None, None, 2] == [document(counted_never)[name] for name in fields[:3]]


def test_numbers_add_up() -> None:
    found = numbers(STATISTICS)
    assert "1,045" == found["seeders"]  # 1,013 + 15 + 17
    assert "48" == found["leechers"]  # 14 + 16 + 18
    assert "1,093" == found["peers"]
    assert "2,468" == found["sockets"]
    assert {} == numbers(NOTHING)


def test_a_protocol_that_no_frontend_serves_has_a_rate_of_zero() -> None:
    one = STATISTICS._replace(frontends=[FrontendRow(FACTS, {"udp": 2.0})])
    assert {"http": 0.0, "udp": 2.0, "ws": 0.0} == one.rates


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (number(1234567), "1,234,567"),
        (rate(0.04), "0.0"),
        (rate(99.94), "99.9"),
        (rate(1234.5), "1,234"),
        (duration(-1), "0 s"),
        (duration(119), "119 s"),
        (duration(120), "2 min"),
        (duration(7300), "2 h"),
        (duration(86_400 * 3.5), "3 days"),
        (clock_time(TOTALS), "22:13:17 UTC"),
    ],
)
def test_numbers_are_written_for_people(written: str, expected: str) -> None:
    assert expected == written
