"""Keys of every type and encoding, and what a server holds, read by ordinary commands."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.hyperloglog import HEADER
from tests.resp import RawClient

FAR = 99_999_999_999_999  # ms since the epoch
LONG = random.Random(7).randbytes(300_000)
INTEGERS = (0, 12, 13, -1, 127, 128, -128, -129, 4095, 4096, 32767, -32768, 1 << 23, -(1 << 23), 1 << 31, -(1 << 31), 1 << 62, -(1 << 63))
PASSING = (b"seen-time", b"active-time", b"radix-tree-keys", b"radix-tree-nodes")
EDGES = (0, 1, 43, 44, 45, 63, 64, 127, 4095, 4096, 16383, 16384)  # bytes, where heads of strings change


def text(size: int) -> bytes:
    """A string of so many bytes that LZF makes shorter."""
    return (b"abcdefgh" * (size // 8 + 1))[:size]


def fill_strings(client: RawClient) -> None:
    """Strings: all widths of integers, all sizes of lengths, with and without gain by LZF."""
    for number in (*INTEGERS, (1 << 63) - 1):
        client("SET", f"number:{number}", number)
    for size in EDGES:
        client("SET", f"text:{size}", text(size))
        client("SET", f"noise:{size}", LONG[:size])
    for almost in (b"+1", b"01", b"-0", b" 1", b"1.0", b"9223372036854775808", b"123456789012"):
        client("SET", b"almost:" + almost, almost)
    client("SET", "noise:long", LONG)
    client("SET", "text:long", text(1 << 20))
    client("SET", "", "the empty key")
    client("SET", b"\x00\xff\r\n", b"\x00\xff\r\n")
    client("SET", "k" * 70_000, "a long key")


def fill_hyperloglogs(client: RawClient) -> None:
    """HyperLogLogs: empty, sparse, dense, merged, with their cardinality known and out of date."""
    # set, since short strings are embedded when they are loaded
    client("SET", "hyperloglog:empty", HEADER + b"\x7f\xff")
    client("SET", "hyperloglog:one", HEADER + b"\x71\xa6\x84\x4e\x57")
    client("PFADD", "hyperloglog:sparse", *range(300))
    client("PFADD", "hyperloglog:large", *range(20_000))
    client("PFADD", "hyperloglog:dense", "a", "b")
    client("PFDEBUG", "TODENSE", "hyperloglog:dense")
    client("PFADD", "hyperloglog:counted", *range(100, 500))
    client("PFCOUNT", "hyperloglog:counted")
    client("PFMERGE", "hyperloglog:merged sparse", "hyperloglog:sparse", "hyperloglog:counted", "hyperloglog:none")
    client("PFMERGE", "hyperloglog:merged dense", "hyperloglog:large", "hyperloglog:sparse")
    client("PFCOUNT", "hyperloglog:merged dense")


def fill_lists(client: RawClient) -> None:
    """Lists in one listpack, in several, with elements that stand alone, with packed nodes between."""
    client("RPUSH", "list:integers", *INTEGERS)
    client("RPUSH", "list:texts", *(text(size) for size in EDGES))
    client("RPUSH", "list:one", "x")
    client("RPUSH", "list:many", *(f"element {i}" for i in range(5000)))
    client("RPUSH", "list:plain", "small", LONG[:20_000], text(30_000), "small")
    client("CONFIG", "SET", "list-compress-depth", 1)
    client("RPUSH", "list:compressed", *(text(500) + b"%d" % i for i in range(200)))
    client("CONFIG", "SET", "list-compress-depth", 0)


def fill_sets(client: RawClient) -> None:
    """Sets of all encodings and widths."""
    client("SADD", "set:int16", *range(-100, 100))
    client("SADD", "set:int32", 1, 1 << 20)
    client("SADD", "set:int64", *INTEGERS)
    client("SADD", "set:many integers", *range(1000))
    client("SADD", "set:listpack", "a", b"\xff", 7, "", text(60))
    client("SADD", "set:many", *(f"member {i}" for i in range(2000)))
    client("SADD", "set:long", "m", LONG[:5000])


def fill_hashes(client: RawClient) -> None:
    """Hashes of both encodings."""
    client("HSET", "hash:listpack", "a", 1, "", "", b"\xff", text(64), 5, -5)
    client("HSET", "hash:integers", *(word for n in INTEGERS for word in (n, -1 - n)))
    client("HSET", "hash:many", *(word for i in range(1500) for word in (f"field {i}", i)))
    client("HSET", "hash:long", "field", LONG[:3000], LONG[:3000], text(9000))


def fill_zsets(client: RawClient) -> None:
    """Sorted sets of both encodings: the larger ones have more than one level and equal scores."""
    scores = ("-inf", "inf", 0, "-0", 1.5, -1.5, 1e300, 5e-324, 0.1, 3, 1 << 53, 17976931348623157e292)
    client("ZADD", "zset:listpack", *(word for i, score in enumerate(scores) for word in (score, f"m{i}")))
    client("ZADD", "zset:129", *(word for i in range(129) for word in (i, f"m{i}")))
    client("ZADD", "zset:many", *(word for i in range(3000) for word in (i % 700 / 3, f"member {i}")))
    client("ZADD", "zset:extremes", *(word for i, score in enumerate(scores) for word in (score, LONG[i : i + 100])))
    client("ZADD", "zset:long", 1, LONG[:5000], 2, "b")


def fill_streams(client: RawClient) -> None:
    """Streams of one block and of many, with entries that were deleted, and groups with consumers and pending entries."""
    for number, (ms, seq) in enumerate(((0, 1), (5, 0), (5, 7), (1 << 40, 0), ((1 << 64) - 1, (1 << 64) - 2))):
        client("XADD", "stream:ids", f"{ms}-{seq}", "field", INTEGERS[number], "", LONG[: 100 * number])
    for size in EDGES:
        client("XADD", "stream:texts", f"{size + 1}-0", text(size), LONG[:size], "same", size)
    for number in range(1, 700):
        client("XADD", "stream:many", f"{number}-{number % 3}", "field", f"value {number}", "n", number)
    client("XDEL", "stream:many", *(f"{number}-{number % 3}" for number in range(100, 300, 2)))
    client("XTRIM", "stream:many", "MAXLEN", 510)
    client("XADD", "stream:empty", "7-7", "a", "b")
    client("XDEL", "stream:empty", "7-7")
    client("XGROUP", "CREATE", "stream:empty", "group", "0")
    fill_groups(client)


def fill_groups(client: RawClient) -> None:
    """Groups of the stream with many entries. Pending entries were deleted, trimmed, claimed; a group has read nothing, another all."""
    for group, start in (("", "0"), ("all", "$"), ("some", "0")):
        client("XGROUP", "CREATE", "stream:many", group, start)
    for consumer, count in (("one", 200), ("other", 1), ("one", 3)):
        client("XREADGROUP", "GROUP", "some", consumer, "COUNT", count, "STREAMS", "stream:many", ">")
    # what fill_streams left of the entries
    ids = [f"{number}-{number % 3}" for number in range(90, 700) if number % 2 or not 100 <= number < 300]
    client("XCLAIM", "stream:many", "some", "other", 0, *ids[10:20], "RETRYCOUNT", 300, "TIME", 1_700_000_000_000)
    client("XACK", "stream:many", "some", *ids[20:40])
    client("XDEL", "stream:many", *ids[30:45])
    client("XTRIM", "stream:many", "MINID", ids[5])


def fill(client: RawClient) -> None:
    """All of these, some with a time to live, in several databases."""
    client("FLUSHALL")
    for fill_type in (fill_strings, fill_hyperloglogs, fill_lists, fill_sets, fill_hashes, fill_zsets, fill_streams):
        fill_type(client)
    for number, key in enumerate(
        ("number:0", "text:44", "list:many", "set:int16", "set:many", "hash:listpack", "zset:many", "zset:listpack")
    ):
        client("PEXPIREAT", key, FAR + number)
    for db in (1, 9, 15):
        client("SELECT", db)
        client("SET", "where", db)
        client("SET", "ends", db, "PXAT", FAR)
        client("RPUSH", "list", *range(db))
    client("SELECT", 0)


def lasting(facts: Any) -> Any:
    """What XINFO says of a stream but for what no command brings back: when consumers were seen, and how entries are cut into blocks."""
    if not isinstance(facts, list):
        return facts
    passing = [n for n, word in enumerate(facts) if word in PASSING]
    return [lasting(word) for n, word in enumerate(facts) if n not in passing and n - 1 not in passing]


def value_of(client: RawClient, key: bytes, kind: str) -> Any:
    """A key's value; what has no order is sorted, and scores are numbers, since Redis 7.0 writes them with more digits."""
    if kind == "string":
        return client("GET", key).plain()
    if kind == "list":
        return client("LRANGE", key, 0, -1).plain()
    if kind == "set":
        return sorted(client("SMEMBERS", key).plain())
    if kind == "hash":
        words = client("HGETALL", key).plain()
        return sorted(zip(words[::2], words[1::2], strict=True))
    if kind == "stream":
        return lasting(client("XINFO", "STREAM", key, "FULL", "COUNT", 0).plain())
    words = client("ZRANGE", key, 0, -1, "WITHSCORES").plain()
    return list(zip(words[::2], map(float, words[1::2]), strict=True))


def contents(client: RawClient, encodings: tuple[str, ...] = ()) -> dict[tuple[int, bytes], Any]:
    """What a server holds: type, value, moment of expiry, and for these types the encoding, by database and key. A sorted set's and a
    list's length is asked for too: it is kept beside the elements."""
    found = {}
    for db in range(16):
        client("SELECT", db)
        for key in client("KEYS", "*").plain():
            kind = client("TYPE", key).value.decode()
            size = {"list": "LLEN", "zset": "ZCARD", "set": "SCARD", "hash": "HLEN", "string": "STRLEN", "stream": "XLEN"}[kind]
            encoding = client("OBJECT", "ENCODING", key).value if kind in encodings else None
            found[db, key] = (kind, value_of(client, key, kind), client(size, key).value, client("PEXPIRETIME", key).value, encoding)
    client("SELECT", 0)
    return found


def redis_7() -> Path | None:
    """Debian's Redis 7.0, whose files have version 10, or None."""
    program = shutil.which("redis-server")
    if program is None:
        return None
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return Path(program) if re.search(r"v=7\.0\.", told) else None
