"""The string group."""

from __future__ import annotations

import pytest
import redis

from tests.commands.transactions import at_once, in_transaction
from tests.listening import Listener
from tests.replies import NIL, NOT_A_FLOAT, NOT_AN_INTEGER, OK, SYNTAX, WRONG_TYPE, bulk, encoding, integer
from tests.resp import RawClient, Reply

OVERFLOW = Reply("-", b"ERR increment or decrement would overflow")
OUTSIDE = Reply("-", b"ERR string exceeds maximum allowed size (proto-max-bulk-len)")
FAR = 99_999_999_999_999
"""A time in ms that no test reaches."""
LOW, HIGH = -(2**63), 2**63 - 1


def invalid_expiry(command: str) -> Reply:
    """What a time that can't be gets."""
    return Reply("-", f"ERR invalid expire time in '{command}' command".encode())


class TestGet:
    """GET key."""

    def test_value(self, r: redis.Redis) -> None:
        r.set("a", b"\x00\xff\r\n")
        assert r.get("a") == b"\x00\xff\r\n"
        assert r.get("missing") is None

    def test_other_type(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("GET", "l") == WRONG_TYPE

    def test_integer(self, raw: RawClient) -> None:
        """It comes back as the text that it was."""
        for text in (b"0", b"-1", b"%d" % LOW, b"%d" % HIGH, b"007", b"+1", b"-0", b" 1", b"9223372036854775808"):
            raw("SET", "n", text)
            assert raw("GET", "n") == bulk(text)

    def test_long_value(self, raw: RawClient) -> None:
        for size in (254, 255, 256, 70_000, 1_000_000):
            raw("SET", "a", b"x" * size)
            assert raw("GET", "a") == bulk(b"x" * size)

    def test_expired(self, raw: RawClient, effects: Listener) -> None:
        """A key whose time is over is deleted by whoever comes first."""
        raw("CONFIG", "SET", "notify-keyspace-events", "KEAm")
        raw("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        effects.hear()
        raw("SET", "a", "x", "PXAT", 1)
        assert raw("GET", "a") == NIL
        raw("DEBUG", "SET-ACTIVE-EXPIRE", 1)
        assert effects.hear() == ["set a", "expire a", "expired a", "keymiss a"]


class TestSet:
    """SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]."""

    def test_plain(self, r: redis.Redis) -> None:
        assert r.set("a", "1") is True
        assert r.get("a") == b"1"

    def test_over_another_type(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("SET", "l", "y") == OK
        assert raw("GET", "l") == bulk(b"y")

    def test_nx(self, raw: RawClient) -> None:
        assert raw("SET", "a", 1, "NX") == OK
        assert raw("SET", "a", 2, "nx") == NIL
        assert raw("GET", "a") == bulk(b"1")

    def test_xx(self, raw: RawClient) -> None:
        assert raw("SET", "a", 1, "XX") == NIL
        raw("SET", "a", 1)
        assert raw("SET", "a", 2, "XX") == OK
        assert raw("GET", "a") == bulk(b"2")

    def test_condition_does_not_ask_for_the_type(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("SET", "l", "y", "NX") == NIL

    def test_get(self, raw: RawClient) -> None:
        assert raw("SET", "a", "x", "GET") == NIL
        assert raw("SET", "a", "y", "GET") == bulk(b"x")
        assert raw("SET", "a", "z", "GET", "NX") == bulk(b"y")
        assert raw("SET", "a", "z", "XX", "GET") == bulk(b"y")
        assert raw("SET", "missing", "z", "XX", "GET") == NIL
        assert raw("EXISTS", "missing") == integer(0)
        assert raw("SET", "new", "z", "NX", "GET") == NIL
        assert raw("GET", "new") == bulk(b"z")

    def test_get_of_another_type(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("SET", "l", "y", "GET") == WRONG_TYPE
        assert raw("SET", "l", "y", "NX", "GET") == WRONG_TYPE
        assert raw("LLEN", "l") == integer(1)

    def test_expiry(self, r: redis.Redis) -> None:
        assert at_once(r, ("SET", "a", "x", "EX", 100), ("TTL", "a")) == [True, 100]
        assert at_once(r, ("SET", "a", "x", "PX", 100_000), ("PTTL", "a")) == [True, 100_000]
        r.set("a", "x", exat=FAR // 1000)
        assert r.expiretime("a") == FAR // 1000
        r.set("a", "x", pxat=FAR)
        assert r.pexpiretime("a") == FAR

    def test_takes_the_expiry_away(self, r: redis.Redis) -> None:
        for value in ("x", "1", "x" * 300):
            r.set("a", "y", pxat=FAR)
            r.set("a", value)
            assert r.ttl("a") == -1

    def test_keepttl(self, r: redis.Redis) -> None:
        r.set("a", "x", keepttl=True)
        assert r.ttl("a") == -1
        r.set("a", "x", pxat=FAR)
        for value in ("y", "1", "x" * 300, "y" * 300, "z", "2"):
            r.set("a", value, keepttl=True)
            assert r.pexpiretime("a") == FAR
            assert r.get("a") == value.encode()

    def test_keepttl_of_another_type(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        raw("PEXPIREAT", "l", FAR)
        raw("SET", "l", "y", "KEEPTTL")
        assert raw("PEXPIRETIME", "l") == integer(FAR)

    def test_past(self, raw: RawClient) -> None:
        """A time that is over: the key is gone, but the command is fine."""
        raw("SET", "a", "x")
        assert raw("SET", "a", "y", "PXAT", 1) == OK
        assert raw("EXISTS", "a") == integer(0)

    @pytest.mark.parametrize(
        "options",
        [
            ("EX", 0), ("EX", -1), ("PX", 0), ("EXAT", 0), ("PXAT", -1), ("EX", HIGH), ("PX", HIGH), ("EXAT", HIGH), ("EX", HIGH // 1000),
            ("EXAT", HIGH // 1000 + 1),
        ],
    )  # fmt: skip
    def test_impossible_expiry(self, raw: RawClient, options: tuple[object, ...]) -> None:
        raw("SET", "a", "x")
        assert raw("SET", "a", "y", *options) == invalid_expiry("set")  # type: ignore[arg-type]
        assert raw("GET", "a") == bulk(b"x")

    def test_utmost_expiry(self, raw: RawClient) -> None:
        assert raw("SET", "a", "x", "PXAT", HIGH) == OK
        assert raw("SET", "a", "x", "EXAT", HIGH // 1000) == OK
        assert raw("PEXPIRETIME", "a") == integer(HIGH // 1000 * 1000)

    @pytest.mark.parametrize(
        "options",
        [
            "NX XX", "XX GET NX", "EX", "PX 1 EX", "EX 10 PX 10", "EX 10 KEEPTTL", "KEEPTTL PXAT 10", "PERSIST", "foo", "EX abc PX 1",
            "EX abc foo",
        ],
    )  # fmt: skip
    def test_syntax(self, raw: RawClient, options: str) -> None:
        assert raw("SET", "a", "x", *options.split()) == SYNTAX
        assert raw("EXISTS", "a") == integer(0)

    def test_options_may_come_twice(self, raw: RawClient) -> None:
        assert in_transaction(raw, "SET a x EX 10 EX 20", "TTL a") == [OK, integer(20)]
        assert raw("SET", "a", "y", "GET", "get", "XX", "xx", "KEEPTTL", "keepttl") == bulk(b"x")

    def test_order_of_checks(self, raw: RawClient) -> None:
        """Syntax, then the expiry, then the type, then the condition."""
        raw("RPUSH", "l", "x")
        assert raw("SET", "l", "y", "EX", "abc", "GET") == NOT_AN_INTEGER
        assert raw("SET", "l", "y", "EX", "0", "GET") == invalid_expiry("set")
        assert raw("SET", "missing", "y", "EX", "abc", "XX") == NOT_AN_INTEGER

    def test_encodings(self, raw: RawClient) -> None:
        for value, name in (
            (b"1", b"int"), (b"%d" % LOW, b"int"), (b"01", b"embstr"), (b"9223372036854775808", b"embstr"), (b"", b"embstr"),
            (b"x" * 38, b"embstr"), (b"x" * 39, b"raw"), (b"x" * 300, b"raw"), (b"y" * 300, b"raw"), (b"5", b"int"),
        ):  # fmt: skip
            raw("SET", "key", value)
            assert encoding(raw, "key") == name, value
            assert raw("GET", "key") == bulk(value)

    def test_embstr_depends_on_key_and_expiry(self, raw: RawClient) -> None:
        """Redis 8.2 has them in one block of 64 bytes."""
        raw("SET", "k" * 20, "v" * 21)
        assert encoding(raw, "k" * 20) == b"embstr"
        raw("SET", "k" * 20, "v" * 21, "PXAT", FAR)
        assert encoding(raw, "k" * 20) == b"raw"
        raw("SET", "k" * 20, "v" * 13, "PXAT", FAR)
        assert encoding(raw, "k" * 20) == b"embstr"
        raw("SET", "k" * 60, "v")
        assert encoding(raw, "k" * 60) == b"raw"

    def test_effects(self, raw: RawClient, effects: Listener) -> None:
        assert effects("SET", "a", "x") == (["new a", "set a"], 1)
        assert effects("SET", "a", "y", "EX", 100) == (["overwritten a", "set a", "expire a"], 1)
        assert effects("SET", "a", "y", "KEEPTTL") == (["overwritten a", "set a"], 1)
        assert effects("SET", "a", "y", "NX") == ([], 0)
        assert effects("SET", "b", "y", "XX", "GET") == (["keymiss b"], 0)
        raw("RPUSH", "l", "x")
        assert effects("SET", "l", "y") == (["overwritten l", "type_changed l", "set l"], 1)


class TestSetnx:
    """SETNX key value."""

    def test_only_the_first_wins(self, raw: RawClient, effects: Listener) -> None:
        assert effects("SETNX", "a", 1) == (["new a", "set a"], 1)
        assert effects("SETNX", "a", 2) == ([], 0)
        assert raw("SETNX", "a", 2) == integer(0)
        assert raw("SETNX", "b", 2) == integer(1)
        assert raw("GET", "a") == bulk(b"1")
        raw("RPUSH", "l", "x")
        assert raw("SETNX", "l", 1) == integer(0)


class TestSetex:
    """SETEX key seconds value."""

    def test_sets_both(self, raw: RawClient, effects: Listener) -> None:
        assert in_transaction(raw, "SETEX a 100 x", "TTL a") == [OK, integer(100)]
        assert raw("GET", "a") == bulk(b"x")
        assert effects("SETEX", "a", 100, "x") == (["overwritten a", "set a", "expire a"], 1)

    def test_impossible(self, raw: RawClient) -> None:
        for seconds in (0, -1, HIGH):
            assert raw("SETEX", "a", seconds, "x") == invalid_expiry("setex")
        assert raw("SETEX", "a", "abc", "x") == NOT_AN_INTEGER
        raw("RPUSH", "l", "x")
        assert raw("SETEX", "l", "1.5", "x") == NOT_AN_INTEGER
        assert raw("SETEX", "l", 100, "x") == OK


class TestPsetex:
    """PSETEX key milliseconds value."""

    def test_sets_both(self, raw: RawClient) -> None:
        assert in_transaction(raw, "PSETEX a 100000 x", "PTTL a") == [OK, integer(100_000)]

    def test_impossible(self, raw: RawClient) -> None:
        for ms in (0, -1, HIGH):
            assert raw("PSETEX", "a", ms, "x") == invalid_expiry("psetex")
        assert raw("PSETEX", "a", "abc", "x") == NOT_AN_INTEGER


class TestGetset:
    """GETSET key value."""

    def test_exchanges(self, raw: RawClient, effects: Listener) -> None:
        assert raw("GETSET", "a", "x") == NIL
        assert raw("GETSET", "a", "y") == bulk(b"x")
        assert raw("GET", "a") == bulk(b"y")
        assert effects("GETSET", "b", "y") == (["keymiss b", "new b", "set b"], 1)

    def test_takes_the_expiry_away(self, raw: RawClient) -> None:
        raw("SET", "a", "x", "PXAT", FAR)
        raw("GETSET", "a", "y")
        assert raw("TTL", "a") == integer(-1)

    def test_other_type(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("GETSET", "l", "y") == WRONG_TYPE


class TestGetdel:
    """GETDEL key."""

    def test_takes(self, raw: RawClient, effects: Listener) -> None:
        raw("SET", "a", "x")
        assert raw("GETDEL", "a") == bulk(b"x")
        assert raw("GETDEL", "a") == NIL
        raw("SET", "a", 5)
        assert effects("GETDEL", "a") == (["del a"], 1)
        assert effects("GETDEL", "a") == (["keymiss a"], 0)

    def test_other_type(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("GETDEL", "l") == WRONG_TYPE
        assert raw("EXISTS", "l") == integer(1)


class TestGetex:
    """GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]."""

    def test_sets_the_expiry(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("GETEX", "a") == bulk(b"x")
        assert raw("TTL", "a") == integer(-1)
        assert in_transaction(raw, "GETEX a EX 100", "TTL a") == [bulk(b"x"), integer(100)]
        assert raw("GETEX", "a", "PX", 100_000) == bulk(b"x")
        assert raw("GETEX", "a", "PXAT", FAR) == bulk(b"x")
        assert raw("PEXPIRETIME", "a") == integer(FAR)
        assert raw("GETEX", "a", "EXAT", FAR // 1000) == bulk(b"x")
        assert raw("EXPIRETIME", "a") == integer(FAR // 1000)
        assert raw("GETEX", "a", "PERSIST") == bulk(b"x")
        assert raw("TTL", "a") == integer(-1)

    def test_effects(self, raw: RawClient, effects: Listener) -> None:
        raw("SET", "a", "x")
        assert effects("GETEX", "a") == ([], 0)
        assert effects("GETEX", "a", "EX", 100) == (["expire a"], 1)
        assert effects("GETEX", "a", "PERSIST") == (["persist a"], 1)
        assert effects("GETEX", "a", "PERSIST") == ([], 0)
        assert effects("GETEX", "a", "EXAT", 1) == (["del a"], 1)
        assert effects("GETEX", "a", "EXAT", 1) == (["keymiss a"], 0)

    def test_past(self, raw: RawClient) -> None:
        """The value is still given, for the last time."""
        raw("SET", "a", "x")
        assert raw("GETEX", "a", "PXAT", 1) == bulk(b"x")
        assert raw("EXISTS", "a") == integer(0)

    @pytest.mark.parametrize("options", ["EX", "EX 10 PERSIST", "PERSIST PX 10", "EX 10 PX 10", "KEEPTTL", "NX", "GET", "foo"])
    def test_syntax(self, raw: RawClient, options: str) -> None:
        assert raw("GETEX", "missing", *options.split()) == SYNTAX

    def test_order_of_checks(self, raw: RawClient) -> None:
        """Syntax, then whether the key is there, then the type, then the expiry."""
        assert raw("GETEX", "missing", "EX", "abc") == NIL
        raw("RPUSH", "l", "x")
        assert raw("GETEX", "l", "EX", "abc") == WRONG_TYPE
        raw("SET", "a", "x")
        assert raw("GETEX", "a", "EX", "abc") == NOT_AN_INTEGER
        assert raw("GETEX", "a", "PX", 0) == invalid_expiry("getex")
        assert raw("GETEX", "a", "EX", HIGH) == invalid_expiry("getex")


class TestMget:
    """MGET key [key ...]."""

    def test_values(self, r: redis.Redis) -> None:
        r.set("a", "x")
        r.set("n", 5)
        r.rpush("l", "x")
        assert r.mget("a", "missing", "l", "n", "a") == [b"x", None, None, b"5", b"x"]

    def test_nulls(self, raw: RawClient) -> None:
        assert raw("MGET", "missing") == Reply("*", (NIL,))
        raw("HELLO", 3)
        assert raw("MGET", "missing") == Reply("*", (Reply("_", None),))


class TestMset:
    """MSET key value [key value ...]."""

    def test_sets_all(self, r: redis.Redis) -> None:
        assert r.mset({"a": "x", "b": 5, "c": "y" * 300}) is True
        assert r.mget("a", "b", "c") == [b"x", b"5", b"y" * 300]

    def test_last_value_wins(self, raw: RawClient, effects: Listener) -> None:
        assert effects("MSET", "a", 1, "b", 2, "a", 3) == (["new a", "set a", "new b", "set b", "overwritten a", "set a"], 3)
        assert raw("MGET", "a", "b") == Reply("*", (bulk(b"3"), bulk(b"2")))

    def test_takes_expiry_and_type_away(self, raw: RawClient) -> None:
        raw("SET", "a", "x", "PXAT", FAR)
        raw("RPUSH", "l", "x")
        assert raw("MSET", "a", 1, "l", 2) == OK
        assert raw("TTL", "a") == integer(-1)
        assert raw("GET", "l") == bulk(b"2")

    def test_arguments(self, raw: RawClient) -> None:
        assert raw("MSET", "a", 1, "b") == Reply("-", b"ERR wrong number of arguments for 'mset' command")
        assert raw("EXISTS", "a") == integer(0)


class TestMsetnx:
    """MSETNX key value [key value ...]."""

    def test_all_or_none(self, raw: RawClient, effects: Listener) -> None:
        assert effects("MSETNX", "a", 1, "b", 2, "a", 3) == (["new a", "set a", "new b", "set b", "overwritten a", "set a"], 3)
        assert raw("GET", "a") == bulk(b"3")
        assert effects("MSETNX", "c", 1, "b", 2) == ([], 0)
        assert raw("MSETNX", "c", 1, "b", 2) == integer(0)
        assert raw("EXISTS", "c") == integer(0)
        assert raw("MSETNX", "c", 1, "d", 2) == integer(1)

    def test_other_types_count(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("MSETNX", "a", 1, "l", 2) == integer(0)

    def test_arguments(self, raw: RawClient) -> None:
        assert raw("MSETNX", "a", 1, "b") == Reply("-", b"ERR wrong number of arguments for 'msetnx' command")


class TestAppend:
    """APPEND key value."""

    def test_grows(self, raw: RawClient) -> None:
        expected = b""
        for size in (1, 30, 100, 123, 1, 1, 5000, 100_000, 0):
            expected += b"%d" % (size % 10) * size
            assert raw("APPEND", "a", b"%d" % (size % 10) * size) == integer(len(expected))
            assert raw("GET", "a") == bulk(expected)

    def test_encodings(self, raw: RawClient) -> None:
        """A new key is as SET makes it; what has been appended to is raw."""
        raw("APPEND", "n", "5")
        assert encoding(raw, "n") == b"int"
        raw("APPEND", "n", "5")
        assert encoding(raw, "n") == b"raw"
        raw("APPEND", "a", "")
        assert encoding(raw, "a") == b"embstr"
        raw("APPEND", "a", "")
        assert encoding(raw, "a") == b"raw"
        assert raw("INCR", "n") == integer(56)
        assert encoding(raw, "n") == b"int"

    def test_keeps_the_expiry(self, raw: RawClient) -> None:
        raw("SET", "a", "x", "PXAT", FAR)
        raw("APPEND", "a", "y" * 300)
        assert raw("PEXPIRETIME", "a") == integer(FAR)

    def test_effects(self, effects: Listener) -> None:
        assert effects("APPEND", "a", "x") == (["new a", "append a"], 1)
        assert effects("APPEND", "a", "") == (["append a"], 1)

    def test_other_type(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("APPEND", "l", "x") == WRONG_TYPE

    def test_limit(self, raw: RawClient) -> None:
        raw("CONFIG", "SET", "proto-max-bulk-len", 1 << 20)
        raw("SETRANGE", "a", (1 << 20) - 2, "x")
        assert raw("APPEND", "a", "y") == integer(1 << 20)
        assert raw("APPEND", "a", "z") == OUTSIDE
        assert raw("APPEND", "a", "") == integer(1 << 20)


class TestStrlen:
    """STRLEN key."""

    def test_length(self, raw: RawClient) -> None:
        for value in (b"", b"-12345", b"x" * 255, b"x" * 256):
            raw("SET", "a", value)
            assert raw("STRLEN", "a") == integer(len(value))
        assert raw("STRLEN", "missing") == integer(0)
        raw("RPUSH", "l", "x")
        assert raw("STRLEN", "l") == WRONG_TYPE


class TestGetrange:
    """GETRANGE key start end."""

    @pytest.mark.parametrize(
        ("start", "end", "part"),
        [
            (0, -1, b"hello"), (1, 2, b"el"), (-2, -1, b"lo"), (-100, 100, b"hello"), (3, 1, b""), (5, 9, b""), (-1, -2, b""),
            (-100, -99, b"h"), (-100, -101, b""), (0, HIGH, b"hello"), (LOW, HIGH, b"hello"), (HIGH, HIGH, b""),
            (LOW, LOW, b"h"), (4, 4, b"o"),
        ],
    )  # fmt: skip
    def test_ranges(self, raw: RawClient, start: int, end: int, part: bytes) -> None:
        raw("SET", "a", "hello")
        assert raw("GETRANGE", "a", start, end) == bulk(part)

    def test_of_an_integer(self, raw: RawClient) -> None:
        raw("SET", "n", -12345)
        assert raw("GETRANGE", "n", 1, 2) == bulk(b"12")

    def test_missing(self, raw: RawClient) -> None:
        assert raw("GETRANGE", "missing", 0, -1) == bulk(b"")

    def test_errors(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("GETRANGE", "l", "a", 0) == NOT_AN_INTEGER
        assert raw("GETRANGE", "l", 0, "a") == NOT_AN_INTEGER
        assert raw("GETRANGE", "l", 0, 0) == WRONG_TYPE


class TestSubstr:
    """SUBSTR, GETRANGE's old name."""

    def test_part(self, raw: RawClient) -> None:
        raw("SET", "a", "hello")
        assert raw("SUBSTR", "a", 1, -2) == bulk(b"ell")
        assert raw("SUBSTR", "a", "x", 0) == NOT_AN_INTEGER


class TestSetrange:
    """SETRANGE key offset value."""

    def test_overwrites(self, raw: RawClient) -> None:
        raw("SET", "a", "hello")
        assert raw("SETRANGE", "a", 1, "a") == integer(5)
        assert raw("GET", "a") == bulk(b"hallo")
        assert raw("SETRANGE", "a", 4, "ooo") == integer(7)
        assert raw("GET", "a") == bulk(b"hallooo")

    def test_fills_with_zeros(self, raw: RawClient) -> None:
        assert raw("SETRANGE", "a", 3, "x") == integer(4)
        assert raw("GET", "a") == bulk(b"\x00\x00\x00x")
        for offset in (200, 300, 100_000):
            raw("SETRANGE", "a", offset, "y")
            value = raw("GET", "a").value
            assert len(value) == offset + 1
            assert value.replace(b"\x00", b"") == b"x" + b"y" * (2 if offset == 300 else 1 if offset == 200 else 3)

    def test_of_an_integer(self, raw: RawClient) -> None:
        raw("SET", "n", 12345)
        assert raw("SETRANGE", "n", 0, "") == integer(5)
        assert encoding(raw, "n") == b"int"
        assert raw("SETRANGE", "n", 0, "9") == integer(5)
        assert raw("GET", "n") == bulk(b"92345")
        assert encoding(raw, "n") == b"raw"

    def test_nothing_to_write(self, raw: RawClient, effects: Listener) -> None:
        assert effects("SETRANGE", "a", 5, "") == ([], 0)
        assert raw("EXISTS", "a") == integer(0)
        assert raw("SETRANGE", "a", 1 << 40, "") == integer(0)
        assert effects("SETRANGE", "a", 0, "x") == (["new a", "setrange a"], 1)
        assert effects("SETRANGE", "a", 0, "") == ([], 0)

    def test_errors(self, raw: RawClient) -> None:
        """The offset, then the type, then the size."""
        out_of_range = Reply("-", b"ERR offset is out of range")
        raw("RPUSH", "l", "x")
        assert raw("SETRANGE", "l", "abc", "x") == NOT_AN_INTEGER
        assert raw("SETRANGE", "l", -1, "x") == out_of_range
        assert raw("SETRANGE", "missing", LOW, "") == out_of_range
        assert raw("SETRANGE", "l", 0, "") == WRONG_TYPE
        assert raw("SETRANGE", "l", HIGH, "x") == WRONG_TYPE
        assert raw("SETRANGE", "missing", 512 << 20, "x") == OUTSIDE
        assert raw("SETRANGE", "missing", HIGH, "x") == OUTSIDE
        assert raw("EXISTS", "missing") == integer(0)

    def test_limit(self, raw: RawClient) -> None:
        raw("CONFIG", "SET", "proto-max-bulk-len", 1 << 20)
        assert raw("SETRANGE", "a", (1 << 20) - 1, "xy") == OUTSIDE
        assert raw("SETRANGE", "a", (1 << 20) - 1, "x") == integer(1 << 20)


class TestIncr:
    """INCR key."""

    def test_counts(self, r: redis.Redis) -> None:
        assert [r.incr("n") for _ in range(3)] == [1, 2, 3]
        r.set("n", 10)
        assert r.incr("n") == 11
        assert r.object("encoding", "n") == b"int"

    @pytest.mark.parametrize("value", ["abc", " 11", "11 ", "011", "1.5", "", "+1", "-0", "9223372036854775808", "1" * 30])
    def test_not_an_integer(self, raw: RawClient, value: str) -> None:
        raw("SET", "a", value)
        assert raw("INCR", "a") == NOT_AN_INTEGER
        assert raw("GET", "a") == bulk(value.encode())

    def test_overflow(self, raw: RawClient) -> None:
        raw("SET", "n", HIGH)
        assert raw("INCR", "n") == OVERFLOW
        assert raw("GET", "n") == bulk(b"%d" % HIGH)

    def test_keeps_the_expiry(self, raw: RawClient) -> None:
        raw("SET", "n", 1, "PXAT", FAR)
        raw("INCR", "n")
        raw("APPEND", "n", "0")
        assert raw("INCR", "n") == integer(21)
        assert raw("PEXPIRETIME", "n") == integer(FAR)

    def test_effects(self, effects: Listener) -> None:
        assert effects("INCR", "n") == (["new n", "incrby n"], 1)
        assert effects("INCR", "n") == (["incrby n"], 1)

    def test_other_type(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("INCR", "l") == WRONG_TYPE


class TestDecr:
    """DECR key."""

    def test_counts(self, raw: RawClient, effects: Listener) -> None:
        assert raw("DECR", "n") == integer(-1)
        assert raw("DECR", "n") == integer(-2)
        assert effects("DECR", "n") == (["incrby n"], 1)

    def test_overflow(self, raw: RawClient) -> None:
        raw("SET", "n", LOW)
        assert raw("DECR", "n") == OVERFLOW


class TestIncrby:
    """INCRBY key increment."""

    def test_adds(self, raw: RawClient) -> None:
        assert raw("INCRBY", "n", HIGH) == integer(HIGH)
        assert raw("INCRBY", "n", LOW) == integer(-1)
        assert raw("INCRBY", "n", 0) == integer(-1)

    @pytest.mark.parametrize(("value", "change"), [(1, HIGH), (HIGH, HIGH), (-2, LOW), (LOW, LOW)])
    def test_overflow(self, raw: RawClient, value: int, change: int) -> None:
        raw("SET", "n", value)
        assert raw("INCRBY", "n", change) == OVERFLOW

    def test_order_of_checks(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("INCRBY", "l", "abc") == NOT_AN_INTEGER
        assert raw("INCRBY", "l", 1) == WRONG_TYPE


class TestDecrby:
    """DECRBY key decrement."""

    def test_subtracts(self, raw: RawClient, effects: Listener) -> None:
        assert raw("DECRBY", "n", 5) == integer(-5)
        assert raw("DECRBY", "n", -HIGH) == integer(HIGH - 5)
        assert raw("DECRBY", "n", -6) == OVERFLOW
        assert effects("DECRBY", "n", 5) == (["incrby n"], 1)

    def test_order_of_checks(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("DECRBY", "l", "abc") == NOT_AN_INTEGER
        assert raw("DECRBY", "l", LOW) == Reply("-", b"ERR decrement would overflow")
        assert raw("DECRBY", "l", 1) == WRONG_TYPE


class TestIncrbyfloat:
    """INCRBYFLOAT key increment."""

    @pytest.mark.parametrize(
        ("value", "change", "outcome"),
        [
            ("10.50", "0.1", "10.6"), ("5.0e3", "2.0e2", "5200"), ("0.1", "0.2", "0.3"), ("3", "-3", "0"), ("1", "1e-20", "1"),
            ("0", "0x10", "16"), ("1", "-2.25", "-1.25"), ("0", "1e20", "100000000000000000000"),
            ("9007199254740993", "1", "9007199254740994"),
        ],
    )  # fmt: skip
    def test_adds(self, raw: RawClient, value: str, change: str, outcome: str) -> None:
        raw("SET", "f", value)
        assert raw("INCRBYFLOAT", "f", change) == bulk(outcome.encode())
        assert raw("GET", "f") == bulk(outcome.encode())

    def test_encoding(self, raw: RawClient) -> None:
        """The outcome is text, even where it is an integer."""
        raw("SET", "f", 1)
        assert raw("INCRBYFLOAT", "f", 2) == bulk(b"3")
        assert encoding(raw, "f") == b"embstr"
        assert raw("INCR", "f") == integer(4)
        assert encoding(raw, "f") == b"int"
        raw("INCRBYFLOAT", "new", 1)
        assert encoding(raw, "new") == b"embstr"

    def test_very_long_outcome(self, raw: RawClient) -> None:
        raw("SET", "f", "1e4900")
        assert len(raw("INCRBYFLOAT", "f", 1).value) == 4901

    def test_keeps_the_expiry(self, raw: RawClient) -> None:
        raw("SET", "f", 1, "PXAT", FAR)
        raw("INCRBYFLOAT", "f", 1.5)
        assert raw("PEXPIRETIME", "f") == integer(FAR)

    def test_effects(self, effects: Listener) -> None:
        assert effects("INCRBYFLOAT", "f", 1) == (["new f", "incrbyfloat f"], 1)
        assert effects("INCRBYFLOAT", "f", 0) == (["incrbyfloat f"], 1)

    @pytest.mark.parametrize("text", ["abc", "", " 1", "1 ", "nan", "1,5", "-nan"])
    def test_not_a_float(self, raw: RawClient, text: str) -> None:
        assert raw("INCRBYFLOAT", "f", text) == NOT_A_FLOAT
        raw("SET", "f", text)
        assert raw("INCRBYFLOAT", "f", 1) == NOT_A_FLOAT

    def test_infinite(self, raw: RawClient) -> None:
        no = Reply("-", b"ERR increment would produce NaN or Infinity")
        for change in ("inf", "+inf", "-inf", "infinity"):
            assert raw("INCRBYFLOAT", "f", change) == no
        raw("SET", "f", "1e4932")
        assert raw("INCRBYFLOAT", "f", "1e4932") == no
        raw("SET", "f", "inf")
        assert raw("INCRBYFLOAT", "f", "-inf") == no

    def test_order_of_checks(self, raw: RawClient) -> None:
        raw("RPUSH", "l", "x")
        assert raw("INCRBYFLOAT", "l", "abc") == WRONG_TYPE


class TestLcs:
    """LCS key1 key2 [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN]."""

    @pytest.fixture(autouse=True)
    def texts(self, raw: RawClient) -> None:
        raw("MSET", "a", "ohmytext", "b", "mynewtext")

    def test_text(self, raw: RawClient) -> None:
        assert raw("LCS", "a", "b") == bulk(b"mytext")
        assert raw("LCS", "a", "b", "LEN") == integer(6)
        assert raw("LCS", "a", "a") == bulk(b"ohmytext")

    def test_indexes(self, raw: RawClient) -> None:
        both = [[[4, 7], [5, 8]], [[2, 3], [0, 1]]]
        assert raw("LCS", "a", "b", "IDX").plain() == [b"matches", both, b"len", 6]
        assert raw("LCS", "a", "b", "IDX", "MINMATCHLEN", -5).plain() == [b"matches", both, b"len", 6]
        assert raw("LCS", "a", "b", "IDX", "MINMATCHLEN", 3).plain() == [b"matches", both[:1], b"len", 6]
        assert raw("LCS", "a", "b", "IDX", "MINMATCHLEN", 5).plain() == [b"matches", [], b"len", 6]
        assert raw("LCS", "a", "b", "IDX", "WITHMATCHLEN").plain() == [b"matches", [[[4, 7], [5, 8], 4], [[2, 3], [0, 1], 2]], b"len", 6]
        assert raw("LCS", "a", "a", "idx").plain() == [b"matches", [[[0, 7], [0, 7]]], b"len", 8]

    def test_indexes_in_resp3(self, raw: RawClient) -> None:
        raw("HELLO", 3)
        assert raw("LCS", "a", "b", "IDX", "MINMATCHLEN", 4).plain() == {b"matches": [[[4, 7], [5, 8]]], b"len": 6}

    def test_options_without_idx_do_nothing(self, raw: RawClient) -> None:
        assert raw("LCS", "a", "b", "WITHMATCHLEN", "MINMATCHLEN", 4) == bulk(b"mytext")

    def test_integers(self, raw: RawClient) -> None:
        raw("MSET", "i", 12345, "j", 32455)
        assert raw("LCS", "i", "j") == bulk(b"345")
        assert raw("LCS", "i", "j", "IDX").plain() == [b"matches", [[[4, 4], [4, 4]], [[3, 3], [2, 2]], [[2, 2], [0, 0]]], b"len", 3]

    def test_missing(self, raw: RawClient) -> None:
        assert raw("LCS", "a", "missing") == bulk(b"")
        assert raw("LCS", "missing", "missing", "LEN") == integer(0)
        assert raw("LCS", "missing", "a", "IDX").plain() == [b"matches", [], b"len", 0]

    def test_long(self, raw: RawClient) -> None:
        """Each byte of one between two others in the other."""
        raw("MSET", "long", "".join(f"x{i % 7}y" for i in range(500)), "short", "".join(str(i % 7) for i in range(500)))
        assert raw("LCS", "long", "short", "LEN") == integer(500)
        assert raw("LCS", "long", "short") == raw("GET", "short")
        assert len(raw("LCS", "short", "long", "IDX").plain()[1]) == 500

    def test_errors(self, raw: RawClient) -> None:
        """The types, then the options, then the size."""
        not_strings = Reply("-", b"ERR The specified keys must contain string values")
        raw("RPUSH", "l", "x")
        assert raw("LCS", "a", "l", "foo") == not_strings
        assert raw("LCS", "l", "missing", "LEN", "IDX") == not_strings
        assert raw("LCS", "a", "b", "foo") == SYNTAX
        assert raw("LCS", "a", "b", "MINMATCHLEN") == SYNTAX
        assert raw("LCS", "a", "b", "MINMATCHLEN", "x") == NOT_AN_INTEGER
        assert raw("LCS", "a", "b", "LEN", "IDX") == Reply("-", b"ERR If you want both the length and indexes, please just use IDX.")

    def test_memory_bound(self, raw: RawClient) -> None:
        """Four bytes for each pair of prefixes."""
        raw("CONFIG", "SET", "proto-max-bulk-len", 1 << 20)
        raw("MSET", "x", "x" * 1023, "y", "y" * 255)
        assert raw("LCS", "x", "y", "LEN") == integer(0)
        raw("APPEND", "y", "y")
        assert raw("LCS", "x", "y", "LEN") == Reply("-", b"ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
