import pytest

from tracker.model import Activity, Facts
from tracker.policy.rates import activity, total

START = 1000
FACTS = Facts(
    version="1.0",
    host="here",
    pid=7,
    since=START,
    beat=START + 10.0,
    ports={},
    requests={"http": 50, "udp": 0},
    connections=0,
    browsers=0,
    relay_us=None,
)
FIRST = Activity(START + 10.0, {"http": 50, "udp": 0}, {"http": 5.0, "udp": 0.0})


def later(seconds: float, **requests: int) -> Facts:
    return FACTS._replace(beat=FACTS.beat + seconds, requests=requests)


def test_who_was_not_known_counted_since_its_start() -> None:
    assert FIRST == activity(FACTS, None)


def test_who_has_just_started_is_not_taken_for_a_storm() -> None:
    facts = FACTS._replace(beat=START + 0.001, requests={"http": 5})
    assert {"http": 5.0} == activity(facts, None).rates


def test_who_is_known_counted_since_it_told_last() -> None:
    found = activity(later(5, http=60, udp=20), FIRST)
    assert Activity(START + 15.0, {"http": 60, "udp": 20}, {"http": 2.0, "udp": 4.0}) == found


def test_a_protocol_that_was_not_told_of_counted_from_zero() -> None:
    assert {"ws": 2.0} == activity(later(5, ws=10), FIRST).rates


@pytest.mark.parametrize("seconds", [0, -3])
def test_without_news_the_rates_stay(seconds: float) -> None:
    found = activity(later(seconds, http=50, udp=0), FIRST)
    assert (FACTS.beat + seconds, FIRST.rates) == (found.beat, found.rates)


def test_a_counter_that_fell_is_no_negative_rate() -> None:
    assert {"http": 0.0} == activity(later(5, http=49), FIRST).rates


def test_the_total_is_of_all_by_protocol() -> None:
    other = FIRST._replace(rates={"http": 1.0, "ws": 2.0})
    assert {"http": 6.0, "udp": 0.0, "ws": 2.0} == total([FIRST, other])
    assert {} == total([])
