"""The loads of the CPU part, as data: one entry a load. What comes to zippy later joins with one entry.

A load is a command that redis-benchmark repeats, where __rand_int__ becomes a random number of twelve digits below `keys`; or, when
it has several commands, a batch that bench.blast repeats. Before each run the databases are flushed and `prepare` fills in what the
commands need.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha1

from bench.wire import Word, request

RANDOM = "__rand_int__"
KEYS = 100_000
MEMBERS = 10_000
POINTS = 80_000  # as many thousandths of a degree to the north and to the east
DEGREES = f"{RANDOM}e-3"
Prepare = Callable[[int], Iterator[bytes]]


def nothing(requests: int) -> Iterator[bytes]:
    """Nothing is prepared."""
    return iter(())


@dataclass(frozen=True)
class Load:
    """One load. Requests are divided by `weight`, so that all loads take similarly long."""

    name: str
    commands: tuple[tuple[Word, ...], ...]
    prepare: Prepare = nothing  # is given the number of requests to come; yields commands
    weight: int = 1
    keys: int = KEYS
    subscribers: int = 0  # connections that are subscribed to the channel "news" and read all the time
    user: str = ""  # who the connections log in as; `prepare` makes it, with any password
    inline: bool = False  # redis-benchmark's own PING_INLINE, the one that is no RESP
    tracked: bool = False  # the clients sent CLIENT TRACKING ON: the server remembers what each of them has read


def load(name: str, *words: Word, prepare: Prepare = nothing, weight: int = 1, keys: int = KEYS, subscribers: int = 0) -> Load:
    """A load of one command."""
    return Load(name, (words,), prepare, weight, keys, subscribers)


def number(i: int) -> str:
    """A number as redis-benchmark writes it in the place of __rand_int__."""
    return f"{i:012d}"


ONE = "return 1"
ONE_GET = "return redis.call('GET', KEYS[1])"
HUNDRED = "for i = 1, 100 do redis.call('SET', KEYS[1], i) end"
BUCKET = """
local rate, capacity, wanted = tonumber(ARGV[2]), tonumber(ARGV[1]), tonumber(ARGV[3])
local now = redis.call('TIME')
local moment = now[1] + now[2] / 1000000
local state = redis.call('HMGET', KEYS[1], 'tokens', 'moment')
local tokens = math.min(capacity, (tonumber(state[1]) or capacity) + (moment - (tonumber(state[2]) or moment)) * rate)
local allowed = tokens >= wanted
if allowed then tokens = tokens - wanted end
redis.call('HSET', KEYS[1], 'tokens', tokens, 'moment', moment)
redis.call('EXPIRE', KEYS[1], 60)
return {allowed and 1 or 0, tostring(tokens)}
"""


def name_of(script: str) -> str:
    """What EVALSHA calls a script."""
    return sha1(script.encode()).hexdigest()


def scripts(script: str) -> Prepare:
    """The script is loaded, and there is a key."""
    return lambda requests: iter((request("SCRIPT", "LOAD", script), request("SET", "key", "xxx")))


def in_chunks(head: tuple[Word, ...], words: Iterator[tuple[Word, ...]], size: int = 200) -> Iterator[bytes]:
    """Commands that begin with `head` and carry so many groups of words each."""
    chunk: list[Word] = []
    for count, group in enumerate(words, 1):
        chunk.extend(group)
        if count % size == 0:
            yield request(*head, *chunk)
            chunk.clear()
    if chunk:
        yield request(*head, *chunk)


def strings(value: str, count: int = KEYS) -> Prepare:
    """All keys that __rand_int__ can name, with a value."""
    return lambda _: in_chunks(("MSET",), ((f"key:{number(i)}", value) for i in range(count)))


def with_patterns(user: str, prepare: Prepare) -> Prepare:
    """A user of ten key patterns, the last of which is that of the keys."""
    patterns = [f"~service{i}:*" for i in range(9)] + ["~key:*"]
    maker = request("ACL", "SETUSER", user, "on", "nopass", "+@all", *patterns)
    return lambda requests: itertools.chain([maker], prepare(requests))


def records() -> list[dict[str, object]]:
    """What is some 10 KB of JSON: numbers, words, texts with escapes, lists, in records."""
    return [
        {
            "id": i * 7919,
            "name": f"user {i}",
            "active": i % 3 > 0,
            "score": i * 1.25,
            "ratio": i / 97,
            "tags": ["red", "green", "blue"][: i % 4],
            "text": 'He said "no"\nand left.',
            "none": None,
        }
        for i in range(68)
    ]


def json_text() -> str:
    """The records as JSON."""
    return json.dumps(records(), separators=(",", ":"))


def document(key: str) -> Prepare:
    """A string of some 10 KB of JSON."""
    return lambda _: iter([request("SET", key, json_text())])


def packed(key: str) -> Prepare:
    """The same in MessagePack, made by a script."""
    script = "return redis.call('SET', KEYS[1], cmsgpack.pack(cjson.decode(ARGV[1])))"
    return lambda _: iter([request("EVAL", script, 1, key, json_text())])


def items(key: str, count: int | None = None) -> Prepare:
    """A list of so many items, or of one for each request."""
    return lambda requests: in_chunks(("RPUSH", key), (("xxx",) for _ in range(count or requests)))


def members(key: str, count: int | None = None) -> Prepare:
    """A set of so many members, or of one for each request."""
    return lambda requests: in_chunks(("SADD", key), ((f"element:{number(i)}",) for i in range(count or requests)))


def scored(key: str, count: int | None = None) -> Prepare:
    """A sorted set of so many members, or of one for each request; scores are the members' numbers."""
    return lambda requests: in_chunks(("ZADD", key), ((i, f"element:{number(i)}") for i in range(count or requests)))


def located(key: str) -> Prepare:
    """A sorted set of members that lie between 0 and 80 degrees of latitude and of longitude."""

    def points() -> Iterator[tuple[Word, ...]]:
        for i in range(POINTS):
            yield str(i * 7919 % POINTS / 1000), str(i * 30071 % POINTS / 1000), f"element:{number(i)}"

    return lambda _: in_chunks(("GEOADD", key), points())


def fields(key: str, count: int) -> Prepare:
    """A hash of so many fields."""
    return lambda _: in_chunks(("HSET", key), ((f"element:{number(i)}", "xxx") for i in range(count)))


def hyperloglogs(count: int) -> Prepare:
    """So many dense HyperLogLogs of 20000 elements, half of them another's, too."""

    def prepare(_: int) -> Iterator[bytes]:
        for key in range(count):
            yield from in_chunks(("PFADD", f"dense{key}"), ((f"element:{number(i)}",) for i in range(key * 10_000, (key + 2) * 10_000)))

    return prepare


def entries(key: str, count: int) -> Prepare:
    """A stream of so many entries, 1000-1 and so on, and a consumer group that reads it from the beginning."""

    def commands(_: int) -> Iterator[bytes]:
        for i in range(count):
            yield request("XADD", key, f"{1000 + i}-1", "field", "xxx")
        yield request("XGROUP", "CREATE", key, "workers", 0)

    return commands


def pending(key: str, count: int) -> Prepare:
    """The same, with all entries pending for one consumer."""

    def commands(requests: int) -> Iterator[bytes]:
        yield from entries(key, count)(requests)
        yield request("XREADGROUP", "GROUP", "workers", "first", "STREAMS", key, ">")

    return commands


def read_and_acknowledged(key: str, count: int) -> tuple[tuple[Word, ...], ...]:
    """A consumer reads so many entries (nine at most: the number of those acknowledged has one digit) and acknowledges them; the group is
    set back before, so that there always are some."""
    return (
        ("XGROUP", "SETID", key, "workers", 0),
        ("XREADGROUP", "GROUP", "workers", "first", "COUNT", count, "STREAMS", key, ">"),
        ("XACK", key, "workers", *(f"{1000 + i}-1" for i in range(count))),
    )


def function(body: str) -> Prepare:
    """A function "one" that does this."""
    code = f"#!lua name=bench\nredis.register_function('one', function(keys, args) {body} end)"
    return lambda _: iter((request("FUNCTION", "LOAD", "REPLACE", code),))


def two_sets(_: int) -> Iterator[bytes]:
    """Two sets of 100 members that share half of them."""
    for key, first in (("seta", 0), ("setb", 50)):
        yield from in_chunks(("SADD", key), ((f"element:{number(i)}",) for i in range(first, first + 100)))


def numbers_to_sort(_: int) -> Iterator[bytes]:
    """A list of 100 numbers in no order."""
    return in_chunks(("RPUSH", "numbers"), ((i * 7919 % 1000,) for i in range(100)))


# what `redis-benchmark` runs when it is told nothing
DEFAULT_TESTS = (
    Load("PING_INLINE", (("PING",),), inline=True),
    load("PING_MBULK", "PING"),
    load("SET", "SET", f"key:{RANDOM}", "xxx"),
    load("GET", "GET", f"key:{RANDOM}", prepare=strings("xxx")),
    Load("GET, user of 10 key patterns", (("GET", f"key:{RANDOM}"),), with_patterns("guest", strings("xxx")), user="guest"),
    load("INCR", "INCR", f"counter:{RANDOM}"),
    load("LPUSH", "LPUSH", "mylist", "xxx"),
    load("RPUSH", "RPUSH", "mylist", "xxx"),
    load("LPOP", "LPOP", "mylist", prepare=items("mylist")),
    load("RPOP", "RPOP", "mylist", prepare=items("mylist")),
    load("SADD", "SADD", "myset", f"element:{RANDOM}"),
    load("HSET", "HSET", "myhash", f"element:{RANDOM}", "xxx"),
    load("SPOP", "SPOP", "myset", prepare=members("myset")),
    load("ZADD", "ZADD", "myzset", RANDOM, f"element:{RANDOM}"),
    load("ZPOPMIN", "ZPOPMIN", "myzset", prepare=scored("myzset")),
    load("LRANGE_100", "LRANGE", "mylist", 0, 99, prepare=items("mylist", 1000), weight=5),
    load("LRANGE_300", "LRANGE", "mylist", 0, 299, prepare=items("mylist", 1000), weight=10),
    load("LRANGE_500", "LRANGE", "mylist", 0, 499, prepare=items("mylist", 1000), weight=20),
    load("LRANGE_600", "LRANGE", "mylist", 0, 599, prepare=items("mylist", 1000), weight=20),
    load("MSET of 10", "MSET", *(word for _ in range(10) for word in (f"key:{RANDOM}", "xxx")), weight=3),
)

MORE_COMMANDS = (
    load("SET EX", "SET", f"key:{RANDOM}", "xxx", "EX", 1000),
    load("MGET of 10", "MGET", *(f"key:{RANDOM}" for _ in range(10)), prepare=strings("xxx"), weight=3),
    load("GETRANGE", "GETRANGE", f"key:{RANDOM}", 10, 29, prepare=strings("x" * 100)),
    load("BITFIELD", "BITFIELD", f"bits:{RANDOM}", "INCRBY", "u16", "#3", 1, keys=10_000),
    load(
        "cjson.decode of 10 KB", "EVAL", "return #cjson.decode(redis.call('GET', KEYS[1]))", 1, "json", prepare=document("json"), weight=100
    ),
    load(
        "cjson.encode of 10 KB",
        "EVAL",
        "return #cjson.encode(cmsgpack.unpack(redis.call('GET', KEYS[1])))",
        1,
        "packed",
        prepare=packed("packed"),
        weight=100,
    ),
    load("HGET", "HGET", "myhash", f"element:{RANDOM}", prepare=fields("myhash", MEMBERS), keys=MEMBERS),
    load("HSETEX", "HSETEX", "myhash", "EX", 1000, "FIELDS", 1, f"element:{RANDOM}", "xxx"),
    load("HGETEX", "HGETEX", "myhash", "EX", 1000, "FIELDS", 1, f"element:{RANDOM}", prepare=fields("myhash", MEMBERS), keys=MEMBERS),
    load("HEXPIRE", "HEXPIRE", "myhash", 1000, "FIELDS", 1, f"element:{RANDOM}", prepare=fields("myhash", MEMBERS), keys=MEMBERS),
    load("HTTL", "HTTL", "myhash", "FIELDS", 1, f"element:{RANDOM}", prepare=fields("myhash", MEMBERS), keys=MEMBERS),
    load("HGETDEL", "HGETDEL", "myhash", "FIELDS", 1, f"element:{RANDOM}", prepare=fields("myhash", KEYS)),
    load("HGETALL of 10", "HGETALL", "myhash", prepare=fields("myhash", 10), weight=2),
    load("HGETALL of 1000", "HGETALL", "myhash", prepare=fields("myhash", 1000), weight=50),
    load("ZRANGE of 10", "ZRANGE", "myzset", 5000, 5009, prepare=scored("myzset", MEMBERS), weight=2),
    load("ZRANGE of 10 WITHSCORES", "ZRANGE", "myzset", 5000, 5009, "WITHSCORES", prepare=scored("myzset", MEMBERS), weight=2),
    load(
        "ZRANGEBYSCORE of 10",
        "ZRANGEBYSCORE",
        "myzset",
        RANDOM,
        "+inf",
        "LIMIT",
        0,
        10,
        prepare=scored("myzset", MEMBERS),
        keys=MEMBERS,
        weight=2,
    ),
    load("ZRANK", "ZRANK", "myzset", f"element:{RANDOM}", prepare=scored("myzset", MEMBERS), keys=MEMBERS),
    load("ZSCORE", "ZSCORE", "myzset", f"element:{RANDOM}", prepare=scored("myzset", MEMBERS), keys=MEMBERS),
    load("ZINCRBY", "ZINCRBY", "myzset", 3, f"element:{RANDOM}", prepare=scored("myzset", MEMBERS), keys=MEMBERS),
    load("GEOADD", "GEOADD", "mygeo", DEGREES, DEGREES, f"element:{RANDOM}", keys=POINTS, weight=2),
    load("GEODIST", "GEODIST", "mygeo", f"element:{RANDOM}", f"element:{RANDOM}", prepare=located("mygeo"), keys=POINTS),
    load(
        "GEOSEARCH by radius",
        "GEOSEARCH",
        "mygeo",
        "FROMLONLAT",
        DEGREES,
        DEGREES,
        "BYRADIUS",
        100,
        "km",
        prepare=located("mygeo"),
        keys=POINTS,
        weight=10,
    ),
    load(
        "GEOSEARCH by box",
        "GEOSEARCH",
        "mygeo",
        "FROMLONLAT",
        DEGREES,
        DEGREES,
        "BYBOX",
        200,
        200,
        "km",
        "ASC",
        "WITHDIST",
        prepare=located("mygeo"),
        keys=POINTS,
        weight=10,
    ),
    load("XADD", "XADD", "mystream", "*", "field", "xxx"),
    load("XADD MAXLEN ~", "XADD", "mystream", "MAXLEN", "~", 1000, "*", "field", "xxx"),
    load("XRANGE of 100", "XRANGE", "mystream", "1200-1", "+", "COUNT", 100, prepare=entries("mystream", 1000), weight=10),
    Load("XREADGROUP and XACK of 9", read_and_acknowledged("mystream", 9), entries("mystream", 1000), weight=5),
    load(
        "XAUTOCLAIM of 10",
        "XAUTOCLAIM",
        "mystream",
        "workers",
        "second",
        0,
        "1200-1",
        "COUNT",
        10,
        prepare=pending("mystream", 1000),
        weight=5,
    ),
    load("SISMEMBER", "SISMEMBER", "myset", f"element:{RANDOM}", prepare=members("myset", MEMBERS), keys=MEMBERS),
    load("SINTER of 2 x 100", "SINTER", "seta", "setb", prepare=two_sets, weight=10),
    load("SORT of 100", "SORT", "numbers", prepare=numbers_to_sort, weight=10),
    load("PFADD to 10,000 keys", "PFADD", f"sparse:{RANDOM}", f"element:{RANDOM}", keys=10_000),
    load("PFADD to one key", "PFADD", "dense", f"element:{RANDOM}", keys=1_000_000),
    load("PFCOUNT", "PFCOUNT", "dense0", prepare=hyperloglogs(1)),
    # the byte that says that the cardinality is out of date
    Load("SETRANGE, PFCOUNT", (("SETRANGE", "dense0", 15, b"\x80"), ("PFCOUNT", "dense0")), prepare=hyperloglogs(1), weight=10),
    load("PFCOUNT of 3", "PFCOUNT", "dense0", "dense1", "dense2", prepare=hyperloglogs(3), weight=20),
    load("PFMERGE of 2", "PFMERGE", "dense2", "dense0", "dense1", prepare=hyperloglogs(3), weight=20),
    load("SCAN", "SCAN", RANDOM, "COUNT", 10, prepare=strings("xxx"), keys=KEYS, weight=3),
    load("EXPIRE", "EXPIRE", f"key:{RANDOM}", 1000, prepare=strings("xxx")),
    load("DEL", "DEL", f"key:{RANDOM}", prepare=strings("xxx")),
    load("EVALSHA of return 1", "EVALSHA", name_of(ONE), 0, prepare=scripts(ONE), weight=2),
    load("EVALSHA of GET", "EVALSHA", name_of(ONE_GET), 1, "key", prepare=scripts(ONE_GET), weight=2),
    load("EVALSHA of a token bucket", "EVALSHA", name_of(BUCKET), 1, f"key:{RANDOM}", 10, 1, 1, prepare=scripts(BUCKET), weight=5),
    load("EVALSHA of 100 calls", "EVALSHA", name_of(HUNDRED), 1, "key", prepare=scripts(HUNDRED), weight=50),
    Load("MULTI, SET, GET, EXEC", (("MULTI",), ("SET", "key", "xxx"), ("GET", "key"), ("EXEC",)), weight=2),
    load("FCALL of return 1", "FCALL", "one", 0, prepare=function("return 1")),
    load("FCALL of one GET", "FCALL", "one", 1, f"key:{RANDOM}", prepare=function("return redis.call('GET', keys[1])")),
    Load("GET, tracked", (("GET", f"key:{RANDOM}"),), prepare=strings("xxx"), tracked=True),
    load("PUBLISH to nobody", "PUBLISH", "news", "xxx"),
    load("PUBLISH to 100", "PUBLISH", "news", "x" * 32, subscribers=100, weight=25),
)

SIZES = (16, 256, 1024, 4096, 16384, 65536)


def of_sizes() -> tuple[Load, ...]:
    """SET and GET with values of each size; the larger the value, the fewer keys and requests."""
    loads = []
    for size in SIZES:
        keys, value = min(KEYS, (64 << 20) // size), "x" * size
        weight = 1 if size <= 1024 else size // 2048
        loads.append(load(f"SET, {size} bytes", "SET", f"key:{RANDOM}", value, keys=keys, weight=weight))
        loads.append(load(f"GET, {size} bytes", "GET", f"key:{RANDOM}", prepare=strings(value, keys), keys=keys, weight=weight))
    return tuple(loads)


def heavier(one: Load, times: int) -> Load:
    """The same load with so many times fewer requests."""
    return replace(one, weight=one.weight * times)


COMMANDS = DEFAULT_TESTS + MORE_COMMANDS
BY_NAME = {one.name: one for one in COMMANDS}
