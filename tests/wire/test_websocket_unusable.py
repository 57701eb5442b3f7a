"""Parts of a WebSocket message that cannot be used do not affect the other parts."""

import pytest

from tests.wire.test_websocket import (
    HASH,
    OFFER,
    OFFER_ID,
    PEER,
    announce,
    decoded,
    message,
    refusal,
    sent,
    text,
)
from tracker.wire.websocket import ScrapeMessage

GOOD = {"offer": OFFER, "offer_id": OFFER_ID}


@pytest.mark.parametrize("good", [0, 1, 4])
@pytest.mark.parametrize(
    "unusable",
    [
        None,
        "sdp",
        5,
        [],
        {},
        {"offer": OFFER},
        {"offer_id": OFFER_ID},
        GOOD | {"offer": None},
        GOOD | {"offer": "sdp"},
        GOOD | {"offer_id": 5},
        GOOD | {"offer": {}},
        GOOD | {"offer": OFFER | {"sdp": None}},
        GOOD | {"offer": OFFER | {"sdp": 5}},
        GOOD | {"offer_id": ""},
        GOOD | {"offer_id": "a" * 19},
        GOOD | {"offer_id": "a" * 21},
        GOOD | {"offer_id": "\u0100" + "a" * 19},
    ],
)
def test_offers_that_are_none_are_counted_and_the_others_read(unusable: object, good: int) -> None:
    read = announce(offers=[GOOD] * good + [unusable] + [GOOD] * good)
    assert (2 * good, 1, 0) == (len(read.offers), read.unusable, read.ignored)
    assert announce(offers=[GOOD] * 2 * good).offers == read.offers


@pytest.mark.parametrize("offers", [None, {}, "offers", 5, True, []])
def test_an_announce_without_a_list_of_offers_is_read(offers: object) -> None:
    read = announce(offers=offers)
    assert ((), 0, 0) == (read.offers, read.unusable, read.ignored)


def test_hashes_of_a_scrape_that_are_none_are_left_out() -> None:
    hashes = [text(HASH), "", 5, None, ["a"], "a" * 19, text(PEER), "\u0100" * 20]
    expected = ScrapeMessage((HASH, PEER), 8, 6)
    assert expected == decoded(sent({"action": "scrape", "info_hash": hashes}))


@pytest.mark.parametrize("answer", ["", "x", 0, False, None, []])
def test_an_announce_with_an_answer_that_is_none_is_read(answer: object) -> None:
    assert 2 == len(announce(offers=[GOOD] * 2, answer=answer).offers)


@pytest.mark.parametrize("half", [r"\ud800", r"\uDC00", r"v=0\ud800\ud800"])
@pytest.mark.parametrize("field", ["sdp", "x", r"\ud800"])
def test_half_of_a_surrogate_pair_in_an_offer_is_refused(half: str, field: str) -> None:
    """Libtorrent closes the connection on which it receives one, wherever it is."""
    offer = f'"offers":[{{"offer":{{"{field}":"{half}"}},"offer_id":"{"o" * 20}"}}]'
    error = refusal(b"{%b,%b" % (offer.encode(), sent(message())[1:]))
    assert error.reason.startswith("JSON is malformed")
