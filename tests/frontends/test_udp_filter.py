"""The kernel's filter: which datagrams it drops, on real sockets."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tracker.frontends import udp_filter
from tracker.wire.compact import pack_ip

ALL_BUT_NONE = 2**32 - 1  # one of this many datagrams passes


@contextmanager
def receiver(host: str) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        sock.bind((host, 0))
        sock.setblocking(False)
        yield sock


def received(sock: socket.socket, sources: list[str], number: int = 1) -> list[str]:
    """Send from each of the sources; return those whose datagrams arrived."""
    for source in sources:
        with socket.socket(sock.family, socket.SOCK_DGRAM) as sender:
            sender.bind((source, 0))
            for _ in range(number):
                sender.sendto(b"x", sock.getsockname())
    arrived = []
    while True:
        try:
            arrived.append(sock.recvfrom(10)[1][0])
        except BlockingIOError:
            return arrived


@pytest.mark.parametrize("number", [1, 2, 255, 256, 400])
def test_datagrams_of_the_named_addresses_are_dropped(number: int) -> None:
    named = [f"127.1.{index // 200}.{index % 200 + 1}" for index in range(number)]
    others = ["127.0.0.1", "127.2.0.1"]
    with receiver("127.0.0.1") as sock:
        keys = [pack_ip(each) for each in named]
        udp_filter.attach(sock, udp_filter.sampling(keys, None, ALL_BUT_NONE))
        assert others == received(sock, [named[0], others[0], named[-1], others[1]])


def test_a_sample_of_them_passes() -> None:
    with receiver("127.0.0.1") as sock:
        program = udp_filter.sampling([pack_ip("127.1.0.1")], None, 4)
        udp_filter.attach(sock, program)
        passed = len(received(sock, ["127.1.0.1"], 1600))
    assert 250 < passed < 550  # 400 on average; the deviation is 17


def test_a_filter_replaces_the_one_before_and_can_be_removed() -> None:
    with receiver("127.0.0.1") as sock:
        for each in ("127.1.0.1", "127.1.0.2"):
            program = udp_filter.sampling([pack_ip(each)], None, ALL_BUT_NONE)
            udp_filter.attach(sock, program)
        assert ["127.1.0.1"] == received(sock, ["127.1.0.1", "127.1.0.2"])
        udp_filter.detach(sock)
        assert ["127.1.0.2"] == received(sock, ["127.1.0.2"])


@pytest.mark.parametrize("bits", [16, 40, 64, 65, 128])
def test_ipv6_prefixes(bits: int) -> None:
    loopback = pack_ip("::1")
    size = -(-bits // 8)
    beside = bytes((loopback[0] ^ 0x80, *loopback[1:size]))
    with receiver("::1") as sock:
        udp_filter.attach(sock, udp_filter.sampling([beside], bits, ALL_BUT_NONE))
        assert ["::1"] == received(sock, ["::1"])
        keys = [beside, loopback[:size]]
        udp_filter.attach(sock, udp_filter.sampling(keys, bits, ALL_BUT_NONE))
        assert [] == received(sock, ["::1"])


def test_the_kernel_takes_the_longest_program() -> None:
    keys = [index.to_bytes(16, "big") for index in range(400)]
    with receiver("::1") as sock:
        udp_filter.attach(sock, udp_filter.sampling(keys, 128, 16))


def test_a_program_that_is_none_is_refused() -> None:
    with receiver("127.0.0.1") as sock, pytest.raises(OSError, match="Invalid argument"):
        udp_filter.attach(sock, bytes(8))
