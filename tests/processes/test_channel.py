"""What supervisor and child say to each other arrives whole, and the end is noticed."""

import socket
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from tracker.frontends.listen import Listeners
from tracker.processes.channel import Channel, Hello, Order
from tracker.settings import RedisSettings, Settings


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Channel, Channel]]:
    one, two = [await Channel.over(sock) for sock in socket.socketpair()]
    yield one, two
    one.close()
    two.close()


async def test_values_arrive_in_order_and_keep_their_types(ends: tuple[Channel, Channel]) -> None:
    one, two = ends
    redis = RedisSettings(url=SecretStr("redis://:secret@localhost"))
    settings = Settings(redis=redis)
    hello = Hello(settings, "redis://", Listeners({"http": 1}, [(["http"], [7, 8])], [9]))
    one.send(hello)
    one.send(Order.STOP)
    assert hello == await two.receive(Hello)
    assert Order.STOP is await two.receive(Order)


async def test_large_values_arrive(ends: tuple[Channel, Channel]) -> None:
    one, two = ends
    two.send(bytes(5_000_000))
    assert 5_000_000 == len(await one.receive(bytes))


async def test_the_end_of_the_other_is_told(ends: tuple[Channel, Channel]) -> None:
    one, two = ends
    one.close()
    with pytest.raises(EOFError):
        await two.receive(Order)


async def test_what_is_said_to_who_is_gone_is_lost(ends: tuple[Channel, Channel]) -> None:
    one, two = ends
    two.close()
    for _ in range(10):
        one.send(Order.REPORT)
        two.send(Order.REPORT)
    with pytest.raises(EOFError):
        await one.receive(Order)


async def test_another_kind_than_was_waited_for_is_a_defect(ends: tuple[Channel, Channel]) -> None:
    one, two = ends
    one.send(Order.STOP)
    with pytest.raises(AssertionError):
        await two.receive(Hello)
