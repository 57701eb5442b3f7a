"""Access lists of files and URLs, published over a real Redis and loaded over real sockets."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
import structlog.testing
from aiohttp import web

from tests.redis_servers import RedisServer
from tests.store.asking import WatchedRedis, connected, events
from tracker.errors import Away, Malformed, TrackerError, Unavailable
from tracker.metrics import Metrics
from tracker.model import HASH_SIZE
from tracker.policy.access import ListName
from tracker.settings import AccessSettings, RedisSettings
from tracker.store.access import AccessStore, Version
from tracker.store.connect import connect
from workers import access as module
from workers.access import PIECE, AccessFiles, read_list

ALLOW, DENY = ListName("allow", "file"), ListName("deny", "file")
MANUAL = ListName("deny", "manual")
TOKEN = 7
A, B = (bytes([number]) * HASH_SIZE for number in (1, 2))
TEXT = f"{A.hex()} # one\n\n{B.hex()}\n".encode()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def web_server(handler: Handler) -> AsyncIterator[str]:
    """Answers every request so; yields the URL."""
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    try:
        await site.start()
        yield f"http://127.0.0.1:{site.port}/list.txt"
    finally:
        await runner.cleanup()


def answering(body: bytes, status: int = 200, encoding: str = "identity") -> Handler:
    async def answer(_: web.Request) -> web.Response:
        headers = {"Content-Encoding": encoding}
        return web.Response(body=body, status=status, headers=headers)

    return answer


def write(path: Path, text: bytes) -> None:
    path.write_bytes(text)


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[WatchedRedis]:
    async with connected(redis_server.url) as redis:
        yield redis


@pytest.fixture
def store(redis: WatchedRedis) -> AccessStore:
    return AccessStore(redis)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "list.txt"
    path.write_bytes(TEXT)
    return path


def job(store: AccessStore, *, allow: object = None, deny: object = None) -> AccessFiles:
    places = {"allow": allow and str(allow), "deny": deny and str(deny)}
    return AccessFiles(AccessSettings.model_validate(places), store)


async def in_force(store: AccessStore) -> dict[ListName, list[bytes] | None]:
    return {
        name: list(await store.load(name, version)) if version else None
        for name, version in (await store.versions()).items()
    }


async def version_of(store: AccessStore, name: ListName = DENY) -> Version | None:
    return (await store.versions())[name]


async def test_the_lists_that_settings_name_are_published(store: AccessStore, file: Path) -> None:
    async with web_server(answering(A.hex().encode())) as url:
        counts = await job(store, allow=url, deny=file).run_once(TOKEN)
    assert {"allow:file": 1, "deny:file": 2} == counts
    assert {ALLOW: [A], DENY: [A, B]} == await in_force(store)


async def test_a_list_that_did_not_change_is_not_written_again(
    store: AccessStore, file: Path
) -> None:
    denying = job(store, deny=file)
    with structlog.testing.capture_logs() as logs:
        await denying.run_once(TOKEN)
        first = await version_of(store)
        write(file, b"# in another order\n" + b"\n".join(reversed(TEXT.split(b"\n"))))
        await denying.run_once(TOKEN)
    assert first == await version_of(store)
    assert ["access.cleared", "access.published"] == events(logs)
    write(file, A.hex().encode())
    assert {"allow:file": 0, "deny:file": 1} == await denying.run_once(TOKEN)
    assert [A] == (await in_force(store))[DENY]


async def test_what_redis_lost_is_published_again(
    store: AccessStore, file: Path, redis_server: RedisServer
) -> None:
    denying = job(store, deny=file)
    await denying.run_once(TOKEN)
    with redis_server.client() as client:
        client.flushall()
    await denying.run_once(TOKEN)
    assert {ALLOW: None, DENY: [A, B]} == await in_force(store)


async def test_a_list_that_is_named_no_more_is_out_of_force_and_those_made_by_hand_stay(
    store: AccessStore, file: Path
) -> None:
    await job(store, allow=file, deny=file).run_once(TOKEN)
    await store.publish(MANUAL, await read_list(str(file), 10), TOKEN)
    assert {"allow:file": 2, "deny:file": 0} == await job(store, allow=file).run_once(TOKEN)
    assert {ALLOW: [A, B], DENY: None, MANUAL: [A, B]} == await in_force(store)


async def test_a_bad_list_is_refused_whole_and_the_other_one_taken(
    store: AccessStore, tmp_path: Path, file: Path
) -> None:
    allowed = tmp_path / "allowed.txt"
    write(allowed, A.hex().encode())
    both = job(store, allow=allowed, deny=file)
    await both.run_once(TOKEN)
    write(allowed, B.hex().encode() + b"\nnonsense\n")
    write(file, B.hex().encode())
    with (
        structlog.testing.capture_logs() as logs,
        pytest.raises(Malformed, match="line 2: an info_hash has"),
    ):
        await both.run_once(TOKEN)
    assert {ALLOW: [A], DENY: [B]} == await in_force(store)
    refused, published = logs
    assert ("access.refused", "allow:file") == (refused["event"], refused["list"])
    assert refused["error"].startswith("line 2: ")
    assert ("access.published", "deny:file") == (published["event"], published["list"])


async def test_a_list_that_cannot_be_had_leaves_in_force_what_was(
    store: AccessStore, file: Path
) -> None:
    await job(store, deny=file).run_once(TOKEN)
    with pytest.raises(Unavailable, match="can't be read: No such file"):
        await job(store, deny=file.with_name("gone")).run_once(TOKEN)
    assert [A, B] == (await in_force(store))[DENY]


async def test_a_list_to_allow_that_never_could_be_had_allows_nothing(
    store: AccessStore, file: Path
) -> None:
    gone = file.with_name("gone")
    for place in (None, gone):  # also where all was allowed before
        with suppress(Unavailable):
            await job(store, allow=place, deny=file).run_once(TOKEN)
    assert {ALLOW: [], DENY: [A, B]} == await in_force(store)
    await job(store, allow=file, deny=file).run_once(TOKEN)
    with pytest.raises(Unavailable):
        await job(store, allow=gone, deny=file).run_once(TOKEN)
    assert [A, B] == (await in_force(store))[ALLOW]


async def test_without_redis_the_job_fails_and_no_list_is_refused(file: Path) -> None:
    redis = connect("unix:///nowhere/redis.sock", RedisSettings(), Metrics())
    with structlog.testing.capture_logs() as logs, pytest.raises(Away):
        await job(AccessStore(redis), deny=file).run_once(TOKEN)
    assert [] == logs


async def test_a_large_file_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    entries = [number.to_bytes(HASH_SIZE, "big") for number in range(3 * PIECE // 41)]
    path.write_text("\n".join(entry.hex() for entry in entries))
    assert entries == list(await read_list(str(path), len(entries)))
    with pytest.raises(Malformed, match=f"line {len(entries)}: more than {len(entries) - 1}"):
        await read_list(str(path), len(entries) - 1)


async def test_redirects_are_followed() -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/list.txt":
            raise web.HTTPFound("/there")
        return web.Response(body=TEXT)

    async with web_server(answer) as url:
        assert [A, B] == list(await read_list(url, 10))


@pytest.mark.parametrize(
    ("handler", "error", "reason"),
    [
        (answering(TEXT, 404), Unavailable, "its server answers with status 404"),
        (answering(TEXT, 203), Unavailable, "its server answers with status 203"),
        (answering(b"<html>"), Malformed, "line 1: an info_hash has"),
        (answering(gzip.compress(TEXT), encoding="gzip"), Malformed, "line 1: an info_hash has"),
    ],
    ids=["missing", "second-hand", "page", "packed"],
)
async def test_only_a_good_answer_is_a_list(
    handler: Handler, error: type[TrackerError], reason: str
) -> None:
    async with web_server(handler) as url:
        with pytest.raises(error, match=reason):
            await read_list(url, 10)


async def test_an_answer_that_breaks_off_is_no_list() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(A.hex().encode() + b"\n")
        assert request.transport
        request.transport.close()
        return response

    async with web_server(answer) as url:
        with pytest.raises(Unavailable, match="can't be loaded: ClientPayloadError"):
            await read_list(url, 10)


async def test_an_answer_without_an_end_is_cut_at_the_bound() -> None:
    gone = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"# and so on\n" * 1000)
        finally:
            gone.set()

    async with web_server(answer) as url:
        with pytest.raises(Malformed, match="too large for a list of at most 10 entries"):
            await read_list(url, 10)
        await gone.wait()


async def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", aiohttp.ClientTimeout(total=0.1))
    release = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    async with web_server(answer) as url:
        with pytest.raises(Unavailable, match="its server is too slow"):
            await read_list(url, 10)
        release.set()


@pytest.mark.parametrize("url", ["http://user:secret@127.0.0.1:1/x", "http://user:secret@:1:2/x"])
async def test_errors_do_not_tell_the_password_in_a_url(url: str) -> None:
    with pytest.raises(Unavailable, match=r"it can't be loaded: \w+$"):
        await read_list(url, 10)
