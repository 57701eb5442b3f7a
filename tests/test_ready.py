import pytest

from tracker.ready import ready_line


@pytest.mark.parametrize(
    ("redis_up", "end"), [(None, ""), (True, " redis=up"), (False, " redis=away")]
)
def test_the_line_has_the_ports_and_whether_redis_can_be_used(
    redis_up: bool | None, end: str
) -> None:
    ports = {"http": 1, "udp": 2, "admin": 3}
    assert f"ready http=1 udp=2 admin=3{end}" == ready_line(ports, redis_up=redis_up)
