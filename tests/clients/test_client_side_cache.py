"""redis-py's client-side cache: what it answers from its own memory is what the server holds.

A command that another client has sent is over when its next one has been answered: by then what the reader is told is on its way.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.cache import CacheConfig

from tests.waiting import wait_until

KEYS = [f"key:{number}" for number in range(8)]


@pytest.fixture
def reader(url: str) -> Iterator[redis.Redis]:
    """A client with a cache."""
    client = redis.Redis.from_url(url, protocol=3, decode_responses=True, cache_config=CacheConfig())
    yield client
    client.close()


@pytest.fixture
def writer(url: str) -> Iterator[redis.Redis]:
    """A client without."""
    client = redis.Redis.from_url(url, decode_responses=True)
    yield client
    client.close()


def gets(client: redis.Redis) -> int:
    """How many GET the server has answered."""
    stats: dict[str, Any] = client.info("commandstats")
    return int(stats.get("cmdstat_get", {"calls": 0})["calls"])


def write(writer: redis.Redis, chance: random.Random, key: str) -> None:
    """A change of one key, of any kind; it is over when this returns."""
    value = str(chance.randrange(10_000))
    chance.choice(
        [
            lambda: writer.set(key, value),
            lambda: writer.set(key, value, px=chance.choice((1, 5, 100_000))),
            lambda: writer.append(key, "x"),
            lambda: writer.delete(key),
            lambda: writer.mset({key: value, chance.choice(KEYS): value}),
            lambda: writer.copy(chance.choice([other for other in KEYS if other != key]), key, replace=True),
            lambda: writer.pexpire(key, 2),
            lambda: writer.flushdb() if chance.random() < 0.1 else writer.unlink(key),
            lambda: writer.pipeline().set(key, value).append(key, "y").execute(),
        ]
    )()
    writer.ping()


def test_reads_are_answered_from_memory(reader: redis.Redis, writer: redis.Redis) -> None:
    writer.set("a", 1)
    before = gets(writer)
    assert [reader.get("a") for _ in range(100)] == ["1"] * 100
    assert gets(writer) == before + 1
    writer.set("a", 2)
    writer.ping()
    assert [reader.get("a") for _ in range(100)] == ["2"] * 100
    assert gets(writer) == before + 2


@pytest.mark.parametrize("seed", range(3))
def test_no_value_is_stale(reader: redis.Redis, writer: redis.Redis, seed: int) -> None:
    """Random writes of another client, each followed by reads of all keys, as they are and several at once."""
    chance = random.Random(seed)
    for _ in range(300):
        write(writer, chance, chance.choice(KEYS))
        if chance.random() < 0.2:
            write(reader, chance, chance.choice(KEYS))
        # what expires between the two reads of a key is found by the first, and told before the second is answered
        held = {key: writer.get(key) for key in KEYS}
        writer.ping()
        wanted = chance.sample(KEYS, 3)
        values = {key: reader.get(key) for key in KEYS} | dict(zip(wanted, reader.mget(wanted), strict=True))
        # one that had time to expire is not there; none is another value
        assert all(values[key] in (held[key], None) for key in KEYS)
        assert {key: value for key, value in values.items() if value is None and held[key] is not None and writer.exists(key)} == {}


def test_other_types(reader: redis.Redis, writer: redis.Redis) -> None:
    for number in range(50):
        writer.hset("h", f"f{number % 5}", number)
        writer.rpush("l", number)
        writer.sadd("s", number)
        writer.zadd("z", {f"m{number % 7}": number})
        writer.ping()
        for _ in range(2):
            assert reader.hgetall("h") == writer.hgetall("h")
            assert reader.hget("h", "f1") == writer.hget("h", "f1")
            assert reader.lrange("l", 0, -1) == writer.lrange("l", 0, -1)
            assert set(reader.smembers("s")) == set(writer.smembers("s"))
            assert reader.zscore("z", "m0") == writer.zscore("z", "m0")
            assert reader.strlen("nothing") == 0


def test_expiry(reader: redis.Redis, writer: redis.Redis) -> None:
    """Nobody reads the key but the cache: the server comes across it by itself."""
    writer.set("stays", 1)
    assert reader.get("stays") == "1"
    # until it was read before it was over
    wait_until(lambda: writer.set("gone", 1, px=60) and reader.get("gone") == "1")
    wait_until(lambda: reader.get("gone") is None)
    assert reader.get("stays") == "1"


def test_flush(reader: redis.Redis, writer: redis.Redis) -> None:
    for flush in (writer.flushall, writer.flushdb, lambda: writer.swapdb(0, 1)):
        writer.mset(dict.fromkeys(KEYS, 1))
        writer.ping()
        assert reader.mget(KEYS) == ["1"] * len(KEYS)
        assert reader.get(KEYS[0]) == "1"
        flush()
        writer.ping()
        assert reader.mget(KEYS) == [None] * len(KEYS)
        assert reader.get(KEYS[0]) is None
    writer.flushall()


def test_a_counter_never_goes_back(reader: redis.Redis, url: str) -> None:
    """Writers that are not waited for."""

    def count() -> None:
        with redis.Redis.from_url(url) as client:
            for _ in range(500):
                client.incr("counter")

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    seen = [int(reader.get("counter") or 0)]
    while any(thread.is_alive() for thread in threads):
        seen.append(int(reader.get("counter") or 0))
        assert seen[-1] >= seen[-2]
    for thread in threads:
        thread.join()
    with redis.Redis.from_url(url) as client:
        client.ping()
    assert reader.get("counter") == "1500"
