"""An engine that is gone has given back every block that it ever allocated, whatever its clients were doing."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

import zippy
from zippy._core.append_log import AppendLog
from zippy._core.introspection import used_memory
from zippy._core.session import Core, blocks_left_behind
from zippy._core.testing.engine_shim import RecordingEngine
from zippy._core.testing.verify_shim import Tables
from zippy.inprocess.engine import host_of

COMMANDS = (
    "SET s x", "APPEND s yyy", "SET i 1", "SETEX e 100 x", "RPUSH l 1 2 3", "SADD si 1 2", "SADD ss a b", "HSET h f v", "HSET h g w",
    "HEXPIRE h 100 FIELDS 1 f", "ZADD z 1 a 2 b", "ZUNIONSTORE zu 1 z", "COPY z zc", "DEL zc", "WATCH s", "SLOWLOG LEN", "LATENCY RESET",
    "CONFIG SET set-max-listpack-entries 1 zset-max-listpack-entries 1 hash-max-listpack-entries 1 list-max-listpack-size 1",
    "RPUSH l2 1 2 3 4", "SADD s2 a b c", "HSET h2 a 1 b 2", "HPEXPIRE h2 100000 FIELDS 1 a", "ZADD z2 1 a 2 b", "SORT l STORE sorted",
    "UNLINK s2", "FLUSHDB ASYNC", "SET left 1", "MULTI", "SET queued 1",
)  # fmt: skip
LAST = ((), ("SUBSCRIBE c",), ("MONITOR",), ("BLPOP nothing 0",), ("*2\r\n$3\r\nGET\r\n$50\r\nx",))


@pytest.mark.parametrize("last", LAST, ids=["idle", "subscribed", "monitor", "blocked", "half a command"])
def test_engine(last):
    engine = zippy.Engine()
    gone = weakref.ref(host_of(engine).server)
    session = host_of(engine).channel(lambda session: session.take_output(), lambda session: None)
    for command in COMMANDS:
        host_of(engine).feed(session, command.encode() + b"\r\n")
    other = host_of(engine).channel(lambda session: session.take_output(), lambda session: None)
    for command in last:
        host_of(engine).feed(other, command.encode() + (b"" if command.startswith("*") else b"\r\n"))
    engine.close()
    del engine, session, other
    gc.collect()
    assert gone() is None
    assert blocks_left_behind() == 0


def test_a_large_database_that_is_flushed_in_steps():
    # a slow machine leaves no entries behind
    with zippy.Engine(slowlog_log_slower_than=-1) as engine:
        r = zippy.connect(engine)
        left = []
        for _ in range(2):
            with r.pipeline() as pipeline:
                for i in range(5000):
                    pipeline.set(f"key:{i}", i, ex=1000 if i % 2 else None)
                pipeline.rpush("list", *range(5000))
                pipeline.zadd("zset", {str(i): i for i in range(5000)})
                pipeline.hset("hash", mapping={str(i): i for i in range(5000)})
                pipeline.execute()
            r.flushall(asynchronous=True)
            assert host_of(engine).core.free_some()
            left.append(r.info("memory")["used_memory"])
        # the first time leaves what the connection keeps
        assert abs(left[1] - left[0]) < 1000


def in_a_circle(value: object) -> list[object]:
    """A list that the collector alone can free."""
    circle = [value]
    circle.append(circle)
    return circle


def append_log() -> AppendLog:
    """One that has no file."""
    return AppendLog(Core(), *[lambda *_: None] * 4)


@pytest.mark.parametrize("made", [RecordingEngine, Tables, append_log])
def test_the_collector_charges_nobody_else(made: Callable[[], object]) -> None:
    """It may run in the middle of a reply, which goes on being charged to the account of its own engine."""
    waiting = [in_a_circle(made())]

    class Collecting(set[int]):
        def __iter__(self) -> Iterator[int]:
            waiting.clear()
            gc.collect()
            return super().__iter__()

    with zippy.Engine() as engine:
        host_of(engine).core.bind("lolwut", lambda session, args: Collecting(range(100_000)))
        engine.execute("PING")
        before = used_memory(host_of(engine).core)[0]
        assert len(engine.execute("LOLWUT")) == 100_000
        assert abs(used_memory(host_of(engine).core)[0] - before) < 100_000
