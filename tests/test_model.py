"""Numbers of the model that protocols and tables rely on."""

from tracker.model import Counts, Event, Family


def test_events_have_the_numbers_of_bep_15() -> None:
    assert {"NONE": 0, "COMPLETED": 1, "STARTED": 2, "STOPPED": 3} == {
        event.name: event for event in Event
    }


def test_families_index_tuples() -> None:
    assert [0, 1, 2] == list(Family)


def test_counts_stand_in_the_order_of_bep_15() -> None:
    assert ("seeders", "completed", "leechers") == Counts._fields
