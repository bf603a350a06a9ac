"""arq with zippy behind it: jobs that are late, unique, tried again and aborted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
import redis

from tests.clients.needs import needs_folder
from tests.needs import needs_command

sys.path.append(str(needs_folder("arq")))


async def double(context: dict[str, Any], number: int) -> int:
    """Twice the number."""
    return number * 2


async def fail_once(context: dict[str, Any]) -> int:
    """Fails the first time; the number of tries."""
    from arq import Retry

    if context["job_try"] == 1:
        raise Retry(defer=timedelta(milliseconds=20))
    return int(context["job_try"])


async def fail(context: dict[str, Any]) -> None:
    """Always fails."""
    raise ValueError("as it should")


@pytest.fixture
def run(url: str) -> Callable[[Callable[[Any, Any], Coroutine[Any, Any, None]]], None]:
    """run(body): awaits body(pool, work); work() runs a worker until there is nothing to do."""
    with redis.Redis.from_url(url) as client:
        needs_command(client, "EVAL", "arq's worker")

    async def whole(body: Callable[[Any, Any], Coroutine[Any, Any, None]]) -> None:
        from arq import Worker, create_pool
        from arq.connections import RedisSettings

        settings = RedisSettings.from_dsn(url)
        pool = await create_pool(settings)

        async def work() -> None:
            worker = Worker(
                functions=[double, fail_once, fail],
                redis_settings=settings,
                burst=True,
                poll_delay=0.01,
                handle_signals=False,
                keep_result=60,
            )
            await worker.async_run()
            await worker.close()

        await body(pool, work)
        await pool.aclose()

    return lambda body: asyncio.run(asyncio.wait_for(whole(body), 60))


def test_jobs(run: Any) -> None:
    """Results of many jobs, of one that is tried again, and of one that is late; a job that is there already is refused."""

    async def body(pool: Any, work: Any) -> None:
        jobs = [await pool.enqueue_job("double", number) for number in range(100)]
        again = await pool.enqueue_job("fail_once")
        late = await pool.enqueue_job("double", 21, _defer_by=0.1)
        bad = await pool.enqueue_job("fail")
        assert await pool.enqueue_job("double", 1, _job_id="one") is not None
        assert await pool.enqueue_job("double", 1, _job_id="one") is None
        await work()
        assert [await job.result(timeout=5) for job in jobs] == [2 * number for number in range(100)]
        assert await again.result(timeout=5) == 2
        assert await late.result(timeout=5) == 42
        with pytest.raises(ValueError, match="as it should"):
            await bad.result(timeout=5)

    run(body)
