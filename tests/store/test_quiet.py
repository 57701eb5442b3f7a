from tracker.store.quiet import Quiet

PERIOD_S = 60.0


def test_each_key_is_due_once_a_period() -> None:
    now = 0.0
    quiet = Quiet(PERIOD_S, 10, lambda: now)
    assert [True, True, False] == [quiet.is_due(key) for key in ("one", "two", "one")]
    now = PERIOD_S - 1
    assert not quiet.is_due("one")
    now = PERIOD_S
    assert quiet.is_due("one")


def test_the_number_of_keys_is_bounded() -> None:
    now = 0.0
    quiet = Quiet(PERIOD_S, 10, lambda: now)
    assert 10 == sum(quiet.is_due(number) for number in range(30))
    now = PERIOD_S
    assert quiet.is_due("new")
    assert 1 == len(quiet._until)
