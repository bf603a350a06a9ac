"""redis-py's clients led to an engine in this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.retry
import redis.asyncio.sentinel
import redis.sentinel
from redis.backoff import NoBackoff
from redis.retry import Retry

import zippy
from zippy.testing import Patch, patch

# nobody listens there: what is not led away is an error
PORT = 1
NO_RETRY = Retry(NoBackoff(), 0)
SYNC = {
    "class": lambda: redis.Redis(host="cache.example.org", port=PORT),
    "strict": lambda: redis.StrictRedis(host="cache.example.org", port=PORT),
    "url": lambda: redis.Redis.from_url(f"redis://cache.example.org:{PORT}/0"),
    "from_url": lambda: redis.from_url(f"redis://:secret@cache.example.org:{PORT}/0"),
    "tls": lambda: redis.Redis.from_url(f"rediss://cache.example.org:{PORT}/0"),
    # redis-py 8.0 cannot speak RESP3, its default, over Unix sockets
    "unix": lambda: redis.Redis(unix_socket_path="/nowhere/redis.sock", protocol=2),
    "pool": lambda: redis.Redis(connection_pool=redis.ConnectionPool(host="cache.example.org", port=PORT)),
    "blocking pool": lambda: redis.Redis(connection_pool=redis.BlockingConnectionPool(host="cache.example.org", port=PORT)),
    "single": lambda: redis.Redis(host="cache.example.org", port=PORT, single_connection_client=True),
    "master": lambda: redis.sentinel.Sentinel([("sentinel.example.org", PORT)]).master_for("cache"),
    "replica": lambda: redis.sentinel.Sentinel([("sentinel.example.org", PORT)]).slave_for("cache"),
    "resp3": lambda: redis.Redis(host="cache.example.org", port=PORT, protocol=3),
    "password": lambda: redis.Redis(host="cache.example.org", port=PORT, password="secret"),
    "password and resp3": lambda: redis.Redis(host="cache.example.org", port=PORT, password="secret", protocol=3),
    "user": lambda: redis.Redis(host="cache.example.org", port=PORT, username="me", password="secret"),
}
ASYNC = {
    "class": lambda: redis.asyncio.Redis(host="cache.example.org", port=PORT),
    "url": lambda: redis.asyncio.Redis.from_url(f"redis://:secret@cache.example.org:{PORT}/0"),
    "tls": lambda: redis.asyncio.from_url(f"rediss://cache.example.org:{PORT}/0"),
    "unix": lambda: redis.asyncio.Redis(unix_socket_path="/nowhere/redis.sock"),
    "blocking pool": lambda: redis.asyncio.Redis(
        connection_pool=redis.asyncio.BlockingConnectionPool(host="cache.example.org", port=PORT)
    ),
    "single": lambda: redis.asyncio.Redis(host="cache.example.org", port=PORT, single_connection_client=True),
    "master": lambda: redis.asyncio.sentinel.Sentinel([("sentinel.example.org", PORT)]).master_for("cache"),
    "replica": lambda: redis.asyncio.sentinel.Sentinel([("sentinel.example.org", PORT)]).slave_for("cache"),
    "resp3": lambda: redis.asyncio.Redis(host="cache.example.org", port=PORT, username="me", password="secret", protocol=3),
}


@pytest.fixture
def patched() -> Iterator[Patch]:
    """All clients lead to an engine of the patch's own."""
    with patch() as patched:
        yield patched


class TestWays:
    """However a client is made, it reaches the engine."""

    @pytest.mark.parametrize("way", SYNC)
    def test_sync(self, patched: Patch, way: str) -> None:
        with SYNC[way]() as client:
            client.set("a", 1)
            with client.pipeline() as pipeline:
                pipeline.incr("a")
                pipeline.blpop("list", 0.001)
                assert pipeline.execute() == [2, None]
        assert patched.engine.execute("GET", "a") == b"2"

    @pytest.mark.parametrize("way", ASYNC)
    def test_asyncio(self, patched: Patch, way: str) -> None:
        async def use() -> None:
            async with ASYNC[way]() as client:
                await client.set("a", 1)
                async with client.pipeline() as pipeline:
                    pipeline.incr("a")
                    pipeline.blpop("list", 0.001)
                    assert await pipeline.execute() == [2, None]

        asyncio.run(use())
        assert patched.engine.execute("GET", "a") == b"2"

    def test_options(self, patched: Patch) -> None:
        client = redis.Redis(port=PORT, db=3, decode_responses=True, client_name="me")
        client.set("a", "ä")
        assert client.get("a") == "ä"
        assert client.client_getname() == "me"
        assert redis.Redis(port=PORT).dbsize() == 0

    def test_messages_and_blocking(self, patched: Patch) -> None:
        """Clients wait for each other, in threads."""
        client, other = redis.Redis(port=PORT), redis.Redis(port=PORT)
        listener = client.pubsub(ignore_subscribe_messages=True)
        listener.subscribe("news")
        assert listener.get_message(timeout=10) is None
        got: list[Any] = []
        waiting = threading.Thread(target=lambda: got.append(other.blpop("list", 10)))
        waiting.start()
        client.rpush("list", "x")
        waiting.join(10)
        assert got == [(b"list", b"x")]
        other.publish("news", "y")
        assert listener.get_message(timeout=10)["data"] == b"y"


class TestClusters:
    """Clients of a cluster find one of one node."""

    def test_sync(self, patched: Patch) -> None:
        with redis.RedisCluster(host="cluster.example.org", port=PORT, protocol=2) as client:
            assert client.mset_nonatomic({"a": 1, "b": 2, "c": 3})
            assert client.incr("a") == 2
            pipeline = client.pipeline()
            pipeline.incr("a").incr("b")
            assert pipeline.execute() == [3, 3]
            assert client.lock("lock", timeout=5).acquire()
            assert [node.name for node in client.get_nodes()] == [f"cluster.example.org:{PORT}"]
        assert patched.engine.execute("MGET", "a", "b", "c") == [b"3", b"3", b"3"]

    def test_asyncio(self, patched: Patch) -> None:
        async def use() -> None:
            async with redis.asyncio.RedisCluster(host="cluster.example.org", port=PORT) as client:
                assert await client.incr("a") == 1
                pipeline = client.pipeline()
                pipeline.incr("a").incr("b")
                assert await pipeline.execute() == [2, 1]

        asyncio.run(use())
        assert patched.engine.execute("MGET", "a", "b") == [b"2", b"1"]

    def test_engines(self, patched: Patch) -> None:
        with zippy.Engine() as other:
            patched.lead("cluster.example.org", other)
            redis.RedisCluster.from_url(f"redis://:secret@cluster.example.org:{PORT}").set("a", 1)
            assert other.execute("GET", "a") == b"1"
            with pytest.raises(redis.ResponseError, match="cluster support disabled"):
                redis.Redis(host="cluster.example.org", port=PORT).execute_command("CLUSTER", "INFO")


class TestAddresses:
    """Several engines."""

    def test_several(self) -> None:
        with zippy.Engine() as cache, zippy.Engine() as queue, zippy.Engine() as unix:
            engines = {"localhost:6379": cache, "queue.example.org": queue, "/run/redis.sock": unix, "service:6379": unix}
            with patch(engines=engines) as patched:
                redis.Redis(host="127.0.0.1").set("a", "cache")
                redis.Redis(host="queue.example.org", port=7).set("a", "queue")
                redis.Redis(unix_socket_path="/run/redis.sock", protocol=2).set("a", "unix")
                redis.sentinel.Sentinel([("sentinel", 1)]).master_for("service").set("b", "service")
                redis.Redis(port=7).set("a", "rest")
                assert cache.execute("GET", "a") == b"cache"
                assert queue.execute("GET", "a") == b"queue"
                assert unix.execute("MGET", "a", "b") == [b"unix", b"service"]
                assert patched.engine.execute("GET", "a") == b"rest"

    def test_led_later(self, patched: Patch) -> None:
        with zippy.Engine() as other:
            patched.lead("[::1]:7", other)
            redis.Redis(host="::1", port=7).set("a", 1)
            assert other.execute("DBSIZE") == 1


class TestPasswords:
    """Any is good enough where none is asked for."""

    def test_asked_for(self) -> None:
        with zippy.Engine(requirepass="right") as engine, patch(engine):
            assert redis.Redis(port=PORT, password="right").ping()
            with pytest.raises(redis.AuthenticationError):
                redis.Redis(port=PORT, password="wrong", retry=NO_RETRY).ping()

    def test_users(self, patched: Patch) -> None:
        patched_client = redis.Redis(port=PORT)
        patched_client.acl_setuser("me", enabled=True, passwords=["+right"], categories=["+@all"], keys=["*"])
        client = redis.Redis(port=PORT, username="me", password="right")
        assert client.acl_whoami() == "me"
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=PORT, username="me", password="wrong", retry=NO_RETRY).ping()

    def test_kept(self, patched: Patch) -> None:
        """The connection still has what it would log in with elsewhere."""
        client = redis.Redis(port=PORT, password="secret")
        client.ping()
        assert client.connection_pool.get_connection("PING").password == "secret"


class TestEnd:
    """What is there after it."""

    def test_undone_when_the_test_fails(self) -> None:
        before = {kind: dict(vars(kind)) for kind in redis.connection.Connection.__mro__[:-1]}
        with pytest.raises(ZeroDivisionError), patch():
            raise ZeroDivisionError
        assert before == {kind: dict(vars(kind)) for kind in before}

    def test_client_that_lives_on(self) -> None:
        """A client of a module, used in test after test, reaches what each led it to, and at the end its own address."""
        client = redis.Redis(port=PORT, retry=NO_RETRY)
        for _ in range(2):
            with patch() as patched:
                client.set("a", 1)
                assert patched.engine.execute("DBSIZE") == 1
        with pytest.raises(redis.ConnectionError):
            client.get("a")

    @pytest.mark.parametrize("loops", [1, 2])
    def test_asyncio_client_that_lives_on(self, loops: int) -> None:
        """In one loop or, as with most fixtures, in one a test."""

        async def use() -> None:
            await client.set("a", 1)

        with asyncio.Runner() if hasattr(asyncio, "Runner") else pytest.skip("no asyncio.Runner") as runner:
            client = redis.asyncio.Redis(port=PORT, retry=redis.asyncio.retry.Retry(NoBackoff(), 0))
            run = runner.run if loops == 1 else asyncio.run
            for _ in range(2):
                with patch() as patched:
                    run(use())
                    assert patched.engine.execute("DBSIZE") == 1
            with pytest.raises(redis.ConnectionError):
                run(use())

    def test_connections_from_before(self, engine: zippy.Engine) -> None:
        """They are not touched: neither those of an engine in process nor, see tests/test_pytest_plugin.py, of a server."""
        client = zippy.connect(engine)
        client.set("a", 1)
        with patch() as patched:
            client.set("b", 1)
            assert zippy.connect(engine).dbsize() == 2
            assert patched.engine.execute("DBSIZE") == 0

    def test_engine_stays(self, engine: zippy.Engine) -> None:
        """One that was given is not closed; its clients that the patch led there are gone."""
        with patch(engine):
            client = redis.Redis(port=PORT)
            client.set("a", 1)
            assert b"connected_clients:2\r\n" in engine.execute("INFO", "clients")
        assert b"connected_clients:1\r\n" in engine.execute("INFO", "clients")
        assert engine.execute("DBSIZE") == 1

    def test_nested(self, patched: Patch) -> None:
        with patch() as inner:
            redis.Redis(port=PORT).set("a", 1)
            assert inner.engine.execute("DBSIZE") == 1
        redis.Redis(port=PORT).mset({"b": 1, "c": 1})
        assert patched.engine.execute("DBSIZE") == 2
