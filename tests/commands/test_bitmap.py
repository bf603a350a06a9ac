"""The bitmap group."""

from __future__ import annotations

from functools import reduce

import pytest
import redis

from tests.replies import NIL, NOT_AN_INTEGER, SYNTAX, WRONG_TYPE, bulk, encoding, integer
from tests.resp import RawClient, Reply

BAD_OFFSET = Reply("-", b"ERR bit offset is not an integer or out of range")
BAD_TYPE = Reply("-", b"ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")
FAR = 99_999_999_999_999
"""A time in ms that no test reaches."""
LOW, HIGH = -(2**63), 2**63 - 1


def changes(raw: RawClient, *command: object) -> int:
    """By how much a command moves rdb_changes_since_last_save."""

    def count() -> int:
        lines = raw("INFO", "persistence").value.split(b"\r\n")
        return next(int(line.split(b":")[1]) for line in lines if line.startswith(b"rdb_changes_since_last_save:"))

    before = count()
    raw(*command)  # type: ignore[arg-type]
    return count() - before


class TestSetbit:
    """SETBIT key offset value."""

    def test_sets(self, r: redis.Redis) -> None:
        assert r.setbit("b", 7, 1) == 0
        assert r.setbit("b", 7, 1) == 1
        assert r.setbit("b", 0, 1) == 0
        assert r.get("b") == b"\x81"
        assert r.setbit("b", 7, 0) == 1
        assert r.setbit("b", 20, 1) == 0
        assert r.get("b") == b"\x80\x00\x08"

    def test_grows(self, raw: RawClient) -> None:
        """Into the next byte, out of the entry's block, and far."""
        for offset in (0, 2039, 2040, 2048, 100_000, 8_000_000):
            assert raw("SETBIT", "b", offset, 1) == integer(0)
            assert raw("STRLEN", "b") == integer(offset // 8 + 1)
        assert raw("BITCOUNT", "b") == integer(6)

    def test_of_an_integer(self, raw: RawClient) -> None:
        raw("SET", "n", 1)
        assert raw("SETBIT", "n", 6, 1) == integer(0)
        assert raw("GET", "n") == bulk(b"3")
        assert encoding(raw, "n") == b"raw"

    def test_makes_raw_even_without_a_change(self, raw: RawClient) -> None:
        raw("SET", "b", "abc")
        assert raw("SETBIT", "b", 1, 1) == integer(1)
        assert encoding(raw, "b") == b"raw"

    def test_keeps_the_expiry(self, raw: RawClient) -> None:
        raw("SET", "b", "abc", "PXAT", FAR)
        raw("SETBIT", "b", 10_000, 1)
        assert raw("PEXPIRETIME", "b") == integer(FAR)

    def test_changes(self, raw: RawClient) -> None:
        """Growing is a change, writing what was there is none."""
        assert changes(raw, "SETBIT", "b", 7, 0) == 1
        assert changes(raw, "SETBIT", "b", 7, 0) == 0
        assert changes(raw, "SETBIT", "b", 8, 0) == 1
        assert changes(raw, "SETBIT", "b", 8, 1) == 1
        assert changes(raw, "SETBIT", "b", 8, 1) == 0

    def test_errors(self, raw: RawClient) -> None:
        """The offset, then the bit, then the type."""
        bad_bit = Reply("-", b"ERR bit is not an integer or out of range")
        raw("RPUSH", "l", "x")
        for offset in (-1, 1 << 32, HIGH, "a", "01", "+1", "", "#1"):
            assert raw("SETBIT", "l", offset, 2) == BAD_OFFSET
        for bit in (2, -1, "a", "01", ""):
            assert raw("SETBIT", "l", 1, bit) == bad_bit
        assert raw("SETBIT", "l", 1, 1) == WRONG_TYPE
        assert raw("SETBIT", "missing", (1 << 32) - 1, 2) == bad_bit

    def test_limit(self, raw: RawClient) -> None:
        raw("CONFIG", "SET", "proto-max-bulk-len", 1 << 20)
        assert raw("SETBIT", "b", 1 << 23, 1) == BAD_OFFSET
        assert raw("SETBIT", "b", (1 << 23) - 1, 1) == integer(0)


class TestGetbit:
    """GETBIT key offset."""

    def test_reads(self, raw: RawClient) -> None:
        raw("SET", "b", b"\x80\x01")
        assert [raw("GETBIT", "b", n).value for n in (0, 1, 7, 8, 14, 15, 16, (1 << 32) - 1)] == [1, 0, 0, 0, 0, 1, 0, 0]
        assert raw("GETBIT", "missing", 0) == integer(0)

    def test_of_an_integer(self, raw: RawClient) -> None:
        raw("SET", "n", 12)
        assert "".join(str(raw("GETBIT", "n", n).value) for n in range(17)) == "00110001001100100"

    def test_errors(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        for offset in (-1, 1 << 32, "a", "#1"):
            assert raw("GETBIT", "l", offset) == BAD_OFFSET
        assert raw("GETBIT", "l", 0) == WRONG_TYPE


class TestBitcount:
    """BITCOUNT key [start end [BYTE | BIT]]."""

    @pytest.mark.parametrize(
        ("where", "count"),
        [
            ("", 26), ("0 0", 4), ("1 1", 6), ("0 -1", 26), ("-2 -1", 7), ("5 30 BIT", 17), ("5 30 byte", 4), ("-100 100", 26),
            ("-1 -2", 0),
            ("-100 -101", 0), ("-100 -99", 4), ("-100 -99 BIT", 0), ("6 10", 0), ("3 1", 0), (f"{LOW} {HIGH} BIT", 26), ("47 47 bit", 0),
            ("46 47 BIT", 1), ("1 1 BIT", 1),
        ],
    )  # fmt: skip
    def test_ranges(self, raw: RawClient, where: str, count: int) -> None:
        raw("SET", "b", "foobar")
        assert raw("BITCOUNT", "b", *where.split()) == integer(count)

    def test_bit_ranges(self, raw: RawClient) -> None:
        """Every range of a string of five bytes."""
        raw("SET", "b", b"\xa5\xff\x00\x0f\x81")
        bits = f"{0xA5FF000F81:040b}"
        for first in range(40):
            for last in range(first, 40):
                raw.send("BITCOUNT", "b", first, last, "BIT")
        assert all(raw.read() == integer(bits[first : last + 1].count("1")) for first in range(40) for last in range(first, 40))

    def test_long(self, raw: RawClient) -> None:
        for size in (7, 8, 255, 256, 100_003):
            raw("SET", "b", b"\xff" * size)
            assert raw("BITCOUNT", "b") == integer(size * 8)
            assert raw("BITCOUNT", "b", 1, -1) == integer(size * 8 - 8)

    def test_missing(self, raw: RawClient) -> None:
        assert raw("BITCOUNT", "missing") == integer(0)
        assert raw("BITCOUNT", "missing", 0, -1) == integer(0)
        raw("SET", "empty", "")
        assert raw("BITCOUNT", "empty", 0, -1) == integer(0)

    def test_of_an_integer(self, raw: RawClient) -> None:
        raw("SET", "n", 12345)
        assert raw("BITCOUNT", "n") == integer(sum(byte.bit_count() for byte in b"12345"))

    def test_errors(self, raw: RawClient) -> None:
        """The arguments, then the type."""
        raw("RPUSH", "l", "x")
        assert raw("BITCOUNT", "l", 0) == SYNTAX
        assert raw("BITCOUNT", "l", "a", "b") == NOT_AN_INTEGER
        assert raw("BITCOUNT", "l", 0, 1, "foo") == SYNTAX
        assert raw("BITCOUNT", "l", 0, 1, "BIT", "x") == SYNTAX
        assert raw("BITCOUNT", "l", 0, "a", "foo") == NOT_AN_INTEGER
        assert raw("BITCOUNT", "l", "a", 0, "BIT", "x") == SYNTAX
        assert raw("BITCOUNT", "l") == WRONG_TYPE


class TestBitpos:
    """BITPOS key bit [start [end [BYTE | BIT]]]."""

    @pytest.mark.parametrize(
        ("value", "arguments", "position"),
        [
            (b"foobar", "1", 1), (b"foobar", "0", 0), (b"foobar", "1 2", 17), (b"foobar", "1 -1", 41),
            (b"foobar", "1 7 15 BIT", 9),
            (b"foobar", "0 7 7 BIT", 7), (b"foobar", "1 7 7 BIT", -1), (b"\xff\xff\xff", "0", 24), (b"\xff\xff\xff", "0 1", 24),
            (b"\xff\xff\xff", "0 0 -1", -1), (b"\xff\xff\xff", "0 3", -1), (b"\xff\xff\xff", "0 5", -1), (b"\xff\xff\xff", "1 2 1", -1),
            (b"\xff\xff\xff", "0 0 100 BIT", -1), (b"\xff\xff\xff", "1 -3 -1 BIT", 21), (b"\xff\xff\xff", "1 -100 -101", 0),
            (b"\xff\xff\xff", "1 -1000 1000 BIT", 0), (b"\x00\x00", "1", -1), (b"\x00\x00", "0", 0), (b"\x00\x00", "0 3 5 BIT", 3),
            (b"", "0", -1), (b"", "1", -1), (b"", "0 0 -1", -1), (b"\x00" * 100 + b"\x01", "1", 807), (b"\xff" * 100 + b"\xfe", "0", 807),
            (b"\x00" * 300 + b"\x10", "1 3 -1", 2403), (b"\xff" * 300, "0", 2400),
        ],
    )  # fmt: skip
    def test_positions(self, raw: RawClient, value: bytes, arguments: str, position: int) -> None:
        raw("SET", "b", value)
        assert raw("BITPOS", "b", *arguments.split()) == integer(position)

    def test_missing(self, raw: RawClient) -> None:
        assert raw("BITPOS", "missing", 1) == integer(-1)
        assert raw("BITPOS", "missing", 0) == integer(0)
        assert raw("BITPOS", "missing", 0, 5, 9) == integer(0)

    def test_errors(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("BITPOS", "l", "a", "a") == NOT_AN_INTEGER
        assert raw("BITPOS", "l", 2, "a") == Reply("-", b"ERR The bit argument must be 1 or 0.")
        assert raw("BITPOS", "l", 1, "a") == NOT_AN_INTEGER
        assert raw("BITPOS", "l", 1, "a", 0, "foo") == NOT_AN_INTEGER
        assert raw("BITPOS", "l", 1, 0, "a", "foo") == SYNTAX
        assert raw("BITPOS", "l", 1, "a", 0, "BIT", "x") == SYNTAX
        assert raw("BITPOS", "l", 1, 0, 1, "foo") == SYNTAX
        assert raw("BITPOS", "l", 1, 0, 1, "BIT", "x") == SYNTAX
        assert raw("BITPOS", "l", 1) == WRONG_TYPE


class TestBitfield:
    """BITFIELD key [GET type offset] [[OVERFLOW WRAP | SAT | FAIL] SET type offset value | INCRBY type offset increment] ..."""

    def test_reads_and_writes(self, r: redis.Redis) -> None:
        words = "SET u8 0 255 GET u8 0 GET i8 0 GET u4 #1"
        assert r.execute_command("BITFIELD", "b", *words.split()) == [0, 255, -1, 15]
        assert r.execute_command("BITFIELD", "b", "INCRBY", "u8", 0, 10, "GET", "u8", 0) == [9, 9]
        assert r.execute_command("BITFIELD", "b", "set", "i5", "#1", -3, "get", "i5", 5) == [4, -3]
        assert r.get("b") == b"\x0f\x40"

    def test_nothing_to_do(self, raw: RawClient) -> None:
        assert raw("BITFIELD", "b") == Reply("*", ())
        assert raw("BITFIELD", "b", "OVERFLOW", "SAT") == Reply("*", ())
        assert raw("EXISTS", "b") == integer(0)

    def test_beyond_the_end(self, raw: RawClient) -> None:
        raw("SET", "b", b"\xff")
        assert raw("BITFIELD", "b", "GET", "u8", 4, "GET", "i64", 1000, "GET", "u63", 4).plain() == [0xF0, 0, 0xF << 59]
        assert raw("BITFIELD", "missing", "GET", "u8", 0).plain() == [0]
        assert raw("EXISTS", "missing") == integer(0)

    @pytest.mark.parametrize("bits", [1, 2, 7, 8, 9, 31, 33, 63, 64])
    @pytest.mark.parametrize("offset", [0, 3, 8, 13])
    def test_widths(self, raw: RawClient, bits: int, offset: int) -> None:
        """The extremes of each width come back, and the bits beside stay."""
        signed = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, -1, 0]
        unsigned = [2**bits - 1, 0, 2 ** (bits - 1)] if bits < 64 else []
        for sign, values in (("i", signed), ("u", unsigned)):
            for value in values:
                raw("SET", "b", b"\xa5" * 12)
                raw("BITFIELD", "b", "SET", f"{sign}{bits}", offset, value)
                assert raw("BITFIELD", "b", "GET", f"{sign}{bits}", offset).plain() == [value]
                text = f"{int.from_bytes(raw('GET', 'b').value, 'big'):096b}"
                assert text == ("10100101" * 12)[:offset] + f"{value % 2**bits:0{bits}b}" + ("10100101" * 12)[offset + bits :]

    @pytest.mark.parametrize(
        ("field", "start", "operation", "wrap", "sat"),
        [
            ("u8", 250, "INCRBY 10", 4, 255), ("u8", 5, "INCRBY -10", 251, 0), ("i8", 120, "INCRBY 10", -126, 127),
            ("i8", -120, "INCRBY -10", 126, -128), ("u8", 0, "SET 256", 0, 255), ("u8", 0, "SET -1", 255, 255),
            ("i5", 0, "SET 17", -15, 15), ("i5", 0, "SET -17", 15, -16),
            ("i64", HIGH, "INCRBY 1", LOW, HIGH), ("i64", LOW, "INCRBY -1", HIGH, LOW),
            ("u63", HIGH, f"INCRBY {HIGH}", HIGH - 1, HIGH), ("u63", 0, f"INCRBY {LOW}", 0, 0), ("u1", 1, "INCRBY 1", 0, 1),
            ("i1", 0, "SET 1", -1, 0),
        ],
    )  # fmt: skip
    def test_overflow(self, raw: RawClient, field: str, start: int, operation: str, wrap: int, sat: int) -> None:
        name, operand = operation.split()
        for overflow, expected in (("WRAP", wrap), ("SAT", sat), ("FAIL", start)):
            raw("BITFIELD", "b", "SET", field, 0, start)
            reply = raw("BITFIELD", "b", "OVERFLOW", overflow, name, field, 0, operand)
            assert reply.plain() == [None if overflow == "FAIL" else start if name == "SET" else expected]
            assert raw("BITFIELD", "b", "GET", field, 0).plain() == [expected]

    def test_overflow_holds_for_what_follows(self, raw: RawClient) -> None:
        words = "OVERFLOW SAT INCRBY i8 0 -200 INCRBY i8 0 400 OVERFLOW WRAP INCRBY i8 0 1 OVERFLOW fail INCRBY i8 0 -1 GET i8 0"
        assert raw("BITFIELD", "b", *words.split()).plain() == [-128, 127, -128, None, -128]

    def test_failure_is_null(self, raw: RawClient) -> None:
        assert raw("BITFIELD", "b", "OVERFLOW", "FAIL", "SET", "u8", 0, 256) == Reply("*", (NIL,))
        raw("HELLO", 3)
        assert raw("BITFIELD", "b", "OVERFLOW", "FAIL", "SET", "u8", 0, 256) == Reply("*", (Reply("_", None),))

    def test_grows_even_when_all_fail(self, raw: RawClient) -> None:
        assert changes(raw, "BITFIELD", "b", "OVERFLOW", "FAIL", "SET", "u8", 8, 256) == 0
        assert raw("GET", "b") == bulk(b"\x00\x00")

    def test_changes(self, raw: RawClient) -> None:
        """One for each write that changed bits, or each that went through when the string grew."""
        assert changes(raw, "BITFIELD", "b", "SET", "u8", 0, 0, "GET", "u8", 0, "INCRBY", "u8", 0, 0) == 2
        assert changes(raw, "BITFIELD", "b", "SET", "u8", 0, 0, "SET", "u8", 0, 1, "INCRBY", "u8", 0, 1) == 2
        assert changes(raw, "BITFIELD", "b", "SET", "u8", 0, 2) == 0

    def test_encoding(self, raw: RawClient) -> None:
        raw("SET", "n", 123, "PXAT", FAR)
        raw("BITFIELD", "n", "GET", "u8", 0)
        assert encoding(raw, "n") == b"int"
        raw("BITFIELD", "n", "SET", "u8", 0, ord("1"))
        assert encoding(raw, "n") == b"raw"
        assert raw("PEXPIRETIME", "n") == integer(FAR)

    @pytest.mark.parametrize("field", ["u64", "i65", "u0", "i0", "x8", "u", "i", "", "8", "U8", "u08", "u+8", "u8 ", "u-1", "i" + "9" * 20])
    def test_types(self, raw: RawClient, field: str) -> None:
        assert raw("BITFIELD", "b", "GET", field, 0) == BAD_TYPE

    @pytest.mark.parametrize("offset", ["-1", "#-1", "a", "#", "", "01", "#+1", "# 1", 1 << 32, "#536870912", f"#{HIGH}", HIGH])
    def test_offsets(self, raw: RawClient, offset: str) -> None:
        assert raw("BITFIELD", "b", "GET", "u8", offset) == BAD_OFFSET

    def test_last_offset(self, raw: RawClient) -> None:
        assert raw("BITFIELD", "b", "GET", "u8", (1 << 32) - 1, "GET", "u8", "#536870911").plain() == [0, 0]
        raw("CONFIG", "SET", "proto-max-bulk-len", 1 << 20)
        assert raw("BITFIELD", "b", "SET", "u8", 1 << 23, 1) == BAD_OFFSET
        assert raw("BITFIELD", "b", "SET", "u8", (1 << 23) - 1, 1).plain() == [0]

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            ("foo u8 0", SYNTAX), ("GET u8", SYNTAX), ("GET", SYNTAX), ("SET u8 0", SYNTAX), ("INCRBY u8 0", SYNTAX), ("OVERFLOW", SYNTAX),
            ("OVERFLOW foo GET u99 0", Reply("-", b"ERR Invalid OVERFLOW type specified")), ("SET u8 0 abc", NOT_AN_INTEGER),
            ("SET i64 0 9223372036854775808", NOT_AN_INTEGER), ("SET u99 a b", BAD_TYPE), ("SET u8 a b", BAD_OFFSET),
            ("SET u8 0 1 GET u8 a", BAD_OFFSET), ("SET u8 0 1 foo", SYNTAX),
        ],
    )  # fmt: skip
    def test_errors(self, raw: RawClient, words: str, error: Reply) -> None:
        """All is checked before anything is done, the type of the value last."""
        raw("RPUSH", "l", "x")
        assert raw("BITFIELD", "l", *words.split()) == error
        assert raw("BITFIELD", "b", *words.split()) == error
        assert raw("EXISTS", "b") == integer(0)

    def test_other_type(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("BITFIELD", "l", "GET", "u8", 0) == WRONG_TYPE
        assert raw("BITFIELD", "l", "SET", "u8", 0, 1) == WRONG_TYPE


class TestBitfieldRo:
    """BITFIELD_RO key [GET type offset ...]."""

    def test_reads(self, r: redis.Redis) -> None:
        r.set("b", b"\x7f\x80")
        assert r.bitfield_ro("b", "u8", 4) == [0xF8]
        assert r.execute_command("BITFIELD_RO", "b", "GET", "i8", "#1", "OVERFLOW", "SAT", "GET", "u1", 0) == [-128, 0]
        assert r.execute_command("BITFIELD_RO", "b") == []
        assert r.bitfield_ro("missing", "i64", 0) == [0]

    def test_errors(self, raw: RawClient) -> None:
        only_get = Reply("-", b"ERR BITFIELD_RO only supports the GET subcommand")
        raw("RPUSH", "l", "x")
        assert raw("BITFIELD_RO", "l", "SET", "u8", 0, 1) == only_get
        assert raw("BITFIELD_RO", "l", "INCRBY", "u8", 0, 1, "GET", "u8", 0) == only_get
        assert raw("BITFIELD_RO", "l", "SET", "u8", 0, "abc") == NOT_AN_INTEGER
        assert raw("BITFIELD_RO", "l", "SET", "u8", 0, 1, "GET", "u99", 0) == BAD_TYPE
        assert raw("BITFIELD_RO", "l", "GET", "u8", 0) == WRONG_TYPE


def bitop(name: str, values: list[bytes]) -> bytes:
    """What BITOP gives, from its definition."""
    size = max(map(len, values))
    first, *others = (int.from_bytes(value.ljust(size, b"\0"), "big") for value in values)
    everywhere = (1 << 8 * size) - 1
    any_other = reduce(int.__or__, others, 0)
    columns = [bin(n)[2:].zfill(8 * size) for n in (first, *others)]
    outcome = {
        "AND": reduce(int.__and__, others, first),
        "OR": first | any_other,
        "XOR": reduce(int.__xor__, others, first),
        "NOT": first ^ everywhere,
        "DIFF": first & ~any_other,
        "DIFF1": any_other & ~first,
        "ANDOR": first & any_other,
        "ONE": int("0" + "".join("1" if column.count("1") == 1 else "0" for column in zip(*columns, strict=True)), 2),
    }[name]
    return outcome.to_bytes(size, "big")


class TestBitop:
    """BITOP operation destkey key [key ...]."""

    @pytest.mark.parametrize("name", ["AND", "OR", "XOR", "NOT", "DIFF", "DIFF1", "ANDOR", "ONE"])
    def test_operations(self, raw: RawClient, name: str) -> None:
        """Sources of many lengths, missing ones among them."""
        pattern = bytes((i * 37 + i // 7) % 256 for i in range(10_000))
        values = [pattern[100:103], b"12345", b"", pattern[:255], pattern[5:4101], pattern[9:9000], pattern[50:8242]]
        for i, value in enumerate(values):
            raw("SET", f"k{i}", value)
        raw("DEL", "k2")
        for sources in ((0,), (5,), (0, 1), (1, 0, 2), (2, 3), (3, 4), (4, 5, 6), (6, 5, 0), (5, 5), (0, 1, 2, 3, 4, 5, 6)):
            if (name == "NOT" and len(sources) > 1) or (name in ("DIFF", "DIFF1", "ANDOR") and len(sources) < 2):
                continue
            expected = bitop(name, [values[i] for i in sources])
            assert raw("BITOP", name.lower(), "out", *(f"k{i}" for i in sources)) == integer(len(expected))
            assert raw("GET", "out") == bulk(expected), sources
            assert encoding(raw, "out") == b"raw"

    def test_destination_may_be_a_source(self, raw: RawClient) -> None:
        raw("MSET", "a", b"\x0f\xf0", "b", b"\xff")
        assert raw("BITOP", "XOR", "a", "a", "b") == integer(2)
        assert raw("GET", "a") == bulk(b"\xf0\xf0")
        assert raw("BITOP", "NOT", "a", "a") == integer(2)
        assert raw("GET", "a") == bulk(b"\x0f\x0f")

    def test_takes_expiry_and_type_away(self, raw: RawClient) -> None:
        raw("MSET", "a", "x", "b", "y")
        raw("PEXPIREAT", "b", FAR)
        assert raw("BITOP", "OR", "b", "a") == integer(1)
        assert raw("TTL", "b") == integer(-1)
        raw("RPUSH", "l", "x")
        assert raw("BITOP", "OR", "l", "a") == integer(1)
        assert raw("GET", "l") == bulk(b"x")

    def test_nothing_to_store(self, raw: RawClient) -> None:
        """The destination is deleted, whatever it holds."""
        raw("RPUSH", "l", "x")
        assert changes(raw, "BITOP", "AND", "l", "missing") == 1
        assert raw("EXISTS", "l") == integer(0)
        assert changes(raw, "BITOP", "NOT", "l", "missing") == 0
        raw("MSET", "a", "x", "empty", "")
        assert raw("BITOP", "OR", "a", "empty") == integer(0)
        assert raw("EXISTS", "a") == integer(0)

    def test_errors(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        raw("SET", "a", "x")
        assert raw("BITOP", "foo", "out", "l") == SYNTAX
        assert raw("BITOP", "NOT", "out", "l", "a") == Reply("-", b"ERR BITOP NOT must be called with a single source key.")
        for name in ("DIFF", "DIFF1", "ANDOR"):
            assert raw("BITOP", name, "out", "l") == Reply("-", f"ERR BITOP {name} must be called with at least two source keys.".encode())
        assert raw("BITOP", "AND", "out", "a", "l") == WRONG_TYPE
        assert raw("EXISTS", "out") == integer(0)
