"""What we write back over HTTP."""

import bencodepy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.model import Announced, Counts
from tracker.wire import http
from tracker.wire.compact import split, unpack

hashes = st.binary(min_size=20, max_size=20)
numbers = st.integers(0, 2**63 - 1)
counts = st.builds(Counts, numbers, numbers, numbers)
external_ips = st.sampled_from([b"\x7f\0\0\1", bytes(15) + b"\1"])


def joined(size: int) -> st.SearchStrategy[bytes]:
    return st.lists(st.binary(min_size=size, max_size=size), max_size=4).map(b"".join)


replies = st.builds(Announced, numbers, numbers, counts, joined(6), joined(18))


def announced(peers: bytes = b"", peers6: bytes = b"") -> Announced:
    return Announced(1800, 300, Counts(3, 5, 7), peers, peers6)


def test_an_announce_reply_in_bytes() -> None:
    expected = (
        b"d8:completei3e10:downloadedi5e11:external ip4:\x01\x02\x03\x0410:incompletei7e"
        b"8:intervali1800e12:min intervali300e5:peers6:abcdefe"
    )
    assert expected == http.encode_announce(announced(b"abcdef"), b"\1\2\3\4", True, False)


@pytest.mark.parametrize(
    ("peers6", "with_peers6", "expected"),
    [
        (b"", False, {b"peers": b""}),
        (b"", True, {b"peers": b"", b"peers6": b""}),
        (b"x" * 18, False, {b"peers": b"", b"peers6": b"x" * 18}),
    ],
)
def test_peers_are_always_there_and_peers6_where_it_means_something(
    peers6: bytes, with_peers6: bool, expected: dict[bytes, bytes]
) -> None:
    reply = http.encode_announce(announced(peers6=peers6), bytes(16), True, with_peers6)
    read = bencodepy.decode(reply)
    assert expected == {key: value for key, value in read.items() if key.startswith(b"peers")}


def as_dictionary(reply: Announced, external_ip: bytes) -> dict[str, object]:
    return {
        "complete": reply.counts.seeders,
        "downloaded": reply.counts.completed,
        "external ip": external_ip,
        "incomplete": reply.counts.leechers,
        "interval": reply.interval_s,
        "min interval": reply.min_interval_s,
    }


@given(replies, external_ips, st.booleans())
def test_announce_replies_are_those_of_bencodepy(
    reply: Announced, external_ip: bytes, with_peers6: bool
) -> None:
    expected = as_dictionary(reply, external_ip) | {"peers": reply.peers}
    if with_peers6 or reply.peers6:
        expected["peers6"] = reply.peers6
    written = http.encode_announce(reply, external_ip, True, with_peers6)
    assert bencodepy.encode(expected) == written


@given(replies, external_ips)
def test_announce_replies_with_dictionaries_are_those_of_bencodepy(
    reply: Announced, external_ip: bytes
) -> None:
    peers = [*split(reply.peers, 6), *split(reply.peers6, 18)]
    listed = [{"ip": ip, "port": port} for ip, port in map(unpack, peers)]
    expected = as_dictionary(reply, external_ip) | {"peers": listed}
    assert bencodepy.encode(expected) == http.encode_announce(reply, external_ip, False, True)


def test_peers_as_dictionaries_are_of_both_families() -> None:
    reply = announced(b"\x0a\0\0\1\x1a\xe1", bytes(15) + b"\1\x1a\xe2")
    assert bencodepy.decode(http.encode_announce(reply, b"\1\2\3\4", False, True)) == {
        b"complete": 3,
        b"downloaded": 5,
        b"external ip": b"\1\2\3\4",
        b"incomplete": 7,
        b"interval": 1800,
        b"min interval": 300,
        b"peers": [{b"ip": b"10.0.0.1", b"port": 6881}, {b"ip": b"::1", b"port": 6882}],
    }


@given(st.dictionaries(hashes, counts))
def test_scrape_replies_are_those_of_bencodepy(swarms: dict[bytes, Counts]) -> None:
    files = {
        info_hash: {"complete": c.seeders, "downloaded": c.completed, "incomplete": c.leechers}
        for info_hash, c in swarms.items()
    }
    written = http.encode_scrape(list(swarms), list(swarms.values()))
    assert bencodepy.encode({"files": files}) == written


@pytest.mark.parametrize(
    ("retry_in_s", "expected"),
    [
        (None, b"d14:failure reason4:busye"),
        (0, b"d14:failure reason4:busy8:retry ini0ee"),
        (1, b"d14:failure reason4:busy8:retry ini1ee"),
        (60, b"d14:failure reason4:busy8:retry ini1ee"),
        (61, b"d14:failure reason4:busy8:retry ini2ee"),
    ],
)
def test_a_failure_says_when_to_come_again_in_minutes(
    retry_in_s: int | None, expected: bytes
) -> None:
    assert expected == http.encode_failure("busy", retry_in_s)


def test_a_reason_beyond_ascii_is_counted_in_bytes() -> None:
    assert "d14:failure reason3:née".encode() == http.encode_failure("né", None)


# Responses


@pytest.mark.parametrize(
    ("keep_alive", "http10", "connection"),
    [
        (True, False, b""),
        (True, True, b"Connection: keep-alive\r\n"),
        (False, False, b"Connection: close\r\n"),
        (False, True, b"Connection: close\r\n"),
    ],
)
@pytest.mark.parametrize("head_only", [False, True])
def test_a_response_in_bytes(
    keep_alive: bool, http10: bool, connection: bytes, head_only: bool
) -> None:
    expected = (
        b"HTTP/1.1 200 OK\r\nServer: tracker-cluster\r\nContent-Type: text/plain\r\n"
        b"X-Content-Type-Options: nosniff\r\n"
        b"Content-Security-Policy: frame-ancestors 'none'\r\nAccess-Control-Allow-Origin: *\r\n"
        + connection
        + b"Content-Length: 4\r\n\r\n"
        + (b"" if head_only else b"d1e\n")
    )
    assert expected == http.encode_response(
        200, b"d1e\n", keep_alive=keep_alive, http10=http10, head_only=head_only
    )


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (400, b"HTTP/1.1 400 Bad Request"),
        (404, b"HTTP/1.1 404 Not Found"),
        (408, b"HTTP/1.1 408 Request Timeout"),
        (431, b"HTTP/1.1 431 Request Header Fields Too Large"),
        (503, b"HTTP/1.1 503 Service Unavailable"),
    ],
)
def test_other_statuses_have_their_phrase(status: int, line: bytes) -> None:
    response = http.encode_response(status, b"", keep_alive=False, http10=False, head_only=False)
    assert line == response.partition(b"\r\n")[0]
    assert response.endswith(b"Content-Length: 0\r\n\r\n")


def test_a_wrong_method_is_told_the_right_ones() -> None:
    response = http.encode_response(405, b"", keep_alive=True, http10=False, head_only=False)
    assert b"\r\nAllow: GET, HEAD, OPTIONS\r\n" in response
