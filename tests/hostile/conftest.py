"""Fixtures of the attacks: one tracker with good clients per module."""

from collections.abc import Iterator

import pytest

from tests.hostile.arena import Arena, arena


@pytest.fixture(scope="module")
def ground() -> Iterator[Arena]:
    """A tracker with its default limits, which the tests of one module share."""
    with arena() as running:
        yield running
