"""``tracker announce`` and ``tracker scrape``, against trackers on real sockets."""

import asyncio
import json
import os
import ssl
import sys

import pytest
from aiohttp import web

from tests.client.trackers import (
    COUNTS,
    INFO_HASH,
    OTHER_HASH,
    connect_first,
    endpoints,
    good_answer,
    http_tracker,
    udp_tracker,
    ws_tracker,
)
from tests.redis_servers import TlsFiles
from tracker.cli import main
from tracker.model import Announced, Event
from tracker.torrent import magnet
from tracker.wire import http, udp, websocket

HASH = INFO_HASH.hex()
ANNOUNCED = http.encode_announce(
    Announced(1800, 300, COUNTS, endpoints([("192.0.2.1", 6881)]), b""),
    bytes([192, 0, 2, 9]),
    compact=True,
    with_peers6=False,
)


async def run(*argv: str) -> int:
    """The command in a thread: it has an event loop of its own, beside the tracker's here."""
    return await asyncio.to_thread(main, argv)


async def test_announce_prints_a_table_of_the_reply_and_its_peers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with http_tracker(lambda _: web.Response(body=ANNOUNCED)) as port:
        assert await run("announce", f"http://127.0.0.1:{port}/announce", HASH) == 0
    assert capsys.readouterr() == (
        """\
interval      1800 s
min interval  300 s
seeders       3
leechers      2
completed     7
external ip   192.0.2.9
warning       -
peers         1

host       port
192.0.2.1  6881
""",
        "",
    )


async def test_announce_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    async with udp_tracker() as port:
        assert await run("announce", f"udp://127.0.0.1:{port}", HASH, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "tracker": f"udp://127.0.0.1:{port}",
        "interval_s": 1800,
        "min_interval_s": None,
        "seeders": 3,
        "leechers": 2,
        "completed": None,
        "external_ip": None,
        "warning": None,
        "peers": [
            {"host": "192.0.2.1", "port": 6881},
            {"host": "198.51.100.2", "port": 65_535},
        ],
    }


@pytest.mark.parametrize("peer_id", ["-XX0001-abcdefghijkl", b"-XX0001-abcdefghijkl".hex()])
async def test_announce_sends_what_it_is_told(peer_id: str) -> None:
    packets = []

    def answer(packet: bytes) -> list[bytes]:
        packets.append(packet)
        return good_answer(packet)

    flags = ["--port=1", "--event=completed", "--left=0", "--numwant=3", f"--peer-id={peer_id}"]
    async with udp_tracker(answer) as port:
        link = magnet([INFO_HASH], "name", [])
        assert await run("announce", f"udp://127.0.0.1:{port}", link, *flags) == 0
    sent = udp.decode_announce(next(each for each in packets if connect_first(each) is None))
    assert (INFO_HASH, b"-XX0001-abcdefghijkl", 1, Event.COMPLETED, 0, 3) == (
        sent.info_hash,
        sent.peer_id,
        sent.port,
        sent.event,
        sent.left,
        sent.numwant,
    )


async def test_announce_is_by_default_that_of_a_leecher_with_an_id_of_its_own() -> None:
    sent = []

    def answer(packet: bytes) -> list[bytes]:
        if connect_first(packet) is None:
            sent.append(udp.decode_announce(packet))
        return good_answer(packet)

    async with udp_tracker(answer) as port:
        assert await run("announce", f"udp://127.0.0.1:{port}", HASH, "--stay") == 0
        assert await run("announce", f"udp://127.0.0.1:{port}", HASH, "--stay") == 0
    first, second = sent
    assert (6881, Event.NONE, 1, None) == (first.port, first.event, first.left, first.numwant)
    assert first.peer_id != second.peer_id


async def test_scrape_prints_a_row_for_each_hash_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """The tracker leaves out the second hash."""
    body = http.encode_scrape([INFO_HASH], [COUNTS])
    async with http_tracker(lambda _: web.Response(body=body)) as port:
        url = f"http://127.0.0.1:{port}/announce"
        assert await run("scrape", url, HASH, OTHER_HASH.hex()) == 0
        table = capsys.readouterr().out
        assert await run("scrape", url, HASH, OTHER_HASH.hex(), "--json") == 0
    assert [
        ["info_hash", "seeders", "leechers", "completed"],
        [HASH, "3", "2", "7"],
        [OTHER_HASH.hex(), "-", "-", "-"],
    ] == [line.split() for line in table.splitlines()]
    assert json.loads(capsys.readouterr().out) == {
        HASH: {"seeders": 3, "completed": 7, "leechers": 2},
        OTHER_HASH.hex(): None,
    }


@pytest.mark.parametrize("flags", [[], ["--event", "started"], ["--left", "0"]], ids=str)
async def test_the_peer_stops_after_the_reply(flags: list[str]) -> None:
    sent = []

    def answer(packet: bytes) -> list[bytes]:
        if connect_first(packet) is None:
            sent.append(udp.decode_announce(packet))
        return good_answer(packet)

    async with udp_tracker(answer) as port:
        assert await run("announce", f"udp://127.0.0.1:{port}", HASH, *flags) == 0
    first, last = sent
    assert (Event.STOPPED, 0) == (last.event, last.numwant)
    assert (first.info_hash, first.peer_id, first.port) == (
        last.info_hash,
        last.peer_id,
        last.port,
    )


@pytest.mark.parametrize("flag", ["--stay", "--event=stopped"])
async def test_the_peer_does_not_stop_if_it_stays_or_has_stopped_already(flag: str) -> None:
    sent = []

    def answer(packet: bytes) -> list[bytes]:
        if connect_first(packet) is None:
            sent.append(packet)
        return good_answer(packet)

    async with udp_tracker(answer) as port:
        assert await run("announce", f"udp://127.0.0.1:{port}", HASH, flag) == 0
    assert 1 == len(sent)


async def test_a_stop_that_fails_is_reported_after_the_reply(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer(request: web.Request) -> web.Response:
        stops = request.query.get("event") == "stopped"
        return web.Response(body=http.encode_failure("busy", 60) if stops else ANNOUNCED)

    async with http_tracker(answer) as port:
        assert await run("announce", f"http://127.0.0.1:{port}/announce", HASH) == 1
    out, err = capsys.readouterr()
    assert "peers         1\n" in out
    assert err == "tracker: the peer stays in the swarm until it expires: busy (retry in 60 s)\n"


@pytest.mark.parametrize("command", ["announce", "scrape"])
async def test_a_trackers_refusal_goes_to_stderr_with_exit_code_1(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    body = http.encode_failure("not\n\x1b[31mlisted", 120)
    async with http_tracker(lambda _: web.Response(body=body)) as port:
        assert await run(command, f"http://127.0.0.1:{port}/announce", HASH) == 1
    assert ("", "tracker: not\\n\\x1b[31mlisted (retry in 120 s)\n") == capsys.readouterr()


@pytest.mark.parametrize("command", ["announce", "scrape"])
async def test_no_answer_in_time_is_exit_code_1(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    async with udp_tracker(lambda _: []) as port:
        url = f"udp://127.0.0.1:{port}"
        assert await run(command, url, HASH, "--timeout", "0.05", "--ipv4") == 1
    hint = "a firewall may drop UDP: try http:// at the same host"
    assert ("", f"tracker: no answer in 0.05 s; {hint}\n") == capsys.readouterr()


@pytest.mark.parametrize("command", ["announce", "scrape"])
async def test_a_bad_url_is_wrong_usage(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert await run(command, "ftp://x/announce", HASH) == 2
    assert capsys.readouterr().err == (
        "tracker: ftp://x/announce is no tracker's URL (udp, http, https, ws, wss)\n"
    )


@pytest.mark.parametrize("scheme", ["https", "wss"])
async def test_certificates_are_checked_against_the_systems_authorities(
    scheme: str, tls_files: TlsFiles
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls_files.cert, tls_files.key)
    reply = websocket.encode_announce_reply(INFO_HASH, 120, COUNTS).decode()
    tracker = (
        http_tracker(lambda _: web.Response(body=ANNOUNCED), ssl=context)
        if scheme == "https"
        else ws_tracker(lambda _: [reply], ssl=context)
    )
    async with tracker as port:
        url = f"{scheme}://127.0.0.1:{port}/announce"
        trusted = await _exit_code(url, {"SSL_CERT_FILE": str(tls_files.ca)})
        assert (0, 1) == (trusted, await _exit_code(url, {}))


async def _exit_code(url: str, environment: dict[str, str]) -> int:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tracker", "announce", url, HASH),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await process.wait()
