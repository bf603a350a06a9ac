"""A data set of every type and encoding, and what a server says it holds."""

from __future__ import annotations

import random
from typing import Any

import redis

FAR_MS = 4_000_000_000_000


def fill(r: redis.Redis, seed: int = 1, fields_expire: bool = True) -> None:
    """Keys of each type and encoding in two databases, some of which expire; fields_expire: there are hashes whose fields do so."""
    chance = random.Random(seed)
    words = [b"", b"0", b"-1", b"12345678901234567890", b"\x00\xff\r\n", b"x" * 63, b"y" * 64, b"z" * 20_000, bytes(range(256)) * 20]
    words += [str(chance.randrange(-(1 << shift), 1 << shift)).encode() for shift in (7, 12, 15, 23, 31, 62) for _ in range(3)]
    words += [chance.randbytes(chance.randrange(200)) for _ in range(20)]
    for i, word in enumerate(words):
        r.set(b"string:%d" % i, word)
        r.rpush("list", word)
        r.sadd("set", word)
        r.hset("hash", word, word[::-1])
        r.zadd("zset", {word: chance.uniform(-1e9, 1e9)})
    r.rpush("list:small", "a", 1, "b")
    r.rpush("list:long", *(f"element {i} {'x' * (i % 90)}" for i in range(3000)))
    r.rpush("list:large elements", "a" * 9000, "b" * 70_000, "c")
    for bits in (7, 15, 31, 63):
        r.sadd(f"intset:{bits}", *(chance.randrange(-(1 << bits), 1 << bits) for _ in range(100)))
    r.sadd("set:listpack", "a", 2, "c")
    r.sadd("set:hashtable", *(f"member {i}" for i in range(1000)))
    r.hset("hash:listpack", mapping={"f": "v", "n": 1, "": "empty"})
    r.hset("hash:hashtable", mapping={f"field {i}": i for i in range(1000)})
    if fields_expire:
        r.hset("hash:listpackex", mapping={"f": "v", "n": 1, "": "empty"})
        r.hpexpireat("hash:listpackex", FAR_MS, "f", "n")
        r.hset("hash:expiring", mapping={f"field {i}": i for i in range(1000)})
        for i in range(0, 1000, 3):
            r.hpexpireat("hash:expiring", FAR_MS + i * 7919 % 1000, f"field {i}")
    r.zadd("zset:listpack", {"a": 1, "b": -0.5, "c": float("inf"), "d": 3e-320})
    r.zadd("zset:skiplist", {f"member {i}": chance.choice([i, i / 7, -float(i), float("-inf")]) for i in range(1000)})
    r.set("expires", "later", pxat=FAR_MS)
    r.zadd("expires:zset", {"a": 1})
    r.pexpireat("expires:zset", FAR_MS + 1)
    r.execute_command("SELECT", 5)
    r.set("other", "database")
    r.execute_command("SELECT", 0)


def value_of(r: redis.Redis, key: bytes) -> Any:
    """A key's value; sets and hashes without their order."""
    kind = r.type(key)
    if kind == b"string":
        return r.get(key)
    if kind == b"list":
        return r.lrange(key, 0, -1)
    if kind == b"set":
        return set(r.smembers(key))
    if kind == b"hash":
        return r.hgetall(key), moments_of(r, key)
    return r.zrange(key, 0, -1, withscores=True)


def moments_of(r: redis.Redis, key: bytes) -> dict[bytes, int]:
    """When the fields of a hash expire; none of a server that cannot have them expire."""
    fields = r.hkeys(key)
    try:
        return dict(zip(fields, r.hpexpiretime(key, *fields), strict=True))
    except redis.ResponseError:
        return dict.fromkeys(fields, -1)


def contents(r: redis.Redis) -> dict[tuple[int, bytes], tuple[Any, ...]]:
    """By database and key: type, encoding, expiry, value."""
    found = {}
    for db in (0, 5):
        r.execute_command("SELECT", db)
        for key in r.keys("*"):
            found[db, key] = (r.type(key), r.object("encoding", key), r.pexpiretime(key), value_of(r, key))
    r.execute_command("SELECT", 0)
    return found
