import time

import pytest

from tracker.clock import clock, steady_us


def test_it_tells_whole_unix_seconds() -> None:
    before = int(time.time())
    assert before <= clock() <= time.time()


def test_steady_microseconds_are_unix_time_and_do_not_follow_a_correction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = steady_us()
    assert abs(before - time.time_ns() // 1000) < 60_000_000
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert before <= steady_us() < before + 60_000_000
