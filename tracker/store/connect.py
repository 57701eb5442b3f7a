"""From a Redis URL to the servers behind it."""

from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.address import Address
from tracker.store.cluster import Cluster
from tracker.store.sentinel import Sentinels
from tracker.store.slots import Nodes
from tracker.store.topology import One, Redis

SENTINELS_SHARE = 0.75  # of the time to connect; the rest is for the primary


def connect(url: str, settings: RedisSettings, metrics: Metrics) -> Redis:
    """The Redis of `url`, not started yet.

    Raises:
        ValueError: it is no such URL, or has options that redis-py does not know.
    """
    match url.partition("://")[0]:
        case "redis+sentinel" | "rediss+sentinel":
            find = Sentinels(url, settings.timeout * SENTINELS_SHARE).find
            return One(find, settings, metrics)
        case "redis+cluster" | "rediss+cluster":
            return Cluster(Nodes(url, settings.timeout), settings, metrics)
    return One(Address(url).found, settings, metrics)


def check_url(url: str) -> None:
    """Check all of `url`, its options included, without a connection.

    Raises:
        ValueError: it is not valid; the text has no part of its user or password.
    """
    connect(url, RedisSettings(), Metrics())
