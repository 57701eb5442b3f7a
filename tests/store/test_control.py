"""What is asked of redis-py is asked to the end."""

import asyncio

import pytest
from redis import exceptions
from redis.exceptions import AuthenticationError, RedisClusterException, RedisError

from tracker.store.control import cause_of, patience, to_the_end
from tracker.store.reasons import Unusable, explain


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


def test_the_cause_is_what_redis_py_wrapped() -> None:
    refused = ConnectionRefusedError(111, "refused")
    wrapped = RedisClusterException("no node")
    wrapped.__cause__ = exceptions.ConnectionError("Error 111")
    wrapped.__cause__.__context__ = refused
    assert refused is cause_of(wrapped)
    assert refused is cause_of(refused)


def test_the_cause_may_be_what_redis_replied() -> None:
    cause = cause_of(AuthenticationError("invalid password", status_code="WRONGPASS"))
    assert isinstance(cause, Unusable)
    assert "WRONGPASS" in explain(cause, tls=False).text


def test_an_error_of_redis_py_itself_is_its_own_cause() -> None:
    error = RedisError("no")
    assert error is cause_of(error)
    error.__cause__ = KeyboardInterrupt()
    assert error is cause_of(error)
