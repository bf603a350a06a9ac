"""Damaged payloads and files without end: each is refused or makes a value that every command can work with.

    python -m tests.persistence.damage --seconds 300 --seed 7

runs for as long as wished; the suite runs it for moments. What it finds is printed as a payload to be kept as a test.
"""

from __future__ import annotations

import argparse
import random
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis

import zippy
from tests.hyperloglog import HEADER, decoded
from tests.persistence.encodings import fill
from tests.resp import Reply
from tests.unit.rdb_bytes import block, double, group, intset, length, listpack, payload, stream, string, ziplist
from zippy._core import snapshot
from zippy._core.introspection import memory_stats
from zippy._core.snapshot import SaveRequest, SnapshotError
from zippy.inprocess.engine import host_of

LARGEST = 3000  # bytes of a body that is damaged: in a larger one most places are alike
SLOW = 2.0  # seconds: what takes longer hangs
BLOAT = 64 << 20  # bytes of memory, far more than any of these bodies can hold
NUMBERS = (
    0,
    1,
    2,
    3,
    5,
    63,
    64,
    127,
    128,
    250,
    253,
    254,
    255,
    16383,
    16384,
    32767,
    32768,
    65535,
    1 << 24,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
)
WIDTHS = ("<B", "<H", "<I", ">H", ">I", "<Q", ">Q")
TYPES = 26

# for each type, commands that change or search the value at k
WRITES = {
    b"string": (
        "APPEND k x", "SETRANGE k 3 yy", "INCR k", "GETRANGE k 1 -2", "SETBIT k 9 1", "PFADD k a b c", "PFCOUNT k", "PFCOUNT k t",
        "PFMERGE k t", "PFMERGE t k", "PFDEBUG DECODE k", "PFDEBUG GETREG k",
    ),
    b"list": (
        "LSET k 0 7", "LINSERT k AFTER 7 after", "LREM k -1 a", f"LPUSH k {'l' * 70}", f"RPUSH k {1 << 40}", "LPOS k after RANK -1",
        "LINDEX k -1", "LTRIM k 0 -2", "SORT k ALPHA", "LPOP k 3", "RPOP k 2",
    ),
    b"set": (
        f"SADD k new {1 << 50} {'x' * 70}", "SISMEMBER k 5", "SRANDMEMBER k -5", "SSCAN k 0", "SUNIONSTORE t k k",
        "SREM k new 5", "SPOP k 2",
    ),
    b"hash": (
        f"HSET k new {'x' * 70} 5 6", "HINCRBY k 5 1", "HRANDFIELD k -5 WITHVALUES", "HSCAN k 0", "HGET k a", "HDEL k new a",
        "HPEXPIREAT k 4000000000000 FIELDS 2 a 5", "HPERSIST k FIELDS 2 a 5", "HGETEX k EX 9 FIELDS 1 a", "HTTL k FIELDS 2 a 5",
        f"HSETEX k KEEPTTL FIELDS 2 a 1 new {'x' * 70}", "HEXPIRE k 0 FIELDS 1 new", "HGETDEL k FIELDS 1 5",
    ),
    b"zset": (
        "ZADD k 1.5 new -inf 5", "ZINCRBY k 2 new", "ZRANK k new", "ZRANGEBYSCORE k -inf +inf WITHSCORES", "ZRANGEBYLEX k - +", "ZSCAN k 0",
        "ZCOUNT k 0 5", "ZREM k new a", "ZPOPMIN k 2", "ZPOPMAX k 1",
    ),
    b"stream": (
        f"XADD k * 5 6 field {'x' * 70}", "XREVRANGE k + - COUNT 3", "XINFO STREAM k FULL COUNT 0", "XGROUP CREATE k new 0", "XLEN k",
        "XREADGROUP GROUP some one COUNT 9 STREAMS k >", "XREADGROUP GROUP some one STREAMS k 0", "XPENDING k some",
        "XAUTOCLAIM k some new 0 0 COUNT 100", "XGROUP DELCONSUMER k some one", "XTRIM k MINID 100-0", "XTRIM k MAXLEN 3 DELREF",
        "XDELEX k ACKED IDS 2 5-0 700-1", "XDEL k 0-1 2-0 5-7 105-0", "XGROUP DESTROY k all", "XTRIM k MAXLEN ~ 0",
    ),
}  # fmt: skip
HYPERLOGLOG = ("PFCOUNT k k", "PFMERGE k", "PFMERGE t k", "PFDEBUG GETREG k", "PFDEBUG TODENSE k")
READS = {
    b"string": ("GET", "k"),
    b"list": ("LRANGE", "k", 0, -1),
    b"set": ("SMEMBERS", "k"),
    b"hash": ("HGETALL", "k"),
    b"zset": ("ZRANGE", "k", 0, -1, "WITHSCORES"),
    b"stream": ("XRANGE", "k", "-", "+"),
}


class Found(AssertionError):
    """Damage that did harm."""


class Direct:
    """redis-py's client of an engine as encodings.fill calls it."""

    def __init__(self, r: redis.Redis) -> None:
        self.r = r

    def __call__(self, *words: Any) -> Reply:
        return Reply("what redis-py makes of it", self.r.execute_command(*words))


def old_bodies() -> Iterator[bytes]:
    """Types and values as old versions wrote them."""
    items: list[bytes | int] = [1, -1, 300, 70000, 1 << 40, b"a", b"", b"x" * 70, b"y" * 300]
    yield b"\x01" + length(3) + string(b"a") + b"\xc0\x05" + string(b"b")
    yield b"\x03\x03" + string(b"a") + string(b"1.5") + string(b"b") + b"\xfe" + string(b"c") + b"\xff"
    yield b"\x05\x02" + string(b"a") + double(2.5) + string(b"b") + double(-1)
    yield b"\x09" + string(b"\x02\x01a\x02\x0012\x01b\x03\x02xyz??\xff")
    yield b"\x0a" + string(ziplist(*items))
    yield b"\x0b" + string(intset(4, -70000, -1, 5, 70000))
    yield b"\x0c" + string(ziplist(b"a", 1, b"b", b"2.5", b"c", 1 << 40))
    yield b"\x0d" + string(ziplist(b"a", 5, b"b", b"x", 7, b"z" * 70))
    yield b"\x0e" + length(2) + string(ziplist(*items)) + string(ziplist(1, b"z"))
    yield b"\x10" + string(listpack(b"a", b"1", b"b", b"2"))
    yield b"\x11" + string(listpack(b"a", b"1", b"b", b"2.5"))
    yield b"\x12" + length(3) + b"\x02" + string(listpack(b"a")) + b"\x01" + string(b"P" * 200) + b"\x02" + string(listpack(b"b"))
    yield b"\x14" + string(listpack(b"a", b"b", b"c"))
    yield from streams()
    yield b"\x00\xc3" + length(5) + length(20) + b"\x00a\xe0\x0a\x00"


def streams() -> Iterator[bytes]:
    """A stream of two blocks in all three forms, with a group whose consumers have pending entries."""
    first = block([(0, 0, 0, (b"a", b"1")), (2, 1, 0, (b"2",)), (3, 1, 5, (b"3",)), (0, 300, 0, (b"b", b"x" * 70))])
    second = block([(2, 0, 0, (b"4",)), (3, 1, 0, (b"5",))])
    consumers = {b"one": ((6, 0), (800, 1)), b"other": ((6, 5),)}
    for form in (15, 19, 21):
        groups = group(b"all", (801, 1), (), {}, form), group(b"some", (800, 1), ((6, 0), (6, 5), (800, 1)), consumers, form)
        yield stream({(5, 0): first, (800, 1): second}, (801, 1), groups, form)


def new_bodies(r: redis.Redis) -> Iterator[bytes]:
    """Types and values as zippy writes them, of every encoding, and not too large."""
    fill(Direct(r), fields_expire=True)  # type: ignore[arg-type]
    for key in r.keys("*"):
        dumped = r.dump(key)
        assert dumped is not None
        if len(dumped) <= LARGEST:
            yield dumped[:-10]
    r.flushall()


def damaged(source: random.Random, bodies: list[bytes]) -> bytes:
    """One of the bodies, harmed in one to four ways."""
    body = bytearray(source.choice(bodies))
    for _ in range(source.choice((1, 1, 1, 2, 4))):
        at = source.randrange(len(body) + 1)
        kind = source.randrange(9)
        if kind <= 1 and at < len(body):
            body[at] ^= 1 << source.randrange(8)
        elif kind == 2 and at < len(body):
            body[at] = source.choice(NUMBERS) & 0xFF
        elif kind == 3:
            width = source.choice(WIDTHS)
            number = struct.pack(width, source.choice(NUMBERS) & ((1 << 8 * struct.calcsize(width)) - 1))
            body[at : at + len(number)] = number
        elif kind == 4:
            del body[at:]
        elif kind == 5:
            del body[at : at + source.choice((1, 2, 4, 9))]
        elif kind == 6:
            body[at:at] = source.randbytes(source.choice((1, 2, 5)))
        elif kind == 7:
            other = source.choice(bodies)
            start = source.randrange(len(other))
            body[at : at + source.randrange(40)] = other[start : start + source.randrange(40)]
        elif body:
            body[0] = source.randrange(TYPES)
    return bytes(body)


class Campaign:
    """Damage to one engine's values; what it survived is counted."""

    def __init__(self, engine: zippy.Engine, seed: int) -> None:
        self.engine = engine
        self.r = zippy.connect(engine)
        self.source = random.Random(seed)
        # what is slow under a sanitizer would be remembered and look like a leak
        self.r.config_set("slowlog-log-slower-than", -1)
        self.bodies = [*old_bodies(), *new_bodies(self.r)]
        self.tried = 0
        self.loaded = 0

    def command(self, *words: Any) -> Any:
        """The reply; an error reply is fine."""
        try:
            return self.r.execute_command(*words)
        except redis.ResponseError as error:
            return error

    def limits(self, small: bool) -> None:
        """Limits of encodings, small or the defaults, so that values are taken as they are or converted."""
        for name, default in (("hash-max-listpack-entries", 128), ("zset-max-listpack-entries", 128), ("set-max-listpack-entries", 128)):
            self.r.config_set(name, 2 if small else default)
        self.r.config_set("set-max-intset-entries", 2 if small else 512)
        self.r.config_set("list-max-listpack-size", 2 if small else -2)
        self.r.config_set("list-compress-depth", self.source.randrange(2))

    def one(self, body: bytes) -> None:
        """Restores it and, if it is taken, works with it."""
        self.tried += 1
        began = time.thread_time()
        answer = self.command("RESTORE", "k", 0, payload(body))
        if not isinstance(answer, redis.ResponseError):
            self.loaded += 1
            self.work()
        elif "Bad data format" not in str(answer):
            raise Found(f"{answer}: {body!r}")
        if memory_stats(host_of(self.engine).core)["used"] > BLOAT:
            raise Found(f"bloats: {body!r}")
        self.r.delete("k", "t")
        if time.thread_time() - began > SLOW:
            raise Found(f"hangs: {body!r}")

    def work(self) -> None:
        """Reads and changes the value at k."""
        kind = self.r.type("k")
        before = self.command(*READS[kind]) if kind != b"none" else None
        again = self.r.dump("k")
        if kind in (b"none", b"hash") and again is None:
            # all fields of a hash were over, and it went by itself
            return
        if self.command("RESTORE", "t", 0, again) not in (b"OK", True):
            raise Found(f"what was loaded is dumped wrongly: {again!r}")
        size = {b"string": "STRLEN", b"list": "LLEN", b"set": "SCARD", b"hash": "HLEN", b"zset": "ZCARD", b"stream": "XLEN"}[kind]
        # asked once: fields that are over count until they go by themselves, which may be between two questions
        length = self.command(size, "k")
        if length != len(before) and not (kind == b"hash" and length > len(before)):
            raise Found(f"{size} is not the number of elements: {again!r}")
        words = list(WRITES[kind])
        self.source.shuffle(words)
        for command in words:
            self.command(*command.split())
            if not self.r.exists("k"):
                return
            self.command(*READS[kind])

    def count(self, text: bytes) -> None:
        """Has each command look at a string that may be a HyperLogLog: they find out when it is damaged."""
        self.tried += 1
        whole = decoded(text)
        if whole is not None:
            self.loaded += 1
        for command in (*HYPERLOGLOG, "PFADD k a b c"):
            self.r.set("k", text)
            self.r.delete("t")
            answer = self.command(*command.split())
            if isinstance(answer, redis.ResponseError) != (whole is None):
                raise Found(f"{command}: {answer}: {text!r}")
            after = decoded(self.command("GET", "k"))
            if whole is None:
                if self.command("GET", "k") != text:
                    raise Found(f"{command} changes what is damaged: {text!r}")
            elif after is None or not all(new >= old for new, old in zip(after, whole, strict=True)):
                raise Found(f"{command} loses registers: {text!r}")
        self.r.delete("k", "t")

    def run(self, seconds: float = 0, count: int = 0) -> None:
        """Until the time is over or so many were tried; then nothing may be left."""
        end = time.monotonic() + seconds
        before = memory_stats(host_of(self.engine).core)["used"]
        while (not count or self.tried < count) and (not seconds or time.monotonic() < end):
            if self.tried % 50 == 0:
                self.limits(self.source.random() < 0.5)
            self.one(damaged(self.source, self.bodies))
        left = memory_stats(host_of(self.engine).core)["used"] - before
        if abs(left) > 1 << 16:
            raise Found(f"{left} bytes are left")


def make_file(policy: str) -> bytes:
    """A whole file, its checksum off, of all old types, expiries and two databases."""
    with zippy.Engine() as engine, tempfile.TemporaryDirectory() as folder:
        r = zippy.connect(engine)
        for body in old_bodies():
            r.restore(f"old:{body[0]}", 4_000_000_000_000 if body[0] % 2 else 0, payload(body), replace=True, absttl=True)
        r.execute_command("SELECT", 3)
        r.set("a", 1)
        r.config_set("maxmemory-policy", policy)
        path = Path(folder) / "dump.rdb"
        snapshot.save_here(host_of(engine).core, SaveRequest(str(path), "8.2.3", checksum=False))
        return path.read_bytes()


def hyperloglogs(r: redis.Redis) -> Iterator[bytes]:
    """HyperLogLogs of both encodings, and sparse ones of opcodes that no command writes."""
    r.flushall()
    fill(Direct(r))  # type: ignore[arg-type]
    for key in r.keys("hyperloglog:*"):
        text = r.get(key)
        assert isinstance(text, bytes)
        yield text
    r.flushall()
    yield HEADER + b"\x40\x00\x83\xff\xff\x00\x7f\xf1"
    yield HEADER + b"\x40\x00" * 16384
    yield HEADER + b"\x00" * 16384
    yield HEADER + b"\x83\x00\x87\x3a" * 240 + b"\x3f"


def whole_files(seed: int, more: Callable[[int], bool]) -> tuple[int, int]:
    """Damages a whole file while more(tried) says so: how many were tried and how many loaded."""
    source = random.Random(seed)
    file = make_file(source.choice(("noeviction", "allkeys-lru", "allkeys-lfu")))
    tried = loaded = 0
    with zippy.Engine() as engine:
        r = zippy.connect(engine)
        before = memory_stats(host_of(engine).core)["used"]
        while more(tried):
            tried += 1
            data = file[:9] + damaged(source, [file[9:-9]]) + b"\xff" + bytes(8)
            began = time.thread_time()
            try:
                snapshot.load_bytes(host_of(engine).core, data)
                loaded += 1
            except SnapshotError as error:
                if not 0 <= error.offset <= len(data):
                    raise Found(f"offset {error.offset}: {data!r}") from None
            used = memory_stats(host_of(engine).core)["used"]
            r.flushall()
            if used > BLOAT or time.thread_time() - began > SLOW:
                raise Found(f"bloats or hangs: {data!r}")
        left = memory_stats(host_of(engine).core)["used"] - before
        if abs(left) > 1 << 16:
            raise Found(f"{left} bytes are left")
    return tried, loaded


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Damage RDB payloads and files, and see that nothing breaks.")
    parser.add_argument("--seconds", type=float, default=60, help="for each half: payloads, files")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with zippy.Engine() as engine:
        campaign = Campaign(engine, chosen.seed)
        campaign.run(chosen.seconds)
        print(f"payloads: {campaign.tried} tried, {campaign.loaded} loaded", flush=True)
    end = time.monotonic() + chosen.seconds
    tried, loaded = whole_files(chosen.seed, lambda _: time.monotonic() < end)
    print(f"files: {tried} tried, {loaded} loaded")


if __name__ == "__main__":
    main()
