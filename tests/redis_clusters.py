"""Real Redis Clusters and Sentinel groups on loopback, which end as `redis_servers` do."""

import gc
import signal
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.exceptions import RedisError

from tests.redis_servers import (
    KINDS,
    STOP_TIMEOUT_S,
    Kind,
    RedisServer,
    StartRedis,
    TlsFiles,
    executable,
)
from tests.tools import MORTAL, reserved_port

SLOTS = 16384
NODE_TIMEOUT_MS = 2000
DEADLINE_S = 30.0
POLL_S = 0.02

# Lets the fixture `redis_server` be a cluster as well, in a module's `pytestmark`.
on_all_kinds = pytest.mark.parametrize("_session_redis", [*KINDS, "cluster"], indirect=True)


def until(condition: Callable[[], bool]) -> None:
    """Return once it is so; servers that do not answer yet are asked again."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        with suppress(RedisError, OSError):
            if condition():
                return
        time.sleep(POLL_S)
    raise TimeoutError(f"{condition} did not come true")


def _security(tls: TlsFiles | None, password: str | None) -> tuple[str, ...]:
    """Options with which servers trust each other."""
    options: tuple[str, ...] = ("--masterauth", password) if password else ()
    if tls:
        options += ("--tls-replication", "yes", "--tls-ca-cert-file", str(tls.ca))
    return options


def _url(kind: str, names: str, tls: TlsFiles | None, password: str | None, path: str = "") -> str:
    user = f":{password}@" if password else ""
    query = f"?ssl_ca_certs={tls.ca}" if tls else ""
    return f"{'rediss' if tls else 'redis'}+{kind}://{user}{names}{path}{query}"


class RedisCluster:
    """Primaries with equal shares of the slots, and replicas of each.

    It has what a `RedisServer` has of methods, for all nodes at once.

    Attributes:
        url: of it, by its first two nodes.
        nodes: the primaries of the beginning, then their replicas in the same order.
    """

    def __init__(
        self,
        start: StartRedis,
        *,
        kind: Kind = "debian",
        primaries: int = 3,
        replicas: int = 0,  # of each
        tls: TlsFiles | None = None,
        password: str | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        options += ("--cluster-enabled", "yes", "--repl-diskless-sync-delay", "0")
        options += ("--cluster-node-timeout", str(NODE_TIMEOUT_MS), *_security(tls, password))
        if tls:
            options += ("--tls-cluster", "yes")
        self._password = password
        wishes: dict[str, Any] = {"tls": tls, "password": password, "options": options}
        self._start_one: Callable[[], RedisServer] = lambda: start(kind, node=True, **wishes)
        count = primaries * (1 + replicas)
        self.nodes: list[RedisServer] = [self._start_one() for _ in range(count)]
        heads = self.nodes[:primaries]
        bounds = [SLOTS * number // primaries for number in range(primaries + 1)]
        for number, node in enumerate(heads):
            slots = range(bounds[number], bounds[number + 1])
            self._tell(node, "CLUSTER", "ADDSLOTS", *slots)
            self._tell(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            self._meet(node)
        self.wait_known()
        for number, node in enumerate(self.nodes[primaries:]):
            self._tell(node, "CLUSTER", "REPLICATE", self.id_of(heads[number % primaries]))
        self.wait_ok()
        names = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:2])
        self.url = _url("cluster", names, tls, password)

    def add(self) -> RedisServer:
        """One primary more, without slots."""
        node = self._start_one()
        self.nodes.append(node)
        self._meet(node)
        self.wait_known()
        self.wait_ok()
        return node

    def _meet(self, node: RedisServer) -> None:
        self._tell(node, "CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port)

    @staticmethod
    def _tell(node: RedisServer, *words: Any) -> Any:  # noqa: ANN401
        with node.client() as client:
            return client.execute_command(*words)  # type: ignore[no-untyped-call]

    @contextmanager
    def client(self) -> Iterator[redis.RedisCluster]:
        """A blocking client of the cluster, for what a test wants to see or spoil by itself."""
        url = self.nodes[0].url
        with redis.RedisCluster.from_url(url, socket_timeout=STOP_TIMEOUT_S) as client:
            yield client
        del client
        with warnings.catch_warnings():
            # The library drops the connections of nodes that left the cluster, still open.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()

    def id_of(self, node: RedisServer) -> str:
        """Its name within the cluster."""
        with node.client() as client:
            return str(client.cluster("MYID").decode())

    def owner(self, slot: int) -> RedisServer:
        """The primary that has a slot."""
        ranges = self._ranges(self.nodes[0])
        port = next(port for low, high, port in ranges if low <= slot <= high)
        return next(node for node in self.nodes if node.port == port)

    def _ranges(self, node: RedisServer) -> list[tuple[int, int, int]]:
        """First and last slot, and the port of who has them, as a node knows it."""
        rows = self._tell(node, "CLUSTER", "SLOTS")
        return sorted((low, high, primary[1]) for low, high, primary, *_ in rows)

    def begin_move(self, slot: int, source: RedisServer, target: RedisServer) -> None:
        """Open a slot's way from one primary to another."""
        self._tell(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", self.id_of(source))
        self._tell(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", self.id_of(target))

    def move_keys(self, slot: int, source: RedisServer, target: RedisServer, most: int) -> int:
        """Send some of the slot's keys on their way; returns how many."""
        keys = self._tell(source, "CLUSTER", "GETKEYSINSLOT", slot, most)
        if keys:
            secret = ("AUTH", self._password) if self._password else ()
            address = ("127.0.0.1", target.port, "", 0, 5000)
            self._tell(source, "MIGRATE", *address, *secret, "KEYS", *keys)
        return len(keys)

    def end_move(self, slot: int, source: RedisServer, target: RedisServer) -> None:
        """Let the target have the slot."""
        name = self.id_of(target)
        for node in (target, source):
            self._tell(node, "CLUSTER", "SETSLOT", slot, "NODE", name)

    def move(self, slot: int, source: RedisServer, target: RedisServer) -> None:
        """Move a slot with all its keys, as redis-cli does."""
        self.begin_move(slot, source, target)
        while self.move_keys(slot, source, target, 10):
            pass
        self.end_move(slot, source, target)

    def wait_known(self) -> None:
        """Return when every node knows every other."""
        for node in self.nodes:
            until(partial(self._knows_all, node))

    def wait_ok(self) -> None:
        """Return when every node finds all well, and replicas have what they copy.

        All know the same owners by then: a slot that is moved on before everybody knows that it
        was moved may come to have none.
        """
        for node in self.nodes:
            until(partial(self._well, node))
        until(self._of_one_mind)

    def _knows_all(self, node: RedisServer) -> bool:
        return self._info(node)["cluster_known_nodes"] == str(len(self.nodes))

    def _well(self, node: RedisServer) -> bool:
        with node.client() as client:
            replication = client.info("replication")
        linked = replication["role"] == "master" or replication["master_link_status"] == "up"
        return linked and self._info(node)["cluster_state"] == "ok"

    def _of_one_mind(self) -> bool:
        first, *others = map(self._ranges, self.nodes)
        return all(first == other for other in others)

    def _info(self, node: RedisServer) -> dict[str, str]:
        with node.client() as client:
            info: dict[str, str] = client.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
            return info

    def configure(self, name: str, value: str) -> None:
        """Set a configuration parameter of all nodes."""
        for node in self.nodes:
            node.configure(name, value)

    def start(self) -> None:
        """Start those that were stopped or killed, and return when all is well."""
        for node in self.nodes:
            node.start()
        self.wait_ok()

    def kill(self) -> None:
        """End all at once."""
        for node in self.nodes:
            node.kill()

    def pause(self) -> None:
        """Freeze all."""
        for node in self.nodes:
            node.pause()

    def resume(self) -> None:
        """Let all go on."""
        for node in self.nodes:
            node.resume()

    def renew(self) -> None:
        """Whatever a test did to it: running again, as configured at first, and empty."""
        for node in self.nodes:
            node.start()
            node.resume()
            node.restore()
        self.wait_ok()
        for node in self.nodes:
            with suppress(redis.ReadOnlyError), node.client() as client:
                client.flushall()


class SentinelServer:
    """One Sentinel, which can be killed."""

    def __init__(self, directory: Path, port: int, lines: Sequence[str], program: str) -> None:
        directory.mkdir()
        config = directory / "sentinel.conf"  # it writes there what it learns
        config.write_text("\n".join(lines) + "\n")
        self.port = port
        self._process = subprocess.Popen(
            [*MORTAL, program, str(config), "--sentinel"], stdout=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(STOP_TIMEOUT_S)


class SentinelGroup:
    """A primary with two replicas, and three Sentinels that watch them.

    Attributes:
        url: of it.
        servers: the primary of the beginning first.
    """

    SERVICE = "tracker"

    def __init__(
        self,
        start: StartRedis,
        directory: Path,
        *,
        tls: TlsFiles | None = None,
        password: str | None = None,
        sentinel_password: str | None = None,
    ) -> None:
        options = ("--repl-diskless-sync-delay", "0", *_security(tls, password))
        wishes: dict[str, Any] = {"tcp": True, "tls": tls, "password": password}
        first = start(options=options, **wishes)
        options += ("--replicaof", f"127.0.0.1 {first.port}")
        self.servers = [first, *[start(options=options, **wishes) for _ in range(2)]]
        self._ports = ExitStack()
        ports = [self._ports.enter_context(reserved_port()) for _ in range(3)]
        lines = self._lines(first.port, tls, password, sentinel_password)
        listen = "port 0\ntls-port" if tls else "port"
        program = executable("debian")
        self.sentinels = [
            SentinelServer(directory / str(port), port, [f"{listen} {port}", *lines], program)
            for port in ports
        ]
        scheme = "rediss" if tls else "redis"
        self._sentinel_urls = [
            f"{scheme}://:{sentinel_password or ''}@127.0.0.1:{port}"
            + (f"?ssl_ca_certs={tls.ca}" if tls else "")
            for port in ports
        ]
        names = ",".join(f"127.0.0.1:{port}" for port in ports)
        self.url = _url("sentinel", names, tls, password, f"/{self.SERVICE}")
        if sentinel_password:
            self.url += f"{'&' if tls else '?'}sentinel_password={sentinel_password}"
        for url in self._sentinel_urls:
            until(partial(self._complete, url))

    def _lines(
        self, port: int, tls: TlsFiles | None, password: str | None, own: str | None
    ) -> list[str]:
        watch = f"sentinel {{}} {self.SERVICE}"
        lines = [
            "bind 127.0.0.1",
            f"{watch.format('monitor')} 127.0.0.1 {port} 2",
            f"{watch.format('down-after-milliseconds')} 1500",
            f"{watch.format('failover-timeout')} 5000",
        ]
        if password:
            lines.append(f"{watch.format('auth-pass')} {password}")
        if own:
            lines += [f"requirepass {own}", f"sentinel sentinel-pass {own}"]
        if tls:
            lines += [f"tls-cert-file {tls.cert}", f"tls-key-file {tls.key}"]
            lines += [f"tls-ca-cert-file {tls.ca}", "tls-auth-clients no", "tls-replication yes"]
        return lines

    def _complete(self, url: str) -> bool:
        """Whether a Sentinel knows the other two and the replicas, all up."""
        with redis.Redis.from_url(url, socket_timeout=STOP_TIMEOUT_S) as client:
            state: Any = client.sentinel_master(self.SERVICE)
        known = (state["num-other-sentinels"], state["num-slaves"])
        return known == (2, 2) and not state["is_sdown"]

    def primary(self) -> RedisServer:
        """The one that all Sentinels name."""
        with redis.Redis.from_url(self._sentinel_urls[0]) as client:
            _, port = client.sentinel_get_master_addr_by_name(self.SERVICE)
        return next(server for server in self.servers if server.port == port)

    def end(self) -> None:
        """End the Sentinels; the servers end with their starter."""
        with self._ports:
            for sentinel in self.sentinels:
                sentinel.kill()


@contextmanager
def sentinel_group(start: StartRedis, directory: Path, **wishes: object) -> Iterator[SentinelGroup]:
    """A group whose Sentinels end with the context."""
    group = SentinelGroup(start, directory, **wishes)  # type: ignore[arg-type]
    try:
        yield group
    finally:
        group.end()
