"""What the profiles of the compose file add."""

import re
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.cluster.load import Load, running_load
from tests.cluster.records import failed, longest_gap_s
from tests.deploy.conftest import Place, StartStack
from tests.deploy.stack import HASH, PATIENT, Stack
from tests.redis_servers import StartRedis
from tracker.model import Family, InfoHash
from tracker.store.keys import swarm_key

LONGEST_GAP_S = 8.0
SENTINELS = ("redis-sentinel-1", "redis-sentinel-2", "redis-sentinel-3")
ASK = (
    "REDISCLI_AUTH=$(cat /run/secrets/redis/sentinel-password) "
    "redis-cli -p 26379 --user sentinel sentinel get-master-addr-by-name tracker"
)

pytestmark = pytest.mark.timeout(400)  # the images, for the first test


def test_tls(start: StartStack, tmp_path: Path) -> None:
    with start("tls") as stack:
        trusting = {"SSL_CERT_FILE": str(authority_of(stack, tmp_path))}
        # By name, so from the host itself, which has the address of the engine's bridge.
        first = stack.announce("https", at=stack.host, to="localhost", **trusting)
        assert 1 == first["leechers"]
        assert 1 == stack.announce("wss", at=stack.host, to="localhost", **trusting)["leechers"]
        plain = stack.announce("http", at=stack.clients, to=stack.host.ip)
        assert [first["external_ip"]] == [peer["host"] for peer in plain["peers"]]


def test_the_front_page_shows_the_ports_of_the_host(start: StartStack, tmp_path: Path) -> None:
    """Also those of TLS, which Caddy ends, and that of UDP, which is another service."""
    ports = {"HTTP_PORT": "8100", "HTTPS_PORT": "8443", "UDP_PORT": "7000"}
    with start("tls", **ports) as stack, stack.host.inside():
        urls = announce_urls(f"http://{stack.host.ip}:8100/")
        assert [
            f"http://{stack.host.ip}:8100/announce",
            f"udp://{stack.host.ip}:7000/announce",
            f"ws://{stack.host.ip}:8100/",
        ] == urls
        assert [
            "https://localhost:8443/announce",
            "udp://localhost:7000/announce",
            "wss://localhost:8443/",
        ] == announce_urls("https://localhost:8443/", authority_of(stack, tmp_path))


def authority_of(stack: Stack, folder: Path) -> Path:
    """Return the certificate of Caddy's authority."""
    authority = folder / "root.crt"
    made = "/data/caddy/pki/authorities/local/root.crt"
    authority.write_text(stack.compose("exec", "-T", "caddy", "cat", made))
    return authority


def announce_urls(page: str, authority: Path | None = None) -> list[str]:
    """Return those that a front page shows."""
    context = ssl.create_default_context(cafile=authority) if authority else None
    with urlopen(page, timeout=10, context=context) as reply:
        return re.findall(r'<code id="url-\d">([^<]*)</code>', reply.read().decode())


def test_a_redis_elsewhere(place: Place, start: StartStack, start_redis: StartRedis) -> None:
    away = place.clients
    with away.inside():
        redis = start_redis(tcp=True, password="secret", options=("--bind", "127.0.0.1", away.ip))
    url = f"redis://:secret@{away.ip}:{redis.port}"
    with start(TRACKER_REDIS_URL=url, DATA_INTERNAL="false") as stack:
        stack.announce("udp", at=stack.clients, to=stack.host.ip)
        with away.inside(), redis.client() as client:
            assert 1 == client.zcard(swarm_key(Family.IPV4, InfoHash(bytes.fromhex(HASH))))


def test_more_clients_than_the_load_balancer_may_have(start: StartStack) -> None:
    limit = 600  # of them, its own 192 checks of frontends take some
    with (
        start(BALANCER_DESCRIPTORS=str(limit)) as stack,
        stack.clients.inside(),
        ExitStack() as opened,
    ):

        def open_one() -> ClientConnection:
            url = f"ws://{stack.host.ip}/announce"
            return opened.enter_context(connect(url, open_timeout=2, proxy=None))

        served: list[ClientConnection] = []
        with pytest.raises(TimeoutError):  # those before it are kept
            served.extend(open_one() for _ in range(limit // 2))
        served[0].close()
        open_one()


def test_a_primary_of_a_redis_cluster_crashes(start: StartStack) -> None:
    with start("cluster") as stack, running(stack) as load:
        crash(stack, load, "redis-1")


def test_sentinels(start: StartStack) -> None:
    with start("sentinel") as stack, running(stack) as load:
        (hanging,) = stack.containers("redis-sentinel-1")
        stack.engine.docker("pause", hanging.name)
        crash(stack, load, "redis")
        stack.engine.docker("unpause", hanging.name)
        # All of them forget, and see again who it is.
        stack.compose("restart", *SENTINELS)
        stack.up()
        (successor,) = stack.containers("redis-replica")
        told = [stack.compose("exec", "-T", each, "sh", "-c", ASK).split() for each in SENTINELS]
        assert [[successor.addresses["data"], "6379"]] * len(SENTINELS) == told
        crash(stack, load, "redis-replica", stays_away=True)
        # A restart of the machine: nobody waits for somebody to take over.
        names = [each.name for each in stack.containers(*SENTINELS, "redis", "redis-replica")]
        stack.engine.docker("kill", *names)
        stack.engine.docker("start", *names)
        load.calm(15)


@contextmanager
def running(stack: Stack) -> Iterator[Load]:
    """Clients that give up soon; in the end all is whole and nobody got a wrong offer."""
    hasty = PATIENT._replace(patience_s=3.0, resend_s=None)
    with running_load(stack.balancer, hasty, at=stack.clients) as load:
        yield load
        load.settle(30)
    assert Counter() == load.offers.wrong


def crash(stack: Stack, load: Load, victim: str, *, stays_away: bool = False) -> None:
    """A primary crashes and comes back as a replica; there is a gap, and it is short.

    Args:
        stays_away: until the gap has ended; else the engine starts it again at once.
    """
    load.settle(30)
    seen = len(load.outcomes)
    (primary,) = stack.containers(victim)
    if stays_away:
        stack.engine.docker("kill", primary.name)
    else:
        stack.crash(primary)
    load.calm(30)
    if stays_away:
        stack.engine.docker("start", primary.name)
    load.until(lambda: "slave" in role(stack, victim), 30)
    load.go_on(3)
    outcomes = load.outcomes[seen:]
    assert failed(outcomes)  # there was a gap at all
    assert LONGEST_GAP_S >= longest_gap_s(outcomes)


def role(stack: Stack, service: str) -> str:
    """What a Redis says it is; nothing while it is away."""
    if not stack.containers(service):
        return ""
    return stack.compose("exec", "-T", service, "sh", "-c", "redis-cli role || :")
