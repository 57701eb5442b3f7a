"""``tracker access``, on a real Redis."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from tests.redis_servers import RedisServer
from tests.store.asking import connected
from tests.tracker_process import running_tracker
from tracker.cli import access, main
from tracker.cli.connection import NO_TRACKER
from tracker.model import HASH_SIZE
from tracker.policy.access import Hashes, ListName
from tracker.store.access import MANUAL_LEASE, AccessStore
from tracker.store.leases import Leases
from tracker.torrent import magnet

A, B, C = (bytes([number]) * HASH_SIZE for number in (0xAA, 0xBB, 0xCC))

pytestmark = pytest.mark.usefixtures("logging_as_before")

Run = Callable[..., str]


@pytest.fixture
def run(
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs an action that must succeed; what it printed."""
    monkeypatch.setenv("TRACKER_REDIS_URL", redis_server.url)

    def run(*argv: str, code: int = 0) -> str:
        capsys.readouterr()  # of what was before
        assert code == main(["access", *argv])
        said = capsys.readouterr()
        assert "" == said.err
        return said.out

    return run


def table(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_at_first_there_are_no_lists_and_all_is_allowed(run: Run) -> None:
    assert [["kind", "source", "entries", "version"]] == table(run("list"))
    assert "[]\n" == run("list", "--json")
    assert "" == run("list", "--entries")
    assert "allowed\n" == run("check", A.hex())


def test_entries_are_added_and_removed(run: Run) -> None:
    assert "deny:manual: 1 entry, 1 added\n" == run("deny", A.hex())
    assert "deny:manual: 2 entries, 1 added\n" == run("deny", A.hex(), magnet([B], "b", []))
    assert "deny:manual: 3 entries, 1 added\n" == run("deny", A.hex(), C.hex())
    assert "deny:manual: 2 entries, 1 removed\n" == run("remove", "deny", B.hex(), bytes(20).hex())
    assert f"# deny:manual\n{A.hex()}\n{C.hex()}\n" == run("list", "--entries")
    assert "denied\n" == run("check", A.hex(), code=1)
    assert "allowed\n" == run("check", B.hex())


def test_what_is_on_both_lists_is_denied_and_clearing_ends_a_list(run: Run) -> None:
    run("allow", A.hex(), B.hex())
    run("deny", A.hex())
    checks = [("denied", A), ("allowed", B), ("denied", C)]
    for answer, info_hash in checks:
        assert f"{answer}\n" == run("check", info_hash.hex(), code=int(answer == "denied"))
    assert "" == run("clear", "allow")
    assert "denied\n" == run("check", A.hex(), code=1)
    assert "allowed\n" == run("check", C.hex())
    assert [["deny", "manual", "1"]] == [row[:3] for row in table(run("list"))[1:]]
    assert "" == run("clear", "deny")
    assert "allowed\n" == run("check", A.hex())


async def put_lists(url: str) -> None:
    """A list of each name, as background jobs and others would."""
    async with connected(url) as redis:
        store = AccessStore(redis)
        await store.publish(ListName("allow", "file"), Hashes(A, B), 1)
        await store.publish(ListName("deny", "manual"), Hashes(C), 1)


def test_lists_of_all_sources_are_shown(run: Run, redis_server: RedisServer) -> None:
    asyncio.run(put_lists(redis_server.url))
    head, allow, deny = table(run("list"))
    assert ["kind", "source", "entries", "version"] == head
    assert ["allow", "file", "2"] == allow[:3]
    assert [deny] == table(run("list", "deny"))[1:]
    kind, source, entries, version = deny
    shown = {"kind": kind, "source": source, "entries": int(entries), "version": version}
    assert [shown] == json.loads(run("list", "deny", "--json"))
    contents = {"allow:file": [A.hex(), B.hex()], "deny:manual": [C.hex()]}
    assert contents == json.loads(run("list", "--entries", "--json"))


def test_a_file_is_added_whole_or_not_at_all(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "list.txt"
    file.write_text(f"# of today\n{A.hex()}\n{B.hex()} # and this\n")
    assert "deny:manual: 3 entries, 3 added\n" == run("deny", C.hex(), "--file", str(file))
    file.write_text(run("list", "--entries"))
    assert "deny:manual: 0 entries, 3 removed\n" == run("remove", "deny", "--file", str(file))
    file.write_text(f"{A.hex()}\nnonsense\n")
    assert 1 == main(["access", "deny", "--file", str(file)])
    assert capsys.readouterr().err.startswith("tracker: line 2: an info_hash has ")
    assert [["deny", "manual", "0"]] == [row[:3] for row in table(run("list"))[1:]]


def test_removing_makes_no_list_that_was_not_there(run: Run) -> None:
    assert "there is no list allow:manual\n" == run("remove", "allow", A.hex())
    assert "allowed\n" == run("check", A.hex())


def test_who_empties_the_list_to_allow_is_told_what_that_means(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run("allow", A.hex())
    assert 0 == main(["access", "remove", "allow", A.hex()])
    said = capsys.readouterr()
    assert "allow:manual: 0 entries, 1 removed\n" == said.out
    assert said.err.startswith("tracker: a list to allow that is empty allows nothing")
    assert "denied\n" == run("check", A.hex(), code=1)


def test_a_list_has_a_bound(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    bound = ("--access-max-entries", "2")
    run("deny", *bound, A.hex(), B.hex())
    assert 1 == main(["access", "deny", *bound, C.hex()])
    assert "tracker: deny:manual would have more than 2 entries\n" == capsys.readouterr().err
    assert "deny:manual: 1 entry, 1 removed\n" == run("remove", "deny", *bound, A.hex())


async def held(url: str, while_held: Callable[[], int]) -> int:
    """The exit code of what runs beside another who edits, and does not end."""
    async with connected(url) as redis:
        await Leases(redis, b"another", 60.0).acquire(MANUAL_LEASE)
        return await asyncio.to_thread(while_held)


def test_two_do_not_edit_at_once(
    run: Run,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(access, "_WAIT_S", 0.3)
    argv = ["access", "deny", A.hex()]
    assert 1 == asyncio.run(held(redis_server.url, lambda: main(argv)))
    problem = "tracker: somebody else is editing the lists: try again\n"
    assert problem == capsys.readouterr().err
    assert 1 == len(table(run("list")))  # looking is free


async def many(*argvs: tuple[str, ...]) -> list[int]:
    """Exit codes of commands that run at once."""
    return await asyncio.gather(*(asyncio.to_thread(main, ["access", *argv]) for argv in argvs))


def test_no_edit_is_lost_of_those_who_come_together(run: Run) -> None:
    commands = [("deny", bytes([number]).hex() * HASH_SIZE) for number in range(8)]
    assert [0] * 8 == asyncio.run(many(*commands))
    entries = json.loads(run("list", "--entries", "--json"))
    assert {"deny:manual": [info_hash for _, info_hash in commands]} == entries


def test_a_list_that_redis_has_in_part_is_not_edited(
    run: Run, redis_server: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    run("deny", A.hex())
    client: Redis
    with redis_server.client() as client:
        client.delete(*client.scan_iter("tracker:access:*:*:*"))
    assert 1 == main(["access", "deny", B.hex()])
    problem = "tracker: the access list deny:manual is not whole in Redis\n"
    assert problem == capsys.readouterr().err
    run("clear", "deny")
    assert "deny:manual: 1 entry, 1 added\n" == run("deny", B.hex())


@pytest.mark.usefixtures("runtime_directory")
def test_the_tracker_on_this_machine_needs_no_url(capsys: pytest.CaptureFixture[str]) -> None:
    with running_tracker() as tracker, running_tracker() as other:
        port = str(tracker.ports["http"])
        assert 2 == main(["access", "deny", A.hex()])
        assert f"--port {port} " in capsys.readouterr().err
        assert 0 == main(["access", "deny", A.hex(), "--port", port])
        assert 1 == main(["access", "check", A.hex(), "--port", port])
        assert 0 == main(["access", "check", A.hex(), "--port", str(other.ports["udp"])])


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["list"], NO_TRACKER),
        (["list", "--redis", "unix:///x", "--port", "1"], "--port and --redis exclude each other"),
        (["deny", "--redis", "unix:///x"], "which torrents? name their info_hashes"),
        (["list", "--redis", "telnet://x"], "redis.url (from --redis-url): a Redis URL begins"),
        (["list", "--redis", "redis://x?nonsense=1"], "nonsense"),
    ],
)
@pytest.mark.usefixtures("runtime_directory")
def test_what_cannot_be_begun_exits_with_2(
    argv: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == main(["access", *argv])
    said = capsys.readouterr()
    assert "" == said.out
    assert problem in said.err
