"""Servers that a tracker cannot use, each with what must be reported about it.

with trouble.arranged(Lab(start_redis, tls_files, tmp_path)) as url:
    ...  # trouble.text and trouble.hint are in the report
"""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme
from redis import Redis

from tests.redis_clusters import SentinelServer, until
from tests.redis_servers import RedisServer, StartRedis, TlsFiles, executable
from tests.tools import reserved_port

CLUSTER = ("--cluster-enabled", "yes")


class Lab(NamedTuple):
    """What servers are made of."""

    start: StartRedis
    tls: TlsFiles
    directory: Path


class Trouble(NamedTuple):
    """One kind of trouble."""

    name: str
    text: str  # a part of the reason
    hint: str  # a part of it; empty where there is none
    arranged: Callable[[Lab], AbstractContextManager[str]]  # yields a URL


KINDS: list[Trouble] = []


def kind(
    text: str, hint: str = ""
) -> Callable[[Callable[[Lab], Iterator[str]]], Callable[[Lab], Iterator[str]]]:
    """Add a kind of trouble to `KINDS`: a generator that yields a URL."""

    def add(arrange: Callable[[Lab], Iterator[str]]) -> Callable[[Lab], Iterator[str]]:
        KINDS.append(Trouble(arrange.__name__, text, hint, contextmanager(arrange)))
        return arrange

    return add


def named(*names: str) -> list[Trouble]:
    """Some of the kinds, in that order."""
    found = {each.name: each for each in KINDS}
    return [found[name] for name in names]


def each_of(kinds: list[Trouble]) -> pytest.MarkDecorator:
    """Parametrize a test with `trouble`."""
    return pytest.mark.parametrize("trouble", kinds, ids=lambda each: each.name)


@contextmanager
def answering(reply: bytes | None) -> Iterator[int]:
    """The port of a server that answers whatever it reads so; None: it closes at once."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                while reply is not None and self.request.recv(65_536):
                    self.request.sendall(reply)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def url_of(server: RedisServer, scheme: str = "redis", user: str = "", query: str = "") -> str:
    """Another URL of a server that listens on TCP."""
    return f"{scheme}://{user}127.0.0.1:{server.port}{query}"


# -- the way to the server -----------------------------------------------------------------------


@kind("connection refused", "check that Redis runs")
def refused(lab: Lab) -> Iterator[str]:
    with reserved_port() as port:
        yield f"redis://127.0.0.1:{port}"


@kind("host name", "")
def unknown_name(lab: Lab) -> Iterator[str]:
    yield "redis://no-such-host.invalid:6379"


@kind("no such file or directory", "the path of the socket")
def missing_socket(lab: Lab) -> Iterator[str]:
    yield f"unix://{lab.directory}/redis.sock"


@kind("no answer in time")
def frozen(lab: Lab) -> Iterator[str]:
    server = lab.start(tcp=True)
    server.pause()
    yield server.url


@kind("not Redis's protocol", "check that Redis listens")
def another_protocol(lab: Lab) -> Iterator[str]:
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        yield f"redis://127.0.0.1:{port}"


@kind("closed the connection", "rediss://")
def closing(lab: Lab) -> Iterator[str]:
    with answering(None) as port:
        yield f"redis://127.0.0.1:{port}"


# -- TLS -----------------------------------------------------------------------------------------


@kind("closed the connection", "write rediss://")
def plain_to_tls(lab: Lab) -> Iterator[str]:
    yield url_of(lab.start(tls=lab.tls))


@kind("no answer in time", "write redis://")
def tls_to_plain(lab: Lab) -> Iterator[str]:
    yield url_of(lab.start(tcp=True), "rediss")


@kind("the TLS handshake failed", "write redis://")
def tls_to_another_protocol(lab: Lab) -> Iterator[str]:
    with answering(b"-ERR Protocol error\r\n") as port:
        yield f"rediss://127.0.0.1:{port}"


@kind("certificate is not trusted", "ssl_ca_certs")
def unknown_authority(lab: Lab) -> Iterator[str]:
    trustme.CA().cert_pem.write_to_path(other := lab.directory / "other.pem")
    yield url_of(lab.start(tls=lab.tls), "rediss", query=f"?ssl_ca_certs={other}")


@kind("not trusted: IP address mismatch", "that the certificate has")
def another_name(lab: Lab) -> Iterator[str]:
    server = lab.start(tls=lab.tls, options=("--bind", "127.0.0.2 127.0.0.1"))
    yield server.url.replace("127.0.0.1", "127.0.0.2")


@kind("certificate files of the Redis URL: no such file", "check ssl_ca_certs")
def missing_authority(lab: Lab) -> Iterator[str]:
    yield "rediss://127.0.0.1:1?ssl_ca_certs=/nowhere/ca.pem"


@kind("certificate required", "ssl_certfile")
def no_client_certificate(lab: Lab) -> Iterator[str]:
    server = lab.start(tls=lab.tls)
    with server.client() as client:
        client.config_set("tls-ca-cert-file", str(lab.tls.ca))
        client.config_set("tls-auth-clients", "yes")
    yield server.url


# -- what the server answers ---------------------------------------------------------------------


@kind("WRONGPASS", "the password in the Redis URL")
def wrong_password(lab: Lab) -> Iterator[str]:
    yield url_of(lab.start(tcp=True, password="right"), user=":secret@")


@kind("NOAUTH", "the password in the Redis URL")
def no_password(lab: Lab) -> Iterator[str]:
    yield url_of(lab.start(tcp=True, password="right"))


@kind("ERR DB index is out of range")
def no_database(lab: Lab) -> Iterator[str]:
    yield url_of(lab.start(tcp=True), query="/99")


@kind("max number of clients reached")
def no_room_for_clients(lab: Lab) -> Iterator[str]:
    server = lab.start(tcp=True)
    with server.client() as client:
        client.config_set("maxclients", 1)
        yield server.url


@kind("LOADING Redis is loading", "wait")
def loading(lab: Lab) -> Iterator[str]:
    with answering(b"-LOADING Redis is loading the dataset in memory\r\n") as port:
        yield f"redis://127.0.0.1:{port}"


@kind("it is a replica", "the address of the primary")
def replica(lab: Lab) -> Iterator[str]:
    yield lab.start(tcp=True, options=("--replicaof", "127.0.0.1 1")).url


# -- Sentinel ------------------------------------------------------------------------------------


@contextmanager
def sentinel(lab: Lab, *lines: str) -> Iterator[int]:
    """The port of a Sentinel that answers."""
    with reserved_port() as port:
        server = SentinelServer(
            lab.directory / f"sentinel-{port}",
            port,
            [f"port {port}", "bind 127.0.0.1", *lines],
            executable("debian"),
        )
        try:
            with Redis(port=port) as client:
                until(client.ping)
            yield port
        finally:
            server.kill()


@kind("no Sentinel can be asked: connection refused", "check that Redis runs")
def no_sentinel(lab: Lab) -> Iterator[str]:
    with reserved_port() as one, reserved_port() as other:
        yield f"redis+sentinel://127.0.0.1:{one},127.0.0.1:{other}/main"


@kind("Sentinel knows no primary named other", "the name")
def unknown_service(lab: Lab) -> Iterator[str]:
    with sentinel(lab) as port, reserved_port() as closed:
        yield f"redis+sentinel://127.0.0.1:{closed},127.0.0.1:{port}/other"


@kind("Sentinel finds the primary 127.0.0.1:1 down")
def no_primary(lab: Lab) -> Iterator[str]:
    lines = ("sentinel monitor main 127.0.0.1 1 1", "sentinel down-after-milliseconds main 1")
    with sentinel(lab, *lines) as port:
        with Redis(port=port) as client:
            until(lambda: bool(client.sentinel_master("main")["is_sdown"]))
        yield f"redis+sentinel://127.0.0.1:{port}/main"


@kind("it is a Sentinel", "redis+sentinel://")
def sentinel_as_server(lab: Lab) -> Iterator[str]:
    with sentinel(lab) as port:
        yield f"redis://127.0.0.1:{port}"


# -- Redis Cluster -------------------------------------------------------------------------------


@kind("no node shows the slots: connection refused", "check that Redis runs")
def no_node(lab: Lab) -> Iterator[str]:
    with reserved_port() as one, reserved_port() as other:
        yield f"redis+cluster://127.0.0.1:{one},127.0.0.1:{other}"


@kind("no node shows the slots: wrong user or password (WRONGPASS)", "the password")
def wrong_password_of_a_node(lab: Lab) -> Iterator[str]:
    node = lab.start(node=True, password="right", options=CLUSTER)
    yield url_of(node, "redis+cluster", user=":secret@")


@kind("not a node of a Redis Cluster", "write redis://")
def server_as_node(lab: Lab) -> Iterator[str]:
    yield url_of(lab.start(tcp=True), "redis+cluster")


@kind("a node of a Redis Cluster", "write redis+cluster://")
def node_as_server(lab: Lab) -> Iterator[str]:
    yield lab.start(node=True, options=CLUSTER).url


@kind("no node has any slots", "create the cluster")
def no_slots(lab: Lab) -> Iterator[str]:
    yield url_of(lab.start(node=True, options=CLUSTER), "redis+cluster")


@kind("16382 of 16384 slots have no primary")
def few_slots(lab: Lab) -> Iterator[str]:
    node = lab.start(node=True, options=CLUSTER)
    with node.client() as client:
        client.execute_command("CLUSTER", "ADDSLOTS", 1, 3)  # type: ignore[no-untyped-call]
    yield url_of(node, "redis+cluster")
