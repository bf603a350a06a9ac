"""Commands that fail because a test wants them to.

redis-py's incr sends INCRBY.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

import zippy
from tests.waiting import wait_until
from zippy.testing import Faults, patch
from zippy.testing.requests import cut_request

READONLY = "READONLY You can't write against a read only replica."


@pytest.fixture
def faults(engine: zippy.Engine) -> Iterator[Faults]:
    """Faults of the engine, over after the test."""
    with Faults(engine) as faults:
        yield faults


@pytest.fixture
def client(engine: zippy.Engine) -> redis.Redis:
    """A connected client that does not try again."""
    client = zippy.connect(engine, retry=Retry(NoBackoff(), 0))
    client.ping()
    return client


class TestError:
    """Errors in the place of answers."""

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("LOADING Redis is loading the dataset in memory", redis.BusyLoadingError),
            (READONLY, redis.ReadOnlyError),
            ("OOM command not allowed when used memory > 'maxmemory'.", redis.ResponseError),
            ("MOVED 3999 127.0.0.1:6381", redis.ResponseError),
            ("MINE of my own", redis.ResponseError),
        ],
    )
    def test_next(self, client: redis.Redis, faults: Faults, text: str, kind: type[Exception]) -> None:
        fault = faults.error(text)
        with pytest.raises(kind):
            client.set("a", 1)
        assert client.get("a") is None
        assert fault.hits == 1

    def test_nth_of_a_name(self, client: redis.Redis, faults: Faults) -> None:
        faults.error("ERR third", "incrby", nth=3)
        assert [client.incr("a"), client.incr("a"), client.set("b", 1)] == [1, 2, True]
        with pytest.raises(redis.ResponseError, match="third"):
            client.incr("a")
        assert client.incr("a") == 3

    def test_every_one(self, client: redis.Redis, faults: Faults) -> None:
        fault = faults.error(READONLY, "SET", times=None)
        for _ in range(3):
            with pytest.raises(redis.ReadOnlyError):
                client.set("a", 1)
        assert client.get("a") is None
        fault.release()
        assert client.set("a", 1)

    def test_in_a_pipeline(self, client: redis.Redis, faults: Faults) -> None:
        """The others are run, and the answers stay in order."""
        faults.error("ERR x", "INCRBY", nth=2)
        with client.pipeline(transaction=False) as pipeline:
            pipeline.incr("a").incr("a").incr("a").get("a")
            first, second, third, last = pipeline.execute(raise_on_error=False)
        assert (first, third, last) == (1, 2, b"2")
        assert isinstance(second, redis.ResponseError)

    def test_in_a_transaction(self, client: redis.Redis, faults: Faults) -> None:
        """A command that cannot be queued lets EXEC fail, as everywhere."""
        faults.error("OOM x", "INCRBY")
        with client.pipeline() as pipeline:
            pipeline.incr("a")
            with pytest.raises(redis.ResponseError, match="x"):
                pipeline.execute()
        assert client.get("a") is None

    def test_exec(self, client: redis.Redis, faults: Faults) -> None:
        """The transaction is over."""
        faults.error("LOADING x", "EXEC")
        with client.pipeline() as pipeline:
            pipeline.incr("a")
            with pytest.raises(redis.ResponseError):
                pipeline.execute()
        assert client.incr("a") == 1

    def test_not_while_connecting(self, engine: zippy.Engine, faults: Faults) -> None:
        """The first command is the client's, not one of those that redis-py connects with."""
        faults.error("MINE x")
        with pytest.raises(redis.ResponseError, match="MINE x"):
            zippy.connect(engine, db=3, protocol=3, client_name="me").get("a")

    def test_asyncio(self, engine: zippy.Engine, faults: Faults) -> None:
        async def use() -> None:
            client = zippy.connect_async(engine)
            await client.set("a", 1)
            faults.error(READONLY, "set")
            with pytest.raises(redis.ReadOnlyError):
                await client.set("a", 2)
            assert await client.get("a") == b"1"

        asyncio.run(use())

    def test_patched(self, engine: zippy.Engine, faults: Faults) -> None:
        with patch(engine):
            client = redis.Redis(port=1)
            faults.error(READONLY)
            with pytest.raises(redis.ReadOnlyError):
                client.set("a", 1)

    def test_not_for_the_test_itself(self, engine: zippy.Engine, faults: Faults) -> None:
        faults.error(READONLY)
        assert engine.execute("SET", "a", 1) == b"OK"

    def test_several(self, client: redis.Redis, faults: Faults) -> None:
        """Each counts for itself; of those that hit one command the first is taken, and the others are still to come."""
        faults.error("ONE x")
        faults.error("TWO x", nth=2)
        with pytest.raises(redis.ResponseError, match="ONE"):
            client.get("a")
        with pytest.raises(redis.ResponseError, match="TWO"):
            client.get("a")
        assert client.get("a") is None

    def test_long_arguments(self, client: redis.Redis, faults: Faults) -> None:
        """A command that comes in pieces is one."""
        faults.error("ERR x", "SET", nth=2)
        assert client.set("a", b"x" * 100_000)
        with pytest.raises(redis.ResponseError, match="x"):
            client.set("b", b"x" * 100_000)
        assert client.strlen("a") == 100_000


class TestHang:
    """Commands that wait."""

    def test_released(self, client: redis.Redis, faults: Faults) -> None:
        fault = faults.hang("SET")
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(client.set, "a", 1)
            wait_until(lambda: fault.hits)
            assert client.get("a") is None
            fault.release()
            assert waiting.result(10) is True
        assert client.get("a") == b"1"

    def test_timeout(self, engine: zippy.Engine, faults: Faults) -> None:
        """The client gives up; its command is never run."""
        client = zippy.connect(engine, socket_timeout=0.01, retry=Retry(NoBackoff(), 0))
        fault = faults.hang("SET")
        with pytest.raises(redis.TimeoutError):
            client.set("a", 1)
        fault.release()
        assert client.get("a") is None

    def test_asyncio(self, engine: zippy.Engine, faults: Faults) -> None:
        async def use() -> None:
            client = zippy.connect_async(engine)
            fault = faults.hang("SET")
            waiting = asyncio.ensure_future(client.set("a", 1))
            while not fault.hits:  # noqa: ASYNC110
                await asyncio.sleep(0)
            assert await client.get("a") is None
            fault.release()
            assert await waiting is True
            faults.hang("GET")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.get("a"), 0.01)

        asyncio.run(use())

    def test_end(self, engine: zippy.Engine, client: redis.Redis) -> None:
        """At the end what hangs is run."""
        with ThreadPoolExecutor() as pool, Faults(engine) as faults:
            fault = faults.hang()
            waiting = pool.submit(client.set, "a", 1)
            wait_until(lambda: fault.hits)
        assert waiting.result(10) is True


class TestDisconnect:
    """Connections that are lost."""

    @pytest.mark.parametrize("after", [False, True])
    def test_sync(self, client: redis.Redis, faults: Faults, after: bool) -> None:
        faults.disconnect("INCRBY", after=after)
        with pytest.raises(redis.ConnectionError):
            client.incr("a")
        assert client.get("a") == (b"1" if after else None)

    def test_retried(self, engine: zippy.Engine, faults: Faults) -> None:
        """What a client that tries again does to a counter."""
        client = zippy.connect(engine, retry=Retry(NoBackoff(), 1), retry_on_error=[redis.ConnectionError])
        faults.disconnect("INCRBY", after=True)
        assert client.incr("a") == 2

    @pytest.mark.parametrize("after", [False, True])
    def test_asyncio(self, engine: zippy.Engine, faults: Faults, after: bool) -> None:
        async def use() -> None:
            client = zippy.connect_async(engine, retry=redis.asyncio.retry.Retry(NoBackoff(), 0))
            await client.ping()
            faults.disconnect("INCRBY", after=after)
            with pytest.raises(redis.ConnectionError):
                await client.incr("a")
            assert await client.get("a") == (b"1" if after else None)

        asyncio.run(use())


class TestUse:
    """Begin and end."""

    def test_end(self, engine: zippy.Engine, client: redis.Redis) -> None:
        with Faults(engine) as faults:
            faults.error("ERR x", times=None)
        assert client.set("a", 1)
        with pytest.raises(RuntimeError, match="between"):
            faults.hang()

    def test_two(self, engine: zippy.Engine, faults: Faults) -> None:
        with pytest.raises(RuntimeError, match="already"), Faults(engine):
            pass

    def test_wrong(self, faults: Faults) -> None:
        with pytest.raises(ValueError, match="one line"):
            faults.error("ERR a\r\n+OK")
        with pytest.raises(ValueError, match="from 1"):
            faults.error("ERR a", nth=0)

    def test_requests(self) -> None:
        """Requests are cut where they end, in both forms."""
        data = b"*2\r\n$3\r\nget\r\n$1\r\na\r\nPING\r\n"
        assert cut_request(data, 0) == (b"GET", 20)
        assert cut_request(data, 20) == (b"PING", 26)
        assert [cut_request(data[:size], 0) for size in range(20)] == [(b"", 0)] * 20
