"""Sentinels of the compose file, started by its scripts: users, their rights, a failover."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cluster.hosts import hosts
from tests.deploy.redis_nodes import Node, until
from tests.shape.files import ROOT
from tests.tools import require
from tracker.errors import Unavailable
from tracker.store.sentinel import Sentinels

NAMES = ("redis", "replica", "sentinel-1", "sentinel-2", "sentinel-3")
PORT = 26379

pytestmark = pytest.mark.timeout(120)


class Group(NamedTuple):
    """A primary with a replica, three Sentinels, and what `secrets.sh` made for them."""

    primary: Node
    replica: Node
    sentinels: list[Node]
    url: str  # of the tracker
    passwords: dict[str, str]

    def addresses(self) -> dict[str, str]:
        """The names in the environment of the containers."""
        return {
            "PRIMARY": self.primary.host.ip,
            "REPLICA": self.replica.host.ip,
            "SENTINELS": " ".join(each.host.ip for each in self.sentinels),
        }


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    """All of them are running, and a replica could take over."""
    require("redis-server")
    with hosts(*NAMES) as places, ExitStack() as stack:
        volumes = tmp_path / "volumes"
        for volume in ("redis", "tracker", "grafana", "turn"):
            (volumes / volume).mkdir(parents=True)
        hosts_of_url = ",".join(f"{place.ip}:{PORT}" for place in places[2:]) + "/tracker"
        environment = {"SCHEME": "redis+sentinel", "HOSTS": hosts_of_url, "VOLUMES": str(volumes)}
        for _ in range(2):  # the second time it keeps what there is
            make_secrets(environment)
        secrets = volumes / "redis"
        nodes = [
            Node(place, secrets, tmp_path / name)
            if "sentinel" not in name
            else Node(place, secrets, tmp_path / name, "sentinel.sh", PORT)
            for name, place in zip(NAMES, places, strict=True)
        ]
        for node in nodes:
            stack.callback(node.kill)
        group = Group(
            nodes[0],
            nodes[1],
            nodes[2:],
            (volumes / "tracker/TRACKER_REDIS_URL").read_text(),
            {file.name: file.read_text().strip() for file in secrets.iterdir()},
        )
        group.primary.start()
        group.replica.start("--replicaof", group.primary.host.ip, "6379")
        for sentinel in group.sentinels:
            sentinel.start(**group.addresses())
        until(lambda: all(each.script("sentinel-ready.sh").code == 0 for each in group.sentinels))
        yield group


def make_secrets(environment: dict[str, str]) -> None:
    """Run the script of the service `secrets`."""
    script = ["sh", str(ROOT / "deploy/secrets.sh")]
    subprocess.run(script, env={"PATH": "/usr/bin:/bin", **environment}, check=True, timeout=10)


def test_a_stranger_gets_nothing_from_a_sentinel(group: Group) -> None:
    (sentinel, *_) = group.sentinels
    for words in (("sentinel", "masters"), ("sentinel", "failover", "tracker"), ("info",)):
        assert "NOAUTH" in sentinel.ask(*words).said
    wrong = sentinel.ask_as("tracker", "guessed", "sentinel", "masters")
    assert "WRONGPASS" in wrong.said


def test_a_tracker_may_only_ask_a_sentinel_for_the_primary(group: Group) -> None:
    (sentinel, *_) = group.sentinels
    password = group.passwords["password"]
    asked = ("sentinel", "get-master-addr-by-name", "tracker")
    told = sentinel.ask_as("tracker", password, *asked)
    assert [group.primary.host.ip, "6379"] == told.said.split()
    for words in (
        ("sentinel", "failover", "tracker"),
        ("sentinel", "set", "tracker", "quorum", "1"),
        ("sentinel", "monitor", "evil", "192.0.2.1", "6379", "1"),
        ("sentinel", "config", "get", "*"),
        ("acl", "list"),
        ("shutdown",),
    ):
        assert "NOPERM" in sentinel.ask_as("tracker", password, *words).said


def test_the_user_of_sentinels_has_no_right_beyond_theirs(group: Group) -> None:
    password = group.passwords["sentinel-password"]
    for words in (
        ("get", "a"),
        ("flushall",),
        ("config", "set", "maxmemory", "1"),
        ("config", "get", "requirepass"),
        ("acl", "list"),
        ("publish", "tracker:relay:a", "b"),
    ):
        assert "NOPERM" in group.primary.ask_as("sentinel", password, *words).said
    sentinel = group.sentinels[0]
    for refused in (
        ("sentinel", "failover", "tracker"),
        ("sentinel", "set", "tracker", "quorum", "1"),
        ("acl", "list"),
        ("shutdown",),
    ):
        assert "NOPERM" in sentinel.ask_as("sentinel", password, *refused).said


async def found(group: Group, url: str) -> str:
    """The address of the primary, as a tracker with this URL finds it."""
    with group.replica.host.inside():
        return (await Sentinels(url, 2.0).find()).host


async def test_a_failover_needs_no_other_rights(group: Group) -> None:
    assert group.primary.host.ip == await found(group, group.url)
    group.primary.kill()
    until(lambda: group.replica.role == "master")
    group.primary.start(**group.addresses())
    until(lambda: group.primary.role == "slave")
    until(lambda: all(each.script("sentinel-ready.sh").code == 0 for each in group.sentinels))
    assert group.replica.host.ip == await found(group, group.url)
    admin = group.passwords["admin-password"]
    for node in (group.primary, group.replica):
        assert "" == node.ask_as("admin", admin, "acl", "log").said.strip()


async def test_a_tracker_with_a_wrong_password_finds_no_primary(group: Group) -> None:
    wrong = group.url.replace("sentinel_password=", "sentinel_password=wrong")
    with pytest.raises(Unavailable, match=r"password|No master"):
        await found(group, wrong)
