"""Values and whole snapshots to RDB bytes and back, in this process: every form that old versions wrote, and damage of every kind."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

import zippy
from tests.unit.rdb_bytes import block, consumer, double, file_of, group, intset, length, listpack, payload, stream, string, ziplist
from zippy._core import snapshot
from zippy._core.introspection import dataset_digest, memory_stats
from zippy._core.snapshot import SaveRequest, SnapshotError
from zippy.inprocess.engine import host_of

FAR = 99_999_999_999_999
SOON = 4_000_000_000_000  # ms since the epoch; FIRST is how a hash begins whose first field expires then
FIRST = struct.pack("<Q", SOON)


@pytest.fixture
def engine() -> Iterator[zippy.Engine]:
    """An engine in this process."""
    with zippy.Engine() as engine:
        yield engine


@pytest.fixture
def r(engine: zippy.Engine) -> redis.Redis:
    """A client of it."""
    return zippy.connect(engine)


INTEGERS = (0, 12, 13, -1, 127, -128, 300, -300, 40000, -40000, 1 << 22, -(1 << 23), 1 << 24, -(1 << 31), 1 << 40, -(1 << 63))
TEXTS = (b"", b"a", b"x" * 63, b"y" * 64, b"z" * 300, b"w" * 20000)
ITEMS = [b"%d" % n for n in INTEGERS] + list(TEXTS)
ZIPMAP = b"\x02\x01a\x02\x0012\x01b\x03\x02xyz??\xff"


class TestForms:
    """What each version of Redis wrote can be read."""

    def restore(self, r: redis.Redis, body: bytes) -> Any:
        r.restore("k", 0, payload(body))
        kind = r.type("k")
        reads: dict[bytes, Any] = {
            b"string": lambda: r.get("k"),
            b"list": lambda: r.lrange("k", 0, -1),
            b"set": lambda: r.smembers("k"),
            b"hash": lambda: r.hgetall("k"),
            b"zset": lambda: r.zrange("k", 0, -1, withscores=True),
        }
        return reads[kind]()

    def test_strings(self, r: redis.Redis) -> None:
        for encoded, text in (
            (string(b"plain"), b"plain"),
            (b"\xc0\xfe", b"-2"),
            (b"\xc1\x39\x30", b"12345"),
            (b"\xc2\x15\xcd\x5b\x07", b"123456789"),
        ):
            r.delete("k")
            assert self.restore(r, b"\x00" + encoded) == text

    def test_packed_string(self, r: redis.Redis) -> None:
        assert self.restore(r, b"\x00\xc3" + length(5) + length(20) + b"\x00a\xe0\x0a\x00") == b"a" * 20

    def test_list_of_strings(self, r: redis.Redis) -> None:
        assert self.restore(r, b"\x01" + length(2) + string(b"a") + string(b"b")) == [b"a", b"b"]

    def test_list_of_a_ziplist(self, r: redis.Redis) -> None:
        assert self.restore(r, b"\x0a" + string(ziplist(*INTEGERS, *TEXTS))) == ITEMS

    def test_quicklist_of_ziplists(self, r: redis.Redis) -> None:
        assert self.restore(r, b"\x0e" + length(2) + string(ziplist(*INTEGERS)) + string(ziplist(*TEXTS))) == ITEMS

    def test_quicklist(self, r: redis.Redis) -> None:
        nodes = b"\x02" + string(listpack(b"a", b"b")) + b"\x01" + string(b"P" * 9000) + b"\x02" + string(listpack(b"c"))
        body = b"\x12" + length(3) + nodes
        assert self.restore(r, body) == [b"a", b"b", b"P" * 9000, b"c"]
        assert r.object("encoding", "k") == b"quicklist"

    def test_quicklist_that_is_small(self, r: redis.Redis) -> None:
        assert self.restore(r, b"\x12\x01\x02" + string(listpack(b"a"))) == [b"a"]
        assert r.object("encoding", "k") == b"listpack"

    def test_quicklist_with_an_empty_node(self, r: redis.Redis) -> None:
        assert self.restore(r, b"\x12\x02\x02" + string(listpack()) + b"\x02" + string(listpack(b"a"))) == [b"a"]

    def test_set_of_strings(self, r: redis.Redis) -> None:
        assert self.restore(r, b"\x02\x03" + string(b"1") + string(b"a") + string(b"")) == {b"1", b"a", b""}
        assert r.object("encoding", "k") == b"listpack"

    def test_set_of_many_strings(self, r: redis.Redis) -> None:
        assert len(self.restore(r, b"\x02" + length(200) + b"".join(string(b"m%d" % i) for i in range(200)))) == 200
        assert r.object("encoding", "k") == b"hashtable"

    @pytest.mark.parametrize("width", [2, 4, 8])
    def test_intset(self, r: redis.Redis, width: int) -> None:
        low = -(1 << (8 * width - 1))
        assert self.restore(r, b"\x0b" + string(intset(width, low, -1, 5))) == {b"%d" % low, b"-1", b"5"}
        assert r.object("encoding", "k") == b"intset"

    def test_intset_that_is_too_long(self, r: redis.Redis) -> None:
        r.config_set("set-max-intset-entries", 2)
        assert self.restore(r, b"\x0b" + string(intset(2, 1, 2, 3))) == {b"1", b"2", b"3"}
        assert r.object("encoding", "k") == b"hashtable"

    @pytest.mark.parametrize("limit", [2, 128])
    def test_set_of_a_listpack(self, r: redis.Redis, limit: int) -> None:
        r.config_set("set-max-listpack-entries", limit)
        assert self.restore(r, b"\x14" + string(listpack(b"a", b"b", b"c"))) == {b"a", b"b", b"c"}
        assert r.object("encoding", "k") == (b"listpack" if limit == 128 else b"hashtable")

    def test_hash_of_strings(self, r: redis.Redis) -> None:
        assert self.restore(r, b"\x04\x02" + string(b"f") + string(b"1") + string(b"g") + string(b"")) == {b"f": b"1", b"g": b""}
        assert r.object("encoding", "k") == b"listpack"

    def test_hash_of_many_fields(self, r: redis.Redis) -> None:
        body = b"\x04" + length(600) + b"".join(string(b"f%d" % i) + string(b"v") for i in range(600))
        assert len(self.restore(r, body)) == 600
        assert r.object("encoding", "k") == b"hashtable"

    def test_hash_of_a_zipmap(self, r: redis.Redis) -> None:
        assert self.restore(r, b"\x09" + string(ZIPMAP)) == {b"a": b"12", b"b": b"xyz"}

    def test_hash_of_a_ziplist(self, r: redis.Redis) -> None:
        assert self.restore(r, b"\x0d" + string(ziplist(b"a", 5, b"b", b"x"))) == {b"a": b"5", b"b": b"x"}

    @pytest.mark.parametrize("limit", [1, 128])
    def test_hash_of_a_listpack(self, r: redis.Redis, limit: int) -> None:
        r.config_set("hash-max-listpack-entries", limit)
        assert self.restore(r, b"\x10" + string(listpack(b"a", b"1", b"b", b"2"))) == {b"a": b"1", b"b": b"2"}
        assert r.object("encoding", "k") == (b"listpack" if limit == 128 else b"hashtable")

    def test_zset_with_scores_as_text(self, r: redis.Redis) -> None:
        body = b"\x03\x04" + string(b"a") + string(b"1.5") + string(b"b") + b"\xfe" + string(b"c") + b"\xff" + string(b"d") + string(b"-2")
        assert self.restore(r, body) == [(b"c", float("-inf")), (b"d", -2), (b"a", 1.5), (b"b", float("inf"))]

    def test_zset_with_binary_scores(self, r: redis.Redis) -> None:
        assert self.restore(r, b"\x05\x02" + string(b"a") + double(2.5) + string(b"b") + double(-1)) == [(b"b", -1), (b"a", 2.5)]

    def test_large_zset(self, r: redis.Redis) -> None:
        body = b"\x05" + length(200) + b"".join(string(b"m%d" % i) + double(i) for i in reversed(range(200)))
        assert self.restore(r, body) == [(b"m%d" % i, i) for i in range(200)]
        assert r.object("encoding", "k") == b"skiplist"

    @pytest.mark.parametrize("limit", [1, 128])
    def test_hash_of_expiring_fields(self, r: redis.Redis, limit: int) -> None:
        """Moments are told from the first one on."""
        r.config_set("hash-max-listpack-entries", limit)
        fields = ((1, b"a"), (0, b"b"), (1000, b"c"))
        body = b"\x18" + FIRST + b"\x03" + b"".join(length(after) + string(name) + string(b"v") for after, name in fields)
        assert self.restore(r, body) == {b"a": b"v", b"b": b"v", b"c": b"v"}
        assert r.hpexpiretime("k", "a", "b", "c") == [SOON, -1, SOON + 999]
        assert r.object("encoding", "k") == (b"listpackex" if limit == 128 else b"hashtable")

    @pytest.mark.parametrize("limit", [1, 128])
    @pytest.mark.parametrize("ordered", [True, False])
    def test_hash_of_a_listpack_with_moments(self, r: redis.Redis, limit: int, ordered: bool) -> None:
        """One that is out of order is put right."""
        r.config_set("hash-max-listpack-entries", limit)
        fields: list[list[bytes | int]] = [[b"a", b"1", SOON], [7, b"2", SOON + 1], [b"c", b"3", 0]]
        words = [word for field in (fields if ordered else fields[::-1]) for word in field]
        assert self.restore(r, b"\x19" + FIRST + string(listpack(*words))) == {b"a": b"1", b"7": b"2", b"c": b"3"}
        assert r.hpexpiretime("k", "a", "7", "c") == [SOON, SOON + 1, -1]
        assert list(r.hkeys("k")) == [b"a", b"7", b"c"] or limit == 1
        assert r.object("encoding", "k") == (b"listpackex" if limit == 128 else b"hashtable")
        assert r.hpersist("k", "a", "7") == [1, 1]

    def test_a_listpack_with_no_moment_that_counts(self, r: redis.Redis) -> None:
        """As Redis writes it after HPERSIST: with the first moment that was once."""
        assert self.restore(r, b"\x19" + FIRST + string(listpack(b"a", b"1", 0))) == {b"a": b"1"}
        assert r.object("encoding", "k") == b"listpackex"
        assert r.hpexpiretime("k", "a") == [-1]

    @pytest.mark.parametrize("limit", [1, 128])
    def test_packed_zset(self, r: redis.Redis, limit: int) -> None:
        r.config_set("zset-max-listpack-entries", limit)
        assert self.restore(r, b"\x11" + string(listpack(b"a", b"1", b"b", b"2.5"))) == [(b"a", 1), (b"b", 2.5)]
        r.delete("k")
        assert self.restore(r, b"\x0c" + string(ziplist(b"a", 1, b"b", b"2.5"))) == [(b"a", 1), (b"b", 2.5)]


ENTRY = block([(2, 0, 0, (b"1",))])  # a stream's block of one
CONSUMER = consumer(b"c", (), 21)

DAMAGED = {
    "unknown type": b"\x08\x00",
    "type past the last": b"\x30\x00",
    "stream of nothing": b"\x0f\x00",
    "nothing": b"",
    "string too short": b"\x00\x05abc",
    "length of unknown form": b"\x00\x82abc",
    "unknown string encoding": b"\x00\xc4abc",
    "enormous length": b"\x00\x81" + b"\x7f" * 8,
    "enormous count": b"\x01\x81" + b"\xff" * 8,
    "enormous hash": b"\x04\x80\xff\xff\xff\xff" + b"\x01a" * 20,
    "empty list": b"\x01\x00",
    "empty set": b"\x02\x00",
    "empty packed set": b"\x14" + string(listpack()),
    "packed string that grows too far": b"\x00\xc3\x02\x80\xff\xff\xff\xff\x00a",
    "packed string of another length": b"\x00\xc3" + length(5) + length(21) + b"\x00a\xe0\x0a\x00",
    "packed string that is no LZF": b"\x00\xc3\x03\x14\xe0\xff\xff",
    "member twice": b"\x02\x02" + string(b"a") * 2,
    "packed member twice": b"\x14" + string(listpack(b"a", b"b", b"a")),
    "packed member twice among many": b"\x14" + string(listpack(*[b"%x" % i for i in range(40)], b"9")),
    "field twice": b"\x04\x02" + (string(b"a") + string(b"b")) * 2,
    "packed field twice": b"\x10" + string(listpack(b"a", b"1", b"a", b"2")),
    "field without a value": b"\x10" + string(listpack(b"a", b"1", b"b")),
    "zipmap field twice": b"\x09" + string(b"\x02\x01a\x01\x00x\x01a\x01\x00y\xff"),
    "zipmap with another count": b"\x09" + string(b"\x03\x01a\x01\x00x\xff"),
    "zipmap with a count that none has": b"\x09" + string(b"\xff\x01a\x01\x00x\xff"),
    "zipmap too short": b"\x09" + string(b"\x01\x05a\x01\x00x\xff"),
    "expiring fields of a release candidate": b"\x16" + FIRST + b"\x01\x01" + string(b"a") + string(b"b"),
    "packed expiring fields of a release candidate": b"\x17" + FIRST + string(listpack(b"a", b"1", SOON)),
    "expiring field twice": b"\x18" + FIRST + b"\x02" + (b"\x01" + string(b"a") + string(b"b")) * 2,
    "expiring fields too many": b"\x18" + FIRST + b"\x80\xff\xff\xff\xff" + b"\x01\x01a\x01b" * 5,
    "field that expires too late": b"\x18" + FIRST + b"\x01\x81" + b"\xff" * 8 + string(b"a") + string(b"b"),
    "first moment too late": b"\x18" + b"\xff" * 8 + b"\x01\x01" + string(b"a") + string(b"b"),
    "expiring field without a value": b"\x18" + FIRST + b"\x01\x01" + string(b"a"),
    "no expiring fields": b"\x18" + FIRST + b"\x00",
    "packed expiring field twice": b"\x19" + FIRST + string(listpack(b"a", b"1", SOON, b"a", b"2", 0)),
    "packed field without a moment": b"\x19" + FIRST + string(listpack(b"a", b"1")),
    "packed field with a moment of text": b"\x19" + FIRST + string(listpack(b"a", b"1", b"soon")),
    "packed field with a moment before all": b"\x19" + FIRST + string(listpack(b"a", b"1", -5)),
    "packed field with a moment behind all": b"\x19" + FIRST + string(listpack(b"a", b"1", 1 << 48)),
    "packed expiring fields of nothing": b"\x19" + FIRST + string(listpack()),
    "packed expiring fields without a first moment": b"\x19" + FIRST[:5],
    "zset member twice": b"\x05\x02" + (string(b"a") + double(1)) * 2,
    "packed zset out of order": b"\x11" + string(listpack(b"a", b"2", b"b", b"1")),
    "packed zset with a member twice": b"\x11" + string(listpack(b"a", b"1", b"a", b"2")),
    "packed zset with a bad score": b"\x11" + string(listpack(b"a", b"x")),
    "score that is not a number": b"\x05\x01" + string(b"a") + double(float("nan")),
    "score of text that is not a number": b"\x03\x01" + string(b"a") + b"\xfd",
    "score of no text": b"\x03\x01" + string(b"a") + string(b"abc"),
    "intset out of order": b"\x0b" + string(intset(2, 2, 1)),
    "intset with a number twice": b"\x0b" + string(intset(2, 1, 1)),
    "intset of a strange width": b"\x0b" + string(intset(3, 1)),
    "intset of no numbers": b"\x0b" + string(intset(2)),
    "intset too short": b"\x0b" + string(struct.pack("<II", 2, 9) + b"\x01\x00"),
    "listpack of another size": b"\x14" + string(struct.pack("<IH", 99, 0) + b"\xff"),
    "ziplist of another size": b"\x0a" + string(b"\xff" * 11),
    "ziplist with another tail": b"\x0a" + string(ziplist(b"a").replace(b"\x0a\x00\x00\x00", b"\x0b\x00\x00\x00")),
    "ziplist with another count": b"\x0a" + string(ziplist(b"a", b"b").replace(b"\x02\x00", b"\x03\x00", 1)),
    "ziplist entry too short": b"\x0a" + string(ziplist(b"abc").replace(b"\x03abc", b"\x3fabc")),
    "list node of unknown kind": b"\x12\x01\x03" + string(listpack(b"a")),
    "plain list node of nothing": b"\x12\x01\x01\x00",
    "list of empty nodes": b"\x12\x01\x02" + string(listpack()),
    "stream's block without entries": stream({(5, 0): listpack(0, 0, 1, b"a", 0)}, (9, 0)),
    "stream's block without a head": stream({(5, 0): listpack(1)}, (9, 0)),
    "stream's block of an id that is none": b"\x15\x01" + string(b"id") + string(ENTRY) + bytes(20),
    "stream's block with another count": stream({(5, 0): listpack(2, 0, 1, b"a", 0, 2, 0, 0, b"1", 4)}, (9, 0)),
    "stream's block with another count of deleted": stream({(5, 0): listpack(0, 1, 1, b"a", 0, 2, 0, 0, b"1", 4)}, (9, 0)),
    "stream's block with more behind": stream({(5, 0): listpack(1, 0, 1, b"a", 0, 2, 0, 0, b"1", 4, 7)}, (9, 0)),
    "stream's block whose head has no end": stream({(5, 0): listpack(1, 0, 1, b"a", 7, 2, 0, 0, b"1", 4)}, (9, 0)),
    "stream's entry of another length": stream({(5, 0): listpack(1, 0, 1, b"a", 0, 2, 0, 0, b"1", 5)}, (9, 0)),
    "stream's entry of unknown flags": stream({(5, 0): listpack(1, 0, 1, b"a", 0, 6, 0, 0, b"1", 4)}, (9, 0)),
    "stream's entry of text flags": stream({(5, 0): listpack(1, 0, 1, b"a", 0, b"2", 0, 0, b"1", 4)}, (9, 0)),
    "stream's entry without fields": stream({(5, 0): listpack(1, 0, 1, b"a", 0, 0, 0, 0, 0, 4)}, (9, 0)),
    "stream's entry of too many fields": stream({(5, 0): listpack(1, 0, 1, b"a", 0, 0, 0, 0, 99, b"a", b"1", 4)}, (9, 0)),
    "stream's entries out of order": stream({(5, 0): block([(2, 1, 0, (b"1",)), (2, 0, 5, (b"2",))])}, (9, 0)),
    "stream's entry below its block": stream({(5, 0): block([(2, -1, 0, (b"1",))])}, (9, 0)),
    "stream's blocks out of order": stream({(5, 0): ENTRY, (4, 0): ENTRY}, (9, 0)),
    "stream with an entry 0-0": stream({(0, 0): ENTRY}, (9, 0)),
    "stream with a last id below its entries": stream({(5, 0): ENTRY}, (4, 9)),
    "stream with a group twice": stream({}, (9, 0), (group(b"g", (1, 0), (), {}), group(b"g", (2, 0), (), {}))),
    "stream with a group that read less than nothing": stream({}, (9, 0), (group(b"g", (1, 0), (), {}).replace(b"\xff" * 8, b"\xf0" * 8),)),
    "stream with a consumer twice": stream({}, (9, 0), (group(b"g", (1, 0), (), {}).replace(b"\0\0", b"\0\x02") + CONSUMER * 2,)),
    "pending without a consumer": stream({}, (9, 0), (group(b"g", (9, 0), ((1, 0), (2, 0)), {b"c": ((1, 0),)}),)),
    "pending for a consumer alone": stream({}, (9, 0), (group(b"g", (9, 0), ((1, 0),), {b"c": ((1, 0), (2, 0))}),)),
    "pending for two consumers": stream({}, (9, 0), (group(b"g", (9, 0), ((1, 0),), {b"c": ((1, 0),), b"d": ((1, 0),)}),)),
    "pending twice": stream({}, (9, 0), (group(b"g", (9, 0), ((1, 0), (1, 0)), {b"c": ((1, 0),)}),)),
    "pending 0-0": stream({}, (9, 0), (group(b"g", (9, 0), ((0, 0),), {b"c": ((0, 0),)}),)),
}


class TestDamage:
    """Nothing that is wrong is taken, and nothing of it stays."""

    @pytest.mark.parametrize("name", DAMAGED)
    def test_refused(self, engine: zippy.Engine, r: redis.Redis, name: str) -> None:
        before = memory_stats(host_of(engine).core)["used"]
        with pytest.raises(redis.ResponseError, match="Bad data format"):
            r.restore("k", 0, payload(DAMAGED[name]))
        assert r.exists("k") == 0
        assert abs(memory_stats(host_of(engine).core)["used"] - before) < 4096

    def test_checksum_and_version(self, r: redis.Redis) -> None:
        good = payload(b"\x00\x01a")
        r.restore("k", 0, good)
        for bad in (good[:-1] + b"\x00", payload(b"\x00\x01a", 13), b"", b"abc", good[:-8] + bytes(8)):
            with pytest.raises(redis.ResponseError, match="DUMP payload version or checksum are wrong"):
                r.restore("other", 0, bad)

    @settings(max_examples=300)
    @given(st.integers(0, 26), st.binary(max_size=60))
    def test_random_bytes(self, kind: int, body: bytes) -> None:
        with zippy.Engine() as engine:
            r = zippy.connect(engine)
            try:
                r.restore("k", 0, payload(bytes([kind]) + body))
            except redis.ResponseError:
                return
            assert r.exists("k") == 1
            r.restore("k", 0, r.dump("k"), replace=True)

    def test_flipped_bits_of_values(self, engine: zippy.Engine, r: redis.Redis) -> None:
        """With the checksum put right, so that the damage gets through to the value."""
        fill(r)
        source = random.Random(1)
        bodies = [r.dump(key)[:-10] for key in r.keys("*") if len(r.dump(key)) < 300]
        r.flushall()
        before = memory_stats(host_of(engine).core)["used"]
        for body in bodies:
            for place in range(len(body)):
                for _ in range(3):
                    damaged = bytearray(body)
                    damaged[place] ^= 1 << source.randrange(8)
                    try:
                        r.restore("k", 0, payload(bytes(damaged)), replace=True)
                    except redis.ResponseError as error:
                        assert "Bad data format" in str(error)
                    else:
                        r.dump("k")
                        r.delete("k")
        assert abs(memory_stats(host_of(engine).core)["used"] - before) < 65536


def fill(r: redis.Redis) -> None:
    """Keys of every type and encoding."""
    r.set("short", "value")
    r.set("empty", "")
    r.set("binary", bytes(range(256)))
    r.set("repetitive", b"abc" * 1000)
    r.set("long", random.Random(2).randbytes(100_000))
    for place, number in enumerate((0, -1, 127, 128, -40000, 1 << 31, -(1 << 63), (1 << 63) - 1)):
        r.set(f"number{place}", number)
    r.set("ends", "later", pxat=FAR)
    r.set("", "the empty key")
    r.set("k" * 70_000, "a long key")
    r.rpush("list:listpack", "a", 1, -5, 1 << 40, b"\xff" * 70)
    r.rpush("list:quicklist", *[b"element %d" % i for i in range(3000)])
    r.rpush("list:plain", "small", "L" * 20_000, "small")
    r.sadd("set:intset", *range(20))
    r.sadd("set:wide", 1, 1 << 40)
    r.sadd("set:listpack", "a", "b", 7)
    r.sadd("set:hashtable", *[f"member {i}" for i in range(500)])
    r.hset("hash:listpack", mapping={"a": 1, "b": "two", "c": ""})
    r.hset("hash:hashtable", mapping={f"field {i}": i for i in range(700)})
    r.hset("hash:long", "field", "v" * 300)
    r.zadd("zset:listpack", {"a": 1, "b": 2.5, "c": float("inf"), "d": -1e300})
    r.zadd("zset:skiplist", {f"member {i}": i / 3 for i in range(500)})
    r.expire("zset:skiplist", 5000)
    r.execute_command("SELECT", 9)
    r.set("elsewhere", 1)
    r.execute_command("SELECT", 0)


def saved(engine: zippy.Engine, folder: Path, **options: bool) -> bytes:
    """The file that saving makes."""
    snapshot.save_here(host_of(engine).core, SaveRequest(str(folder / "dump.rdb"), "8.2.3", **options))
    return (folder / "dump.rdb").read_bytes()


class TestFiles:
    """Whole snapshots."""

    @pytest.mark.parametrize("compress", [True, False])
    def test_round_trip(self, engine: zippy.Engine, r: redis.Redis, tmp_path: Path, compress: bool) -> None:
        fill(r)
        data = saved(engine, tmp_path, compress=compress)
        assert data.startswith(b"REDIS0010")
        with zippy.Engine() as other:
            found = snapshot.load_bytes(host_of(other).core, data)
            assert found["keys"] == len(r.keys()) + 1
            assert dataset_digest(host_of(other).core) == dataset_digest(host_of(engine).core)
            second = zippy.connect(other)
            for key in r.keys("*"):
                assert second.object("encoding", key) == r.object("encoding", key), key
                assert second.pexpiretime(key) == r.pexpiretime(key)

    def test_no_leftovers(self, tmp_path: Path, engine: zippy.Engine) -> None:
        saved(engine, tmp_path)
        assert [file.name for file in tmp_path.iterdir()] == ["dump.rdb"]

    def test_without_checksum(self, engine: zippy.Engine, r: redis.Redis, tmp_path: Path) -> None:
        r.set("a", 1)
        data = saved(engine, tmp_path, checksum=False)
        assert data.endswith(bytes(8))
        with zippy.Engine() as other:
            assert snapshot.load_bytes(host_of(other).core, data)["keys"] == 1

    def test_wrong_checksum(self, engine: zippy.Engine, tmp_path: Path) -> None:
        data = saved(engine, tmp_path)
        with zippy.Engine() as other, pytest.raises(SnapshotError, match="checksum is wrong"):
            snapshot.load_bytes(host_of(other).core, data[:-1] + bytes([data[-1] ^ 1]))

    def test_every_cut_is_noticed(self, engine: zippy.Engine, r: redis.Redis, tmp_path: Path) -> None:
        r.set("a", 1)
        r.rpush("l", *range(10))
        data = saved(engine, tmp_path)
        for size in range(len(data)):
            with zippy.Engine() as other, pytest.raises(SnapshotError) as caught:
                snapshot.load_bytes(host_of(other).core, data[:size])
            assert 0 <= caught.value.offset <= size

    def test_flipped_bits(self, engine: zippy.Engine, r: redis.Redis, tmp_path: Path) -> None:
        """Without a checksum, so that damage gets as far as it can."""
        r.set("s", "value", pxat=FAR)
        r.rpush("l", 1, "b")
        r.sadd("s1", 1, 2)
        r.hset("h", "f", "v")
        r.zadd("z", {"m": 1.5})
        data = saved(engine, tmp_path, checksum=False)
        with zippy.Engine() as other:
            before = memory_stats(host_of(other).core)["used"]
            for place in range(len(data)):
                for bit in range(8):
                    damaged = bytearray(data)
                    damaged[place] ^= 1 << bit
                    try:
                        snapshot.load_bytes(host_of(other).core, bytes(damaged))
                    except SnapshotError as error:
                        assert 0 <= error.offset <= len(data)
                    snapshot.flush(host_of(other).core)
            assert abs(memory_stats(host_of(other).core)["used"] - before) < 65536

    def test_expired_keys_are_left_out(self, engine: zippy.Engine) -> None:
        body = b"\xfc" + struct.pack("<q", 1000) + b"\x00" + string(b"old") + string(b"v")
        body += b"\xfd" + struct.pack("<i", 1) + b"\x00\x01a\x01b"
        assert snapshot.load_bytes(host_of(engine).core, file_of(body))["expired"] == 2
        assert snapshot.load_bytes(host_of(engine).core, file_of(body), True)["keys"] == 2

    def test_what_is_passed_over(self, engine: zippy.Engine) -> None:
        """Unknown fields, slot sizes, keys that hold nothing."""
        body = b"\xfa" + string(b"what-is-this") + string(b"x")
        body += b"\xf4\x01\x02\x03" + b"\x01\x01e\x00" + b"\x00\x01a\x01b"
        found = snapshot.load_bytes(host_of(engine).core, file_of(body, 12))
        assert (found["keys"], found["libraries"], found["empty"], found["version"]) == (1, 0, 1, 12)

    def test_head_of_the_file(self, engine: zippy.Engine) -> None:
        identity = b"0123456789" * 4
        body = b"".join(
            b"\xfa" + string(name) + string(value)
            for name, value in (
                (b"ctime", b"1700000000"), (b"aof-base", b"1"), (b"repl-stream-db", b"3"), (b"repl-id", identity), (b"repl-offset", b"77"),
            )
        )  # fmt: skip
        found = snapshot.load_bytes(host_of(engine).core, file_of(body))
        assert (found["saved_at"], found["aof_base"], found["replication"]) == (1700000000, True, (3, identity, 77))

    def test_head_that_is_written(self, engine: zippy.Engine, tmp_path: Path) -> None:
        request = SaveRequest(str(tmp_path / "dump.rdb"), "8.2.3", aof_base=True)
        request.set_replication(2, b"f" * 40, 1234)
        snapshot.save_here(host_of(engine).core, request)
        with zippy.Engine() as other:
            found = snapshot.load_bytes(host_of(other).core, (tmp_path / "dump.rdb").read_bytes())
        assert (found["aof_base"], found["replication"]) == (True, (2, b"f" * 40, 1234))

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            (b"", "ends too early"),
            (b"hello, this is no such file", "no RDB file"),
            (b"REDIS0013" + b"\xff", "version"),
            (b"REDISabcd" + b"\xff", "no RDB file"),
            (file_of(b"\xf7\x81" + bytes(8)), "module"),
            (file_of(b"\xfe\x40\x63"), "higher number"),
            (file_of(b"\xf0"), "unknown type"),
            (file_of(b"\x00\x01a\x01b" * 2), "twice"),
        ],
    )
    def test_refused(self, engine: zippy.Engine, data: bytes, problem: str) -> None:
        with pytest.raises(SnapshotError, match=problem):
            snapshot.load_bytes(host_of(engine).core, data)

    def test_replacing(self, engine: zippy.Engine, r: redis.Redis) -> None:
        r.rpush("a", "old")
        snapshot.load_bytes(host_of(engine).core, file_of(b"\x00\x01a\x01b"), False, True)
        assert r.get("a") == b"b"

    def test_announced_sizes_do_not_bloat(self, engine: zippy.Engine) -> None:
        snapshot.load_bytes(host_of(engine).core, file_of(b"\xfe\x00\xfb\x81" + b"\x7f" * 8 + b"\x81" + b"\x7f" * 8))
        assert memory_stats(host_of(engine).core)["used"] < 1 << 20

    @pytest.mark.parametrize(("policy", "field"), [("allkeys-lru", b"\xf8\x40\x64"), ("allkeys-lfu", b"\xf9\x64")])
    def test_idle_time_and_frequency(self, engine: zippy.Engine, r: redis.Redis, tmp_path: Path, policy: str, field: bytes) -> None:
        r.config_set("maxmemory-policy", policy)
        host_of(engine).core.set_clock(10**15)
        snapshot.load_bytes(host_of(engine).core, file_of(field + b"\x00\x01a\x01b"))
        assert r.object("idletime" if policy == "allkeys-lru" else "freq", "a") == 100
        assert field in saved(engine, tmp_path)


class TestDumps:
    """DUMP and RESTORE."""

    def test_every_encoding(self, r: redis.Redis) -> None:
        fill(r)
        for key in r.keys("*"):
            dumped = r.dump(key)
            # key and expiry are a part of what a string may embed
            copy = key[:-1] + b"~"
            r.restore(copy, max(r.pttl(key), 0), dumped, replace=True)
            assert r.object("encoding", copy) == r.object("encoding", key), key
            assert r.dump(copy) == dumped
            r.delete(copy)

    @settings(max_examples=100)
    @given(st.binary(max_size=300))
    def test_any_string(self, value: bytes) -> None:
        with zippy.Engine() as engine:
            r = zippy.connect(engine)
            r.set("a", value)
            r.restore("b", 0, r.dump("a"))
            assert r.get("b") == value
