"""Ports are bound on all addresses, or an error says that they can't be."""

import errno
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tracker.frontends.listen import Bind, bind_all, bind_tcp, bind_udp

BOTH: list[Bind] = [bind_tcp, bind_udp]


@contextmanager
def bound(host: str, port: int, binds: list[Bind]) -> Iterator[list[list[socket.socket]]]:
    rows = bind_all(host, port, binds)
    try:
        yield rows
    finally:
        for row in rows:
            for sock in row:
                sock.close()


def test_any_port_is_the_same_for_both_protocols_and_families() -> None:
    with bound("", 0, BOTH) as rows:
        names = [[sock.getsockname() for sock in row] for row in rows]
        assert [["0.0.0.0", "::"]] * 2 == [[name[0] for name in row] for row in names]
        assert 1 == len({name[1] for row in names for name in row})
        kinds = [{sock.type for sock in row} for row in rows]
        assert [{socket.SOCK_STREAM}, {socket.SOCK_DGRAM}] == kinds
        assert not any(sock.getblocking() for row in rows for sock in row)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_one_address_is_one_socket(host: str) -> None:
    with bound(host, 0, BOTH) as rows:
        assert [[host], [host]] == [[sock.getsockname()[0] for sock in row] for row in rows]


@pytest.mark.parametrize("bind", BOTH)
def test_a_taken_port_is_an_error_and_leaves_nothing_open(bind: Bind) -> None:
    with closing(bind("127.0.0.1", 0)) as taken:
        if taken.type is socket.SOCK_STREAM:
            taken.listen()
        port: int = taken.getsockname()[1]
        with pytest.raises(OSError, match=r"in use") as refusal:
            bind_all("127.0.0.1", port, BOTH)
        assert errno.EADDRINUSE == refusal.value.errno
        other = bind_udp if bind is bind_tcp else bind_tcp
        other("127.0.0.1", port).close()  # it is free again, or still


def test_an_address_that_is_not_ours_is_an_error() -> None:
    with pytest.raises(OSError, match="assign"):
        bind_all("192.0.2.1", 0, BOTH)
    with pytest.raises(OSError, match=r"."):
        bind_all("no such host", 0, BOTH)


def test_a_number_that_is_free_for_one_only_is_not_taken() -> None:
    tried: list[int] = []

    def taken_twice(host: str, port: int) -> socket.socket:
        tried.append(port)
        if len(tried) < 3:
            raise OSError(errno.EADDRINUSE, "in use")
        return bind_udp(host, port)

    with bound("127.0.0.1", 0, [bind_tcp, taken_twice]) as ((tcp,), (udp,)):
        assert tcp.getsockname() == udp.getsockname()
    assert 3 == len(tried)


def test_a_machine_whose_every_number_is_taken_is_an_error() -> None:
    def taken(host: str, port: int) -> socket.socket:
        raise OSError(errno.EADDRINUSE, "in use")

    with pytest.raises(OSError, match="in use"):
        bind_all("127.0.0.1", 0, [bind_tcp, taken])


def without_ipv6(host: str, port: int) -> socket.socket:
    if ":" in host:
        raise OSError(errno.EAFNOSUPPORT, "no IPv6")
    return bind_tcp(host, port)


def test_a_machine_without_ipv6_is_served_over_ipv4() -> None:
    with bound("", 0, [without_ipv6]) as ((sock,),):
        assert "0.0.0.0" == sock.getsockname()[0]


def test_an_ipv6_address_that_was_asked_for_must_be_there() -> None:
    with pytest.raises(OSError, match="no IPv6"):
        bind_all("::", 0, [without_ipv6])


def test_the_two_families_stand_apart() -> None:
    with bound("::", 0, BOTH) as rows:
        port: int = rows[0][0].getsockname()[1]
        for bind in BOTH:
            bind("0.0.0.0", port).close()
