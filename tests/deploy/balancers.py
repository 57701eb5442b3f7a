"""The load balancers' shipped settings on hosts of their own: haproxy, and Docker's DNS.

Everything is as in a container, except that haproxy shares a network namespace with a small
DNS server at Docker's address, 127.0.0.11.
"""

import os
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from tests.cluster.hosts import Host
from tests.shape.files import ROOT
from tests.tools import MORTAL, require

SETTINGS = ROOT / "deploy/balancer"
DOCKER_DNS = ("127.0.0.11", 53)
STATS = ("127.0.0.1", 9999)
A, IN = 1, 1
WITHIN_S = 15.0
POLL_S = 0.05


@contextmanager
def names(at: Host, table: Mapping[str, list[str]]) -> Iterator[None]:
    """A DNS server that knows the IPv4 addresses of some names, and refuses no question."""
    with at.inside():
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(DOCKER_DNS)

    def serve() -> None:
        while True:
            question, client = server.recvfrom(4096)
            if not question:
                return
            server.sendto(answer(question, table), client)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        with at.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", DOCKER_DNS)
        thread.join()
        server.close()


def answer(question: bytes, table: Mapping[str, list[str]]) -> bytes:
    """The reply to one question (RFC 1035, section 4)."""
    labels, at = [], 12
    while size := question[at]:
        labels.append(question[at + 1 : at + 1 + size].decode())
        at += 1 + size
    kind, _ = struct.unpack_from("!HH", question, at + 1)
    found = table.get(".".join(labels), []) if kind == A else []
    header = question[:2] + struct.pack("!HHHHH", 0x8180, 1, len(found), 0, 0)
    records = b"".join(
        struct.pack("!HHHIH", 0xC00C, A, IN, 1, 4) + socket.inet_aton(ip) for ip in found
    )
    return header + question[12 : at + 5] + records


@contextmanager
def haproxy(at: Host, settings: str, **environment: str) -> Iterator[None]:
    """Run haproxy with one of the shipped files; it has its sockets meanwhile."""
    command = [require("haproxy"), "-W", "-db", "-f", str(SETTINGS / settings)]
    with _process(at, command, environment):
        until(lambda: "show table" in stats(at, "help"))
        yield


@contextmanager
def _process(at: Host, command: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    with at.inside():
        process = subprocess.Popen(
            [*MORTAL, *command], env={"PATH": os.environ["PATH"], **environment}
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def stats(at: Host, command: str) -> str:
    """Return the output of haproxy's stats socket; empty while it does not listen."""
    with at.inside():
        try:
            connection = socket.create_connection(STATS, 2)
        except ConnectionRefusedError:
            return ""
    with connection, connection.makefile("r") as reply:
        connection.sendall(command.encode() + b"\n")
        return reply.read()


def listens(at: Host, port: int) -> bool:
    """Whether a TCP port accepts connections."""
    with at.inside(), socket.socket() as probe:
        return probe.connect_ex((at.ip, port)) == 0


def until(condition: Callable[[], bool]) -> None:
    """Return once it holds."""
    end_s = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(POLL_S)
