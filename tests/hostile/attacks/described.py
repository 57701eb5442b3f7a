"""Attacks as values: who sends what, from where and how fast."""

from collections.abc import Iterable

from tests.hostile.addresses import addresses
from tests.hostile.arena import ATTACK_S, Attack
from tests.hostile.attacks import datagrams, streams
from tests.hostile.attacks import encrypted as encrypted_streams


def tcp(
    port: int,
    *,
    network: int,
    programs: Iterable[tuple[bytes, bytes]],
    hosts: int = 1,
    sockets: int = 1,
    per_second: float = 1_500_000,
    **more: object,
) -> Attack:
    """Sockets from `hosts` addresses that send one of the `programs`; as of `streams.run`."""
    return Attack(
        streams.run,
        {
            "to": ("127.0.0.1", port),
            "sources": addresses(network, hosts),
            "sockets": sockets,
            "seconds": ATTACK_S,
            "per_second": per_second,
            "programs": [
                (prefix.decode("latin-1"), unit.decode("latin-1")) for prefix, unit in programs
            ],
            **more,
        },
    )


def encrypted(port: int, *, network: int, hosts: int, sockets: int, data: bytes) -> Attack:
    """TLS connections from `hosts` addresses; as of `encrypted.run`."""
    return Attack(
        encrypted_streams.run,
        {
            "to": ("127.0.0.1", port),
            "sources": addresses(network, hosts),
            "sockets": sockets,
            "seconds": ATTACK_S,
            "data": data.decode("latin-1"),
        },
    )


def udp(
    port: int, *, network: int, packet: bytes, per_second: float, hosts: int = 1, **more: object
) -> Attack:
    """Datagrams from `hosts` addresses that have proven themselves; as of `datagrams.run`."""
    return Attack(
        datagrams.run,
        {
            "port": port,
            "sources": addresses(network, hosts),
            "seconds": ATTACK_S,
            "per_second": per_second,
            "packet": packet.decode("latin-1"),
            **more,
        },
    )


def spoofed(
    port: int, *, network: int, packet: bytes, per_second: float, hosts: int, **more: object
) -> Attack:
    """Datagrams from forged addresses; as of `datagrams.spoof`."""
    attack = udp(port, network=network, packet=packet, per_second=per_second, hosts=hosts, **more)
    return attack._replace(function=datagrams.spoof)
