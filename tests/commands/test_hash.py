"""The hash group."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import redis

from tests.listening import Listener
from tests.replies import NIL, NOT_AN_INTEGER, OK, SYNTAX, WRONG_TYPE, array, bulk, encoding, integer
from tests.resp import RawClient, Reply

LONG = b"x" * 65
"""Too long for a listpack."""
LOW, HIGH = -(2**63), 2**63 - 1
SMALL = {b"": b"", b"a": b"\x00\r\n\xff", b"1": b"-5", b"-5": b"a", b"007": b"9223372036854775808", b"x" * 64: b"y" * 64}
SIZES = (0, 1, 65, 255, 256, 65535, 65536)
FIELDS: dict[str, dict[bytes, bytes]] = {
    "listpack": SMALL,
    "hashtable": SMALL
    | {b"f%d" % n: b"%d" % n for n in range(300)}
    | {b"f%d-" % n + b"y" * n: b"z" * size for n in SIZES for size in SIZES},
}


def wrong_arity(command: str) -> Reply:
    """Too few arguments, or too many."""
    return Reply("-", f"ERR wrong number of arguments for '{command}' command".encode())


def pairs(raw: RawClient, key: str) -> dict[bytes, bytes]:
    """The whole hash."""
    words = raw("HGETALL", key).plain()
    return dict(zip(words[::2], words[1::2], strict=True))


def flat(fields: dict[bytes, bytes]) -> list[bytes]:
    """Fields and values in turn."""
    return [word for pair in fields.items() for word in pair]


@pytest.fixture(params=FIELDS)
def kind(request: pytest.FixtureRequest, raw: RawClient) -> str:
    """Runs a test for each encoding, with a hash "h" of FIELDS[kind]."""
    name = str(request.param)
    raw("HSET", "h", *flat(FIELDS[name]))
    assert encoding(raw, "h") == name.encode()
    return name


class TestHset:
    """HSET key field value [field value ...]."""

    def test_sets(self, raw: RawClient, kind: str) -> None:
        assert pairs(raw, "h") == FIELDS[kind]
        assert raw("HSET", "h", "a", "b", "new", "1", "a", "c") == integer(1)
        assert pairs(raw, "h") == FIELDS[kind] | {b"a": b"c", b"new": b"1"}

    @pytest.mark.parametrize("value", [b"", b"1", b"123456", b"y" * 12, b"y" * 60, b"y" * 300, b"y" * 70_000])
    def test_new_value(self, raw: RawClient, kind: str, value: bytes) -> None:
        """Of any length over any other."""
        expected = dict.fromkeys(FIELDS[kind], value)
        assert raw("HSET", "h", *flat(expected)) == integer(0)
        assert pairs(raw, "h") == expected

    def test_order(self, raw: RawClient) -> None:
        """A listpack keeps the order of insertion."""
        raw("HSET", "h", "b", 1, "a", 2, "c", 3)
        raw("HSET", "h", "a", 4, "0", 5)
        raw("HDEL", "h", "b")
        assert raw("HGETALL", "h").plain() == [b"a", b"4", b"c", b"3", b"0", b"5"]

    @pytest.mark.parametrize(
        ("first", "then", "expected"),
        [
            (["a", 1], [], b"listpack"),
            (["a", LONG], [], b"hashtable"),
            ([LONG, "a"], [], b"hashtable"),
            (["a", 1], ["a", LONG], b"hashtable"),
            ([word for n in range(512) for word in (n, n)], [], b"listpack"),
            ([word for n in range(513) for word in (n, n)], [], b"hashtable"),
            ([word for n in range(512) for word in (n, n)], ["x", 1], b"hashtable"),
            ([word for n in range(512) for word in (n, n)], [1, 1], b"listpack"),
            (["a", 1] * 512, [], b"listpack"),
            (["a", 1] * 513, [], b"hashtable"),
        ],
    )
    def test_encoding(self, raw: RawClient, first: Any, then: Any, expected: bytes) -> None:
        raw("HSET", "h", *first)
        if then:
            raw("HSET", "h", *then)
        assert encoding(raw, "h") == expected

    def test_lowered_limit(self, raw: RawClient) -> None:
        """It counts from the next change on."""
        raw("HSET", "h", "a", 1, "b", 2, "c", 3)
        raw("CONFIG", "SET", "hash-max-listpack-entries", 2)
        assert encoding(raw, "h") == b"listpack"
        raw("HSET", "h", "a", 2)
        assert encoding(raw, "h") == b"hashtable"

    def test_effects(self, effects: Listener) -> None:
        assert effects("HSET", "h", "a", 1, "b", 2, "a", 3) == (["new h", "hset h"], 3)
        assert effects("HSET", "h", "a", 3) == (["hset h"], 1)

    def test_errors(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        for words in (("h",), ("h", "a"), ("h", "a", "b", "c"), ("a", "a", "b", "c")):
            assert raw("HSET", *words) == wrong_arity("hset")
        assert raw("HSET", "a", "f", "v") == WRONG_TYPE


class TestHmset:
    """HMSET key field value [field value ...]."""

    def test_sets(self, raw: RawClient) -> None:
        assert raw("HMSET", "h", "a", 1, "b", 2) == OK
        assert pairs(raw, "h") == {b"a": b"1", b"b": b"2"}

    def test_effects(self, effects: Listener) -> None:
        assert effects("HMSET", "h", "a", 1, "b", 2) == (["new h", "hset h"], 2)

    def test_errors(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("HMSET", "a", "f") == raw("HMSET", "a", "f", 1, "g") == wrong_arity("hmset")
        assert raw("HMSET", "a", "f", "v") == WRONG_TYPE


class TestHsetnx:
    """HSETNX key field value."""

    def test_sets_once(self, raw: RawClient, kind: str) -> None:
        assert raw("HSETNX", "h", "new", "1") == integer(1)
        assert raw("HSETNX", "h", "new", LONG) == integer(0)
        assert pairs(raw, "h") == FIELDS[kind] | {b"new": b"1"}
        assert encoding(raw, "h") == kind.encode()

    def test_encoding(self, raw: RawClient) -> None:
        raw("HSETNX", "h", "a", LONG)
        assert encoding(raw, "h") == b"hashtable"

    def test_effects(self, effects: Listener) -> None:
        assert effects("HSETNX", "h", "a", 1) == (["new h", "hset h"], 1)
        assert effects("HSETNX", "h", "a", 2) == ([], 0)

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("HSETNX", "a", "f", "v") == WRONG_TYPE


class TestHget:
    """HGET key field."""

    def test_values(self, raw: RawClient, kind: str) -> None:
        for field, value in FIELDS[kind].items():
            assert raw("HGET", "h", field) == bulk(value)
        for field in (b"b", b"01", b"-0", b"\x00\r\n\xff", b"9" * 40):
            assert raw("HGET", "h", field) == NIL
        assert raw("HGET", "missing", "a") == NIL

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("HGET", "a", "f") == WRONG_TYPE


class TestHmget:
    """HMGET key field [field ...]."""

    def test_values(self, raw: RawClient, kind: str) -> None:
        assert raw("HMGET", "h", "1", "nowhere", "a", "1") == array(bulk(b"-5"), NIL, bulk(b"\x00\r\n\xff"), bulk(b"-5"))
        assert raw("HMGET", "missing", "a", "b") == array(NIL, NIL)
        raw("HELLO", 3)
        assert raw("HMGET", "missing", "a") == array(Reply("_", None))

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("HMGET", "a", "f") == WRONG_TYPE


class TestHgetall:
    """HGETALL key."""

    def test_all(self, r: redis.Redis) -> None:
        for fields in FIELDS.values():
            r.delete("h")
            r.hset("h", mapping=fields)
            assert r.hgetall("h") == fields

    def test_kinds(self, raw: RawClient) -> None:
        """An array in RESP2, a map in RESP3, empty for an absent key."""
        raw("HSET", "h", "a", 1)
        assert raw("HGETALL", "h") == array(bulk(b"a"), bulk(b"1"))
        assert raw("HGETALL", "missing") == array()
        raw("HELLO", 3)
        assert raw("HGETALL", "h") == Reply("%", ((bulk(b"a"), bulk(b"1")),))
        assert raw("HGETALL", "missing") == Reply("%", ())

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("HGETALL", "a") == WRONG_TYPE


class TestHkeys:
    """HKEYS key."""

    def test_fields(self, raw: RawClient, kind: str) -> None:
        assert sorted(raw("HKEYS", "h").plain()) == sorted(FIELDS[kind])
        assert raw("HKEYS", "missing") == array()
        raw("HELLO", 3)
        assert raw("HKEYS", "h").kind == "*"

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("HKEYS", "a") == WRONG_TYPE


class TestHvals:
    """HVALS key."""

    def test_values(self, raw: RawClient, kind: str) -> None:
        assert sorted(raw("HVALS", "h").plain()) == sorted(FIELDS[kind].values())
        assert raw("HVALS", "missing") == array()
        raw("HELLO", 3)
        assert raw("HVALS", "h").kind == "*"

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("HVALS", "a") == WRONG_TYPE


class TestHdel:
    """HDEL key field [field ...]."""

    def test_removes(self, raw: RawClient, kind: str) -> None:
        first, second, *rest = FIELDS[kind]
        assert raw("HDEL", "h", first, second, first, "nowhere") == integer(2)
        assert pairs(raw, "h") == {field: FIELDS[kind][field] for field in rest}
        assert encoding(raw, "h") == kind.encode()
        assert raw("HDEL", "h", *rest) == integer(len(rest))
        assert raw("EXISTS", "h") == integer(0)

    def test_effects(self, effects: Listener) -> None:
        effects("HSET", "h", "a", 1, "b", 2, "c", 3)
        assert effects("HDEL", "h", "x") == ([], 0)
        assert effects("HDEL", "h", "a", "a") == (["hdel h"], 1)
        assert effects("HDEL", "h", "b", "c", "d") == (["hdel h", "del h"], 2)
        assert effects("HDEL", "h", "b") == ([], 0)

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("HDEL", "a", "f") == WRONG_TYPE


class TestHgetdel:
    """HGETDEL key FIELDS numfields field [field ...]."""

    def test_values(self, raw: RawClient, kind: str) -> None:
        expected = array(bulk(b"-5"), NIL, bulk(b"\x00\r\n\xff"), NIL)
        assert raw("HGETDEL", "h", "FIELDS", 4, "1", "nowhere", "a", "a") == expected
        assert pairs(raw, "h") == {field: value for field, value in FIELDS[kind].items() if field not in (b"1", b"a")}
        assert raw("HGETDEL", "missing", "fields", 1, "a") == array(NIL)

    def test_effects(self, effects: Listener) -> None:
        effects("HSET", "h", "a", 1, "b", 2, "c", 3)
        assert effects("HGETDEL", "h", "FIELDS", 2, "a", "a") == (["hdel h"], 1)
        assert effects("HGETDEL", "h", "FIELDS", 1, "a") == ([], 0)
        assert effects("HGETDEL", "h", "FIELDS", 2, "b", "c") == (["hdel h", "del h"], 2)

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            ("h FIELDS 2 a", b"ERR The `numfields` parameter must match the number of arguments"),
            ("h FIELDS 1 a b", b"ERR The `numfields` parameter must match the number of arguments"),
            ("h FIELDS 0 a", b"ERR Number of fields must be a positive integer"),
            ("missing FIELDS x a", b"ERR Number of fields must be a positive integer"),
            ("h FIELD 0 a", b"ERR Mandatory argument FIELDS is missing or not at the right position"),
            ("a FIELD 0 a", WRONG_TYPE.value),
            ("h FIELDS 1", wrong_arity("hgetdel").value),
        ],
    )
    def test_errors(self, raw: RawClient, words: str, error: bytes) -> None:
        raw("SET", "a", "x")
        raw("HSET", "h", "a", 1)
        assert raw("HGETDEL", *words.split()) == Reply("-", error)


class TestHlen:
    """HLEN key."""

    def test_length(self, raw: RawClient, kind: str) -> None:
        assert raw("HLEN", "h") == integer(len(FIELDS[kind]))
        assert raw("HLEN", "missing") == integer(0)

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("HLEN", "a") == WRONG_TYPE


class TestHstrlen:
    """HSTRLEN key field."""

    def test_length(self, raw: RawClient, kind: str) -> None:
        for field, value in FIELDS[kind].items():
            assert raw("HSTRLEN", "h", field) == integer(len(value))
        assert raw("HSTRLEN", "h", "nowhere") == raw("HSTRLEN", "missing", "a") == integer(0)

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("HSTRLEN", "a", "f") == WRONG_TYPE


class TestHexists:
    """HEXISTS key field."""

    def test_existence(self, raw: RawClient, kind: str) -> None:
        assert raw("HEXISTS", "h", "a") == raw("HEXISTS", "h", "") == integer(1)
        assert raw("HEXISTS", "h", "y" * 64) == raw("HEXISTS", "h", "9223372036854775808") == integer(0)
        assert raw("HEXISTS", "missing", "a") == integer(0)

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("HEXISTS", "a", "f") == WRONG_TYPE


class TestHincrby:
    """HINCRBY key field increment."""

    def test_adds(self, raw: RawClient, kind: str) -> None:
        assert raw("HINCRBY", "h", "1", 7) == integer(2)
        assert raw("HINCRBY", "h", "new", -3) == integer(-3)
        assert raw("HGET", "h", "new") == bulk(b"-3")
        assert raw("HINCRBY", "fresh", "a", HIGH) == integer(HIGH)

    def test_limits(self, raw: RawClient) -> None:
        overflow = Reply("-", b"ERR increment or decrement would overflow")
        raw("HSET", "h", "top", HIGH, "bottom", LOW)
        assert raw("HINCRBY", "h", "top", 1) == raw("HINCRBY", "h", "bottom", -1) == overflow
        assert raw("HINCRBY", "h", "top", LOW) == integer(-1)
        assert raw("HINCRBY", "h", "bottom", LOW) == overflow

    @pytest.mark.parametrize("value", ["", "a", "1.5", " 1", "007", "+1", "9223372036854775808"])
    def test_not_a_number(self, raw: RawClient, value: str) -> None:
        raw("HSET", "h", "a", value)
        assert raw("HINCRBY", "h", "a", 1) == Reply("-", b"ERR hash value is not an integer")
        assert raw("HGET", "h", "a") == bulk(value.encode())

    def test_encoding(self, raw: RawClient) -> None:
        raw("CONFIG", "SET", "hash-max-listpack-value", 4)
        raw("HINCRBY", "h", "a", 9999)
        assert encoding(raw, "h") == b"listpack"
        raw("HINCRBY", "h", "a", 1)
        assert encoding(raw, "h") == b"hashtable"

    def test_effects(self, effects: Listener) -> None:
        assert effects("HINCRBY", "h", "a", 0) == (["new h", "hincrby h"], 1)
        assert effects("HINCRBY", "h", "a", "x") == ([], 0)

    def test_errors(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("HINCRBY", "a", "f", "x") == NOT_AN_INTEGER
        assert raw("HINCRBY", "a", "f", 1) == WRONG_TYPE
        assert raw("HINCRBY", "missing", "f", "x") == NOT_AN_INTEGER
        assert raw("EXISTS", "missing") == integer(0)


class TestHincrbyfloat:
    """HINCRBYFLOAT key field increment."""

    @pytest.mark.parametrize(
        ("value", "increment", "expected"),
        [
            ("10.50", "0.1", b"10.6"),
            ("5.0e3", "2.0e2", b"5200"),
            ("007", "1", b"8"),
            ("1", "-1", b"0"),
            ("3", "1e30", None),
            (None, "3.0", b"3"),
        ],
    )
    def test_adds(self, raw: RawClient, value: str | None, increment: str, expected: bytes | None) -> None:
        if value is not None:
            raw("HSET", "h", "a", value)
        reply = raw("HINCRBYFLOAT", "h", "a", increment)
        assert expected is None or reply == bulk(expected)
        assert raw("HGET", "h", "a") == reply
        raw("HELLO", 3)
        assert raw("HINCRBYFLOAT", "h", "a", 0) == reply

    def test_table(self, raw: RawClient) -> None:
        raw("HSET", "h", "long", LONG)
        assert raw("HINCRBYFLOAT", "h", "a", "1e60") == bulk(b"999999999999999999999373423426722168652130621984886772203520")
        assert raw("HINCRBYFLOAT", "h", "a", "-1e60") == bulk(b"0")

    def test_encoding(self, raw: RawClient) -> None:
        raw("HINCRBYFLOAT", "h", "a", "1e70")
        assert encoding(raw, "h") == b"hashtable"

    @pytest.mark.parametrize("value", ["", "a", " 1", "1 ", "1.5x"])
    def test_not_a_number(self, raw: RawClient, value: str) -> None:
        raw("HSET", "h", "a", value)
        assert raw("HINCRBYFLOAT", "h", "a", 1) == Reply("-", b"ERR hash value is not a float")

    def test_effects(self, effects: Listener) -> None:
        assert effects("HINCRBYFLOAT", "h", "a", 0) == (["new h", "hincrbyfloat h"], 1)
        assert effects("HINCRBYFLOAT", "h", "a", "x") == ([], 0)

    def test_errors(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        raw("HSET", "h", "i", "inf", "n", "1e4932")
        assert raw("HINCRBYFLOAT", "a", "f", "x") == raw("HINCRBYFLOAT", "a", "f", "nan") == Reply("-", b"ERR value is not a valid float")
        assert raw("HINCRBYFLOAT", "a", "f", "inf") == raw("HINCRBYFLOAT", "a", "f", "-inf") == Reply("-", b"ERR value is NaN or Infinity")
        assert raw("HINCRBYFLOAT", "h", "i", "1") == Reply("-", b"ERR increment would produce NaN or Infinity")
        assert raw("HINCRBYFLOAT", "a", "f", "1") == WRONG_TYPE


class TestHrandfield:
    """HRANDFIELD key [count [WITHVALUES]]."""

    def test_one(self, raw: RawClient, kind: str) -> None:
        assert raw("HRANDFIELD", "h").value in FIELDS[kind]
        assert raw("HRANDFIELD", "missing") == NIL

    @pytest.mark.parametrize("count", [0, 1, 2, 5, 100, HIGH // 2])
    def test_distinct(self, raw: RawClient, kind: str, count: int) -> None:
        size = min(count, len(FIELDS[kind]))
        found = raw("HRANDFIELD", "h", count).plain()
        assert len(found) == len(set(found)) == size
        assert set(found) <= set(FIELDS[kind])
        words = raw("HRANDFIELD", "h", count, "withvalues").plain()
        found_pairs = dict(zip(words[::2], words[1::2], strict=True))
        assert len(found_pairs) == size
        assert found_pairs.items() <= FIELDS[kind].items()

    def test_with_repeats(self, raw: RawClient, kind: str) -> None:
        found = raw("HRANDFIELD", "h", -100).plain()
        assert len(found) == 100
        assert set(found) <= set(FIELDS[kind])
        words = raw("HRANDFIELD", "h", -100, "WITHVALUES").plain()
        assert len(words) == 200
        assert dict(zip(words[::2], words[1::2], strict=True)).items() <= FIELDS[kind].items()

    @pytest.mark.zippy_only  # Redis's tables favour fields that are alone in their bucket
    @pytest.mark.parametrize("entries", [0, 512])
    @pytest.mark.parametrize("count", [-3, 3, 12])
    def test_fair(self, raw: RawClient, entries: int, count: int) -> None:
        """Each field comes as often as the others: 20 fields, 6000 draws, a standard deviation of 17 from the 300 expected."""
        raw("CONFIG", "SET", "hash-max-listpack-entries", entries)
        raw("HSET", "h", *(word for n in range(20) for word in (n, n)))
        found: Counter[bytes] = Counter()
        draws = 6000 // abs(count)
        for _ in range(draws):
            raw.send("HRANDFIELD", "h", count)
        for _ in range(draws):
            found.update(raw.read().plain())
        assert len(found) == 20
        assert all(200 < times < 400 for times in found.values())

    def test_kinds(self, raw: RawClient) -> None:
        """In RESP3 fields and values come in pairs."""
        raw("HSET", "h", "a", 1)
        raw("HELLO", 3)
        pair = array(bulk(b"a"), bulk(b"1"))
        assert raw("HRANDFIELD", "h", 5, "WITHVALUES") == array(pair)
        assert raw("HRANDFIELD", "h", -2, "WITHVALUES") == array(pair, pair)
        assert raw("HRANDFIELD", "h", 5) == array(bulk(b"a"))
        assert raw("HRANDFIELD", "missing", 5, "WITHVALUES") == raw("HRANDFIELD", "h", 0, "WITHVALUES") == array()
        assert raw("HRANDFIELD", "missing") == Reply("_", None)

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            ("a x", NOT_AN_INTEGER.value),
            ("a x y z", NOT_AN_INTEGER.value),
            ("a 1 y", SYNTAX.value),
            ("a 1 WITHVALUES y", SYNTAX.value),
            (f"a {LOW}", b"ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"),
            (f"a {HIGH} x", SYNTAX.value),
            (f"a {HIGH} WITHVALUES", b"ERR value is out of range"),
            (f"a {-HIGH} WITHVALUES", b"ERR value is out of range"),
            ("a 1 WITHVALUES", WRONG_TYPE.value),
            ("a", WRONG_TYPE.value),
        ],
    )
    def test_errors(self, raw: RawClient, words: str, error: bytes) -> None:
        raw("SET", "a", "x")
        assert raw("HRANDFIELD", *words.split()) == Reply("-", error)

    @pytest.mark.zippy_only
    def test_bound(self, raw: RawClient) -> None:
        """A huge negative count would have a Redis reply for ever."""
        raw("CONFIG", "SET", "proto-max-bulk-len", 1 << 20)
        raw("HSET", "h", "a", 1)
        raw("HSET", "h", "b" * 1000, 1)
        for count in (-HIGH, -10_000_001, -(1 << 20) // 6 - 1):
            assert raw("HRANDFIELD", "h", count) == Reply("-", b"ERR value is out of range")
        assert raw("HRANDFIELD", "h", -100_000) == Reply("-", b"ERR reply exceeds maximum allowed size (proto-max-bulk-len)")
        assert raw("HRANDFIELD", "absent", -HIGH) == Reply("*", ())


class TestHscan:
    """HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]."""

    def test_whole(self, raw: RawClient, kind: str) -> None:
        """Each field is seen, and once where nothing changes; a small hash in one go."""
        words: list[bytes] = []
        cursor, calls = b"0", 0
        while calls == 0 or cursor != b"0":
            cursor, batch = raw("HSCAN", "h", cursor, "COUNT", 5).plain()
            words += batch
            calls += 1
        assert sorted(words[::2]) == sorted(FIELDS[kind])
        assert dict(zip(words[::2], words[1::2], strict=True)) == FIELDS[kind]
        assert (calls > 5) == (kind == "hashtable")

    def test_match(self, raw: RawClient, kind: str) -> None:
        assert raw("HSCAN", "h", 0, "MATCH", "-?", "COUNT", 100_000).plain() == [b"0", [b"-5", b"a"]]
        assert raw("HSCAN", "h", 0, "match", "-?", "novalues", "count", 100_000).plain() == [b"0", [b"-5"]]
        fields = raw("HSCAN", "h", 0, "NOVALUES", "COUNT", 100_000).plain()[1]
        assert sorted(fields) == sorted(FIELDS[kind])

    def test_kinds(self, raw: RawClient) -> None:
        raw("HSET", "h", "a", 1)
        raw("HELLO", 3)
        assert raw("HSCAN", "h", 7) == array(bulk(b"0"), array(bulk(b"a"), bulk(b"1")))

    def test_errors(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        raw("HSET", "h", "a", 1)
        assert raw("HSCAN", "missing", "x", "COUNT", 0) == Reply("-", b"ERR invalid cursor")
        assert raw("HSCAN", "missing", 0, "COUNT", 0) == array(bulk(b"0"), array())
        assert raw("HSCAN", "a", 0, "COUNT", 0) == WRONG_TYPE
        assert raw("HSCAN", "h", 0, "COUNT", 0) == SYNTAX
        assert raw("HSCAN", "h", 0, "NOVALUES", "COUNT") == SYNTAX
        assert raw("HSCAN", "h", 0, "TYPE", "hash") == SYNTAX
