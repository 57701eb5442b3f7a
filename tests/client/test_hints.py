"""Hints for an operator whose tracker does not answer as it should."""

import socket
from errno import EHOSTUNREACH
from socket import EAI_NONAME, gaierror

import pytest
from aiohttp import web

from tests.client.trackers import INFO_HASH, http_tracker, udp_tracker, ws_tracker
from tests.tools import reserved_port
from tracker.client import BadUrl, ClientError, Refused, Unreachable, scrape
from tracker.client.hints import hint_for


async def hint(url: str, timeout_s: float = 5.0) -> str:
    """Return the hint after a scrape that must fail."""
    with pytest.raises(ClientError) as failed:
        await scrape(url, [INFO_HASH], timeout_s)
    return await hint_for(url, failed.value)


def caused_by(cause: OSError) -> Unreachable:
    error = Unreachable("cannot reach it")
    error.__cause__ = cause
    return error


async def test_a_closed_tcp_port_is_explained() -> None:
    with reserved_port() as port:
        for scheme in ("http", "https", "ws", "wss"):
            assert f"no program listens on TCP port {port} there: check the port, " in await hint(
                f"{scheme}://127.0.0.1:{port}/announce"
            )


async def test_a_closed_port_on_all_addresses_of_a_host_is_explained() -> None:
    """Asyncio joins the errors of 127.0.0.1 and ::1 into one."""
    with reserved_port() as port:
        assert "no program listens on" in await hint(f"ws://localhost:{port}/")


async def test_a_closed_udp_port_is_explained() -> None:
    async with udp_tracker() as port:
        pass
    assert (
        f"no program listens on UDP port {port} there: check the port, and whether the tracker runs"
    ) == await hint(f"udp://127.0.0.1:{port}")


async def test_a_port_that_the_url_does_not_name_is_suspected() -> None:
    error = caused_by(ConnectionRefusedError(111, "Connection refused"))
    assert "port 80 there: the URL names no port, and trackers often have another" in (
        await hint_for("http://tracker.test/announce", error)
    )


async def test_silence_is_explained() -> None:
    async with udp_tracker(lambda _: []) as port:
        assert "a firewall may drop UDP" in await hint(f"udp://127.0.0.1:{port}", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert "a firewall may drop the packets" in await hint(
            f"http://127.0.0.1:{port}/announce", 0.05
        )


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (gaierror(EAI_NONAME, "Name or service not known"), "check the host name"),
        (OSError(EHOSTUNREACH, "No route to host"), "this machine has no route to that address"),
        (OSError(5, "Input/output error"), ""),
    ],
    ids=["name", "route", "unknown"],
)
async def test_errors_of_the_network_are_explained(cause: OSError, expected: str) -> None:
    found = await hint_for("udp://tracker.test:1", caused_by(cause))
    assert found.startswith(expected)
    assert bool(expected) == bool(found)


async def test_another_web_server_is_suspected_to_have_the_tracker_at_the_usual_path() -> None:
    async with http_tracker(lambda _: web.Response(status=404)) as port:
        at = f"http://127.0.0.1:{port}"
        with pytest.raises(ClientError) as failed:
            await scrape(f"{at}/announce", [INFO_HASH])
        for path, usual in (
            ("", "/announce"),
            ("/", "/announce"),
            ("/anounce", "/announce"),
            ("/anounce?key=1", "/announce?key=1"),
            ("/forum/", "/forum/announce"),
            ("/forum/anounce", "/forum/announce"),
        ):
            found = await hint_for(f"{at}{path}", failed.value)
            assert found.endswith(f": try {at}{usual}"), path


async def test_another_server_at_the_usual_path_may_be_the_admin_port_of_a_tracker() -> None:
    async with http_tracker(lambda _: web.Response(status=404)) as port:
        found = await hint(f"http://127.0.0.1:{port}/announce")
        assert found.startswith("this is not the announce URL of a tracker: check the host")
        assert "the admin port of a tracker serves only its health and metrics" in found


async def test_a_web_server_without_websockets_is_told_of() -> None:
    async with http_tracker(lambda _: web.Response(text="hello")) as port:
        assert "no WebTorrent tracker is at this address" == await hint(f"ws://127.0.0.1:{port}/")


async def test_a_refusal_explains_itself_unless_it_is_about_the_path() -> None:
    url = "http://tracker.test:8000"
    assert "" == await hint_for(url, Refused("not listed"))
    assert f"try {url}/announce" == await hint_for(url, Refused("the URL ends with /announce"))
    assert "" == await hint_for(f"{url}/announce", Refused("may not announce"))


async def test_a_tracker_that_closes_a_websocket_has_no_hint() -> None:
    async with ws_tracker(lambda _: [b"close"]) as port:
        assert "" == await hint(f"ws://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("udp://::1:8000", "an IPv6 address needs brackets, as in udp://[::1]:8000/announce"),
        ("ftp://x/announce", ""),
    ],
)
async def test_a_bad_url_is_explained_if_the_mistake_is_known(url: str, expected: str) -> None:
    assert expected == await hint_for(url, BadUrl("no"))
