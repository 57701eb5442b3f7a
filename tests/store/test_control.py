"""What is asked of redis-py is asked to the end."""

import asyncio

import pytest

from tracker.store.control import patience, to_the_end


async def test_what_comes_of_it_is_given() -> None:
    assert 3 == await to_the_end(asyncio.sleep(0, 3))


async def test_an_error_of_it_is_raised() -> None:
    async def fail() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await to_the_end(fail())


@pytest.mark.parametrize("error", [None, OSError("no")])
async def test_a_cancellation_waits_for_its_end(error: Exception | None) -> None:
    gate, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await gate.wait()
        ended.set()
        if error:
            raise error

    asking = asyncio.create_task(to_the_end(work()))
    await asyncio.sleep(0)
    asking.cancel()
    _, pending = await asyncio.wait([asking], timeout=0.01)
    assert {asking} == pending
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ended.is_set()


def test_patience_is_for_each_step_and_one_attempt() -> None:
    options = patience(0.5)
    retry = options.pop("retry")
    assert {"socket_connect_timeout": 0.5, "socket_timeout": 0.5} == options
    assert 0 == retry.get_retries()
