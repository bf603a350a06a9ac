"""The core's structures through their test shims. A call from Python is part of each: compare with a baseline, not with each other."""

from __future__ import annotations

from typing import Any

import pytest

from zippy._core.testing.crc_shim import crc16, crc64
from zippy._core.testing.glob_shim import match
from zippy._core.testing.hash_shim import hash_of
from zippy._core.testing.hashtable_shim import Table
from zippy._core.testing.hyperloglog_shim import Draft, Registers, best_unit, counts, place, use_unit
from zippy._core.testing.intset_shim import Integers
from zippy._core.testing.listpack_shim import Pack
from zippy._core.testing.number_shim import read_double, read_i64, write_double, write_i64
from zippy._core.testing.quicklist_shim import List

ITEMS = 10_000


class TestTable:
    """The hash table."""

    def test_add(self, benchmark: Any) -> None:
        """Ten thousand keys into an empty table."""
        benchmark(lambda: Table().add_range(0, ITEMS))

    @pytest.mark.parametrize("size", [100, 10_000, 1_000_000])
    def test_find(self, benchmark: Any, size: int) -> None:
        """A thousand keys of which half are there."""
        table = Table()
        table.add_range(0, size)
        keys = [b"%d" % (i * 7919 % (2 * size)) for i in range(1000)]
        benchmark(lambda: sum(key in table for key in keys))

    def test_discard(self, benchmark: Any) -> None:
        """A thousand keys out of ten thousand."""

        def setup() -> tuple[tuple[Table], dict[str, object]]:
            table = Table()
            table.add_range(0, ITEMS)
            return (table,), {}

        benchmark.pedantic(lambda table: [table.discard(b"%d" % i) for i in range(1000)], setup=setup, rounds=30)


class TestPack:
    """The listpack."""

    def test_append(self, benchmark: Any) -> None:
        """A hundred items at the end."""

        def append() -> None:
            pack = Pack()
            for i in range(100):
                pack.edit("append", b"item:%d" % i)

        benchmark(append)

    @pytest.mark.parametrize("size", [10, 128, 512])
    def test_find(self, benchmark: Any, size: int) -> None:
        """The last one."""
        pack = Pack()
        for i in range(size):
            pack.edit("append", b"item:%d" % i)
        benchmark(pack.find, b"item:%d" % (size - 1))


class TestList:
    """The quicklist."""

    def test_push_and_pop(self, benchmark: Any) -> None:
        """A thousand items through both ends."""

        def both() -> None:
            one = List()
            for i in range(1000):
                one.call("push", b"item:%d" % i, False)
            for _ in range(1000):
                one.call("pop", True)

        benchmark(both)


class TestIntegers:
    """The intset."""

    @pytest.mark.parametrize("size", [10, 512])
    def test_add(self, benchmark: Any, size: int) -> None:
        """In no order."""

        def add() -> None:
            one = Integers()
            for i in range(size):
                one.add(i * 7919 % 1009)

        benchmark(add)


@pytest.mark.parametrize("size", [8, 64, 1024, 65536])
@pytest.mark.parametrize("function", [hash_of, crc16, crc64], ids=["hash", "crc16", "crc64"])
def test_checksum(benchmark: Any, function: Any, size: int) -> None:
    """Hashes and checksums of some bytes."""
    benchmark(function, b"x" * size)


@pytest.mark.parametrize(
    ("function", "argument"),
    [(write_i64, -1234567890123), (read_i64, b"-1234567890123"), (write_double, 3.14159265358979), (read_double, b"3.14159265358979")],
    ids=["write_i64", "read_i64", "write_double", "read_double"],
)
def test_number(benchmark: Any, function: Any, argument: Any) -> None:
    """Numbers to text and back."""
    benchmark(function, argument)


def test_glob(benchmark: Any) -> None:
    """A pattern with two stars."""
    benchmark(match, b"user:*:session:*", b"user:1234567:session:abcdef")


class TestHyperLogLog:
    """Sparse and dense ones; each call of TestRegisters copies 16 KiB besides."""

    @pytest.mark.parametrize("size", [10, 100, 1000])
    def test_sparse_set(self, benchmark: Any, size: int) -> None:
        """A hundred elements into a sparse one that has so many."""
        draft = Draft()
        for i in range(size):
            draft.set(*place(b"%d" % i))
        text = bytes(draft)
        places = [place(b"more:%d" % i) for i in range(100)]

        def add() -> None:
            draft = Draft(text, 100_000)
            for index, value in places:
                draft.set(index, value)

        benchmark(add)


@pytest.mark.parametrize("unit", [unit for unit in range(4) if use_unit(unit)])
class TestRegisters:
    """The dense registers of a HyperLogLog, by each vector unit of the processor."""

    raw = bytes(33 - max(12, (n * 2654435761 % (1 << 32)).bit_length()) for n in range(16384))

    @pytest.mark.parametrize("what", ["merge", "pack", "count"])
    def test(self, benchmark: Any, unit: int, what: str) -> None:
        """All 16384 of them."""
        use_unit(unit)
        dense = Registers(bytes(12288))
        dense.pack(self.raw)
        calls = {"merge": lambda: dense.merged_into(self.raw), "pack": lambda: dense.pack(self.raw), "count": lambda: counts(self.raw)}
        benchmark(calls[what])
        use_unit(best_unit())
