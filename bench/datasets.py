"""The data of the memory part: one entry a row of the table, with a generator of the commands that load n elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.loads import in_chunks
from bench.wire import request

Generate = Callable[[int], Iterator[bytes]]


@dataclass(frozen=True)
class DataSet:
    """Data of one kind. Elements are divided by `weight` where they are larger than others."""

    name: str
    generate: Generate
    weight: int = 1


def value_of(i: int) -> str:
    """8 to 32 bytes, 20 on average."""
    return "v" * (8 + i * 7919 % 25)


def strings(n: int) -> Iterator[bytes]:
    """Keys of 16 bytes."""
    return (request("SET", f"key:{i:012d}", value_of(i)) for i in range(n))


def strings_with_ttl(n: int) -> Iterator[bytes]:
    """The same, each key with a time to live."""
    return (request("SET", f"key:{i:012d}", value_of(i), "EX", 100_000 + i % 1000) for i in range(n))


def counters(n: int) -> Iterator[bytes]:
    """Integers as values, keys of 16 bytes."""
    return (request("SET", f"counter:{i:08d}", i) for i in range(n))


def small_hashes(n: int) -> Iterator[bytes]:
    """Ten fields a key."""
    for i in range(n // 10):
        yield request("HSET", f"user:{i:08d}", *(word for f in range(10) for word in (f"field{f}", f"value{i * 10 + f:08d}")))


def small_integer_sets(n: int) -> Iterator[bytes]:
    """Ten integers a key."""
    for i in range(n // 10):
        yield request("SADD", f"numbers:{i:08d}", *(i + f * 1000 for f in range(10)))


def small_string_sets(n: int) -> Iterator[bytes]:
    """Ten strings a key."""
    for i in range(n // 10):
        yield request("SADD", f"tags:{i:08d}", *(f"member:{i + f:06d}" for f in range(10)))


def small_sorted_sets(n: int) -> Iterator[bytes]:
    """Ten members a key."""
    for i in range(n // 10):
        yield request("ZADD", f"board:{i:08d}", *(word for f in range(10) for word in (i * 10 + f, f"player:{i + f:06d}")))


def small_lists(n: int) -> Iterator[bytes]:
    """Ten items a key."""
    for i in range(n // 10):
        yield request("RPUSH", f"queue:{i:08d}", *(f"item:{i + f:08d}" for f in range(10)))


def one_sorted_set(n: int) -> Iterator[bytes]:
    """Members in no order of their scores, one command each."""
    return (request("ZADD", "zset", i * 7919 % n, f"member:{i:08d}") for i in range(n))


def one_list(n: int) -> Iterator[bytes]:
    """Items of 21 bytes."""
    return (request("RPUSH", "list", f"item:{i:016d}") for i in range(n))


def one_hash(n: int) -> Iterator[bytes]:
    """Fields of 14 bytes, values of 16."""
    return (request("HSET", "hash", f"field:{i:08d}", f"value:{i:010d}") for i in range(n))


def one_set(n: int) -> Iterator[bytes]:
    """Members of 15 bytes."""
    return (request("SADD", "set", f"member:{i:08d}") for i in range(n))


def one_integer_set(n: int) -> Iterator[bytes]:
    """Integers, too many for the packed form."""
    return in_chunks(("SADD", "numbers"), ((i * 7919,) for i in range(n)), 50)


def one_stream(n: int) -> Iterator[bytes]:
    """Entries of one field and a value of 12 bytes, five in a millisecond."""
    return (request("XADD", "stream", f"{1_700_000_000_000 + i // 5}-{i % 5}", "field", f"value:{i:06d}") for i in range(n))


def one_stream_pending(n: int) -> Iterator[bytes]:
    """The same, all of them read by ten consumers of a group, a hundred at a time, and not acknowledged."""
    yield request("XGROUP", "CREATE", "stream", "group", 0, "MKSTREAM")
    yield from one_stream(n)
    for i in range(0, n, 100):
        yield request("XREADGROUP", "GROUP", "group", f"consumer:{i // 100 % 10}", "COUNT", 100, "STREAMS", "stream", ">")


def sparse_hyperloglogs(n: int) -> Iterator[bytes]:
    """Ten elements a key, which has 16 bytes."""
    return (request("PFADD", f"seen:{i:011d}", *(f"visitor:{i * 10 + f:09d}" for f in range(10))) for i in range(n))


def large_strings(n: int) -> Iterator[bytes]:
    """Values of 1,000 bytes."""
    value = "v" * 1000
    return (request("SET", f"key:{i:012d}", value) for i in range(n))


DATA_SETS = (
    DataSet("string key, 8-32 byte value", strings),
    DataSet("the same with a TTL", strings_with_ttl),
    DataSet("integer counter", counters),
    DataSet("small hash of 10, per field", small_hashes),
    DataSet("small integer set of 10, per member", small_integer_sets),
    DataSet("small string set of 10, per member", small_string_sets),
    DataSet("small sorted set of 10, per member", small_sorted_sets),
    DataSet("small list of 10, per item", small_lists),
    DataSet("one sorted set, per member", one_sorted_set),
    DataSet("one list, per item", one_list),
    DataSet("one hash, per field", one_hash),
    DataSet("one set, per member", one_set),
    DataSet("one integer set, per member", one_integer_set),
    DataSet("one stream, per entry", one_stream, weight=2),
    DataSet("one stream, all pending in a group, per entry", one_stream_pending, weight=2),
    DataSet("sparse HyperLogLog of 10", sparse_hyperloglogs),
    DataSet("string key, 1,000 byte value", large_strings, weight=10),
)
