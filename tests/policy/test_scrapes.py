"""How many info_hashes of scrapes wait for the database."""

from tracker.policy.scrapes import Scrapes


def test_large_scrapes_are_refused_while_small_ones_are_served() -> None:
    scrapes = Scrapes(1000)
    admitted = sum(scrapes.begin(100) for _ in range(100))
    assert 9 == admitted
    assert 90 <= sum(scrapes.begin(1) for _ in range(200)) <= 100
    for _ in range(admitted):
        scrapes.end(100)
    assert scrapes.begin(100)


def test_a_scrape_alone_is_served_whatever_its_size() -> None:
    scrapes = Scrapes(10)
    assert scrapes.begin(100)
    assert not scrapes.begin(1)
    scrapes.end(100)
    assert scrapes.begin(1)
