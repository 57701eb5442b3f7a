"""Many endpoints of one address in one swarm."""

import socket
from collections.abc import Sequence

import pytest

from tests.frontends.clients import announce_packet
from tests.hostile.addresses import addresses
from tests.hostile.arena import Arena
from tests.hostile.attacks.described import udp as udp_attack
from tests.hostile.attacks.requests import udp_announce
from tracker.wire import udp
from tracker.wire.compact import pack_ip

MOST_OF_ONE_ADDRESS = 250  # a little more than twice the default limit, see `Crowds`


def peers(port: int, sources: Sequence[str], info_hash: bytes) -> list[list[bytes]]:
    """Announce from each address in turn; returns the addresses of the peers in each answer."""
    answers = []
    for source in sources:
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.bind((source, 0))
            sock.connect(("127.0.0.1", port))
            sock.settimeout(2)
            sock.send(udp.encode_connect_request(b"hnst"))
            sock.send(announce_packet(sock.recv(64)[8:16], info_hash=info_hash, numwant=50))
            reply = udp.decode_reply(sock.recv(2048), 6)
        assert isinstance(reply, udp.AnnounceReply), reply
        answers.append([endpoint[:4] for endpoint in reply.peers])
    return answers


@pytest.mark.parametrize(
    ("honest", "network"), [(10, 130), (1000, 133)], ids=["small swarm", "large swarm"]
)
async def test_an_address_with_all_ports_does_not_hide_honest_peers(
    ground: Arena, honest: int, network: int
) -> None:
    port, info_hash = ground.tracker.ports["udp"], b"flooded swarm %06d" % honest
    sources = addresses(network, honest)
    known = {pack_ip(source) for source in sources}
    peers(port, sources, info_hash)
    await ground.withstands(
        udp_attack(
            port,
            network=network + 1,
            packet=udp_announce(info_hash=info_hash),
            per_second=20_000,
            ports=True,
        )
    )
    answers = peers(port, sources[:10], info_hash)
    for answer in answers:
        assert len(known.intersection(answer)) >= min(honest, 50) // 3, answer
    with ground.redis.client() as redis:
        members = redis.zrange(b"4{:" + info_hash + b"}", 0, -1)
    evil = pack_ip(addresses(network + 1, 1)[0])
    assert sum(member[:4] == evil for member in members) <= MOST_OF_ONE_ADDRESS
