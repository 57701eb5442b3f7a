"""Why a server cannot be used: how often it is logged, and what a command shows."""

from structlog.testing import capture_logs

from tracker.errors import Unavailable
from tracker.store.trouble import LOGIN_HINT, QUIET_S, NotAdmitted, Trouble

WRONG = NotAdmitted("WRONGPASS invalid username-password pair")


def test_the_same_error_is_logged_once_a_minute() -> None:
    now = 0.0
    trouble = Trouble(lambda: now)
    with capture_logs() as logs:
        for _ in range(3):
            trouble.add("a:1", WRONG)
        now = QUIET_S
        trouble.add("a:1", WRONG)
    line = {"event": "redis.away", "log_level": "warning", "address": "a:1"}
    assert [line | {"error": str(WRONG), "hint": LOGIN_HINT}] * 2 == logs


def test_another_error_or_one_after_a_connection_is_logged_at_once() -> None:
    trouble = Trouble(lambda: 0.0)
    with capture_logs() as logs:
        trouble.add("a:1", TimeoutError())
        trouble.add("a:1", OSError("connection refused"))
        trouble.end()
        trouble.add("a:1", OSError("connection refused"))
    assert ["no answer in time", *["connection refused"] * 2] == [line["error"] for line in logs]
    assert not [line for line in logs if "hint" in line]


def test_a_command_shows_whether_redis_refused_or_is_away() -> None:
    trouble = Trouble()
    with capture_logs():
        trouble.add("a:1", WRONG)
        assert f"Redis at a:1 refused: {WRONG}" == trouble.text
        trouble.add("a:1", Unavailable("it is a replica, not a primary"))
        assert "Redis at a:1 is away: it is a replica, not a primary" == trouble.text
        trouble.end()
    assert "" == trouble.text
