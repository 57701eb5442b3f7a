"""A Redis of our own for one machine: see `tracker.embedded.server`."""

from tracker.embedded.executable import EmbeddedRedisMissing
from tracker.embedded.server import EmbeddedRedis, EmbeddedRedisFailed
from tracker.embedded.state import state_directory

__all__ = ["EmbeddedRedis", "EmbeddedRedisFailed", "EmbeddedRedisMissing", "state_directory"]
