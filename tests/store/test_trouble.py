"""How often trouble is logged, for all connections of a process together."""

from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.store.asking import events
from tracker.store.reasons import CLOSED, TIMEOUT, Reason, describe, reply_reason
from tracker.store.trouble import MOST_REASONS, QUIET_S, RELAY, STEADY_S, Trouble, Troubles

REFUSED = Reason("connection refused", "check that Redis runs")
SERVER = "a:1"


class Clock:
    """A time that passes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def facts(lines: list[EventDict]) -> list[tuple[str, str, int]]:
    """Of each line about an outage: the event, the error, and the seconds since its begin."""
    return [(each["event"], each["error"], each.get("for_s", 0)) for each in lines]


def outage() -> tuple[Clock, Trouble]:
    """A server that is away since now, which the log has."""
    clock = Clock()
    trouble = Troubles(clock=clock).of(SERVER)
    trouble.add(SERVER, REFUSED)
    return clock, trouble


def test_the_first_line_comes_at_once_and_has_all_facts() -> None:
    with capture_logs() as logs:
        outage()
    assert [
        {
            "event": "redis.away",
            "log_level": "warning",
            "address": SERVER,
            "error": REFUSED.text,
            "hint": REFUSED.hint,
        }
    ] == logs


def test_a_line_each_minute_shows_how_long_it_has_lasted() -> None:
    clock, trouble = outage()
    with capture_logs() as logs:
        for _ in range(int(2 * QUIET_S)):
            clock.now += 1
            trouble.add(SERVER, REFUSED)
    assert [("redis.away", REFUSED.text, 60), ("redis.away", REFUSED.text, 120)] == facts(logs)


def test_another_reason_is_logged_at_once_and_has_the_time_of_the_whole_outage() -> None:
    clock, trouble = outage()
    with capture_logs() as logs:
        for reason in (TIMEOUT, REFUSED, TIMEOUT):
            clock.now += 5
            trouble.add(SERVER, reason)
    assert [("redis.away", TIMEOUT.text, 5)] == facts(logs)


def test_reasons_without_end_are_bounded() -> None:
    _, trouble = outage()
    with capture_logs() as logs:
        for number in range(3 * MOST_REASONS):
            trouble.add(SERVER, Reason(f"error {number}"))
    assert MOST_REASONS - 1 == len(logs)


def test_one_line_says_when_it_is_over_and_how_long_it_lasted() -> None:
    clock, trouble = outage()
    clock.now += 7
    with capture_logs() as logs:
        trouble.end(SERVER)
    assert [{"event": "redis.up", "log_level": "info", "address": SERVER, "after_s": 7}] == logs


def test_the_next_outage_is_logged_at_once() -> None:
    clock, trouble = outage()
    trouble.end(SERVER)
    clock.now += STEADY_S + 1
    with capture_logs() as logs:
        trouble.add(SERVER, REFUSED)
    assert [("redis.away", REFUSED.text, 0)] == facts(logs)


def test_a_connection_that_breaks_again_and_again_is_logged_once_a_minute() -> None:
    clock = Clock()
    trouble = Troubles(clock=clock).of(SERVER)
    with capture_logs() as logs:
        for _ in range(100):
            clock.now += STEADY_S / 100
            trouble.end(SERVER)
            trouble.add(SERVER, TIMEOUT)
    assert ["redis.up", "redis.away", "redis.up"] == events(logs)


def test_a_connection_that_is_replaced_at_once_is_reported_as_lost() -> None:
    trouble = Troubles(clock=Clock()).of(SERVER)
    trouble.end(SERVER)
    with capture_logs() as logs:
        trouble.lose(SERVER, CLOSED)
        assert [] == logs
        trouble.end(SERVER)
    assert ["redis.lost", "redis.up"] == events(logs)
    assert CLOSED.text == logs[0]["error"]


def test_a_connection_that_cannot_be_replaced_is_one_line() -> None:
    trouble = Troubles(clock=Clock()).of(SERVER)
    with capture_logs() as logs:
        trouble.lose(SERVER, CLOSED)
        trouble.add(SERVER, REFUSED)
    assert [("redis.away", REFUSED.text, 0)] == facts(logs)


def test_connections_to_one_server_share_their_lines() -> None:
    troubles = Troubles(clock=Clock())
    one, two, other = troubles.of(SERVER), troubles.of(SERVER), troubles.of("b:2")
    with capture_logs() as logs:
        for each in (one, two):
            each.add(SERVER, REFUSED)
        other.add("b:2", REFUSED)
        one.end(SERVER)
        assert ["redis.away"] * 2 == events(logs)
        two.end(SERVER)
    assert [SERVER, "b:2", SERVER] == [line["address"] for line in logs]
    assert "redis.up" == logs[-1]["event"]


def test_a_connection_that_is_closed_for_good_does_not_prolong_an_outage() -> None:
    clock = Clock()
    troubles = Troubles(clock=clock)
    one, two = troubles.of(SERVER), troubles.of(SERVER)
    for each in (one, two):
        each.add(SERVER, REFUSED)
    two.leave()
    with capture_logs() as logs:
        one.end(SERVER)
    assert ["redis.up"] == events(logs)
    clock.now += STEADY_S + 1
    assert troubles.known(SERVER) is None
    two.leave()


def test_a_new_connection_is_reported() -> None:
    with capture_logs() as logs:
        Troubles(RELAY).of(SERVER).end(SERVER)
    assert [{"event": "relay.up", "log_level": "debug", "address": SERVER}] == logs


def test_a_command_shows_the_same_words() -> None:
    with capture_logs():
        _, trouble = outage()
        assert describe(SERVER, REFUSED) == trouble.text
        trouble.end(SERVER)
    assert "" == trouble.text


NOPERM = "NOPERM this user has no permissions to run the 'eval' command"


def test_what_a_server_refuses_is_logged_once_a_minute_for_each_kind() -> None:
    clock = Clock()
    troubles = Troubles(clock=clock)
    with capture_logs() as logs:
        for second in range(int(QUIET_S) + 1):
            clock.now = 1000.0 + second
            shown = troubles.refused(SERVER, f"{NOPERM} {second}", "noperm")
        troubles.refused(SERVER, "MISCONF", "misconf")
        troubles.refused("b:2", NOPERM, "noperm")
    reason = reply_reason(f"{NOPERM} 60")
    assert describe(SERVER, reason) == shown
    assert [
        ("redis.refused", reply_reason(f"{NOPERM} 0").text, 0),
        ("redis.refused", reason.text, 60),
        ("redis.refused", "MISCONF", 0),
        ("redis.refused", NOPERM, 0),
    ] == facts(logs)


def test_what_is_refused_while_a_server_is_away_is_its_consequence() -> None:
    clock, trouble = outage()
    with capture_logs() as logs:
        trouble._troubles.refused("b:2", "CLUSTERDOWN The cluster is down", "clusterdown")
        trouble.end(SERVER)
        trouble._troubles.refused("b:2", "CLUSTERDOWN The cluster is down", "clusterdown")
        clock.now += STEADY_S + 1
        trouble._troubles.refused("b:2", "CLUSTERDOWN The cluster is down", "clusterdown")
    assert ["redis.up", "redis.refused"] == events(logs)
