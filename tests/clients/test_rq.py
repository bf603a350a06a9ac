"""RQ with zippy behind it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
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


def work(queue: Any, with_scheduler: bool = False) -> None:
    """Runs a worker until the queue is empty; before it the scheduler, which looks for what is due."""
    from rq import SimpleWorker
    from rq.scheduler import RQScheduler

    if with_scheduler:
        scheduler = RQScheduler([queue], connection=queue.connection)
        scheduler.acquire_locks()
        scheduler.enqueue_scheduled_jobs()
        scheduler.release_locks()
    SimpleWorker([queue], connection=queue.connection).work(burst=True, logging_level="CRITICAL")


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


def test_retries(connection: redis.Redis) -> None:
    """A job that fails is tried again, at once or when the scheduler finds that its time has come; what depends on it runs then."""
    from rq import Queue, Retry

    needs_command(connection, "EVAL", "RQ's scheduler")
    queue = Queue(connection=connection)
    at_once = queue.enqueue(rq_jobs.fail_until, "at once", 3, retry=Retry(max=3))
    dependent = queue.enqueue(rq_jobs.double, 21, depends_on=at_once)
    work(queue)
    assert at_once.return_value(refresh=True) == 3
    assert dependent.return_value(refresh=True) == 42
    later = queue.enqueue(rq_jobs.fail_until, "later", 2, retry=Retry(max=1, interval=1))
    late = queue.enqueue_in(timedelta(seconds=1), rq_jobs.double, 1)
    work(queue, with_scheduler=True)
    deadline = time.monotonic() + 30
    while len(queue.scheduled_job_registry) or len(queue):
        assert time.monotonic() < deadline
        work(queue, with_scheduler=True)
    assert later.return_value(refresh=True) == 2
    assert late.return_value(refresh=True) == 2


def test_unique(connection: redis.Redis) -> None:
    """A job that is there already is refused, by a script."""
    from rq import Queue
    from rq.exceptions import DuplicateJobError

    queue = Queue(connection=connection)
    queue.enqueue(rq_jobs.double, 1, job_id="one", unique=True)
    with pytest.raises(DuplicateJobError):
        queue.enqueue(rq_jobs.double, 1, job_id="one", unique=True)
    assert len(queue) == 1
