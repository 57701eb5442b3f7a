"""Lookups of names, while the name server is slow or fails."""

import asyncio
import gc
import socket
import threading
from typing import Any

import pytest

from tracker.store.lookup import Lookup

NAME = "redis.example"
DEADLINE_S = 10.0


class NameServer:
    """In place of the system's resolver, which cannot be made to hang: answers when it is told to.

    Attributes:
        asked: how often.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.error: OSError | None = None
        self._answering = threading.Event()

    def getaddrinfo(self, host: str, port: object, **_: object) -> list[Any]:
        self.asked += 1
        assert (NAME, None) == (host, port)
        assert self._answering.wait(DEADLINE_S)
        if self.error:
            raise self.error
        addresses = [("192.0.2.1", 0), ("192.0.2.1", 0), ("192.0.2.2", 0)]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

    def answer(self) -> None:
        self._answering.set()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> NameServer:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server.getaddrinfo)
    return server


async def begun(lookup: Lookup) -> asyncio.Task[list[str]]:
    task = asyncio.create_task(lookup.addresses())
    await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "fe80::1%lo"])
async def test_an_address_is_not_looked_up(names: NameServer, address: str) -> None:
    assert [address] == await Lookup(address).addresses()
    assert 0 == names.asked


async def test_a_name_may_have_several_addresses(names: NameServer) -> None:
    names.answer()
    assert ["192.0.2.1", "192.0.2.2"] == await Lookup(NAME).addresses()


async def test_each_caller_looks_again(names: NameServer) -> None:
    names.answer()
    lookup = Lookup(NAME)
    await lookup.addresses()
    names.error = socket.gaierror(socket.EAI_NONAME, "no")
    with pytest.raises(socket.gaierror):
        await lookup.addresses()
    assert 2 == names.asked


async def test_callers_share_a_lookup_and_a_late_result_is_used(names: NameServer) -> None:
    lookup = Lookup(NAME)
    for _ in range(5):
        task = await begun(lookup)
        task.cancel()
        await asyncio.wait([task])
    waiting = await begun(lookup)
    names.answer()
    assert ["192.0.2.1", "192.0.2.2"] == await waiting
    assert 1 == names.asked


async def test_a_failure_after_its_callers_gave_up_is_no_surprise(names: NameServer) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
    lookup = Lookup(NAME)
    task = await begun(lookup)
    task.cancel()
    await asyncio.wait([task])
    running, names.error = lookup._running, socket.gaierror(socket.EAI_AGAIN, "no answer")
    assert running is not None
    names.answer()
    await asyncio.wait([running])
    del lookup, task, running
    gc.collect()
    assert [] == faults


def test_the_end_of_the_loop_does_not_wait_for_a_lookup(names: NameServer) -> None:
    async def give_up() -> None:
        (await begun(Lookup(NAME))).cancel()

    asyncio.run(give_up())
    (thread,) = [each for each in threading.enumerate() if each.name == "lookup"]
    assert thread.daemon  # nor does the end of the process
    names.answer()
    thread.join(DEADLINE_S)
