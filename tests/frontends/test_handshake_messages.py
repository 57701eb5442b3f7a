"""TLS handshake messages after the handshake, such as key updates, are bounded."""

import asyncio
import os
import socket
import ssl
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tests.frontends.clients import announced
from tests.nodes import RunningNode, TcpPeer, running_node, until
from tests.redis_servers import RedisServer, TlsFiles
from tracker.frontends.handshake_messages import MOST, PER_UNIT
from tracker.frontends.tls_acceptor import TlsAcceptor

KEY_UPDATE = b"\x18\0\0\x01\0" + b"\x16"  # no update requested in return; type handshake
REQUEST = b"GET /announce HTTP/1.1\r\nHost: a\r\n\r\n" + b"\x17"  # type application data
HASH = hashes.SHA384()  # of TLS_AES_256_GCM_SHA384


def expanded(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label: RFC 8446, section 7.1."""
    label = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
    return HKDFExpand(HASH, size, info).derive(secret)


def record(secret: bytes, content: bytes) -> bytes:
    """Return the first record that a client encrypts with the keys of a secret."""
    head = b"\x17\x03\x03" + (len(content) + 16).to_bytes(2, "big")
    cipher = AESGCM(expanded(secret, b"key", 32))
    return head + cipher.encrypt(expanded(secret, b"iv", 12), content, head)


def key_updates(secret: bytes, count: int) -> bytes:
    """Return records each of which changes the keys of the client, and a request."""
    records = []
    for _ in range(count):
        records.append(record(secret, KEY_UPDATE))
        secret = expanded(secret, b"traffic upd", 48)
    return b"".join((*records, record(secret, REQUEST)))


def client_secret(keys: Path) -> bytes:
    """Read the secret of the client's data from a log of keys."""
    lines = [line.split() for line in keys.read_text().splitlines()]
    return next(bytes.fromhex(line[2]) for line in lines if "CLIENT_TRAFFIC_SECRET_0" == line[0])


def acceptors(tracker: RunningNode) -> list[TlsAcceptor]:
    return [each for each in tracker.node.tcp._acceptors if isinstance(each, TlsAcceptor)]


async def updating(tracker: RunningNode, files: TlsFiles, keys: Path, count: int) -> TcpPeer:
    """Connect, send that many key updates and a request; the peer can send nothing more."""
    context = ssl.create_default_context(cafile=files.ca)
    context.keylog_filename = str(keys)
    peer = await tracker.tcp(ssl=context)
    assert "TLS_AES_256_GCM_SHA384" == peer.writer.get_extra_info("cipher")[0]
    await until(lambda: not any(each.places for each in acceptors(tracker)))
    raw = socket.socket(fileno=os.dup(peer.writer.get_extra_info("socket").fileno()))
    with raw:
        records = key_updates(client_secret(keys), count)
        await asyncio.get_running_loop().sock_sendall(raw, records)
    return peer


async def test_a_flood_of_key_updates_is_cut_and_charged_to_the_address(
    redis: RedisServer, tls_files: TlsFiles, tmp_path: Path
) -> None:
    tls = {"cert": tls_files.cert, "key": tls_files.key}
    limits = {"work_burst": 100, "work_per_second": 0.01}
    async with running_node(redis.url, tls=tls, limits=limits) as tracker:
        await updating(tracker, tls_files, tmp_path / "keys", 100 * PER_UNIT)
        await until(lambda: tracker.connections == 0)
        assert {("tcp", "handshake_messages"): 1} == tracker.closed
        (await tracker.tcp()).writer.close()
        await until(lambda: tracker.closed["tcp", "work"] == 1)
        trust = ssl.create_default_context(cafile=tls_files.ca)
        await announced(await tracker.tcp(ssl=trust, local="127.0.0.2"))


async def test_a_few_key_updates_are_allowed(
    redis: RedisServer, tls_files: TlsFiles, tmp_path: Path
) -> None:
    tls = {"cert": tls_files.cert, "key": tls_files.key}
    async with running_node(redis.url, tls=tls) as tracker:
        peer = await updating(tracker, tls_files, tmp_path / "keys", MOST - 10)
        assert 200 == (await peer.reply()).status
        await peer.close()
        await until(lambda: tracker.connections == 0)
        assert {} == tracker.closed
