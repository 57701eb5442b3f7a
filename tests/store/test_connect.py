"""From a Redis URL to the servers behind it."""

import pytest

from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.cluster import Cluster
from tracker.store.connect import connect
from tracker.store.topology import One, Redis


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://store/3", One),
        ("rediss://user:secret@store", One),
        ("unix:///run/redis.sock", One),
        ("redis+sentinel://one,two:7000/service", One),
        ("redis+sentinel://user:secret@[::1],[::2]:7000/service/3?sentinel_password=x", One),
        ("rediss+sentinel://one/service?ssl_ca_certs=/ca.pem&sentinel_username=x", One),
        ("redis+cluster://one,two:7000", Cluster),
        ("redis+cluster://user:secret@[::1],[::2]:7000/", Cluster),
        ("rediss+cluster://one?ssl_ca_certs=/ca.pem", Cluster),
    ],
)
async def test_a_url_tells_the_kind_of_redis(url: str, kind: type[Redis]) -> None:
    assert kind is type(connect(url, RedisSettings(), Metrics()))


@pytest.mark.parametrize(
    "url",
    [
        "http://store",
        "redis+other://store",
        "redis://store?colour=blue",
        "redis+sentinel://one",
        "redis+sentinel:///service",
        "redis+sentinel://one/service/x",
        "redis+sentinel://one/service/0/0",
        "redis+sentinel://one:seven/service",
        "redis+sentinel://one,,two/service",
        "redis+sentinel://one/service?colour=blue",
        "redis+cluster://",
        "redis+cluster://one/0",
        "redis+cluster://one?db=3",
        "redis+cluster://one,two..dots",
        "redis+cluster://one:65536",
        "redis+cluster://one?sentinel_password=x",
    ],
)
def test_what_is_no_url_of_a_redis_is_said_at_once(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # redis-py's own words, partly
        connect(url, RedisSettings(), Metrics())
