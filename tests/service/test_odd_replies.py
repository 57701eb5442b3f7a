"""Whatever Redis replies to an announce, the service gives exactly one answer."""

from itertools import product
from random import Random
from typing import cast

import pytest

from tests.budgets import account, budgets
from tests.service.test_browsers import HERE, browsers_of
from tests.service.test_browsers import request as browser_request
from tests.service.test_peers import request
from tests.store.asking import HASH, ipv4, swarms_on
from tracker.errors import TrackerError
from tracker.metrics import Metrics
from tracker.model import Announced, Event
from tracker.service.peers import Peers
from tracker.settings import AnnounceSettings
from tracker.store.damage import Damage
from tracker.store.link import Done, Reply
from tracker.store.topology import Part, Redis
from tracker.wire.udp import encode_announce_reply

ODD = cast(
    tuple[Reply, ...],
    (
        *(None, b"text", -1, 2**63, [None], [1], [[]]),
        *([b"odd"], [ipv4(1), None], [ipv4(1), b"odd"], [b"x" * 28]),
    ),
)


class Odd:
    """A Redis that gives these replies, over and over."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = replies
        self.damage = Damage(Metrics())

    def submit(self, key: bytes, commands: bytes, count: int, done: Done) -> None:
        """As a Redis does, but at once."""
        done([self._replies[at % len(self._replies)] for at in range(count)])

    def submit_all(self, parts: list[Part], done: Done) -> None:
        """A second look at a swarm."""
        self.submit(b"", b"", sum(part.replies for part in parts), done)


@pytest.mark.parametrize("event", [Event.NONE, Event.COMPLETED, Event.STOPPED])
@pytest.mark.parametrize("full", [False, True])
def test_odd_replies_are_answered_once(event: Event, full: bool) -> None:
    for replies in Random(7).sample([*product(ODD, repeat=2)], 40):
        swarms = swarms_on(cast(Redis, Odd(*replies)))
        peers = Peers(AnnounceSettings(), swarms, lambda: 1_800_000_000, budgets=budgets())
        answers: list[object] = []
        asked = request(ipv4(2), event=event, full=full)
        peers.announce(asked, account(asked), answers.append)
        assert 1 == len(answers)
        (answer,) = answers
        if not isinstance(answer, TrackerError):
            assert isinstance(answer, Announced)
            assert 0 == len(answer.peers) % 6
            counts = answer.counts
            assert encode_announce_reply(
                bytes(4), answer.interval_s, counts.leechers, counts.seeders, answer.peers
            )
        browsers = browsers_of(HERE, swarms, lambda: 1_800_000_000)
        browsers.announce(browser_request(1, event=event), account(asked), answers.append)
        assert 2 == len(answers)
        peers.scrape([HASH], answers.append)
        assert 3 == len(answers)
