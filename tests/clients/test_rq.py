"""RQ with zippy behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.clients import rq_jobs
from tests.clients.needs import count_of, needs_package

needs_package("rq")


@pytest.fixture
def connection(url: str) -> Iterator[redis.Redis]:
    """RQ's connection."""
    with redis.Redis.from_url(url) as client:
        yield client


def test_jobs(connection: redis.Redis) -> None:
    """A worker in burst mode does all, the failed one is kept."""
    from rq import Queue, SimpleWorker
    from rq.registry import FailedJobRegistry, FinishedJobRegistry

    count = count_of(50, 1000)
    queue = Queue(connection=connection)
    jobs = [queue.enqueue(rq_jobs.double, i) for i in range(count)]
    failing = queue.enqueue(rq_jobs.fail)
    assert len(queue) == count + 1
    assert SimpleWorker([queue], connection=connection).work(burst=True, logging_level="ERROR") is True
    assert [job.return_value(refresh=True) for job in jobs] == [2 * i for i in range(count)]
    assert queue.is_empty()
    assert FailedJobRegistry(queue=queue).get_job_ids() == [failing.id]
    assert len(FinishedJobRegistry(queue=queue)) == count
