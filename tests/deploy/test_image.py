"""The image by itself: `docker run` makes a whole tracker, or a frontend that may be replaced."""

import json
import time
from collections.abc import Callable, Iterator

import pytest

from tests.deploy.conftest import Place
from tests.deploy.engine import Json
from tests.deploy.images import IMAGE, NEXT_IMAGE, STAND_INS
from tests.deploy.stack import announce

LARGEST = 200_000_000  # bytes
READY_WITHIN_S = 30.0
POLL_S = 0.2
# Nothing that it does needs one.
NO_SHELL = ("--volume=/dev/null:/usr/bin/dash:ro", "--volume=/dev/null:/usr/bin/bash:ro")
SAFE = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")

pytestmark = pytest.mark.timeout(400)  # the images, for the first test

Run = Callable[..., str]


@pytest.fixture
def volume(place: Place) -> Iterator[str]:
    """A volume, removed once the containers of a fixture after this one are."""
    name = place.engine.docker("volume", "create").strip()
    yield name
    place.engine.docker("volume", "rm", name)


@pytest.fixture
def run(place: Place) -> Iterator[Run]:
    """``docker run``; returns the container's id once it is healthy. All are removed at the end."""
    made: list[str] = []

    def run(*args: str) -> str:
        made.append(place.engine.docker("run", "--detach", *args).strip())
        end_s = time.monotonic() + READY_WITHIN_S
        while state(place, made[-1]).get("Health", {"Status": "healthy"})["Status"] != "healthy":
            logs = place.engine.docker("logs", made[-1])
            assert time.monotonic() < end_s, logs
            assert state(place, made[-1])["Running"], logs
            time.sleep(POLL_S)
        return made[-1]

    yield run
    place.engine.docker("rm", "--force", "--volumes", *made)


def state(place: Place, container: str) -> Json:
    """What the engine tells of a container."""
    return place.engine.inspect(container)[0]["State"]


def peers(place: Place, protocol: str, port: int) -> list[str]:
    """Hosts of the peers that an announce over this protocol is told of."""
    told = announce(protocol, at=place.clients, to=place.host.ip, port=port)
    return [peer["host"] for peer in told["peers"] or ()]


def test_it_is_small_and_says_what_it_is(place: Place) -> None:
    (told,) = place.engine.inspect(IMAGE)
    assert LARGEST >= told["Size"]
    labels = told["Config"]["Labels"]
    assert {"title", "description", "licenses", "version", "revision"} == {
        name.removeprefix("org.opencontainers.image.") for name in labels
    }
    assert "tracker-cluster:" + labels["org.opencontainers.image.version"] == IMAGE
    assert {"80/tcp", "80/udp"} == set(told["Config"]["ExposedPorts"])
    assert "10001:10001" == told["Config"]["User"]


@pytest.mark.parametrize("options", [(), (*SAFE, *NO_SHELL)], ids=["plain", "confined"])
def test_it_is_a_whole_tracker(place: Place, run: Run, options: tuple[str, ...]) -> None:
    container = run("--publish=8100:80", "--publish=8100:80/udp", *options, IMAGE)
    assert [] == peers(place, "http", 8100)
    told = announce("ws", at=place.clients, to=place.host.ip, port=8100)
    assert 1 == told["leechers"]
    assert [] == peers(place, "udp", 8100)  # the same peer, who is not told of itself
    status = place.engine.docker("exec", container, "tracker", "status", "--json")
    assert [container[:12]] == [each["host"] for each in json.loads(status)["frontends"]]
    place.engine.docker("stop", container)
    assert (0, False) == (state(place, container)["ExitCode"], state(place, container)["OOMKilled"])


def test_with_a_volume_it_is_replaced_and_its_swarms_stay(
    place: Place, volume: str, run: Run
) -> None:
    options = (f"--volume={volume}:/var/lib/tracker", "--publish=8400:80", "--publish=8400:80/udp")
    first = run(*options, *SAFE, IMAGE)
    announce("http", at=place.clients, to=place.host.ip, port=8400)
    place.engine.docker("stop", first)
    place.engine.docker("rm", first)
    run(*options, *SAFE, NEXT_IMAGE)
    told = announce("udp", at=place.host, to=place.host.ip, port=8400)
    assert [place.clients.ip] == [peer["host"] for peer in told["peers"]]


def test_one_port_of_the_hosts_choice_is_enough(place: Place, run: Run) -> None:
    run("--env=PORT=8200", "--publish=8200:8200", *SAFE, IMAGE, "serve", "--only", "http,ws")
    for protocol in ("http", "ws"):
        told = announce(protocol, at=place.clients, to=place.host.ip, port=8200)
        assert 1 == told["leechers"]


def test_commands_run_with_and_without_the_name_of_the_program(place: Place, run: Run) -> None:
    """`docker run IMAGE tracker workers` too, though `tracker` is the entry point already."""
    redis = run(STAND_INS["redis"], "redis-server", "--protected-mode", "no", "--bind", "0.0.0.0")
    (server,) = place.engine.inspect(redis)
    url = f"redis://{server['NetworkSettings']['IPAddress']}"
    for words in (("workers",), ("tracker", "workers")):
        run("--env", f"TRACKER_REDIS_URL={url}", *SAFE, IMAGE, *words)
    version = place.engine.docker("run", "--rm", IMAGE, "version")
    assert version == place.engine.docker("run", "--rm", IMAGE, "tracker", "version")


def test_with_a_redis_it_is_replaced_and_nothing_is_lost(place: Place, run: Run) -> None:
    redis = run(STAND_INS["redis"], "redis-server", "--protected-mode", "no", "--bind", "0.0.0.0")
    (server,) = place.engine.inspect(redis)
    url = f"redis://{server['NetworkSettings']['IPAddress']}"
    tracker = ("--env", f"TRACKER_REDIS_URL={url}", "--publish=8300:80", "--publish=8300:80/udp")
    first = run(*tracker, *SAFE, IMAGE)
    announce("http", at=place.clients, to=place.host.ip, port=8300)
    place.engine.docker("rm", "--force", first)  # killed
    run(*tracker, *SAFE, NEXT_IMAGE)
    told = announce("udp", at=place.host, to=place.host.ip, port=8300)
    assert [place.clients.ip] == [peer["host"] for peer in told["peers"]]


def test_its_pages_have_their_libraries_and_node_is_left_out(place: Place, run: Run) -> None:
    container = run(IMAGE)
    code = (
        "import shutil; from tracker.web.assets import Assets; "
        "from tracker.web.sharing import LIBRARIES; assets = Assets(); "
        "print(all(name in assets for name in LIBRARIES), shutil.which('node'))"
    )
    assert "True None" == place.engine.docker("exec", container, "python", "-c", code).strip()
