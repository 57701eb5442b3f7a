"""The shared state and the frontends that share it."""

import pytest
from pydantic import ValidationError

from tracker.settings import ClusterSettings, RedisSettings


@pytest.mark.parametrize(
    ("section", "values", "reason"),
    [
        (ClusterSettings, {"dead_after": 10.0}, "must exceed twice"),
        (RedisSettings, {"url": "http://redis.example"}, "redis://"),
    ],
)
def test_values_that_make_no_sense_are_refused(
    section: type, values: dict[str, object], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        section(**values)
