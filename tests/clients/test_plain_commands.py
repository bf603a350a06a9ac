"""What the in-process client runs past redis-py's connections is answered as over those: same values, same types, same errors."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import hypothesis.strategies as st
import pytest
import redis
import redis.asyncio
from hypothesis import HealthCheck, example, given, settings
from redis.backoff import NoBackoff
from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.retry import Retry

import zippy
from tests.clients.conftest import without_announcements

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
KEYS = ["a", "b", b"c", "ключ"]
VALUES: list[Any] = ["", "x", b"\xff\x00", "é\U0001f600", 7, -(2**63), 2**70, 0.1, 1e300, math.inf, bytearray(b"ba"), memoryview(b"mv")]
WRONG: list[Any] = [None, True, object, ["l"], "\ud800", math.nan]

key = st.sampled_from(KEYS)
value = st.sampled_from(VALUES) | st.integers(-100, 100) | st.text(max_size=5) | st.binary(max_size=5) | st.floats()
number = st.integers(-3, 5)
COMMANDS: list[tuple[Any, ...]] = [
    ("SET", key, value),
    ("SET", key, value, "EX", st.sampled_from([0, 1000])),
    ("SET", key, value, "NX", "GET"),
    ("set", key, value),
    ("GET", key),
    ("GETEX", key),
    ("GETRANGE", key, number, number),
    ("APPEND", key, value),
    ("INCR", key),
    ("INCRBYFLOAT", key, value),
    ("MGET", key, key, key),
    ("STRLEN", key),
    ("MSET", key, value, key, value),
    ("DEL", key, key),
    ("EXISTS", key),
    ("TYPE", key),
    ("EXPIRE", key, st.sampled_from([-1, 1000])),
    ("TTL", key),
    ("PERSIST", key),
    ("HSET", key, value, value),
    ("HGET", key, value),
    ("HGETALL", key),
    ("HMGET", key, value, value),
    ("HKEYS", key),
    ("HINCRBYFLOAT", key, value, 0.5),
    ("LPUSH", key, value, value),
    ("RPOP", key),
    ("RPOP", key, number),
    ("LRANGE", key, number, number),
    ("LPOS", key, value),
    ("LMOVE", key, key, "LEFT", "RIGHT"),
    ("SADD", key, value, value),
    ("SREM", key, value),
    ("SMEMBERS", key),
    ("SISMEMBER", key, value),
    ("SMISMEMBER", key, value, value),
    ("SCARD", key),
    ("ZADD", key, number, value),
    ("ZADD", key, "INCR", number, value),
    ("ZSCORE", key, value),
    ("ZMSCORE", key, value, value),
    ("ZPOPMIN", key, 2),
    ("ZRANGE", key, 0, -1, "WITHSCORES"),
    ("ZRANGEBYSCORE", key, "-inf", "+inf"),
    ("ZRANK", key, value, "WITHSCORE"),
    ("ZINCRBY", key, number, value),
    ("OBJECT ENCODING", key),
    ("OBJECT", "ENCODING", key),
    ("DEBUG", "JMAP"),
    ("ECHO", value),
    ("PING",),
    ("PING", value),
    ("NOSUCH", value),
    ("GET",),
    ("GET", key, key),
    ("POST",),
    ("SELECT", number),
    ("DBSIZE",),
    ("LCS", key, key),
    ("LCS", key, key, "IDX"),
    ("COMMAND COUNT",),
    ("MEMORY USAGE", key),
    ("CLIENT SETNAME", "name"),
    ("CLIENT GETNAME",),
    ("CLIENT ID",),
    ("BLPOP", key, 0.001),
    ("BLMPOP", 0.001, 1, key, "LEFT"),
    ("XREAD", "BLOCK", 1, "STREAMS", key, "$"),
    ("COPY", key, key, "REPLACE"),
    ("RENAME", key, key),
    ("DUMP", key),
    ("SCAN", 0),
    ("HSCAN", key, 0),
    ("SET", key, st.sampled_from(WRONG)),
    (b"GET", key),
    ("FLUSHDB",),
    ("GEOADD", key, 1.5, 2.5, value),
    ("GEOPOS", key, value),
    ("BITFIELD", key, "GET", "u8", 0),
]
OPTIONS: list[dict[str, Any]] = [{}, {}, {}, {"keys": ["a"]}, {NEVER_DECODE: True}, {EMPTY_RESPONSE: []}]


@st.composite
def command(draw: st.DrawFn) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A command's arguments and options."""
    words = draw(st.sampled_from(COMMANDS))
    return tuple(draw(word) if isinstance(word, st.SearchStrategy) else word for word in words), draw(st.sampled_from(OPTIONS))


def without_way_past(client: redis.Redis) -> redis.Redis:
    """The client with redis-py's own code alone."""
    return redis.Redis(connection_pool=client.connection_pool)


def outcome(run: Callable[[], Any]) -> Any:
    """What a call returns, types and all, or how it fails."""
    try:
        return typed(run())
    except Exception as error:
        return type(error), str(error)


async def outcome_async(run: Callable[[], Awaitable[Any]]) -> Any:
    """The same of a call that is awaited."""
    try:
        return typed(await run())
    except Exception as error:
        return type(error), str(error)


def typed(found: Any) -> Any:
    """A value that equals another one's only if all types in it do too."""
    if isinstance(found, dict):
        return dict, [(typed(key), typed(item)) for key, item in found.items()]
    if isinstance(found, (list, tuple)):
        return type(found), [typed(item) for item in found]
    if isinstance(found, (set, frozenset)):
        return type(found), sorted((typed(item) for item in found), key=repr)
    if isinstance(found, Exception):
        return type(found), str(found)
    return type(found), "nan" if found != found else found


SHAPES: list[dict[str, Any]] = [
    {"protocol": 2},
    {"protocol": 3},
    {"protocol": 2, "decode_responses": True},
    {"protocol": 3, "decode_responses": True},
    {"protocol": 3, "decode_responses": True, "encoding_errors": "replace"},
    {"protocol": 2, "encoding": "latin-1", "decode_responses": True},
    {"protocol": 2, "health_check_interval": 1},
    {"protocol": 3, "db": 1, "client_name": "somebody"},
]


@pytest.fixture(params=SHAPES, ids=lambda shape: "-".join(f"{name}={value}" for name, value in shape.items()))
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Options of a client."""
    return {**without_announcements(), **request.param, "retry": Retry(NoBackoff(), 1)}


# a connection that ends under a command: the client's id tells how often it was tried again
ENDED: list[Any] = [(("PING",), {}), (("POST",), {}), (("CLIENT ID",), {})]


class TestSameAnswers:
    """Two engines are told the same."""

    @given(commands=st.lists(command(), max_size=30))
    @example(commands=ENDED)
    @settings(max_examples=60, suppress_health_check=SLOW)
    def test_any_command(self, options: dict[str, Any], commands: list[tuple[tuple[Any, ...], dict[str, Any]]]) -> None:
        """Any commands one after the other, the connection's state included."""
        with zippy.Engine() as one, zippy.Engine() as other:
            past, through = zippy.connect(one, **options), without_way_past(zippy.connect(other, **options))
            for args, given_options in commands:
                here = outcome(lambda: past.execute_command(*args, **given_options.copy()))  # noqa: B023  # called at once
                there = outcome(lambda: through.execute_command(*args, **given_options.copy()))  # noqa: B023
                assert here == there, args

    @given(commands=st.lists(command(), max_size=20))
    @example(commands=ENDED)
    @settings(max_examples=20, suppress_health_check=SLOW)
    def test_asyncio(self, options: dict[str, Any], commands: list[tuple[tuple[Any, ...], dict[str, Any]]]) -> None:
        """The asynchronous client answers what the other one does."""
        asynchronous = {name: value for name, value in options.items() if name != "maint_notifications_config"}
        asynchronous["retry"] = redis.asyncio.retry.Retry(NoBackoff(), 1)

        async def run(one: zippy.Engine, other: zippy.Engine) -> None:
            past, pooled = (zippy.connect_async(engine, **asynchronous) for engine in (one, other))
            through = redis.asyncio.Redis(connection_pool=pooled.connection_pool)
            for args, given_options in commands:
                here = await outcome_async(lambda: past.execute_command(*args, **given_options.copy()))  # noqa: B023
                there = await outcome_async(lambda: through.execute_command(*args, **given_options.copy()))  # noqa: B023
                assert here == there, args
            for client in (past, through):
                await client.connection_pool.disconnect()

        with zippy.Engine() as one, zippy.Engine() as other:
            asyncio.run(run(one, other))


def queued(pipeline: Any, commands: list[tuple[tuple[Any, ...], dict[str, Any]]]) -> Any:
    """The pipeline with the commands in it."""
    for args, given_options in commands:
        pipeline.execute_command(*args, **given_options)
    return pipeline


class TestPipelines:
    """Commands of a pipeline that are run in one turn are answered as those that redis-py sends."""

    @pytest.mark.parametrize("raises", [True, False])
    @pytest.mark.parametrize("transaction", [True, False])
    @given(batches=st.lists(st.lists(command(), max_size=8), max_size=6))
    @example(batches=[[(("INCR", "a"), {}), (("LPUSH", "a", 1), {}), (("GET", "a"), {})], [(("GET", "a"), {})]])
    @example(batches=[[(("SET", "a", 1), {}), (("SET", "a", None), {})], [(("GET", "a"), {})]])
    @example(batches=[[(("SET", "a", 1), {}), (("BLPOP", "b", 0.001), {})], [(("SADD", "s", 1), {}), (("SMEMBERS", "s"), {})]])
    @settings(max_examples=20, suppress_health_check=SLOW)
    def test_any_commands(
        self, options: dict[str, Any], transaction: bool, raises: bool, batches: list[list[tuple[tuple[Any, ...], dict[str, Any]]]]
    ) -> None:
        """One pipeline after the other."""
        with zippy.Engine() as one, zippy.Engine() as other:
            past, through = zippy.connect(one, **options), without_way_past(zippy.connect(other, **options))
            for commands in batches:
                here = outcome(lambda: queued(past.pipeline(transaction), commands).execute(raises))  # noqa: B023  # called at once
                there = outcome(lambda: queued(through.pipeline(transaction), commands).execute(raises))  # noqa: B023
                assert here == there, commands
            assert outcome(past.dbsize) == outcome(through.dbsize)
            assert len(past.client_list()) == len(through.client_list())

    @pytest.mark.parametrize("transaction", [True, False])
    @given(batches=st.lists(st.lists(command(), max_size=8), max_size=6))
    @example(batches=[[(("INCR", "a"), {}), (("LPUSH", "a", 1), {}), (("GET", "a"), {})], [(("GET", "a"), {})]])
    @settings(max_examples=10, suppress_health_check=SLOW)
    def test_asyncio(self, options: dict[str, Any], transaction: bool, batches: list[list[tuple[tuple[Any, ...], dict[str, Any]]]]) -> None:
        """The asynchronous client, too."""
        asynchronous = {name: value for name, value in options.items() if name != "maint_notifications_config"}
        asynchronous["retry"] = redis.asyncio.retry.Retry(NoBackoff(), 1)

        async def run(one: zippy.Engine, other: zippy.Engine) -> None:
            past, pooled = (zippy.connect_async(engine, **asynchronous) for engine in (one, other))
            through = redis.asyncio.Redis(connection_pool=pooled.connection_pool)
            for commands in batches:
                here = await outcome_async(lambda: queued(past.pipeline(transaction), commands).execute())  # noqa: B023
                there = await outcome_async(lambda: queued(through.pipeline(transaction), commands).execute())  # noqa: B023
                assert here == there, commands
            for client in (past, through):
                await client.connection_pool.disconnect()

        with zippy.Engine() as one, zippy.Engine() as other:
            asyncio.run(run(one, other))

    def test_in_one_turn(self) -> None:
        """As one request of a client's: nobody is between, and the log has a transaction whole."""
        with zippy.Engine() as engine:
            client = zippy.connect(engine)
            client.ping()
            before = client.info("stats")["total_commands_processed"]
            assert client.pipeline().incr("a").incr("a").execute() == [1, 2]
            # MULTI, INCR twice, EXEC, and INFO before
            assert client.info("stats")["total_commands_processed"] - before == 5
            assert client.pipeline(transaction=False).get("a").set("a", 5, ex=100).ttl("a").execute() == [b"2", True, 100]
            assert client.info("commandstats")["cmdstat_exec"]["calls"] == 1

    def test_wide_pool(self) -> None:
        """The connection goes back into the pool, whatever happens."""
        with zippy.Engine() as engine:
            client = zippy.connect(engine, max_connections=1)
            for _ in range(3):
                assert client.pipeline().set("a", "x").execute() == [True]
                with pytest.raises(redis.ResponseError, match="Command # 1"):
                    client.pipeline().lpush("a", 1).execute()
                with pytest.raises(redis.DataError):
                    client.pipeline().set("a", None).execute()  # type: ignore[arg-type]
                assert client.get("a") == b"x"
                assert client.blpop(["nothing"], 0.001) is None
                with pytest.raises(redis.ResponseError):
                    client.lpush("a", 1)
