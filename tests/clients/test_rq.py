"""RQ with zippy behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.clients import rq_jobs
from tests.needs import needs_command, needs_package

needs_package("rq")


@pytest.fixture
def connection(url: str) -> Iterator[redis.Redis]:
    """RQ's connection."""
    with redis.Redis.from_url(url) as client:
        yield client


def work(queue: Any) -> None:
    """Runs a worker until the queue is empty."""
    from rq import SimpleWorker

    assert SimpleWorker([queue], connection=queue.connection).work(burst=True, logging_level="CRITICAL") is True


def test_jobs(connection: redis.Redis) -> None:
    """A worker in burst mode does all; results aren't kept."""
    from rq import Queue

    count = 1000
    queue = Queue(connection=connection)
    for i in range(count):
        queue.enqueue(rq_jobs.add_to_sum, i, result_ttl=0)
    assert len(queue) == count
    work(queue)
    assert queue.is_empty()
    assert int(connection.get("sum")) == sum(range(count))
    assert not list(connection.scan_iter("rq:job:*"))


def test_results(connection: redis.Redis) -> None:
    """Results are kept, in streams; so is the failed one."""
    from rq import Queue
    from rq.registry import FailedJobRegistry, FinishedJobRegistry

    needs_command(connection, "XADD", "RQ's results")
    count = 1000
    queue = Queue(connection=connection)
    jobs = [queue.enqueue(rq_jobs.double, i) for i in range(count)]
    failing = queue.enqueue(rq_jobs.fail)
    work(queue)
    assert [job.return_value(refresh=True) for job in jobs] == [2 * i for i in range(count)]
    assert FailedJobRegistry(queue=queue).get_job_ids() == [failing.id]
    assert len(FinishedJobRegistry(queue=queue)) == count


def test_unique(connection: redis.Redis) -> None:
    """A job that is there already is refused, by a script."""
    from rq import Queue
    from rq.exceptions import DuplicateJobError

    queue = Queue(connection=connection)
    queue.enqueue(rq_jobs.double, 1, job_id="one", unique=True)
    with pytest.raises(DuplicateJobError):
        queue.enqueue(rq_jobs.double, 1, job_id="one", unique=True)
    assert len(queue) == 1
