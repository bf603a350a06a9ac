"""redis.asyncio: over TCP, over a Unix socket and in process, in RESP2 and RESP3.

test_redis_py_versions.py runs this file again with other versions of redis-py and without hiredis.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tests.waiting import until

Connect = Callable[..., redis.asyncio.Redis]
Run = Callable[[Callable[[Connect], Coroutine[Any, Any, None]]], None]


async def messages(pubsub: Any) -> AsyncIterator[dict[str, Any]]:
    """What arrives, each within ten seconds."""
    while True:
        message = await pubsub.get_message(timeout=10)
        assert message is not None, "no message in ten seconds"
        yield message


async def until_blocked(r: redis.asyncio.Redis, count: int) -> None:
    """Waits until `count` clients are blocked."""

    async def are_blocked() -> bool:
        return bool((await r.info("clients"))["blocked_clients"] == count)

    await until(are_blocked)


class TestValues:
    """Each type through the client's own parsers."""

    def test_types(self, run: Run) -> None:
        """Strings, hashes, lists, sets, sorted sets."""

        async def test(connect: Connect) -> None:
            r = connect()
            assert await r.set("a", "1", ex=100) is True
            assert await r.incr("a", 41) == 42
            assert 95 <= await r.ttl("a") <= 100
            assert await r.mget("a", "none") == ["42", None]
            assert await r.hset("h", mapping={"a": "1"}) == 1
            assert await r.hgetall("h") == {"a": "1"}
            assert await r.rpush("l", 1, 2, 3) == 3
            assert await r.lrange("l", 0, -1) == ["1", "2", "3"]
            assert await r.sadd("s", "x", "y") == 2
            assert set(await r.smembers("s")) == {"x", "y"}
            assert await r.zadd("z", {"m": 1.5}) == 1
            assert await r.zscore("z", "m") == 1.5
            with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
                await r.lpush("a", 1)

        run(test)

    def test_large(self, run: Run) -> None:
        """Four megabytes there and back."""

        async def test(connect: Connect) -> None:
            r = connect(decode_responses=False)
            value = bytes(range(256)) * 16384
            await r.set("a", value)
            assert await r.get("a") == value

        run(test)

    def test_scan_iter(self, run: Run) -> None:
        """Each key."""

        async def test(connect: Connect) -> None:
            r = connect()
            await r.mset({f"key:{i}": i for i in range(500)})
            assert {key async for key in r.scan_iter(match="key:*", count=50)} == {f"key:{i}" for i in range(500)}

        run(test)


class TestPipelines:
    """MULTI, EXEC, WATCH and plain pipelines."""

    def test_pipelines(self, run: Run) -> None:
        """Replies in order."""

        async def test(connect: Connect) -> None:
            r = connect()
            async with r.pipeline(transaction=True) as pipe:
                assert await pipe.set("a", 1).incr("a").get("a").execute() == [True, 2, "2"]
            async with r.pipeline(transaction=False) as pipe:
                for _ in range(2000):
                    pipe.incr("n")
                assert await pipe.execute() == list(range(1, 2001))

        run(test)

    def test_watch(self, run: Run) -> None:
        """A change by another client stops the transaction."""

        async def test(connect: Connect) -> None:
            r, other = connect(), connect()
            async with r.pipeline() as pipe:
                await pipe.watch("a")
                await other.set("a", "theirs")
                pipe.multi()
                pipe.set("a", "ours")
                with pytest.raises(redis.WatchError):
                    await pipe.execute()
            assert await r.get("a") == "theirs"

        run(test)


class TestBlocking:
    """Blocking pops."""

    def test_served(self, run: Run) -> None:
        """Ten wait, ten are served."""

        async def test(connect: Connect) -> None:
            r = connect()
            waiting = [asyncio.ensure_future(r.blpop(["a", "b"], timeout=10)) for _ in range(10)]
            await until_blocked(connect(), 10)
            await r.rpush("b", *range(10))
            got = await asyncio.gather(*waiting)
            assert sorted(value for _, value in got) == [str(i) for i in range(10)]

        run(test)

    def test_timeout(self, run: Run) -> None:
        """Nothing comes."""

        async def test(connect: Connect) -> None:
            assert await connect().blpop("a", timeout=0.1) is None

        run(test)

    def test_cancelled(self, run: Run) -> None:
        """A cancelled wait leaves a client that works, and takes nothing from the list."""

        async def test(connect: Connect) -> None:
            r, other = connect(), connect()
            waiting = asyncio.ensure_future(r.blpop("a", timeout=10))
            await until_blocked(other, 1)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await until_blocked(other, 0)
            await other.rpush("a", 1)
            assert await r.llen("a") == 1

        run(test)


class TestPubSub:
    """Subscriptions."""

    def test_messages(self, run: Run) -> None:
        """Channels and patterns, in order."""

        async def test(connect: Connect) -> None:
            r = connect()
            async with r.pubsub() as pubsub:
                await pubsub.subscribe("news")
                await pubsub.psubscribe("n*")
                arriving = messages(pubsub)
                assert [(await anext(arriving))["type"] for _ in range(2)] == ["subscribe", "psubscribe"]
                assert await r.publish("news", "hello") == 2
                got = [await anext(arriving) for _ in range(2)]
                assert [(m["type"], m["data"]) for m in got] == [("message", "hello"), ("pmessage", "hello")]
                assert await pubsub.get_message(timeout=0.05) is None
                await pubsub.unsubscribe("news")
                assert (await anext(arriving))["type"] == "unsubscribe"

        run(test)

    def test_listen(self, run: Run) -> None:
        """A task listens while another publishes."""

        async def test(connect: Connect) -> None:
            r = connect()
            pubsub = r.pubsub(ignore_subscribe_messages=True)
            await pubsub.subscribe("news")
            await pubsub.get_message(timeout=10)

            async def listen() -> list[str]:
                got: list[str] = []
                async for message in pubsub.listen():
                    got.append(message["data"])
                    if len(got) == 200:
                        break
                return got

            listening = asyncio.ensure_future(listen())
            for i in range(200):
                await r.publish("news", i)
            assert await listening == [str(i) for i in range(200)]
            await pubsub.aclose()

        run(test)


class TestConnections:
    """What happens around the commands."""

    def test_client_info(self, run: Run) -> None:
        """Names, versions, databases."""

        async def test(connect: Connect) -> None:
            r = connect(client_name="tester", db=3)
            info = await r.client_info()
            assert info["name"] == "tester" and int(info["db"]) == 3
            assert info["lib-name"].startswith("redis-py") and info["lib-ver"] == redis.__version__

        run(test)

    def test_pool(self, run: Run) -> None:
        """Two hundred tasks at once, on as many connections as they need and on four."""

        async def test(connect: Connect) -> None:
            r = connect(max_connections=200)
            assert sorted(await asyncio.gather(*(r.incr("n") for _ in range(200)))) == list(range(1, 201))
            options = r.connection_pool.connection_kwargs
            kind = r.connection_pool.connection_class
            pool = redis.asyncio.BlockingConnectionPool(connection_class=kind, max_connections=4, timeout=10, **options)
            few = redis.asyncio.Redis(connection_pool=pool)
            assert sorted(await asyncio.gather(*(few.incr("m") for _ in range(200)))) == list(range(1, 201))
            await pool.disconnect()

        run(test)

    def test_health_check(self, run: Run) -> None:
        """An idle connection is tried before it is used."""

        async def test(connect: Connect) -> None:
            r = connect(health_check_interval=5)
            await r.set("a", 1)
            for connection in list(r.connection_pool._available_connections):
                connection.next_health_check = 1
            assert await r.get("a") == "1"
            assert (await r.info("commandstats"))["cmdstat_ping"]["calls"] >= 1

        run(test)

    def test_killed(self, run: Run) -> None:
        """After CLIENT KILL the next command connects again."""

        async def test(connect: Connect) -> None:
            r, other = connect(), connect()
            assert await other.client_kill_filter(_id=await r.client_id()) == 1
            assert await r.ping() is True

        run(test)

    def test_password(self, run: Run) -> None:
        """requirepass lets in who knows it."""

        async def test(connect: Connect) -> None:
            r = connect()
            await r.config_set("requirepass", "secret")
            try:
                for options in ({}, {"password": "wrong"}):
                    # over a Unix socket redis-py makes a plain ConnectionError of the AuthenticationError
                    with pytest.raises(redis.ConnectionError, match=r"uthenticat|invalid username-password"):
                        await connect(retry=Retry(NoBackoff(), 0), **options).ping()
                assert await connect(password="secret").ping() is True
            finally:
                await r.config_set("requirepass", "")

        run(test)

    def test_retried(self, run: Run) -> None:
        """A wait that a lost connection cut short is begun again."""

        async def test(connect: Connect) -> None:
            r = connect()
            waiter = connect(retry=Retry(NoBackoff(), 3), retry_on_error=[redis.ConnectionError])
            waiting = asyncio.ensure_future(waiter.blpop("queue", timeout=10))
            await until_blocked(r, 1)
            before = (await r.info("stats"))["total_connections_received"]
            assert await r.client_kill_filter(_type="normal", skipme=True) >= 1

            async def is_there_again() -> bool:
                return bool((await r.info("stats"))["total_connections_received"] > before)

            await until(is_there_again)
            await until_blocked(r, 1)
            await r.rpush("queue", "job")
            assert tuple(await waiting) == ("queue", "job")

        run(test)

    def test_sharded(self, run: Run, protocol: int) -> None:
        """SSUBSCRIBE and SPUBLISH."""

        async def test(connect: Connect) -> None:
            r = connect()
            pubsub = r.pubsub()
            # not every redis.asyncio has ssubscribe: what it sends is what counts
            await pubsub.execute_command("SSUBSCRIBE", "news")
            connection = pubsub.connection
            pushes = {"push_request": True} if protocol == 3 else {}
            assert await connection.read_response(**pushes) == ["ssubscribe", "news", 1]
            assert await r.execute_command("SPUBLISH", "news", "hello") == 1
            assert await connection.read_response(**pushes) == ["smessage", "news", "hello"]
            await pubsub.aclose()

        run(test)

    def test_monitor(self, run: Run) -> None:
        """MONITOR's lines are understood."""

        async def test(connect: Connect) -> None:
            r = connect()
            async with connect().monitor() as monitor:
                await r.set("a", "1")
                while not (seen := await monitor.next_command())["command"].startswith("SET"):
                    pass
            assert seen["command"] == "SET a 1"

        run(test)
