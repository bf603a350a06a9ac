"""TaskIQ with zippy as broker: its stream broker, whose workers are a consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import redis

from tests.needs import needs_command, needs_package
from tests.waiting import until

needs_package("taskiq_redis")


@pytest.fixture
def client(url: str) -> redis.Redis:
    """To look at the stream."""
    client = redis.Redis.from_url(url)
    needs_command(client, "EVAL", "TaskIQ's stream broker, whose lock is released by a script")
    return client


def in_time(body: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Runs it, for a minute at most."""
    return asyncio.run(asyncio.wait_for(body(), 60))


async def begin_work(broker: Any) -> asyncio.Task[None]:
    """Begins to work off the broker's tasks in this loop."""
    from taskiq.receiver import Receiver

    return asyncio.create_task(Receiver(broker, max_async_tasks=10).listen(asyncio.Event()))


async def end_work(worker: asyncio.Task[None], broker: Any) -> None:
    """Cancels a worker, waits for it, and closes the broker."""
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    await broker.shutdown()


def test_tasks(url: str, client: redis.Redis) -> None:
    """Each task runs once, its result comes back, and nothing stays pending."""
    from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

    async def body() -> list[Any]:
        backend: Any = RedisAsyncResultBackend(redis_url=url)
        broker = RedisStreamBroker(url=url, xread_block=50).with_result_backend(backend)

        @broker.task
        async def double(number: int) -> int:
            return number * 2

        broker.is_worker_process = True
        await broker.startup()
        worker = await begin_work(broker)
        kicked = [await double.kiq(number) for number in range(200)]
        results = [(await task.wait_result(timeout=30)).return_value for task in kicked]
        # the last ones are acknowledged when their results are there
        await until(lambda: client.xinfo_groups("taskiq")[0]["pending"] == 0)
        await end_work(worker, broker)
        return results

    assert in_time(body) == [2 * number for number in range(200)]
    (group,) = client.xinfo_groups("taskiq")
    assert (group["pending"], group["entries-read"], group["lag"]) == (0, 200, 0)
