"""What the profiles of the compose file add."""

from collections import Counter
from pathlib import Path

import pytest

from tests.cluster.load import running_load
from tests.cluster.records import failed, longest_gap_s
from tests.deploy.conftest import Place, StartStack
from tests.deploy.stack import HASH, PATIENT, Stack
from tests.redis_servers import StartRedis
from tracker.model import Family, InfoHash
from tracker.store.keys import swarm_key

LONGEST_GAP_S = 8.0

pytestmark = pytest.mark.timeout(400)  # the images, for the first test


def test_tls(start: StartStack, tmp_path: Path) -> None:
    with start("tls") as stack:
        authority = tmp_path / "root.crt"
        made = "/data/caddy/pki/authorities/local/root.crt"
        authority.write_text(stack.compose("exec", "-T", "balancer-tls", "cat", made))
        trusting = {"SSL_CERT_FILE": str(authority)}
        # By name, so from the host itself, which is seen by the address of the engine's bridge.
        first = stack.announce("https", at=stack.host, to="localhost", **trusting)
        assert 1 == first["leechers"]
        assert 1 == stack.announce("wss", at=stack.host, to="localhost", **trusting)["leechers"]
        plain = stack.announce("http", at=stack.clients, to=stack.host.ip)
        assert [first["external_ip"]] == [peer["host"] for peer in plain["peers"]]


def test_a_redis_elsewhere(place: Place, start: StartStack, start_redis: StartRedis) -> None:
    away = place.clients
    with away.inside():
        redis = start_redis(tcp=True, password="secret", options=("--bind", "127.0.0.1", away.ip))
    url = f"redis://:secret@{away.ip}:{redis.port}"
    with start(TRACKER_REDIS_URL=url, DATA_INTERNAL="false") as stack:
        stack.announce("udp", at=stack.clients, to=stack.host.ip)
        with away.inside(), redis.client() as client:
            assert 1 == client.zcard(swarm_key(Family.IPV4, InfoHash(bytes.fromhex(HASH))))


@pytest.mark.parametrize(("profile", "victim"), [("cluster", "redis-1"), ("sentinel", "redis")])
def test_a_primary_of_redis_crashes(start: StartStack, profile: str, victim: str) -> None:
    hasty = PATIENT._replace(patience_s=3.0, resend_s=None)
    with start(profile) as stack, running_load(stack.balancer, hasty, at=stack.clients) as load:
        load.settle(30)
        (primary,) = stack.containers(victim)
        stack.crash(primary)
        load.calm(30)
        # The crashed one comes back as a replica.
        load.until(lambda: "slave" in role(stack, victim), 30)
        load.go_on(3)
        outcomes = load.outcomes[:]
        load.settle(30)
    assert LONGEST_GAP_S >= longest_gap_s(outcomes)
    assert failed(outcomes)  # there was a gap at all
    assert Counter() == load.offers.wrong


def role(stack: Stack, service: str) -> str:
    """What a Redis says it is; nothing while it is away."""
    if not stack.containers(service):
        return ""
    return stack.compose("exec", "-T", service, "sh", "-c", "redis-cli role || :")
