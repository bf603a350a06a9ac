"""Snapshots that are loaded in steps: from a file, and as they come, in pieces of any size, which has to come to the same."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.resp import request
from tests.unit.peer import Peer
from tests.unit.rdb_bytes import double, file_of, intset, length, listpack, string, ziplist
from zippy._core.introspection import dataset_digest, is_loading, keyspace, keyspace_fault, used_memory
from zippy._core.session import Core
from zippy._core.snapshot import Loading, SaveRequest, SnapshotError, save_here

STEP = 128 * 1024
UNKNOWN = 2**62  # bytes: no copy is as long
LIBRARY = b"#!lua name=lib\nredis.register_function('f', function() return %d end)"
TEXTS = [b"text:%d" % n for n in range(200)]
DATA: tuple[tuple[Any, ...], ...] = (
    ("SET", "short", "value"), ("SET", "empty", ""), ("SET", "integer", -40000), ("SET", "packed", b"abc" * 1000),
    ("SET", "long", random.Random(2).randbytes(50_000)), ("SET", "expires", 1, "PXAT", 4_000_000_000_000), ("SET", "", "no name"),
    ("RPUSH", "list", "a", 1, -5, 1 << 40), ("RPUSH", "list:long", *TEXTS * 10), ("RPUSH", "list:plain", "a", "L" * 20_000),
    ("SADD", "set:intset", *range(20)), ("SADD", "set", "a", "b", 7), ("SADD", "set:long", *TEXTS),
    ("HSET", "hash", "a", 1, "b", "two"), ("HSET", "hash:long", *TEXTS), ("HSET", "hash:fields", "a", 1, "b", 2),
    ("HPEXPIREAT", "hash:fields", 4_000_000_000_000, "FIELDS", 1, "a"), ("HSET", "hash:many", *TEXTS),
    ("HPEXPIREAT", "hash:many", 4_000_000_000_000, "FIELDS", 2, TEXTS[0], TEXTS[2]),
    ("ZADD", "zset", 1, "a", 2.5, "b"), ("ZADD", "zset:long", *(word for n in range(200) for word in (n / 3, n))),
    *(("XADD", "stream", f"{n}-1", "field", n, "other", "x" * n) for n in range(1, 300)),
    ("XDEL", "stream", "7-1"), ("XGROUP", "CREATE", "stream", "group", 0), ("XGROUP", "CREATECONSUMER", "stream", "group", "idle"),
    ("XREADGROUP", "GROUP", "group", "one", "COUNT", 20, "STREAMS", "stream", ">"), ("PFADD", "hll", *TEXTS),
    ("FUNCTION", "LOAD", LIBRARY % 1), ("SELECT", 9), ("SET", "elsewhere", 1), ("SELECT", 0),
)  # fmt: skip
OLD_FORMS = file_of(
    b"\xfa" + string(b"used-mem") + string(b"12345") + b"\xfa" + string(b"unknown") + b"\xc1\x39\x30" + b"\xfe\x00\xfb\x09\x01"
    + b"\xfd" + b"\x00\x00\x00\xf0" + b"\x00" + string(b"seconds") + string(b"v") + b"\xf8\x40\x64\x00" + string(b"idle") + string(b"v")
    + b"\xf9\x07\x00" + string(b"frequent") + string(b"v") + b"\x01" + string(b"list") + length(2) + string(b"a") + string(b"b")
    + b"\x0a" + string(b"ziplist") + string(ziplist(*range(20), *TEXTS)) + b"\x03" + string(b"scores") + length(2)
    + string(b"a") + b"\x031.5" + string(b"b") + b"\xfe" + b"\x05" + string(b"binary") + length(1) + string(b"a") + double(2.5)
    + b"\x0b" + string(b"intset") + string(intset(2, 1, 2)) + b"\x09" + string(b"zipmap")
    + string(b"\x02\x01a\x02\x0012\x01b\x03\x02xyz??\xff")
    + b"\x12" + string(b"quicklist") + length(2) + length(2) + string(listpack(1, b"a")) + length(1) + string(b"plain")
    + b"\x00" + string(b"lzf") + b"\xc3" + length(5) + length(20) + b"\x00a\xe0\x0a\x00" + b"\x02" + string(b"none") + length(0)
)  # fmt: skip


def filled() -> Core:
    """A core with values of every type and encoding, and a library."""
    core = Core(16, 1)
    peer = Peer(core)
    for words in DATA:
        peer.session.feed(request(*words))
        core.end_turn()
    assert b"\r\n-" not in peer.sent and not peer.sent.startswith(b"-"), peer.sent[:200]
    return core


@cache
def saved() -> tuple[bytes, str]:
    """What is saved of that, and its checksum."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "dump.rdb")
        save = SaveRequest(str(path), "8.2.3")
        save.set_replication(9, b"i" * 40, 1234)
        core = filled()
        save_here(core, save)
        return path.read_bytes(), dataset_digest(core)


def snapshot() -> bytes:
    """What is saved of that."""
    return saved()[0]


@dataclass(frozen=True)
class Loaded:
    """What came of a snapshot."""

    problem: str
    offset: int
    keys: int
    digest: str
    libraries: bytes
    replication: tuple[int, bytes, int] | None
    used_mem: int


def result(core: Core, loading: Loading, error: SnapshotError | None) -> Loaded:
    """That, when it has ended well or with an error; the tables are in order then."""
    problem, offset = (error.problem, error.offset) if error is not None else ("", loading.done)
    keys, replication, used_mem = loading.keys, loading.replication, loading.used_mem
    loading.end()
    assert keyspace_fault(core) is None
    assert not is_loading(core)
    return Loaded(problem, offset, keys, dataset_digest(core), Peer(core)("FUNCTION LIST"), replication, used_mem)


def from_file(core: Core, data: bytes, aside: bool = False) -> Loaded:
    """Loads what is all there."""
    loading = Loading(core, data, aside)
    try:
        while loading.step(STEP):
            pass
    except SnapshotError as error:
        return result(core, loading, error)
    return result(core, loading, None)


def as_it_comes(core: Core, pieces: Iterable[bytes], aside: bool = False, size: int | None = None, step: int = STEP) -> Loaded:
    """Loads what comes in pieces."""
    loading = Loading(core, None, aside, UNKNOWN if size is None else size)
    try:
        for piece in pieces:
            loading.feed(piece)
            while not loading.starved:
                assert loading.step(step)
        loading.feed(b"")
        while loading.step(step):
            pass
    except SnapshotError as error:
        return result(core, loading, error)
    return result(core, loading, None)


def cut(data: bytes, size: int) -> Iterator[bytes]:
    """Pieces of this size; 0: of random sizes."""
    chance = random.Random(len(data))
    at = 0
    while at < len(data):
        here = size or int(chance.paretovariate(0.4)) % 20_000 + 1
        yield data[at : at + here]
        at += here


@pytest.mark.parametrize("known", [True, False], ids=["sized", "unsized"])
@pytest.mark.parametrize("aside", [False, True], ids=["in place", "aside"])
@pytest.mark.parametrize("size", [1, 7, 4096, 0])
def test_pieces(size: int, aside: bool, known: bool) -> None:
    """The data, the libraries and what the head says are the same as from a file, whatever the steps."""
    for data in (snapshot(), OLD_FORMS):
        cores = [Core(16, 1) for _ in range(2)]
        for core in cores:
            Peer(core)("SET before 1", "SELECT 3", "SET before 1")
        wanted = from_file(cores[0], data)
        assert wanted.problem == "" and wanted.offset == len(data)
        step = (1, 500, STEP)[size % 3]
        assert as_it_comes(cores[1], cut(data, size), aside, len(data) if known else None, step) == wanted
        assert keyspace(cores[0]) == keyspace(cores[1])


def test_what_was_saved() -> None:
    """It is what was there when it was saved."""
    core = Core(16, 1)
    found = as_it_comes(core, cut(snapshot(), 1000))
    assert found.digest == saved()[1]
    assert found.replication == (9, b"i" * 40, 1234)
    assert found.used_mem > 100_000
    assert b"lib" in found.libraries


@pytest.mark.parametrize("aside", [False, True], ids=["in place", "aside"])
def test_every_cut(aside: bool) -> None:
    """What ends anywhere is told at the same place as in a file; aside it changes nothing, else what was loaded is there."""
    data = OLD_FORMS
    for end in range(0, len(data), 5 if aside else 1):
        wanted = from_file(Core(16, 1), data[:end], aside)
        assert wanted.problem != "" or end >= len(data) - 8
        for size in (None, end):
            assert as_it_comes(Core(16, 1), cut(data[:end], 10), aside, size, 1) == wanted


def test_cuts_of_every_type() -> None:
    """The same in a longer one, here and there."""
    data = snapshot()
    chance = random.Random(4)
    for _ in range(60):
        end = chance.randrange(len(data))
        wanted = from_file(Core(16, 1), data[:end])
        assert wanted.problem in ("it ends too early", "more elements than the bytes that are left can hold")
        assert as_it_comes(Core(16, 1), cut(data[:end], 0), False, chance.choice((None, end))) == wanted


def test_damage() -> None:
    """What is wrong is told with the same words and the same place as from a file, and leaves the same."""
    chance = random.Random(6)
    problems = set()
    for turn in range(500):
        data = bytearray((OLD_FORMS, snapshot()[:-8] + bytes(8))[turn % 5 == 0])
        for _ in range(chance.choice((1, 1, 3))):
            data[chance.randrange(9, len(data))] = chance.choice((0, 0xFF, 0x80, 0x81, 0xFC, chance.randrange(256)))
        wanted = from_file(Core(16, 1), bytes(data))
        size = chance.choice((None, len(data)))
        found = as_it_comes(Core(16, 1), cut(bytes(data), chance.choice((0, 50, 5000))), bool(turn % 2) and not wanted.problem, size)
        assert found == wanted
        problems.add(wanted.problem)
    assert len(problems) > 8


def test_wrong_checksum() -> None:
    """It is kept over all pieces."""
    data = bytearray(snapshot())
    data[data.index(b"value")] ^= 1
    found = as_it_comes(Core(16, 1), cut(bytes(data), 77))
    assert found == from_file(Core(16, 1), bytes(data))
    assert found.problem == "the checksum is wrong"


@pytest.mark.parametrize("size", [5000, 1 << 20])
def test_aside_until_the_end(size: int) -> None:
    """What is there is served until the sender's end has come, and stays if it does not, also where all keys have come in one piece."""
    core = Core(16, 1)
    peer = Peer(core)
    peer("SET before 1")
    before, memory = dataset_digest(core), used_memory(core)[0]
    loading = Loading(core, None, True, UNKNOWN)
    for piece in cut(snapshot(), size):
        loading.feed(piece)
        while not loading.starved:
            assert loading.step(1000)
        assert peer("GET before") == b"$1\r\n1\r\n"
    assert loading.read or size < len(snapshot())
    assert dataset_digest(core) == before
    loading.end()
    core.free_between_turns(lambda step: None)
    while not core.free_some():
        pass
    assert (dataset_digest(core), peer("FUNCTION LIST")) == (before, b"*0\r\n")
    assert used_memory(core)[0] - memory < 20_000


def test_what_comes_behind_the_end() -> None:
    """It is passed over, as in a file."""
    data = snapshot()
    for size in (None, len(data) + 500):
        core = Core(16, 1)
        assert as_it_comes(core, [data[:-3], data[-3:] + b"x" * 100, b"y" * 400], True, size) == from_file(Core(16, 1), data)


def test_announced_sizes_do_not_bloat() -> None:
    """What a copy only announces takes no memory, whether its length is known or not."""
    body = b"\xfe\x00\xfb\x81" + b"\x7f" * 8 + b"\x81" + b"\x7f" * 8
    for kind in (b"\x00" + string(b"k"), b"\x02" + string(b"k"), b"\x01" + string(b"k"), b"\xf5"):
        for size in (None, 1 << 40):
            core = Core(16, 1)
            before = used_memory(core)[0]
            loading = Loading(core, None, False, size or UNKNOWN)
            loading.feed(b"REDIS0010" + body + kind + b"\x81\x00\x00\x00\x10" + bytes(4))
            while not loading.starved:
                loading.step(STEP)
            assert used_memory(core)[0] - before < 10 << 20
            with pytest.raises(SnapshotError, match=r"too early|more elements than"):
                loading.feed(b"")
                loading.step(STEP)
            loading.end()


def test_impossible_lengths_are_seen_at_once() -> None:
    """What is longer than the copy is an error before its end."""
    loading = Loading(Core(16, 1), None, False, 1000)
    loading.feed(file_of(b"\x00" + string(b"k") + length(5000))[:20])
    with pytest.raises(SnapshotError, match="too early"):
        loading.step(STEP)
    loading.end()


@pytest.mark.parametrize(
    "value", [b"\x00" + string(b"k") + string(b"x" * 900_000), b"\x01" + string(b"k") + length(90_000) + string(b"123456789") * 90_000],
    ids=["a string", "a list"],
)  # fmt: skip
def test_large_values(value: bytes) -> None:
    """One that comes in many pieces is tried for a few times, not with each."""
    data = file_of(b"\x00" + string(b"before") + string(b"v") + value)
    core = Core(16, 1)
    loading = Loading(core, None, False, UNKNOWN)
    tries = most = 0
    for piece in cut(data, 1000):
        loading.feed(piece)
        while not loading.starved:
            assert loading.step(STEP)
            tries += 1
        most = max(most, loading.excess)
    loading.feed(b"")
    while loading.step(STEP):
        pass
    loading.end()
    assert tries < 20
    assert most < 2000
    assert Peer(core)("DBSIZE") == b":2\r\n"


def test_what_is_held() -> None:
    """Bytes that were loaded are let go; those that wait are told."""
    core = Core(16, 1)
    loading = Loading(core, None, False, UNKNOWN)
    keys = b"".join(b"\x00" + string(b"key:%d" % n) + string(b"v" * 50) for n in range(20_000))
    loading.feed(b"REDIS0010")
    loading.feed(keys)
    assert loading.excess == len(keys) + 8
    while not loading.starved:
        loading.step(10_000)
    assert loading.excess == 0
    before = used_memory(core)[0]
    for _ in range(50):
        loading.feed(b"\xfa" + string(b"a") + string(b"v" * 10_000))
        loading.step(STEP)
    assert used_memory(core)[0] == before
    loading.end()
    assert before - used_memory(core)[0] >= len(keys)
