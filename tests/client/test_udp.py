"""The client over UDP, against a socket whose answers the test decides."""

import socket
from socket import AddressFamily
from urllib.parse import SplitResult

import pytest

from tests.client.trackers import (
    COUNTS,
    INFO_HASH,
    OTHER_HASH,
    PEER_ID,
    PEERS,
    PEERS6,
    connect_first,
    endpoints,
    good_answer,
    udp_tracker,
)
from tracker.client import (
    AnnounceReply,
    AnnounceRequest,
    BadReply,
    Peer,
    Refused,
    Unreachable,
    announce,
    scrape,
    udp,
)
from tracker.model import Counts, Event
from tracker.wire import udp as wire

REQUEST = AnnounceRequest(INFO_HASH, PEER_ID, 6881, Event.STARTED, left=2**40, numwant=7)
REPLY = AnnounceReply(
    1800,
    seeders=COUNTS.seeders,
    leechers=COUNTS.leechers,
    peers=tuple(Peer(*peer) for peer in PEERS),
)


def url(port: int, rest: str = "/announce") -> str:
    return f"udp://127.0.0.1:{port}{rest}"


async def test_an_announce_carries_all_it_was_given() -> None:
    packets = []

    def answer(packet: bytes) -> list[bytes]:
        packets.append(packet)
        return good_answer(packet)

    async with udp_tracker(answer) as port:
        assert await announce(url(port, "/key/announce?a=b"), REQUEST) == REPLY
    sent = wire.decode_announce(packets[-1])
    assert (INFO_HASH, PEER_ID, 6881, Event.STARTED, 2**40, 7, b"/key/announce?a=b") == (
        sent.info_hash,
        sent.peer_id,
        sent.port,
        sent.event,
        sent.left,
        sent.numwant,
        sent.url_data,
    )
    assert len(packets) == 2


async def test_peers_over_ipv6_are_of_18_bytes() -> None:
    def answer(packet: bytes) -> list[bytes]:
        if reply := connect_first(packet):
            return [reply]
        transaction_id = wire.decode_announce(packet).transaction_id
        return [wire.encode_announce_reply(transaction_id, 60, 0, 1, endpoints(PEERS6))]

    async with udp_tracker(answer, "::1") as port:
        reply = await announce(f"udp://[::1]:{port}", REQUEST)
    assert tuple(Peer(*peer) for peer in PEERS6) == reply.peers


async def test_a_scrape_gives_the_counts_of_each_hash() -> None:
    def answer(packet: bytes) -> list[bytes]:
        if reply := connect_first(packet):
            return [reply]
        request = wire.decode_scrape(packet)
        counts = [Counts(info_hash[0], 0, 1) for info_hash in request.info_hashes]
        return [wire.encode_scrape_reply(request.transaction_id, counts)]

    async with udp_tracker(answer) as port:
        counts = await scrape(url(port), [INFO_HASH, OTHER_HASH])
    expected = {INFO_HASH: Counts(INFO_HASH[0], 0, 1), OTHER_HASH: Counts(OTHER_HASH[0], 0, 1)}
    assert expected == counts


async def test_many_hashes_go_out_in_several_packets() -> None:
    sizes = []

    def answer(packet: bytes) -> list[bytes]:
        sizes.append(len(packet))
        return good_answer(packet)

    hashes = [number.to_bytes(20, "big") for number in range(150)]
    async with udp_tracker(answer) as port:
        counts = await scrape(url(port), hashes)
    assert dict.fromkeys(hashes, COUNTS) == counts
    assert [16, 16 + 70 * 20, 16 + 70 * 20, 16 + 10 * 20] == sizes


async def test_lost_packets_are_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp, "_RESEND_AFTER_S", (0.01, 0.01))
    packets = []

    def answer(packet: bytes) -> list[bytes]:
        packets.append(packet)
        lost = packets.count(packet) < 3
        return [] if lost else good_answer(packet)

    async with udp_tracker(answer) as port:
        assert await announce(url(port), REQUEST) == REPLY
    connect, again, once_more, *announces = packets
    assert connect == again == once_more
    assert [announces[0]] * 3 == announces


async def test_after_the_last_resend_the_time_limit_decides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(udp, "_RESEND_AFTER_S", (0.01,))
    packets: list[bytes] = []

    def answer(packet: bytes) -> list[bytes]:
        packets.append(packet)
        return []

    async with udp_tracker(answer) as port:
        with pytest.raises(Unreachable, match="no answer"):
            await announce(url(port), REQUEST, timeout_s=0.2)
    assert len(packets) == 2


async def test_replies_to_other_transactions_are_ignored() -> None:
    def answer(packet: bytes) -> list[bytes]:
        other = bytes(byte ^ 1 for byte in packet[12:16])
        forged = [wire.encode_error(other, "forged"), wire.encode_connect_reply(other, bytes(8))]
        return [*forged, b"", b"short", *good_answer(packet)]

    async with udp_tracker(answer) as port:
        assert await announce(url(port), REQUEST) == REPLY


async def test_replies_from_other_addresses_are_ignored() -> None:
    """Packets with the right transaction id, sent from another port than was asked."""
    with socket.socket(type=socket.SOCK_DGRAM) as forger:

        def forge(packet: bytes, source: udp.Address) -> None:
            forger.sendto(wire.encode_error(packet[12:16], "forged"), source)

        async with udp_tracker(watch=forge) as port:
            assert await announce(url(port), REQUEST) == REPLY


async def test_an_error_packet_is_the_trackers_refusal() -> None:
    def answer(packet: bytes) -> list[bytes]:
        return [connect_first(packet) or wire.encode_error(packet[12:16], "not on my list")]

    async with udp_tracker(answer) as port:
        with pytest.raises(Refused, match=r"^not on my list$"):
            await announce(url(port), REQUEST)
        with pytest.raises(Refused, match=r"^not on my list$"):
            await scrape(url(port), [INFO_HASH])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("00000009{id}", "not a tracker's reply"),
        ("00000001{id}00000000", "not a tracker's reply"),
        ("00000001{id}00000708000000000000000001020304", "ragged list of peers"),
        ("00000000{id}0001020304050607", "the reply to another kind of request"),
    ],
)
async def test_a_reply_that_breaks_the_protocol_is_an_error(body: str, reason: str) -> None:
    def answer(packet: bytes) -> list[bytes]:
        broken = bytes.fromhex(body.format(id=packet[12:16].hex()))
        return [connect_first(packet) or broken]

    async with udp_tracker(answer) as port:
        with pytest.raises(BadReply, match=reason):
            await announce(url(port), REQUEST)


async def test_too_few_counts_are_an_error() -> None:
    def answer(packet: bytes) -> list[bytes]:
        return [connect_first(packet) or wire.encode_scrape_reply(packet[12:16], [COUNTS])]

    async with udp_tracker(answer) as port:
        with pytest.raises(BadReply, match="counts of 1 swarms instead of 2"):
            await scrape(url(port), [INFO_HASH, OTHER_HASH])


async def test_where_one_address_refuses_the_next_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that stands for ::1, where nobody listens, and for 127.0.0.1."""
    resolve = udp._resolve

    async def both(
        url: SplitResult, family: AddressFamily
    ) -> list[tuple[AddressFamily, udp.Address]]:
        hosts = (f"[::1]:{url.port}", f"127.0.0.1:{url.port}")
        return [one for host in hosts for one in await resolve(url._replace(netloc=host), family)]

    async with udp_tracker() as port:
        monkeypatch.setattr(udp, "_resolve", both)
        assert await announce(f"udp://two.test:{port}", REQUEST) == REPLY
