"""Offers beyond the limit of an announce: they are counted, and not decoded."""

import json
from collections.abc import Sequence

import pytest

from tracker.wire.websocket import AnnounceMessage, decode


def announce(offers: Sequence[object]) -> AnnounceMessage:
    """Return what is read of an announce with these offers."""
    ids = {"info_hash": "a" * 20, "peer_id": "b" * 20}
    data = json.dumps({"action": "announce", "offers": offers} | ids).encode()
    read = decode(data, max_offers=10, max_scrape=100)
    assert isinstance(read, AnnounceMessage)
    return read


@pytest.mark.parametrize("sdp", ["v=0", "{{{{"])
@pytest.mark.parametrize("count", [9, 10, 11, 12, 500])
def test_offers_beyond_the_limit_are_only_counted(count: int, sdp: str) -> None:
    offers = [{"offer": {"sdp": sdp}, "offer_id": f"{number:020}"} for number in range(count)]
    read = announce(offers)
    assert [b"%020d" % number for number in range(min(count, 10))] == [
        offer.offer_id for offer in read.offers
    ]
    assert max(0, count - 10) == read.ignored


def test_offers_beyond_the_limit_need_not_be_offers() -> None:
    offers = [{"offer": {"sdp": ""}, "offer_id": "a" * 20}] * 10 + [{}] * 2400
    assert (10, 2400) == (len(announce(offers).offers), announce(offers).ignored)
