"""The scripts and settings of Redis that containers run, on hosts of their own and a real Redis."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cluster.hosts import Host, hosts
from tests.shape.files import ROOT
from tests.tools import MORTAL, require

SCRIPTS = ROOT / "deploy/redis"
SECRETS = {"password": "known-to-trackers", "admin-password": "known-to-nodes"}
WITHIN_S = 20.0
POLL_S = 0.1
LIMIT_S = 60.0

pytestmark = pytest.mark.timeout(120)


class Done(NamedTuple):
    """What a command printed, and how it ended."""

    code: int
    said: str


class Node:
    """A Redis on a host of its own, started as in a container."""

    def __init__(self, host: Host, secrets: Path, home: Path) -> None:
        self.host, self._secrets, self._home = host, secrets, home
        self._lives = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *args: str) -> None:
        """Start it with an empty directory."""
        self._lives += 1
        (self._home / str(self._lives)).mkdir(parents=True)
        with self.host.inside():
            self._process = subprocess.Popen(
                [*MORTAL, "sh", SCRIPTS / "start.sh", *args],
                env=self._environment(),
                stdout=subprocess.DEVNULL,
            )
        until(lambda: self.ask("ping").said == "PONG\n")

    def kill(self) -> None:
        """End it as a node does that is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def ask(self, *words: str, **password: str) -> Done:
        """A command by redis-cli, on its own host."""
        return self._run([require("redis-cli"), "-e", *words], password)

    def script(self, name: str, **environment: str) -> Done:
        """Run one of the scripts on its host."""
        return self._run(["sh", SCRIPTS / name], environment)

    @property
    def role(self) -> str:
        """``master`` or ``slave``."""
        return self.ask("role").said.partition("\n")[0]

    def _run(self, command: list[str | Path], environment: Mapping[str, str]) -> Done:
        with self.host.inside():
            done = subprocess.run(
                command,
                env={**self._environment(), **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=LIMIT_S,
                check=False,
            )
        return Done(done.returncode, done.stdout)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "SECRETS": str(self._secrets),
            "DATA": str(self._home / str(self._lives)),
            "POD_IP": self.host.ip,
        }


def until(condition: Callable[[], bool]) -> None:
    """Return once it holds."""
    end_s = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(POLL_S)


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
        "maxmemory-policy": ["noeviction"],
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
