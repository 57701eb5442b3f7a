"""UDP attackers: prepared datagrams from many sockets, at a bounded rate."""

import itertools
import os
import socket
import time
from contextlib import suppress

from tests.hostile.child import begun, report
from tracker.wire import udp
from tracker.wire.compact import pack_ip
from tracker.wire.connection_id import ConnectionIds

TICK_S = 0.005
CONNECT_S = 0.5
MOST_CONNECTS = 10
IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)  # Linux's number, which Python 3.11 does not name
CONNECTION_LIFETIME_S = 120  # the default of udp.connection_lifetime
CONNECT = udp.encode_connect_request(b"hstl")


def run(
    *,
    port: int,
    sources: list[str],
    seconds: float,
    per_second: float,
    packet: str,
    proven: bool = True,
    random_hash: bool = False,
    ports: bool = False,
) -> None:
    """Send one packet again and again, then report how many.

    Args:
        port: of the tracker.
        sources: local addresses, one socket each.
        seconds: the time of the attack.
        per_second: datagrams, of all sockets together.
        packet: in Latin-1; its first 8 bytes become the connection id if `proven`.
        proven: get a connection id for each address first.
        random_hash: a new info_hash in each packet.
        ports: another port in each packet.
    """
    raw = packet.encode("latin-1")
    pairs = [_socket(source, port, raw, proven=proven) for source in sources]
    begun()
    turns = itertools.cycle(pairs)
    start_s = time.monotonic()
    sent, numbers = 0, itertools.count(1)
    while (now_s := time.monotonic()) < start_s + seconds:
        for _ in range(int((now_s - start_s) * per_second) - sent):
            sock, data = next(turns)
            if random_hash:
                data = data[:16] + os.urandom(20) + data[36:]
            if ports:
                data = data[:96] + (next(numbers) % 65535 + 1).to_bytes(2, "big") + data[98:]
            with suppress(OSError):
                sock.send(data)
            sent += 1
            if sent % 256 == 0 and time.monotonic() >= start_s + seconds:
                break
        time.sleep(max(0.0, now_s + TICK_S - time.monotonic()))
    for sock, _ in pairs:
        sock.close()
    report({"sent": sent})


def spoof(
    *,
    port: int,
    sources: list[str],
    seconds: float,
    per_second: float,
    packet: str,
    secret: str | None = None,
) -> None:
    """Send one packet from another of these addresses each time, then report how many.

    One socket sends them all, as a forger does.

    Args:
        port: of the tracker.
        sources: forged addresses.
        seconds: the time of the attack.
        per_second: datagrams.
        packet: in Latin-1.
        secret: with the tracker's secret, the packets have the connection ids that these addresses
            would get, and a new info_hash each: the attack of a botnet from one computer.
    """
    data = packet.encode("latin-1")
    ids = None if secret is None else ConnectionIds([secret.encode()], CONNECTION_LIFETIME_S)
    packets = [
        (
            data if ids is None else ids.mint(pack_ip(source), int(time.time())) + data[8:],
            [(socket.IPPROTO_IP, IP_PKTINFO, bytes(4) + socket.inet_aton(source) + bytes(4))],
        )
        for source in sources
    ]
    turns = itertools.cycle(packets)
    sent = 0
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        begun()
        start_s = time.monotonic()
        while (now_s := time.monotonic()) < start_s + seconds:
            for _ in range(int((now_s - start_s) * per_second) - sent):
                datagram, origin = next(turns)
                if ids is not None:
                    datagram = datagram[:16] + os.urandom(20) + datagram[36:]
                with suppress(OSError):
                    sock.sendmsg((datagram,), origin, 0, ("127.0.0.1", port))
                sent += 1
            time.sleep(max(0.0, now_s + TICK_S - time.monotonic()))
    report({"sent": sent})


def _socket(source: str, port: int, packet: bytes, *, proven: bool) -> tuple[socket.socket, bytes]:
    sock = socket.socket(type=socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # answers are of no interest
    sock.bind((source, 0))
    sock.connect(("127.0.0.1", port))
    if proven:
        packet = _prove(sock) + packet[8:]
    sock.setblocking(False)
    return sock, packet


def _prove(sock: socket.socket) -> bytes:
    """Return a connection id; requests and answers may be lost in other floods."""
    sock.settimeout(CONNECT_S)
    for _ in range(MOST_CONNECTS):
        sock.send(CONNECT)
        with suppress(TimeoutError):
            return sock.recv(64)[8:16]
    raise TimeoutError("the tracker does not answer a connect")
