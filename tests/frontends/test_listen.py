"""Ports are bound on all addresses, or an error says that they can't be."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.tools import reserved_port
from tracker.frontends.listen import (
    Bind,
    Listeners,
    bind_all,
    bind_tcp,
    bind_udp,
    inherited,
    open_ports,
)
from tracker.settings import ListenSettings

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


# For processes


@contextmanager
def opened(**settings: object) -> Iterator[list[Listeners[socket.socket]]]:
    shares = open_ports(ListenSettings.model_validate({"port": 0, **settings}))
    try:
        yield shares
    finally:
        for share in shares:
            for sock in share.all():
                sock.close()


def test_protocols_of_one_number_share_its_tcp_sockets() -> None:
    with opened() as (listeners,):
        assert {"http", "ws", "udp"} == listeners.ports.keys()
        ((names, tcp),) = listeners.tcp
        assert ["http", "ws"] == names
        assert [2, 2] == [len(tcp), len(listeners.udp)]
        assert {sock.getsockname()[1] for sock in listeners.all()} == {*listeners.ports.values()}


def test_protocols_of_other_numbers_have_sockets_of_their_own() -> None:
    with (
        reserved_port() as other,
        opened(host="127.0.0.1", ws_port=other, only={"http", "ws"}) as (one,),
    ):
        assert [["http"], ["ws"]] == [names for names, _ in one.tcp]
        assert other == one.ports["ws"] != one.ports["http"]
        assert [] == one.udp


@pytest.mark.parametrize("only", [{"http", "ws", "udp"}, {"udp"}, {"http"}])
def test_each_process_has_sockets_of_its_own_on_the_same_ports(only: set[str]) -> None:
    with opened(processes=3, only=only) as shares:
        assert 3 == len(shares)
        assert 1 == len({tuple(share.ports.items()) for share in shares})
        sockets = [sock for share in shares for sock in share.all()]
        assert len({sock.fileno() for sock in sockets}) == len(sockets)
        addresses = [[sock.getsockname() for sock in share.all()] for share in shares]
        assert addresses[0] == addresses[1] == addresses[2]


def test_all_processes_get_connections_even_before_they_accept() -> None:
    with opened(processes=3, host="127.0.0.1", only={"http"}) as shares:
        sockets = [share.all()[0] for share in shares]
        clients = [socket.create_connection(sockets[0].getsockname()) for _ in range(60)]
        for client in clients:
            client.close()
        accepted = [len(list(waiting(sock))) for sock in sockets]
        assert 60 == sum(accepted)
        assert min(accepted) > 0


def waiting(listener: socket.socket) -> Iterator[None]:
    """Once for each connection in its queue."""
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return
        yield


def test_a_client_stays_with_the_same_udp_socket() -> None:
    with (
        opened(processes=3, host="127.0.0.1", only={"udp"}) as shares,
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as client,
    ):
        sockets = [share.udp[0] for share in shares]
        for _ in range(10):
            client.sendto(b"x", sockets[0].getsockname())
        assert [0, 0, 10] == sorted(len(list(datagrams(sock))) for sock in sockets)


def datagrams(sock: socket.socket) -> Iterator[bytes]:
    """Those in its queue."""
    while True:
        try:
            yield sock.recv(9)
        except BlockingIOError:
            return


@pytest.mark.parametrize("only", [{"http"}, {"udp"}])
def test_processes_do_not_join_those_of_another_tracker(only: set[str]) -> None:
    with (
        opened(processes=2, only=only) as (one, _),
        pytest.raises(OSError, match="in use"),
        opened(processes=2, only=only, port=next(iter(one.ports.values()))),
    ):
        pass


def test_a_port_that_is_taken_leaves_no_other_open() -> None:
    with closing(bind_udp("127.0.0.1", 0)) as taken:
        port, files = taken.getsockname()[1], os.listdir("/proc/self/fd")
        with (
            pytest.raises(OSError, match="in use"),
            opened(host="127.0.0.1", udp_port=port, only={"http", "udp"}),
        ):
            pass
        assert files == os.listdir("/proc/self/fd")


def test_sockets_can_be_handed_on_by_their_descriptors() -> None:
    with opened(host="127.0.0.1") as (listeners,):
        descriptors = listeners.map(lambda sock: os.dup(sock.fileno()))
        heirs = descriptors.map(inherited)
        assert listeners.ports is heirs.ports
        for sock, heir in zip(listeners.all(), heirs.all(), strict=True):
            assert (sock.getsockname(), sock.type) == (heir.getsockname(), heir.type)
            assert not heir.getblocking()
            heir.close()
