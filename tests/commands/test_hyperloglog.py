"""The hyperloglog group."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.listening import Listener
from tests.replies import OK, WRONG_TYPE, array, bulk, encoding, error, integer, wrong_arguments
from tests.resp import RawClient, Reply

NO_HYPERLOGLOG = error("WRONGTYPE Key is not a valid HyperLogLog string value.")
CORRUPTED = error("INVALIDOBJ Corrupted HLL object detected")
FAR = 99_999_999_999_999
"""A time in ms that no test reaches."""
SPARSE = b"HYLL\x01\x00\x00\x00"
DENSE = b"HYLL\x00\x00\x00\x00"
UNKNOWN = bytes(7) + b"\x80"
"""A cardinality that is out of date."""
EMPTY = SPARSE + UNKNOWN + b"\x7f\xff"
A_AND_B = SPARSE + UNKNOWN + b"\x71\xa6\x84\x4b\xfb\x80\x42\x5a"
"""What PFADD of a and b makes."""
NO_REGISTERS = DENSE + UNKNOWN + bytes(12288)

DAMAGED = {
    "nothing": b"",
    "too few": b"\x7f\xfe",
    "one": b"\x00",
    "a run too many": b"\x7f\xff\x00",
    "a value too many": b"\x7f\xff\x80",
    "a run that goes too far": b"\x7f\xfe\x01",
    "a value that goes too far": b"\x7f\xfe\x81",
    "half an opcode": b"\x7f",
    "half an opcode at the end": b"\x7f\xff\x40",
    "twice as many": b"\x7f\xff\x7f\xff",
    "no end": b"\x7f\xff" * 5000,
}
"""Opcodes that don't tell of 16384 registers."""
NONE = {
    "an integer": b"12345",
    "a word": b"hello",
    "the beginning": b"HYLL",
    "half a header": EMPTY[:15],
    "another word": b"HYLX" + EMPTY[4:],
    "an unknown encoding": b"HYLL\x02" + EMPTY[5:],
    "the last encoding": b"HYLL\xff" + EMPTY[5:],
    "a short dense one": NO_REGISTERS[:-1],
    "a long dense one": NO_REGISTERS + b"\x00",
    "a sparse one that says that it is dense": b"HYLL\x00" + EMPTY[5:],
}
COMMANDS = ["PFADD h x", "PFCOUNT h", "PFCOUNT h other", "PFCOUNT other h", "PFMERGE h", "PFMERGE h other", "PFMERGE other h"]
DEBUG_COMMANDS = ["PFDEBUG GETREG h", "PFDEBUG DECODE h", "PFDEBUG TODENSE h"]


def known(cardinality: int) -> bytes:
    """A cardinality that is not out of date."""
    return cardinality.to_bytes(8, "little")


def get(raw: RawClient, key: str = "h") -> bytes:
    value: bytes = raw("GET", key).value
    return value


class TestPfadd:
    """PFADD key [element [element ...]]"""

    def test_adds(self, r: redis.Redis) -> None:
        assert r.pfadd("h", "a", "b") == 1
        assert r.pfadd("h", "a") == 0
        assert r.pfadd("h", "c") == 1
        assert r.pfcount("h") == 3

    def test_bytes(self, raw: RawClient) -> None:
        raw("PFADD", "h", "a", "b")
        assert get(raw) == A_AND_B
        assert encoding(raw, "h") == b"raw"

    def test_makes_an_empty_one(self, raw: RawClient) -> None:
        assert raw("PFADD", "h") == integer(1)
        assert get(raw) == EMPTY
        assert raw("PFADD", "h") == integer(0)

    def test_elements_of_all_lengths(self, raw: RawClient) -> None:
        """Each of them is another one."""
        raw("PFADD", "h", *["x" * length for length in range(40)])
        assert raw("PFCOUNT", "h") == integer(40)

    def test_forgets_the_cardinality(self, raw: RawClient) -> None:
        """Only when a register was raised, and but for the bit that says so."""
        raw("PFADD", "h", "a")
        raw("PFCOUNT", "h")
        assert get(raw)[8:16] == known(1)
        raw("PFADD", "h", "a")
        assert get(raw)[8:16] == known(1)
        raw("PFADD", "h", "b")
        assert get(raw)[8:16] == b"\x01" + bytes(6) + b"\x80"

    def test_keeps_the_expiry(self, raw: RawClient) -> None:
        raw("SET", "h", A_AND_B, "PXAT", FAR)
        raw("PFADD", "h", "c")
        assert raw("PEXPIRETIME", "h") == integer(FAR)
        raw("PFADD", "h", *range(5000))
        assert raw("PEXPIRETIME", "h") == integer(FAR)

    def test_makes_raw_even_without_a_change(self, raw: RawClient) -> None:
        raw("SET", "h", A_AND_B)
        assert encoding(raw, "h") == b"embstr"
        assert raw("PFADD", "h", "a") == integer(0)
        assert encoding(raw, "h") == b"raw"

    def test_becomes_dense(self, raw: RawClient) -> None:
        """When it is longer than the setting allows, and not before."""
        raw("CONFIG", "SET", "hll-sparse-max-bytes", 24)
        raw("PFADD", "h", "a", "b")
        assert get(raw) == A_AND_B
        assert raw("PFADD", "h", "c") == integer(1)
        assert get(raw)[:5] == b"HYLL\x00"
        assert raw("STRLEN", "h") == integer(12304)
        assert raw("PFADD", "h", "a", "b", "c") == integer(0)
        assert raw("PFADD", "h", "d") == integer(1)
        assert raw("PFCOUNT", "h") == integer(4)

    def test_new_ones_may_be_longer_than_the_setting(self, raw: RawClient) -> None:
        raw("CONFIG", "SET", "hll-sparse-max-bytes", 0)
        raw("PFADD", "h")
        assert get(raw) == EMPTY
        raw("PFADD", "h", "a")
        assert get(raw)[:5] == b"HYLL\x00"

    def test_neighbours_are_joined(self, raw: RawClient) -> None:
        """A register beside four of the same value is told of by another opcode."""
        raw("CONFIG", "SET", "hll-sparse-max-bytes", 100_000)
        raw("PFADD", "h", *range(60_000))
        assert get(raw)[:5] == b"HYLL\x01"
        assert b"v:1,4" in raw("PFDEBUG", "DECODE", "h").value or b"v:2,4" in raw("PFDEBUG", "DECODE", "h").value

    def test_effects(self, effects: Listener) -> None:
        assert effects("PFADD", "h", "a", "b", "a") == (["new h", "pfadd h"], 3)
        assert effects("PFADD", "h", "a") == ([], 0)
        assert effects("PFADD", "h") == ([], 0)
        assert effects("PFADD", "h", "c", "d") == (["pfadd h"], 2)
        assert effects("PFADD", "empty") == (["new empty", "pfadd empty"], 1)

    def test_unwatches(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        other = connect()
        raw("WATCH", "h")
        other("PFADD", "h", "a")
        raw("MULTI")
        raw("PING")
        assert raw("EXEC").value is None

    def test_nothing_to_add_to_a_damaged_one(self, raw: RawClient) -> None:
        raw("SET", "h", SPARSE + UNKNOWN + b"\x00")
        assert raw("PFADD", "h") == integer(0)


class TestPfcount:
    """PFCOUNT key [key ...]"""

    def test_counts(self, r: redis.Redis) -> None:
        assert r.pfcount("h") == 0
        r.pfadd("h", *range(1000))
        assert 950 < r.pfcount("h") < 1050
        r.pfadd("h", *range(100_000))
        assert 95_000 < r.pfcount("h") < 105_000

    def test_several(self, r: redis.Redis) -> None:
        r.pfadd("h", "a", "b")
        r.pfadd("k", "b", "c", "d")
        assert r.pfcount("h", "k") == 4
        assert r.pfcount("h", "h") == 2
        assert r.pfcount("h", "none", "k") == 4
        assert r.pfcount("none", "nothing") == 0

    def test_several_of_all_encodings(self, raw: RawClient) -> None:
        for key, elements in {"sparse": range(10), "dense": range(5, 15), "large": range(10, 3000)}.items():
            raw("PFADD", key, *elements)
        raw("PFDEBUG", "TODENSE", "dense")
        assert raw("PFCOUNT", "sparse", "dense") == integer(15)
        raw("PFADD", "all", *range(3000))
        assert raw("PFCOUNT", "dense", "large", "sparse") == raw("PFCOUNT", "all")

    def test_keeps_what_it_counted(self, raw: RawClient) -> None:
        raw("PFADD", "h", "a", "b")
        raw("PFCOUNT", "h")
        assert get(raw) == SPARSE + known(2) + A_AND_B[16:]

    def test_believes_what_is_kept(self, raw: RawClient) -> None:
        for cardinality in (5, 2**63 - 1):
            raw("SET", "h", SPARSE + known(cardinality) + A_AND_B[16:])
            assert raw("PFCOUNT", "h") == integer(cardinality)
            assert raw("PFCOUNT", "h", "h") == integer(2)

    def test_makes_raw(self, raw: RawClient) -> None:
        """Of one key, kept or not."""
        for cardinality in (UNKNOWN, known(2)):
            raw("SET", "h", SPARSE + cardinality + A_AND_B[16:])
            raw("PFCOUNT", "h", "h")
            assert encoding(raw, "h") == b"embstr"
            raw("PFCOUNT", "h")
            assert encoding(raw, "h") == b"raw"

    def test_keeps_the_expiry(self, raw: RawClient) -> None:
        raw("SET", "h", A_AND_B, "PXAT", FAR)
        raw("PFCOUNT", "h")
        assert raw("PEXPIRETIME", "h") == integer(FAR)

    def test_effects(self, effects: Listener, raw: RawClient) -> None:
        """Keeping what was counted is a change without an event."""
        raw("PFADD", "h", "a")
        assert effects("PFCOUNT", "h") == ([], 1)
        assert effects("PFCOUNT", "h") == ([], 0)
        assert effects("PFCOUNT", "h", "h") == ([], 0)
        assert effects("PFCOUNT", "none") == (["keymiss none"], 0)
        assert effects("PFCOUNT", "none", "nothing") == (["keymiss none", "keymiss nothing"], 0)

    def test_unwatches(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        """Keeping what was counted changes a watched key."""
        raw("PFADD", "h", "a")
        raw("WATCH", "h")
        connect()("PFCOUNT", "h")
        raw("MULTI")
        raw("PING")
        assert raw("EXEC").value is None

    def test_registers_that_no_hash_can_make(self, raw: RawClient) -> None:
        raw("SET", "h", DENSE + UNKNOWN + b"\xff" * 12288)
        assert raw("PFCOUNT", "h") == integer(-(2**63))
        assert raw("PFCOUNT", "h", "h") == integer(-(2**63))
        assert get(raw)[8:16] == UNKNOWN


class TestPfmerge:
    """PFMERGE destkey [sourcekey [sourcekey ...]]"""

    def test_merges(self, r: redis.Redis) -> None:
        r.pfadd("h", "a", "b")
        r.pfadd("k", "b", "c")
        assert r.pfmerge("to", "h", "k", "none")
        assert r.pfcount("to") == 3
        assert r.pfmerge("h", "k")
        assert r.pfcount("h") == 3

    def test_bytes(self, raw: RawClient) -> None:
        raw("PFADD", "h", "a")
        raw("PFADD", "k", "b")
        assert raw("PFMERGE", "to", "h", "k") == OK
        assert get(raw, "to") == A_AND_B
        assert encoding(raw, "to") == b"raw"

    def test_of_nothing(self, raw: RawClient) -> None:
        assert raw("PFMERGE", "to") == OK
        assert get(raw, "to") == EMPTY
        assert raw("PFMERGE", "other", "none") == OK
        assert get(raw, "other") == EMPTY

    def test_forgets_the_cardinality(self, raw: RawClient) -> None:
        """Though nothing changes."""
        raw("PFADD", "h", "a", "b")
        raw("PFCOUNT", "h")
        raw("PFMERGE", "h")
        assert get(raw)[8:16] == b"\x02" + bytes(6) + b"\x80"

    @pytest.mark.parametrize("dense", ["to", "h", "k"])
    def test_is_dense_as_soon_as_one_is(self, raw: RawClient, dense: str) -> None:
        for key in ("to", "h", "k"):
            raw("PFADD", key, key)
        raw("PFDEBUG", "TODENSE", dense)
        raw("PFMERGE", "to", "h", "k")
        assert get(raw, "to")[:5] == b"HYLL\x00"
        assert raw("PFCOUNT", "to") == integer(3)

    def test_becomes_dense(self, raw: RawClient) -> None:
        """When it is longer than the setting allows; what it knew is not forgotten."""
        raw("PFADD", "to", *range(200))
        raw("PFADD", "h", *range(100, 400))
        raw("PFADD", "all", *range(400))
        raw("CONFIG", "SET", "hll-sparse-max-bytes", 500)
        raw("PFMERGE", "to", "h")
        assert get(raw, "to")[:5] == b"HYLL\x00"
        assert raw("PFCOUNT", "to") == raw("PFCOUNT", "all")

    def test_keeps_the_expiry(self, raw: RawClient) -> None:
        raw("SET", "h", A_AND_B, "PXAT", FAR)
        raw("PFADD", "k", *range(5000))
        raw("PFMERGE", "h", "k")
        assert raw("PEXPIRETIME", "h") == integer(FAR)
        raw("PFMERGE", "h", "k")
        assert raw("PEXPIRETIME", "h") == integer(FAR)

    def test_effects(self, effects: Listener, raw: RawClient) -> None:
        raw("PFADD", "h", "a")
        assert effects("PFMERGE", "h") == (["pfadd h"], 1)
        assert effects("PFMERGE", "to", "h") == (["keymiss to", "new to", "pfadd to"], 1)
        assert effects("PFMERGE", "to", "none") == (["keymiss none", "pfadd to"], 1)


class TestPfdebug:
    """PFDEBUG subcommand key"""

    def test_getreg(self, raw: RawClient) -> None:
        raw("PFADD", "h", "a", "b")
        registers = raw("PFDEBUG", "GETREG", "h").plain()
        assert len(registers) == 16384
        assert {at: value for at, value in enumerate(registers) if value} == {12711: 2, 15780: 1}
        assert get(raw)[:5] == b"HYLL\x00"
        assert raw("PFDEBUG", "getreg", "h").plain() == registers

    def test_decode(self, raw: RawClient) -> None:
        raw("PFADD", "h", "a", "b")
        assert raw("PFDEBUG", "DECODE", "h") == bulk("Z:12711 v:2,1 Z:3068 v:1,1 Z:603")
        raw("SET", "h", SPARSE + UNKNOWN + b"\x03\xff\x7f\xf7")
        assert raw("PFDEBUG", "decode", "h") == bulk("z:4 v:32,4 Z:16376")
        raw("PFDEBUG", "TODENSE", "h")
        assert raw("PFDEBUG", "DECODE", "h") == error("ERR HLL encoding is not sparse")

    def test_encoding(self, raw: RawClient) -> None:
        raw("PFADD", "h", "a", "b")
        assert raw("PFDEBUG", "ENCODING", "h") == Reply("+", b"sparse")
        raw("PFDEBUG", "TODENSE", "h")
        assert raw("PFDEBUG", "encoding", "h") == Reply("+", b"dense")

    def test_todense(self, raw: RawClient) -> None:
        raw("SET", "h", SPARSE + known(7) + A_AND_B[16:], "PXAT", FAR)
        assert raw("PFDEBUG", "TODENSE", "h") == integer(1)
        assert raw("PFDEBUG", "TODENSE", "h") == integer(0)
        assert get(raw)[:16] == DENSE + known(7)
        assert raw("STRLEN", "h") == integer(12304)
        assert raw("PFCOUNT", "h", "h") == integer(2)
        assert raw("PEXPIRETIME", "h") == integer(FAR)

    def test_simd(self, raw: RawClient) -> None:
        """The same registers and counts, whatever computes them."""
        raw("PFADD", "h", *range(3000))
        raw("PFADD", "k", *range(2000, 5000))
        outcomes = set()
        for word, answer in {"OFF": b"disabled", "on": b"enabled"}.items():
            assert raw("PFDEBUG", "SIMD", word) == Reply("+", answer)
            raw("DEL", "to")
            raw("PFMERGE", "to", "h", "k")
            outcomes.add((get(raw, "to"), raw("PFCOUNT", "h", "k").value, raw("PFCOUNT", "to").value))
        assert len(outcomes) == 1

    @pytest.mark.zippy_only
    def test_simd_of_something_else(self, raw: RawClient) -> None:
        """Redis 8.2.3 sends two replies."""
        assert raw("PFDEBUG", "SIMD", "perhaps") == error("ERR Argument must be ON or OFF")
        assert raw("PING") == Reply("+", b"PONG")

    def test_effects(self, effects: Listener, raw: RawClient) -> None:
        raw("PFADD", "h", "a")
        raw("PFADD", "k", "a")
        assert effects("PFDEBUG", "ENCODING", "h") == ([], 0)
        assert effects("PFDEBUG", "DECODE", "h") == ([], 0)
        assert effects("PFDEBUG", "GETREG", "h") == ([], 1)
        assert effects("PFDEBUG", "GETREG", "h") == ([], 0)
        assert effects("PFDEBUG", "TODENSE", "k") == ([], 1)
        assert effects("PFDEBUG", "TODENSE", "k") == ([], 0)

    def test_errors(self, raw: RawClient) -> None:
        """The key, then the type, then the subcommand."""
        raw("PFADD", "h", "a")
        raw("RPUSH", "l", "a")
        assert raw("PFDEBUG", "FOO", "none") == error("ERR The specified key does not exist")
        assert raw("PFDEBUG", "FOO", "l") == WRONG_TYPE
        assert raw("PFDEBUG", "FOO", "h") == error("ERR Unknown PFDEBUG subcommand 'FOO'")
        assert raw("PFDEBUG", "x" * 1000, "h") == error(f"ERR Unknown PFDEBUG subcommand '{'x' * 1000}'")
        assert raw("PFDEBUG", "GETREG") == raw("PFDEBUG", "GETREG", "h", "x") == wrong_arguments("pfdebug")


class TestPfselftest:
    """PFSELFTEST"""

    def test_passes(self, raw: RawClient) -> None:
        assert raw("PFSELFTEST") == OK
        assert raw("PFSELFTEST", "x") == wrong_arguments("pfselftest")


class TestWrongValues:
    """What is no HyperLogLog, and what is a damaged one."""

    @pytest.mark.parametrize("command", COMMANDS + DEBUG_COMMANDS + ["PFDEBUG ENCODING h", "PFDEBUG FOO h"])
    def test_no_hyperloglog(self, raw: RawClient, command: str) -> None:
        raw("RPUSH", "h", "x")
        raw("PFADD", "other", "a")
        before = get(raw, "other")
        assert raw(*command.split()) == WRONG_TYPE
        for value in NONE.values():
            raw("SET", "h", value)
            assert raw(*command.split()) == NO_HYPERLOGLOG
            assert get(raw) == value
        assert get(raw, "other") == before

    @pytest.mark.parametrize("command", [one for one in COMMANDS + DEBUG_COMMANDS if one not in ("PFADD h x", "PFDEBUG DECODE h")])
    def test_damaged(self, raw: RawClient, command: str) -> None:
        raw("PFADD", "other", "a")
        before = get(raw, "other")
        for opcodes in DAMAGED.values():
            raw("SET", "h", SPARSE + UNKNOWN + opcodes)
            assert raw(*command.split()) == CORRUPTED
            assert get(raw) == SPARSE + UNKNOWN + opcodes
        assert get(raw, "other") == before

    @pytest.mark.zippy_only
    @pytest.mark.parametrize("command", ["PFADD h x", "PFDEBUG DECODE h"])
    def test_damaged_elsewhere(self, raw: RawClient, command: str) -> None:
        """Redis changes and shows what it does not come to read the wrong part of."""
        for opcodes in DAMAGED.values():
            raw("SET", "h", SPARSE + UNKNOWN + opcodes)
            assert raw(*command.split()) == CORRUPTED
            assert get(raw) == SPARSE + UNKNOWN + opcodes

    def test_what_is_kept_needs_no_registers(self, raw: RawClient) -> None:
        raw("SET", "h", SPARSE + known(5))
        assert raw("PFCOUNT", "h") == integer(5)
        assert raw("PFDEBUG", "ENCODING", "h") == Reply("+", b"sparse")

    def test_uncommon_opcodes_are_kept(self, raw: RawClient) -> None:
        """A long opcode for one register, neighbours that would fit one opcode, anything in the unused bytes."""
        header = b"HYLL\x01abc" + UNKNOWN
        raw("SET", "h", header + b"\x80" * 6 + b"\x40\x00\x7f\xf8")
        assert raw("PFADD", "h", "a") == integer(1)
        assert get(raw) == header + b"\x80" * 6 + b"\x40\x00\x71\x9f\x84\x4e\x57"
        assert raw("PFCOUNT", "h") == integer(7)
        raw("PFDEBUG", "TODENSE", "h")
        assert get(raw)[:8] == b"HYLL\x00abc"

    def test_arguments(self, raw: RawClient) -> None:
        for command in ("PFADD", "PFCOUNT", "PFMERGE"):
            assert raw(command) == wrong_arguments(command.lower())


def test_the_commands_take_no_keys_of_other_databases(raw: RawClient) -> None:
    raw("PFADD", "h", "a")
    raw("SELECT", 1)
    assert raw("PFCOUNT", "h") == integer(0)
    raw("SELECT", 0)
    assert raw("PFCOUNT", "h") == integer(1)


def test_keys(raw: RawClient) -> None:
    """COMMAND GETKEYSANDFLAGS tells that PFCOUNT writes."""
    assert raw("COMMAND", "GETKEYS", "PFMERGE", "to", "a", "b") == array(bulk("to"), bulk("a"), bulk("b"))
    assert raw("COMMAND", "GETKEYS", "PFCOUNT", "a", "b") == array(bulk("a"), bulk("b"))
    assert raw("COMMAND", "GETKEYS", "PFDEBUG", "GETREG", "a") == array(bulk("a"))
