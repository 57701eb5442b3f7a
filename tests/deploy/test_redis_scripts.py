"""The scripts and settings of Redis that containers run, on hosts of their own and a real Redis."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster.hosts import hosts
from tests.deploy.redis_nodes import SCRIPTS, Node, until
from tests.tools import require

SECRETS = {"password": "known-to-trackers", "admin-password": "known-to-nodes"}

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[Node]]:
    """Six, none of them started."""
    require("redis-server")
    (secrets := tmp_path / "secrets").mkdir()
    for name, secret in SECRETS.items():
        (secrets / name).write_text(secret)
    names = [f"redis{number}" for number in range(6)]
    with hosts(*names) as six, ExitStack() as stack:
        made = [Node(host, secrets, tmp_path / name) for host, name in zip(six, names, strict=True)]
        for node in made:
            stack.callback(node.kill)
        yield made


def test_a_single_one_has_the_settings_and_users_that_are_meant(nodes: list[Node]) -> None:
    node = nodes[0]
    node.start("--maxmemory", "64mb")
    admin = {"REDISCLI_AUTH": SECRETS["admin-password"]}
    told = {
        name: node.ask("--user", "admin", "config", "get", name, **admin).said.split()[1:]
        for name in ("maxmemory", "maxmemory-policy", "timeout", "save", "appendonly")
    }
    assert {
        "maxmemory": [str(64 << 20)],
        "maxmemory-policy": ["volatile-lfu"],
        "timeout": ["0"],
        "save": [],
        "appendonly": ["no"],
    } == told
    assert "NOPERM" in node.ask("get", "a").said
    tracker = {"REDISCLI_AUTH": SECRETS["password"]}
    assert "1\n" == node.ask("--user", "tracker", "zadd", "a", "1", "b", **tracker).said
    assert "NOPERM" in node.ask("--user", "tracker", "flushall", **tracker).said
    wrong = {"REDISCLI_AUTH": "guessed"}
    assert "WRONGPASS" in node.ask("--user", "tracker", "zcard", "a", **wrong).said


@pytest.mark.parametrize(
    ("container", "data"), [("1300m", 1000 << 20), ("13gb", 10 << 30), ("13312", 10240)]
)
def test_data_get_a_share_of_the_memory_of_a_container(
    nodes: list[Node], container: str, data: int
) -> None:
    node = nodes[0]
    node.start(MEMORY=container)
    told = node.ask_as("admin", SECRETS["admin-password"], "config", "get", "maxmemory")
    assert ["maxmemory", str(data)] == told.said.split()


def test_six_become_a_cluster_hand_over_and_heal(nodes: list[Node]) -> None:
    flags = ("--include", str(SCRIPTS / "cluster.conf"), "--maxmemory", "64mb")
    for node in nodes:
        node.start(*flags)
    assert 0 != nodes[0].script("ready.sh").code
    known = {"NODES": " ".join(f"{node.host.ip}:6379" for node in nodes)}

    def keep() -> None:
        done = nodes[-1].script("keep.sh", **known)
        assert 0 == done.code, done.said

    def all_ready() -> bool:
        return all(node.script("ready.sh").code == 0 for node in nodes)

    keep()
    until(all_ready)
    assert ["master"] * 3 + ["slave"] * 3 == [node.role for node in nodes]

    first = nodes[0]
    assert 0 == first.script("hand-over.sh").code
    assert "slave" == first.role  # and was never missed
    until(all_ready)

    victim = next(node for node in nodes if node.role == "master")
    victim.kill()
    until(lambda: sum(node.role == "master" for node in nodes if node is not victim) == 3)
    victim.start(*flags)  # with nothing of what it knew
    assert 0 != victim.script("ready.sh").code
    keep()
    until(all_ready)
    assert "slave" == victim.role
    keep()  # changes nothing
    assert all_ready()
