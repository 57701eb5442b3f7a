"""A real coturn, started by the script that deployments use, and a client that reads its errors.

with running_turn_server(SECRET) as port, TurnClient("127.0.0.1", port) as client:
    assert 401 == client.allocate("nobody", "guessed")
"""

import os
import secrets
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import md5
from hmac import digest
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from tests.shape.files import ROOT
from tests.tools import MORTAL, require, reserved_port

STARTED_WITHIN_S = 20.0
START = ROOT / "deploy/turn/start.sh"
# What coturn refuses of machines on the internet, and tests need: relays of loopback to loopback.
ON_LOOPBACK = (
    "--listening-ip=127.0.0.1",
    "--relay-ip=127.0.0.1",
    "--relay-ip=::1",
    "--allow-loopback-peers",
    "--allowed-peer-ip=127.0.0.1",
)


@contextmanager
def running_turn_server(secret: str, **environment: str) -> Iterator[int]:
    """Run coturn on loopback; yields its port.

    Args:
        secret: shared with the tracker.
        environment: of `deploy/turn/start.sh`.

    Raises:
        AssertionError: it did not start; the message holds its log.
    """
    require("turnserver")
    with (
        tempfile.TemporaryDirectory(prefix="turn") as directory,
        reserved_port(socket.SOCK_DGRAM) as port,
        tempfile.TemporaryFile("w+") as log,
    ):
        file = Path(directory) / "secret"
        file.write_text(secret)
        settings = {
            "SECRET": str(file),
            "TURN_PORT": str(port),
            "DIRECTORY": directory,
            **environment,
        }
        process = subprocess.Popen(
            [*MORTAL, "sh", str(START), *ON_LOOPBACK],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            with TurnClient("127.0.0.1", port) as client:
                if not client.answered_within(STARTED_WITHIN_S):
                    log.seek(0)
                    raise AssertionError(f"coturn does not answer\n{log.read()}")
            yield port
        finally:
            process.kill()
            process.wait()


MAGIC = 0x2112A442
COOKIE = MAGIC.to_bytes(4, "big")
BINDING, ALLOCATE, CREATE_PERMISSION = 0x001, 0x003, 0x008
ERROR = 0x0110  # the class of an error response
USERNAME, INTEGRITY, ERROR_CODE, PEER = 0x0006, 0x0008, 0x0009, 0x0012
REALM, NONCE, FAMILY, TRANSPORT = 0x0014, 0x0015, 0x0017, 0x0019
UDP = bytes((17, 0, 0, 0))
FAMILIES = {4: 1, 6: 2}  # by version of IP
RESEND_S = 0.5


class TurnClient:
    """A client of TURN over UDP (RFC 8656): one socket, so at most one allocation."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((host, port))
        self._key: bytes | None = None
        self._session: dict[int, bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def answered_within(self, seconds: float) -> bool:
        """Return whether the server answers a STUN request."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            with suppress(ConnectionRefusedError, TimeoutError):
                self._ask(BINDING, {}, seconds=RESEND_S)
                return True
            time.sleep(0.02)  # the port is closed, which a socket reports at once
        return False

    def allocate(self, username: str, password: str, version: int = 4) -> int:
        """Ask for a relay with an address of that version of IP; returns the error, or 0."""
        wanted = {TRANSPORT: UDP, FAMILY: bytes((FAMILIES[version], 0, 0, 0))}
        code, found = self._ask(ALLOCATE, wanted)
        assert 401 == code, "a server gives out relays without a credential"
        realm, nonce = found[REALM], found[NONCE]
        identity = b":".join((username.encode(), realm, password.encode()))
        self._key = md5(identity, usedforsecurity=False).digest()
        self._session = {USERNAME: username.encode(), REALM: realm, NONCE: nonce}
        return self._ask(ALLOCATE, wanted)[0]

    def permit(self, peer: str) -> int:
        """Ask to relay to and from a peer; returns the code of the error, or 0."""
        ip, transaction = ip_address(peer), secrets.token_bytes(12)
        mask = (COOKIE + transaction)[: len(ip.packed)]
        masked = bytes(one ^ other for one, other in zip(ip.packed, mask, strict=True))
        address = struct.pack("!HH", FAMILIES[ip.version], 9 ^ (MAGIC >> 16)) + masked
        return self._ask(CREATE_PERMISSION, {PEER: address}, transaction)[0]

    def _ask(
        self,
        method: int,
        attributes: dict[int, bytes],
        transaction: bytes | None = None,
        seconds: float = 10.0,
    ) -> tuple[int, dict[int, bytes]]:
        """Send a request until it is answered; returns the code of an error, and attributes."""
        transaction = transaction or secrets.token_bytes(12)
        request = self._encode(method, transaction, {**attributes, **self._session})
        self._socket.settimeout(RESEND_S)
        end_s = time.monotonic() + seconds
        while True:
            self._socket.send(request)
            try:
                response = self._socket.recv(2048)
                while response[8:20] != transaction:
                    response = self._socket.recv(2048)
                break
            except TimeoutError:
                if time.monotonic() >= end_s:
                    raise
        found = dict(_attributes(response[20:]))
        if int.from_bytes(response[:2], "big") & ERROR != ERROR:
            return 0, found
        return found[ERROR_CODE][2] * 100 + found[ERROR_CODE][3], found

    def _encode(self, method: int, transaction: bytes, attributes: dict[int, bytes]) -> bytes:
        body = b"".join(
            struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
            for kind, value in attributes.items()
        )
        size = len(body) + (24 if self._key else 0)
        message = struct.pack("!HHI", method, size, MAGIC) + transaction + body
        if self._key is None:
            return message
        return message + struct.pack("!HH", INTEGRITY, 20) + digest(self._key, message, "sha1")


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        kind, size = struct.unpack_from("!HH", data)
        yield kind, data[4 : 4 + size]
        data = data[4 + size + -size % 4 :]
