"""A reserved port is kept for the server that it is meant for."""

import socket
from contextlib import closing

import pytest

from tests.tools import reserve, reserved_port
from tracker.frontends.listen import bind_tcp


def test_a_reserved_port_cannot_be_reserved_again_and_refuses_connections() -> None:
    with reserved_port() as port:
        with pytest.raises(OSError, match="in use"):
            reserve(port)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    reserve(port).close()


def test_a_server_may_listen_on_a_reserved_port_again_and_again() -> None:
    with reserved_port() as port:
        for _ in range(2):
            with closing(bind_tcp("127.0.0.1", port)) as server:
                server.listen()
                socket.create_connection(("127.0.0.1", port)).close()
