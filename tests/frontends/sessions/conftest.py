"""Sessions of one process, and three sockets."""

from itertools import count

import pytest

from tests.frontends.sessions.sockets import AWAY, SETTINGS, Clock, opened
from tests.recorder import Recorder
from tracker.frontends.sessions import Sessions
from tracker.metrics import Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(metrics: Metrics, clock: Clock) -> Sessions:
    return Sessions(SETTINGS, metrics, clock, count(1).__next__)


@pytest.fixture
def anne(sessions: Sessions) -> Recorder:
    return opened(sessions)


@pytest.fixture
def bert(sessions: Sessions) -> Recorder:
    return opened(sessions)


@pytest.fixture
def stranger(sessions: Sessions) -> Recorder:
    return opened(sessions, AWAY)
