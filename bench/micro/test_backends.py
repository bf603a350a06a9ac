"""The same calls of redis-py over each backend, sync and asyncio, in a group each: what `python -m bench backends` makes a table of."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from bench.micro.backends import BACKENDS, Backend, Connect

PIPELINE = 100
LONG = 4  # seconds: redis-py 8 itself waits for 5
MESSAGE = {"field": "value"}


@pytest.fixture(scope="module", params=[one for one in BACKENDS if one.is_sync], ids=lambda one: one.name)
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """connect() gives one more client of a backend."""
    backend: Backend = request.param
    with backend.start() as (plain, _):
        yield plain


@pytest.fixture(scope="module", params=[one for one in BACKENDS if one.is_async], ids=lambda one: one.name)
def connect_async(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """The same for asyncio."""
    backend: Backend = request.param
    with backend.start() as (_, aio):
        yield aio


@pytest.fixture
def client(connect: Connect) -> Any:
    """A client whose store is empty but for a key."""
    one = connect()
    one.flushall()
    one.set("key", "value")
    return one


class TestSync:
    """redis.Redis."""

    @pytest.mark.benchmark(group="GET")
    def test_get(self, benchmark: Any, client: Any) -> None:
        assert benchmark(client.get, "key") == b"value"

    @pytest.mark.benchmark(group="SET")
    def test_set(self, benchmark: Any, client: Any) -> None:
        assert benchmark(client.set, "key", "value")

    @pytest.mark.benchmark(group="pipeline of 100")
    def test_pipeline(self, benchmark: Any, client: Any) -> None:
        def run() -> int:
            with client.pipeline(transaction=False) as pipeline:
                for _ in range(PIPELINE):
                    pipeline.get("key")
                return len(pipeline.execute())

        assert benchmark(run) == PIPELINE

    @pytest.mark.benchmark(group="blocking pop, there and back")
    def test_blocking_pop(self, benchmark: Any, client: Any, connect: Connect) -> None:
        """A thread that waits for each request, and answers it."""

        def answer() -> None:
            other = connect()
            while other.blpop(["requests"], LONG)[1] != b"end":
                other.rpush("answers", "x")

        def run() -> Any:
            client.rpush("requests", "x")
            return client.blpop(["answers"], LONG)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        assert benchmark(run) == (b"answers", b"x")
        client.rpush("requests", "end")
        thread.join()

    @pytest.mark.benchmark(group="publish and receive")
    def test_pubsub(self, benchmark: Any, client: Any) -> None:
        with client.pubsub(ignore_subscribe_messages=True) as listener:
            listener.subscribe("channel")
            assert listener.get_message(timeout=5) is None

            def run() -> Any:
                client.publish("channel", "x")
                return listener.get_message(timeout=5)["data"]

            assert benchmark(run) == b"x"

    @pytest.mark.benchmark(group="lock")
    def test_lock(self, benchmark: Any, client: Any) -> None:
        def run() -> bool:
            lock = client.lock("lock", timeout=10)
            taken = bool(lock.acquire())
            lock.release()
            return taken

        assert benchmark(run)

    @pytest.mark.benchmark(group="stream group")
    def test_stream(self, benchmark: Any, client: Any) -> None:
        """Adds an entry, reads it in a group, and acknowledges it."""
        client.xgroup_create("stream", "group", id="0", mkstream=True)

        def run() -> int:
            name = client.xadd("stream", MESSAGE, maxlen=1000)
            client.xreadgroup("group", "me", {"stream": ">"})
            return int(client.xack("stream", "group", name))

        assert benchmark(run) == 1


Job = Callable[[Any], Awaitable[Any]]


@pytest.fixture
def timed(benchmark: Any, connect_async: Connect) -> Iterator[Callable[[Job, Job | None], Any]]:
    """timed(job, prepare) times job(client) in one loop, after prepare(client); the last result."""
    with asyncio.Runner() as runner:

        async def begin(prepare: Job | None) -> Any:
            client = connect_async()
            if hasattr(client, "flushall"):
                await client.flushall()
            await client.set("key", "value")
            if prepare is not None:
                await prepare(client)
            return client

        def run(job: Job, prepare: Job | None = None) -> Any:
            client = runner.run(begin(prepare))
            loop = runner.get_loop()
            result = benchmark(lambda: loop.run_until_complete(job(client)))
            if hasattr(client, "aclose"):
                runner.run(client.aclose())
            return result

        yield run


class TestAsync:
    """redis.asyncio.Redis, and burner-redis."""

    @pytest.mark.benchmark(group="asyncio: GET")
    def test_get(self, timed: Any) -> None:
        assert timed(lambda client: client.get("key")) == b"value"

    @pytest.mark.benchmark(group="asyncio: SET")
    def test_set(self, timed: Any) -> None:
        assert timed(lambda client: client.set("key", "value"))

    @pytest.mark.benchmark(group="asyncio: pipeline of 100")
    def test_pipeline(self, timed: Any) -> None:
        async def run(client: Any) -> int:
            async with client.pipeline() as pipeline:
                for _ in range(PIPELINE):
                    pipeline.get("key")
                return len(await pipeline.execute())

        assert timed(run) == PIPELINE

    @pytest.mark.benchmark(group="asyncio: blocking pop, there and back")
    def test_blocking_pop(self, timed: Any, connect_async: Connect) -> None:
        async def answer(client: Any) -> None:
            await client.blpop(["requests"], LONG)
            await client.rpush("answers", "x")

        async def run(client: Any) -> Any:
            other = asyncio.ensure_future(answer(client))
            await asyncio.sleep(0)
            await client.rpush("requests", "x")
            got = await client.blpop(["answers"], LONG)
            await other
            return got

        assert tuple(timed(run)) == (b"answers", b"x")

    @pytest.mark.benchmark(group="asyncio: publish and receive")
    def test_pubsub(self, timed: Any) -> None:
        listeners: list[Any] = []

        async def prepare(client: Any) -> None:
            listeners.append(client.pubsub(ignore_subscribe_messages=True))
            await listeners[0].subscribe("channel")
            await listeners[0].get_message(timeout=0.1)

        async def run(client: Any) -> Any:
            await client.publish("channel", "x")
            return (await listeners[0].get_message(timeout=5))["data"]

        assert timed(run, prepare) == b"x"

    @pytest.mark.benchmark(group="asyncio: lock")
    def test_lock(self, timed: Any) -> None:
        async def run(client: Any) -> bool:
            lock = client.lock("lock", timeout=10)
            taken = bool(await lock.acquire())
            await lock.release()
            return taken

        assert timed(run)

    @pytest.mark.benchmark(group="asyncio: stream group")
    def test_stream(self, timed: Any) -> None:
        async def prepare(client: Any) -> None:
            await client.xgroup_create("stream", "group", id="0", mkstream=True)

        async def run(client: Any) -> int:
            name = await client.xadd("stream", MESSAGE, maxlen=1000)
            await client.xreadgroup("group", "me", {"stream": ">"})
            return int(await client.xack("stream", "group", name))

        assert timed(run, prepare) == 1
