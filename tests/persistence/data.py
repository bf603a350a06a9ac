"""A data set of every type and encoding, and what a server says it holds."""

from __future__ import annotations

import random
from typing import Any

import redis

FAR_MS = 4_000_000_000_000


def fill(r: redis.Redis, seed: int = 1) -> None:
    """Keys of each type and encoding in two databases, some of which expire."""
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
    r.zadd("zset:listpack", {"a": 1, "b": -0.5, "c": float("inf"), "d": 3e-320})
    r.zadd("zset:skiplist", {f"member {i}": chance.choice([i, i / 7, -float(i), float("-inf")]) for i in range(1000)})
    r.set("expires", "later", pxat=FAR_MS)
    r.zadd("expires:zset", {"a": 1})
    r.pexpireat("expires:zset", FAR_MS + 1)
    r.execute_command("SELECT", 5)
    r.set("other", "database")
    r.execute_command("SELECT", 0)


def fill_streams(r: redis.Redis) -> None:
    """A stream with groups whose entries were read, claimed, acknowledged, deleted and trimmed, an empty one, and one without groups. It is
    no part of `fill`, since Redis 7.0 loads no snapshot of it."""

    def run(*lines: str) -> None:
        for line in lines:
            r.execute_command(*line.split())

    for n in range(1, 500):
        run(f"XADD stream {n}-{n % 3} field {n} text {'x' * (n % 70 + 1)}", f"XADD stream:plain {n} f{n % 5} {n}")
    run("XADD stream * other fields", "XADD stream MAXLEN ~ 300 * a b", "XADD stream 9999999999999-* a b", "XTRIM stream:plain MINID ~ 250")
    run("XDEL stream:plain 300 301 499", "XSETID stream:plain 1000 ENTRIESADDED 700 MAXDELETEDID 600")
    run("XGROUP CREATE stream workers 250", "XGROUP CREATE stream idle $", "XGROUP CREATE stream:empty first $ MKSTREAM ENTRIESREAD 0")
    run("XGROUP CREATECONSUMER stream idle nobody", "XREADGROUP GROUP workers one COUNT 40 STREAMS stream >")
    run("XREADGROUP GROUP workers two COUNT 20 NOACK STREAMS stream >", "XREADGROUP GROUP workers two COUNT 60 STREAMS stream >")
    run("XACK stream workers 251-2 252-0 253-1", "XCLAIM stream workers three 0 254-2 255-0 499-1 FORCE RETRYCOUNT 9 IDLE 5000")
    run("XAUTOCLAIM stream workers four 0 256 COUNT 5", "XDEL stream 257-2 258-0", "XAUTOCLAIM stream workers four 0 257 COUNT 3")
    run("XGROUP SETID stream idle 9999999999999-0 ENTRIESREAD 400", "XGROUP CREATE stream gone 0", "XGROUP DESTROY stream gone")
    run(
        "XADD stream:empty 5-5 a b",
        "XDEL stream:empty 5-5",
        "XGROUP CREATECONSUMER stream workers gone",
        "XGROUP DELCONSUMER stream workers gone",
    )


def without_moments(facts: Any) -> Any:
    """What XINFO STREAM FULL tells but for when consumers were seen, which no log brings back, for how the entries lie, and for the lag,
    which Redis 7.0 does not know of a stream without entries."""
    left_out = (b"seen-time", b"active-time", b"radix-tree-keys", b"radix-tree-nodes", b"lag")
    if isinstance(facts, dict):
        return {name: without_moments(fact) for name, fact in facts.items() if name not in left_out}
    return [without_moments(fact) for fact in facts] if isinstance(facts, list) else facts


def streams(r: redis.Redis) -> dict[bytes, Any]:
    """All that is known of each stream, by key."""
    return {key: without_moments(r.execute_command("XINFO", "STREAM", key, "FULL", "COUNT", 0)) for key in r.keys("stream*")}


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
        return r.hgetall(key)
    return r.zrange(key, 0, -1, withscores=True)


def contents(r: redis.Redis) -> dict[tuple[int, bytes], tuple[Any, ...]]:
    """By database and key: type, encoding, expiry, value."""
    found = {}
    for db in (0, 5):
        r.execute_command("SELECT", db)
        for key in r.keys("*"):
            found[db, key] = (r.type(key), r.object("encoding", key), r.pexpiretime(key), value_of(r, key))
    r.execute_command("SELECT", 0)
    return found
