"""One tracker and one browser for all clients, and a fresh torrent for each test."""

from collections.abc import Iterator

import pytest

from tests.clients.node import running_chromium
from tests.clients.sample import Sample
from tests.tracker_process import TrackerProcess, running_tracker


@pytest.fixture(scope="package")
def tracker() -> Iterator[TrackerProcess]:
    """A tracker with default settings; swarms of different tests never meet in it."""
    with running_tracker() as process:
        yield process


@pytest.fixture(scope="package")
def chromium() -> Iterator[str]:
    """The address of a Chromium; each script has a context of its own in it."""
    with running_chromium() as address:
        yield address


@pytest.fixture
def sample() -> Sample:
    """A torrent of random content, so of a swarm that nobody else is in."""
    return Sample.random()
