"""FastStream's Redis streams with zippy behind them: a subscriber alone, and subscribers of one consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import redis

from tests.needs import needs_command, needs_package
from tests.waiting import until

needs_package("faststream")


@pytest.fixture
def client(url: str) -> redis.Redis:
    """To look at the streams."""
    client = redis.Redis.from_url(url)
    needs_command(client, "XREADGROUP", "FastStream's streams")
    return client


def in_time(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs it, for a minute at most."""
    asyncio.run(asyncio.wait_for(body(), 60))


def test_subscriber(url: str, client: redis.Redis) -> None:
    """Who subscribes gets what is published from then on, in order."""
    from faststream.redis import RedisBroker, StreamSub

    async def body() -> None:
        broker = RedisBroker(url)
        heard: list[int] = []

        async def is_heard() -> bool:
            # what comes between two reads is lost as long as the subscriber knows of no message
            await broker.publish(-1, stream="numbers")
            return bool(heard)

        @broker.subscriber(stream=StreamSub("numbers", polling_interval=20))
        async def hear(number: int) -> None:
            heard.append(number)

        async with broker:
            await broker.start()
            await until(is_heard)
            for number in range(100):
                await broker.publish(number, stream="numbers", maxlen=10)
            await until(lambda: heard[-1] == 99)
        assert [number for number in heard if number >= 0] == list(range(100))
        assert heard.index(0) == heard.count(-1)

    in_time(body)
    assert client.xlen("numbers") < client.xinfo_stream("numbers")["entries-added"]


def test_group(url: str, client: redis.Redis) -> None:
    """Two consumers of a group share the messages, and acknowledge each."""
    from faststream.redis import RedisBroker, StreamSub

    async def body() -> None:
        broker = RedisBroker(url)
        heard: list[int] = []

        @broker.subscriber(stream=StreamSub("jobs", group="workers", consumer="one", polling_interval=20))
        async def first(number: int) -> None:
            heard.append(number)

        @broker.subscriber(stream=StreamSub("jobs", group="workers", consumer="two", polling_interval=20))
        async def second(number: int) -> None:
            heard.append(number)

        async with broker:
            await broker.start()
            for number in range(100):
                await broker.publish(number, stream="jobs")
            await until(lambda: len(heard) == 100)
            await until(lambda: client.xpending("jobs", "workers")["pending"] == 0)
            # one of them may have done it all
            await until(lambda: len(client.xinfo_consumers("jobs", "workers")) == 2)
        assert sorted(heard) == list(range(100))

    in_time(body)
    assert {consumer["name"] for consumer in client.xinfo_consumers("jobs", "workers")} == {b"one", b"two"}
