"""From a Redis URL to the servers behind it."""

from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.address import Address
from tracker.store.cluster import Cluster
from tracker.store.sentinel import Sentinels
from tracker.store.slots import Nodes
from tracker.store.topology import One, Redis
from tracker.store.trouble import Troubles

SENTINELS_SHARE = 0.75  # of the time to connect; the rest is for the primary


def connect(
    url: str, settings: RedisSettings, metrics: Metrics, troubles: Troubles | None = None
) -> Redis:
    """The Redis of `url`, not started yet.

    Args:
        url: of the servers.
        settings: times and limits.
        metrics: count what Redis does not serve.
        troubles: shared by all connections of this process; None: these have no others beside.

    Raises:
        ValueError: it is no such URL, or has options that redis-py does not know.
    """
    match url.partition("://")[0]:
        case "redis+sentinel" | "rediss+sentinel":
            sentinels = Sentinels(url, settings.timeout * SENTINELS_SHARE)
            return One(sentinels, settings, metrics, troubles)
        case "redis+cluster" | "rediss+cluster":
            return Cluster(Nodes(url, settings.timeout), settings, metrics, troubles)
    return One(Address(url), settings, metrics, troubles)


def check_url(url: str) -> None:
    """Check all of `url`, its options included, without a connection.

    Raises:
        ValueError: it is not valid; the text has no part of its user or password.
    """
    connect(url, RedisSettings(), Metrics())
