"""The pages together: one response for each connection, and errors in the style of the pages."""

import asyncio

import pytest

from tests.web.conftest import HOST, Given, Site, serving
from tracker.web import server
from tracker.web.server import OneResponse

PATHS = ("/", "/stats")


@pytest.mark.parametrize("path", PATHS)
async def test_each_page_is_complete_and_may_not_be_kept(site: Site, path: str) -> None:
    reply = await site.ask(path)
    assert 200 == reply.status
    assert "text/html; charset=utf-8" == reply.headers["content-type"]
    assert "no-store" == reply.headers["cache-control"]
    assert reply.body.startswith(b"<!doctype html>")
    assert reply.body.rstrip().endswith(b"</html>")


@pytest.mark.parametrize("path", PATHS)
async def test_the_policy_of_each_page_allows_nothing_inline_and_no_other_host(
    site: Site, path: str
) -> None:
    reply = await site.ask(path)
    directives = dict(
        each.split(" ", 1) for each in reply.headers["content-security-policy"].split("; ")
    )
    assert "'none'" == directives.pop("default-src")
    assert {"'self'", "'none'"} == set(directives.values())
    assert b" style=" not in reply.body
    assert b"<style" not in reply.body
    assert b" on" + b"click=" not in reply.body
    assert reply.body.count(b"<script") == reply.body.count(b'<script type="module" src="/static/')


async def test_a_page_is_compressed_for_those_who_accept_it(site: Site) -> None:
    reply = await site.ask("/stats", HOST, "Accept-Encoding: gzip")
    plain = await site.ask("/stats")
    assert "gzip" == reply.headers["content-encoding"]
    assert "content-encoding" not in plain.headers
    assert len(reply.body) < len(plain.body) / 2
    assert "Accept-Encoding" == reply.headers["vary"] == plain.headers["vary"]


async def test_head_is_answered_without_a_body(site: Site) -> None:
    reply = await site.ask("/", method="HEAD")
    assert 200 == reply.status
    assert int(reply.headers["content-length"]) > 0


async def test_a_pipelined_second_request_is_not_answered(site: Site) -> None:
    peer = await site.connect("/robots.txt", HOST, "", "GET /robots.txt HTTP/1.1", HOST)
    await peer.reply()
    assert b"" == await peer.rest()
    await peer.close()


async def test_a_client_that_never_ends_its_head_is_disconnected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For the admin port, where the library reads heads itself."""
    monkeypatch.setattr(server, "HEAD_TIMEOUT_S", 0.1)
    runner = server.runner(server.application())
    await runner.setup()

    def connection() -> asyncio.Protocol:
        assert runner.server is not None
        return OneResponse(runner.server())

    listener = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
    writer.write(b"GET / HTTP/1.1\r\n")
    assert b"" == await asyncio.wait_for(reader.read(), 5)
    writer.close()
    listener.close()
    await runner.cleanup()


async def test_stop_cuts_connections_that_are_left(given: Given) -> None:
    async with serving(given) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"GET /stats/events HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"retry:")
    await asyncio.wait_for(reader.read(), 5)
    writer.close()
