"""The profile `turn` of the compose file: trackers give out credentials that its coturn accepts."""

import json
from urllib.request import urlopen

import pytest

from tests.deploy.conftest import Place, StartStack
from tests.turn_server import TurnClient

pytestmark = pytest.mark.timeout(400)  # the images, for the first test


def test_coturn_accepts_what_trackers_give_out_and_keeps_out_of_the_networks(
    place: Place, start: StartStack
) -> None:
    ip = place.host.ip
    with start("turn", TURN_HOST=ip, TURN_EXTERNAL_IP=ip) as stack, stack.clients.inside():
        with urlopen(f"http://{ip}/ice.json", timeout=5) as reply:
            stun, turn = json.load(reply)["iceServers"]
        assert [f"stun:{ip}:3478"] == stun["urls"]
        assert [f"turn:{ip}:3478", f"turn:{ip}:3478?transport=tcp"] == turn["urls"]
        with TurnClient(ip, 3478) as client:
            assert 0 == client.allocate(turn["username"], turn["credential"])
            assert 0 == client.permit(ip)  # another browser's relay
            (redis,) = stack.containers("redis")
            assert 403 == client.permit(redis.addresses["data"])
        with TurnClient(ip, 3478) as client:
            assert 401 == client.allocate(turn["username"], "guessed")
