"""Dramatiq with zippy as its broker, each step of which is a script."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.needs import needs_command, needs_package

needs_package("dramatiq")


@pytest.fixture
def client(url: str) -> Iterator[redis.Redis]:
    """To see what the tasks have done."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        needs_command(client, "EVAL", "Dramatiq's broker")
        yield client


@pytest.fixture
def broker(url: str, client: redis.Redis) -> Iterator[Any]:
    """The broker, with results behind it."""
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker
    from dramatiq.results import Results
    from dramatiq.results.backends import RedisBackend

    broker = RedisBroker(url=url)
    broker.add_middleware(Results(backend=RedisBackend(url=url)))
    dramatiq.set_broker(broker)
    yield broker
    broker.close()


def work(broker: Any) -> None:
    """Runs a worker until all queues are empty, the one of delayed messages too."""
    from dramatiq import Worker

    worker = Worker(broker, worker_timeout=50, worker_threads=4)
    worker.start()
    for queue in list(broker.get_declared_queues()):
        broker.join(queue, timeout=30_000)
    worker.join()
    worker.stop()


def test_tasks(broker: Any, client: redis.Redis) -> None:
    """Each message is worked off once, and results come back; so from a pipeline and a group."""
    import dramatiq

    @dramatiq.actor(broker=broker, store_results=True)
    def double(number: int) -> int:
        client.incr("done")
        return number * 2

    messages = [double.send(number) for number in range(200)]
    chained = (double.message(1) | double.message()).run()
    grouped = dramatiq.group([double.message(number) for number in range(3)], broker=broker).run()
    work(broker)
    assert [message.get_result() for message in messages] == [2 * number for number in range(200)]
    assert chained.get_result() == 4
    assert list(grouped.get_results()) == [0, 2, 4]
    assert client.get("done") == "205"


def test_delays_and_retries(broker: Any, client: redis.Redis) -> None:
    """A message that fails is tried again, one with a delay comes later, and what fails for good is among the dead."""
    import dramatiq

    @dramatiq.actor(broker=broker, max_retries=3, min_backoff=10, max_backoff=20)
    def fail_twice() -> None:
        if client.incr("tries") < 3:
            raise ValueError("as it should")

    @dramatiq.actor(broker=broker, max_retries=0)
    def fail() -> None:
        raise ValueError("as it should")

    @dramatiq.actor(broker=broker)
    def note(word: str, sent: float) -> None:
        client.hset("noted", word, time.monotonic() - sent)

    fail_twice.send()
    fail.send()
    note.send_with_options(args=("late", time.monotonic()), delay=300)
    note.send("early", time.monotonic())
    work(broker)
    assert client.get("tries") == "3"
    assert client.hlen("noted") == 2
    # Dramatiq's times are whole milliseconds
    assert float(client.hget("noted", "late")) >= 0.299
    assert client.zcard("dramatiq:default.XQ") == 1
