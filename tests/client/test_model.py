"""The client's values."""

from tests.client.trackers import PEERS, PEERS6, endpoints
from tracker.client.model import Peer, to_peers
from tracker.wire.compact import split


def test_endpoints_of_both_families_become_peers() -> None:
    packed = [*split(endpoints(PEERS), 6), *split(endpoints(PEERS6), 18)]
    assert tuple(Peer(*peer) for peer in (*PEERS, *PEERS6)) == to_peers(packed)
