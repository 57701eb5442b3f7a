import structlog.testing

from tracker.metrics import Metrics
from tracker.model import Family
from tracker.store.damage import MOST_KEYS, QUIET_S, Damage, key_text
from tracker.store.keys import FRONTENDS, swarm_key


def test_an_error_names_the_key_and_is_counted() -> None:
    metrics = Metrics()
    error = Damage(metrics).found(FRONTENDS, "score of member \x1b is not a number")
    assert r"tracker:frontends: score of member \x1b is not a number" == str(error)
    assert "tracker:" not in error.reason
    assert 1 == metrics.store_errors["corrupt",]


def test_each_key_is_logged_once_a_minute() -> None:
    now = 0.0
    metrics = Metrics()
    damage = Damage(metrics, lambda: now)
    with structlog.testing.capture_logs() as logs:
        for _ in range(5):
            damage.found(b"one", "x")
            damage.found(b"two", "x")
        now = QUIET_S
        damage.found(b"one", "x")
    assert ["one", "two", "one"] == [entry["key"] for entry in logs]
    assert 11 == metrics.store_errors["corrupt",]


def test_any_number_of_damaged_keys_takes_bounded_memory_and_log() -> None:
    now = 0.0
    damage = Damage(Metrics(), lambda: now)
    with structlog.testing.capture_logs() as logs:
        for number in range(3 * MOST_KEYS):
            damage.found(b"%d" % number, "x")
    assert MOST_KEYS == len(logs)
    now = QUIET_S
    with structlog.testing.capture_logs() as logs:
        damage.found(b"new", "x")
    assert 1 == len(logs)


def test_swarms_are_shown_by_their_info_hash() -> None:
    info_hash = bytes(range(20))
    assert f"6{{:{info_hash.hex()}}}" == key_text(swarm_key(Family.IPV6, info_hash))
    assert r"a\x00b" == key_text(b"a\x00b")
