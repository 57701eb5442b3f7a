"""How much one client may ask."""

from hypothesis import given
from hypothesis import strategies as st

from tracker.policy.limits import Bucket, PerAddress

ALICE, BOB = b"\1\2\3\4", b"\1\2\3\5"


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    bucket = Bucket(burst=3, now=100.0)
    assert [True, True, True, False] == [bucket.take(2, 3, 100.0) for _ in range(4)]
    assert not bucket.take(2, 3, 100.25)
    assert bucket.take(2, 3, 100.5)
    assert not bucket.take(2, 3, 100.75)
    assert bucket.take(2, 3, 101.0)


def test_an_idle_bucket_fills_up_to_its_burst_and_no_further() -> None:
    bucket = Bucket(burst=2, now=0.0)
    bucket.take(1, 2, 0.0)
    assert [True, True, False] == [bucket.take(1, 2, 1e6) for _ in range(3)]


@given(
    rate=st.integers(1, 50),
    burst=st.integers(1, 50),
    pauses=st.lists(st.integers(0, 1000), max_size=100),
)
def test_no_bucket_ever_gives_more_than_its_burst_and_its_rate(
    rate: int, burst: int, pauses: list[int]
) -> None:
    bucket, now_ms, taken = Bucket(burst, 0.0), 0, 0
    for pause_ms in pauses:
        now_ms += pause_ms
        taken += bucket.take(rate, burst, now_ms / 1000)
        assert taken <= burst + rate * now_ms / 1000 + 1e-6


def test_each_address_has_its_requests_in_each_second() -> None:
    limit = PerAddress(2)
    assert [True, True, False, False] == [limit.allows(ALICE, 7) for _ in range(4)]
    assert limit.allows(BOB, 7)
    assert [True, True, False] == [limit.allows(ALICE, 8) for _ in range(3)]


def test_a_limit_of_0_is_none() -> None:
    limit = PerAddress(0)
    assert all(limit.allows(ALICE, 7) for _ in range(1000))
