import time

from tracker.clock import clock


def test_it_tells_whole_unix_seconds() -> None:
    before = int(time.time())
    assert before <= clock() <= time.time()
