"""The set group."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
import redis

from tests.listening import Listener
from tests.replies import NIL, NOT_AN_INTEGER, NOT_POSITIVE, SYNTAX, WRONG_TYPE, array, bulk, encoding, integer
from tests.resp import RawClient, Reply

LONG = b"x" * 65
"""Too long for a listpack."""
LOW, HIGH = -(2**63), 2**63 - 1
MEMBERS: dict[str, list[bytes]] = {
    "intset": [b"%d" % n for n in (LOW, -70_000, -200, -1, 0, 1, 5, 127, 128, 4096, 40_000, 2**31, HIGH)],
    "listpack": [b"", b"a", b"\x00\r\n\xff", b"1", b"-5", b"007", b"+1", b"9223372036854775808", b"x" * 64],
    "hashtable": [b"", b"1", b"-5", b"007", *(b"y" * size for size in (1, 65, 252, 253, 70_000)), *(b"m%d" % n for n in range(300))],
}


def members(raw: RawClient, key: str) -> list[bytes]:
    """The members, sorted."""
    return sorted(raw("SMEMBERS", key).plain())


def limits(raw: RawClient, **settings: int) -> None:
    """limits(raw, intset_entries=3): CONFIG SET set-max-intset-entries 3."""
    for name, value in settings.items():
        raw("CONFIG", "SET", "set-max-" + name.replace("_", "-"), value)


@pytest.fixture(params=MEMBERS)
def kind(request: pytest.FixtureRequest, raw: RawClient) -> str:
    """Runs a test for each encoding, with a set "s" of MEMBERS[kind]."""
    name = str(request.param)
    raw("SADD", "s", *MEMBERS[name])
    assert encoding(raw, "s") == name.encode()
    return name


class TestSadd:
    """SADD key member [member ...]."""

    def test_adds(self, raw: RawClient, kind: str) -> None:
        assert members(raw, "s") == sorted(MEMBERS[kind])
        assert raw("SADD", "s", *MEMBERS[kind], MEMBERS[kind][0]) == integer(0)
        assert raw("SADD", "s", "2", "2", *MEMBERS[kind][:2]) == integer(1)
        assert members(raw, "s") == sorted([*MEMBERS[kind], b"2"])

    @pytest.mark.parametrize(
        ("first", "then", "expected"),
        [
            (["1", "2", "3"], [], b"intset"),
            (["1", "a"], [], b"listpack"),
            (["a", "1"], [], b"listpack"),
            ([LONG], [], b"hashtable"),
            (["1"], [LONG], b"hashtable"),
            (["a"], [LONG], b"hashtable"),
            (["1", "2"], ["a"], b"listpack"),
            (range(512), [], b"intset"),
            (range(513), [], b"hashtable"),
            (range(512), [512], b"hashtable"),
            (range(127), ["a"], b"listpack"),
            (range(128), ["a"], b"hashtable"),
            (["a", *range(127)], [], b"listpack"),
            (["a", *range(128)], [], b"hashtable"),
            (["a", *range(127)], [200], b"hashtable"),
            (["a", *range(127)], [1], b"listpack"),
            (["1"] * 512, [], b"intset"),
            (["1"] * 513, [], b"hashtable"),
            (["1"] * 600 + ["a"], [], b"hashtable"),
            (["a"] * 128, [], b"listpack"),
            (["a"] * 129, [], b"hashtable"),
            (["1"] * 129 + ["a"], [], b"listpack"),
            (["a"], ["a"] * 129, b"hashtable"),
            (["1"], ["1"] * 513, b"hashtable"),
            (["007"], [], b"listpack"),
            ([str(HIGH + 1)], [], b"listpack"),
        ],
    )
    def test_encoding(self, raw: RawClient, first: Any, then: Any, expected: bytes) -> None:
        """By how many members a command brings, and by the longest."""
        raw("SADD", "s", *first)
        if then:
            raw("SADD", "s", *then)
        assert encoding(raw, "s") == expected

    def test_encoding_with_low_limits(self, raw: RawClient) -> None:
        limits(raw, listpack_value=2)
        for words, expected in (("1234 5", b"intset"), ("1234 a", b"hashtable"), ("12 a", b"listpack"), ("-1 a", b"listpack"),
                                ("-12 a", b"hashtable"), ("a 123", b"hashtable"), ("abc", b"hashtable")):  # fmt: skip
            raw("DEL", "s")
            raw("SADD", "s", *words.split())
            assert encoding(raw, "s") == expected, words
        limits(raw, intset_entries=0, listpack_value=64)
        raw("SADD", "none", 1)
        assert encoding(raw, "none") == b"listpack"

    def test_order(self, raw: RawClient) -> None:
        """An intset is sorted, a listpack keeps the order of insertion, and integers stay in front when it comes from an intset."""
        raw("SADD", "s", 3, 1, 2)
        assert raw("SMEMBERS", "s").plain() == [b"1", b"2", b"3"]
        raw("SADD", "s", "b", "a", 0)
        assert raw("SMEMBERS", "s").plain() == [b"1", b"2", b"3", b"b", b"a", b"0"]

    def test_effects(self, effects: Listener) -> None:
        assert effects("SADD", "s", 1, 1, 2) == (["new s", "sadd s"], 2)
        assert effects("SADD", "s", 1, 3) == (["sadd s"], 1)
        assert effects("SADD", "s", 1, 3) == ([], 0)

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("SADD", "a", "x") == WRONG_TYPE


class TestSrem:
    """SREM key member [member ...]."""

    def test_removes(self, raw: RawClient, kind: str) -> None:
        first, second, *rest = MEMBERS[kind]
        assert raw("SREM", "s", first, first, second, "nowhere", "999") == integer(2)
        assert members(raw, "s") == sorted(rest)
        assert encoding(raw, "s") == kind.encode()
        assert raw("SREM", "s", *rest) == integer(len(rest))
        assert raw("EXISTS", "s") == integer(0)

    def test_effects(self, effects: Listener) -> None:
        effects("SADD", "s", 1, 2, 3)
        assert effects("SREM", "s", 9) == ([], 0)
        assert effects("SREM", "s", 1, 9) == (["srem s"], 1)
        assert effects("SREM", "s", 2, 3, 9) == (["srem s", "del s"], 2)
        assert effects("SREM", "s", 2) == ([], 0)

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("SREM", "a", "x") == WRONG_TYPE


class TestSmove:
    """SMOVE source destination member."""

    def test_moves(self, raw: RawClient, kind: str) -> None:
        moved = MEMBERS[kind][-1]
        assert raw("SMOVE", "s", "t", moved) == integer(1)
        assert raw("SMOVE", "s", "t", moved) == integer(0)
        assert members(raw, "t") == [moved]
        assert members(raw, "s") == sorted(MEMBERS[kind][:-1])

    def test_encoding_of_the_destination(self, raw: RawClient) -> None:
        raw("SADD", "s", "1", "a", LONG)
        for member, expected in ((b"1", b"intset"), (b"a", b"listpack"), (LONG, b"hashtable")):
            raw("SMOVE", "s", "t", member)
            assert encoding(raw, "t") == expected

    def test_same_set(self, raw: RawClient) -> None:
        raw("SADD", "s", "a")
        assert raw("SMOVE", "s", "s", "a") == integer(1)
        assert raw("SMOVE", "s", "s", "b") == integer(0)

    def test_effects(self, effects: Listener) -> None:
        effects("SADD", "s", "a", "b", "c")
        effects("SADD", "t", "b")
        assert effects("SMOVE", "s", "t", "a") == (["srem s", "sadd t"], 2)
        assert effects("SMOVE", "s", "t", "b") == (["srem s"], 1)
        assert effects("SMOVE", "s", "new", "c") == (["srem s", "del s", "new new", "sadd new"], 2)
        assert effects("SMOVE", "s", "new", "c") == ([], 0)

    def test_other_types(self, raw: RawClient) -> None:
        raw("SADD", "s", "a")
        raw("SET", "a", "x")
        assert raw("SMOVE", "missing", "a", "a") == integer(0)
        assert raw("SMOVE", "s", "a", "b") == WRONG_TYPE
        assert raw("SMOVE", "a", "s", "b") == WRONG_TYPE
        assert raw("SMOVE", "a", "a", "b") == WRONG_TYPE


class TestScard:
    """SCARD key."""

    def test_length(self, raw: RawClient, kind: str) -> None:
        assert raw("SCARD", "s") == integer(len(MEMBERS[kind]))
        assert raw("SCARD", "missing") == integer(0)

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("SCARD", "a") == WRONG_TYPE


class TestSismember:
    """SISMEMBER key member."""

    def test_membership(self, raw: RawClient, kind: str) -> None:
        assert all(raw("SISMEMBER", "s", member) == integer(1) for member in MEMBERS[kind])
        for member in (b"2", b"02", b"-0", b"nowhere", b"1" * 30):
            assert raw("SISMEMBER", "s", member) == integer(0)
        assert raw("SISMEMBER", "missing", "a") == integer(0)

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("SISMEMBER", "a", "x") == WRONG_TYPE


class TestSmismember:
    """SMISMEMBER key member [member ...]."""

    def test_membership(self, raw: RawClient, kind: str) -> None:
        assert raw("SMISMEMBER", "s", MEMBERS[kind][0], "nowhere", MEMBERS[kind][-1]) == array(integer(1), integer(0), integer(1))
        assert raw("SMISMEMBER", "missing", "a", "b") == array(integer(0), integer(0))

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("SMISMEMBER", "a", "x") == WRONG_TYPE


class TestSmembers:
    """SMEMBERS key."""

    def test_members(self, r: redis.Redis) -> None:
        for words in MEMBERS.values():
            r.delete("s")
            r.sadd("s", *words)
            assert r.smembers("s") == set(words)

    def test_kinds(self, raw: RawClient) -> None:
        """An array in RESP2, a set in RESP3, empty for an absent key."""
        raw("SADD", "s", "a")
        assert raw("SMEMBERS", "s") == array(bulk(b"a"))
        assert raw("SMEMBERS", "missing") == array()
        raw("HELLO", 3)
        assert raw("SMEMBERS", "s") == Reply("~", (bulk(b"a"),))
        assert raw("SMEMBERS", "missing") == Reply("~", ())

    def test_other_type(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("SMEMBERS", "a") == WRONG_TYPE


class TestSscan:
    """SSCAN key cursor [MATCH pattern] [COUNT count]."""

    def test_whole(self, raw: RawClient, kind: str) -> None:
        """Each member is seen, and once where nothing changes; a small set in one go, whatever cursor and count."""
        found: list[bytes] = []
        cursor, calls = b"0", 0
        while calls == 0 or cursor != b"0":
            cursor, batch = raw("SSCAN", "s", cursor, "COUNT", 5).plain()
            found += batch
            calls += 1
        assert sorted(found) == sorted(MEMBERS[kind])
        assert (calls > 5) == (kind == "hashtable")

    def test_while_it_changes(self, raw: RawClient) -> None:
        """What is there all the time is seen, though the table grows and shrinks between the calls."""
        lasting = {b"lasting:%d" % n for n in range(100)}
        raw("SADD", "s", *lasting, *(f"a{n}" for n in range(1000)))
        found: set[bytes] = set()
        cursor, calls = b"0", 0
        while calls == 0 or cursor != b"0":
            cursor, batch = raw("SSCAN", "s", cursor, "COUNT", 20).plain()
            found.update(batch)
            calls += 1
            if calls <= 10:
                raw("SADD", "s", *(f"b{calls}:{n}" for n in range(300)))
            elif calls <= 20:
                raw("SREM", "s", *(f"b{calls - 10}:{n}" for n in range(300)), *(f"a{n}" for n in range(1000)))
        assert found >= lasting

    def test_match(self, raw: RawClient, kind: str) -> None:
        matching = [member for member in MEMBERS[kind] if member.startswith(b"-")]
        assert raw("SSCAN", "s", 0, "MATCH", "-*", "COUNT", 100_000).plain() == [b"0", matching]
        assert raw("SSCAN", "s", 0, "MATCH", "nothing", "MATCH", "*", "COUNT", 100_000).plain()[1] != []

    def test_errors(self, raw: RawClient) -> None:
        """The cursor is read first; an absent key has nothing to be read for."""
        raw("SADD", "s", "a")
        raw("SET", "a", "x")
        assert raw("SSCAN", "missing", "x", "COUNT", 0) == Reply("-", b"ERR invalid cursor")
        assert raw("SSCAN", "missing", 0, "COUNT", 0) == array(bulk(b"0"), array())
        assert raw("SSCAN", "a", 0, "COUNT", 0) == WRONG_TYPE
        assert raw("SSCAN", "s", 0, "COUNT", 0) == SYNTAX
        assert raw("SSCAN", "s", 0, "COUNT", "x") == NOT_AN_INTEGER
        assert raw("SSCAN", "s", 0, "COUNT") == SYNTAX
        assert raw("SSCAN", "s", 0, "TYPE", "set") == SYNTAX
        assert raw("SSCAN", "s", 0, "NOVALUES") == Reply("-", b"ERR NOVALUES option can only be used in HSCAN")

    @pytest.mark.parametrize("cursor", ["x", "", "-1", str(2**64), "0 ", "--1"])
    def test_bad_cursor(self, raw: RawClient, cursor: str) -> None:
        assert raw("SSCAN", "s", cursor) == Reply("-", b"ERR invalid cursor")

    @pytest.mark.parametrize("cursor", [" 0", "+0", "00", str(2**64 - 1)])
    def test_odd_cursor(self, raw: RawClient, cursor: str) -> None:
        raw("SADD", "s", "a")
        assert raw("SSCAN", "s", cursor) == array(bulk(b"0"), array(bulk(b"a")))


class TestSrandmember:
    """SRANDMEMBER key [count]."""

    def test_one(self, raw: RawClient, kind: str) -> None:
        assert raw("SRANDMEMBER", "s").value in MEMBERS[kind]
        assert raw("SRANDMEMBER", "missing") == NIL

    def test_distinct(self, raw: RawClient, kind: str) -> None:
        for count in (0, 1, 2, 4, 100, 1000, HIGH):
            found = raw("SRANDMEMBER", "s", count).plain()
            assert len(found) == len(set(found)) == min(count, len(MEMBERS[kind]))
            assert set(found) <= set(MEMBERS[kind])
        assert raw("SCARD", "s") == integer(len(MEMBERS[kind]))

    def test_with_repeats(self, raw: RawClient, kind: str) -> None:
        found = raw("SRANDMEMBER", "s", -1000).plain()
        assert len(found) == 1000
        assert set(found) <= set(MEMBERS[kind])

    @pytest.mark.zippy_only  # Redis's tables favour members that are alone in their bucket
    @pytest.mark.parametrize("kind_", ["intset", "listpack", "hashtable"])
    @pytest.mark.parametrize("count", [-3, 3, 12])
    def test_fair(self, raw: RawClient, kind_: str, count: int) -> None:
        """Each member comes as often as the others: 20 members, 6000 draws, a standard deviation of 17 from the 300 expected."""
        limits(raw, intset_entries=0 if kind_ != "intset" else 512, listpack_entries=0 if kind_ == "hashtable" else 128)
        raw("SADD", "s", *range(20))
        assert encoding(raw, "s") == kind_.encode()
        found: Counter[bytes] = Counter()
        draws = 6000 // abs(count)
        for _ in range(draws):
            raw.send("SRANDMEMBER", "s", count)
        for _ in range(draws):
            found.update(raw.read().plain())
        assert len(found) == 20
        assert all(200 < times < 400 for times in found.values())

    def test_kinds(self, raw: RawClient) -> None:
        """An array in RESP3 too."""
        raw("SADD", "s", "a")
        raw("HELLO", 3)
        assert raw("SRANDMEMBER", "s", 5) == array(bulk(b"a"))
        assert raw("SRANDMEMBER", "s", -2) == array(bulk(b"a"), bulk(b"a"))
        assert raw("SRANDMEMBER", "missing", 5) == array()
        assert raw("SRANDMEMBER", "missing") == Reply("_", None)

    def test_errors(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("SRANDMEMBER", "a", "x") == NOT_AN_INTEGER
        assert raw("SRANDMEMBER", "a", "x", "y") == SYNTAX
        assert raw("SRANDMEMBER", "a") == raw("SRANDMEMBER", "a", 1) == WRONG_TYPE
        assert raw("SRANDMEMBER", "a", LOW) == Reply(
            "-", b"ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
        )

    @pytest.mark.zippy_only
    def test_bound(self, raw: RawClient) -> None:
        """A huge negative count would have a Redis reply for ever."""
        raw("CONFIG", "SET", "proto-max-bulk-len", 1 << 20)
        raw("SADD", "s", "a")
        for count in (-HIGH, -10_000_001, -(1 << 20) // 6 - 1):
            assert raw("SRANDMEMBER", "s", count) == Reply("-", b"ERR value is out of range")
        assert raw("SRANDMEMBER", "s", -160_000) == Reply("-", b"ERR reply exceeds maximum allowed size (proto-max-bulk-len)")
        raw("CONFIG", "SET", "client-output-buffer-limit", "normal 6000 0 0")
        assert raw("SRANDMEMBER", "s", -1001) == Reply("-", b"ERR value is out of range")
        assert raw("SRANDMEMBER", "s", -1000) == Reply("-", b"ERR reply exceeds maximum allowed size (proto-max-bulk-len)")
        raw("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
        assert raw("SRANDMEMBER", "absent", -HIGH) == Reply("*", ())
        assert raw("SRANDMEMBER", "s", -2) == array(bulk(b"a"), bulk(b"a"))


class TestSpop:
    """SPOP key [count]."""

    def test_one(self, raw: RawClient, kind: str) -> None:
        popped = {raw("SPOP", "s").value for _ in MEMBERS[kind]}
        assert popped == set(MEMBERS[kind])
        assert raw("SPOP", "s") == NIL
        assert raw("EXISTS", "s") == integer(0)

    @pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.8, 0.9, 1.0, 2.0])
    def test_count(self, raw: RawClient, kind: str, share: float) -> None:
        count = int(share * len(MEMBERS[kind]))
        popped = raw("SPOP", "s", count).plain()
        assert len(popped) == len(set(popped)) == min(count, len(MEMBERS[kind]))
        assert sorted(popped + members(raw, "s")) == sorted(MEMBERS[kind])

    def test_encoding(self, raw: RawClient) -> None:
        """When few stay they move to a new set: the one way in which a table becomes a listpack again."""
        for first, count, before, after in (
            (range(200), 190, b"intset", b"intset"),
            (["a", *range(100)], 95, b"listpack", b"listpack"),
            (range(600), 300, b"hashtable", b"hashtable"),
            (range(600), 499, b"hashtable", b"hashtable"),
            (range(600), 500, b"hashtable", b"listpack"),
            ([f"m{n}" for n in range(2000)], 1800, b"hashtable", b"hashtable"),
        ):
            raw("DEL", "s")
            raw("SADD", "s", *first)
            assert encoding(raw, "s") == before
            raw("SPOP", "s", count)
            assert encoding(raw, "s") == after, (count, before)

    def test_effects(self, effects: Listener) -> None:
        effects("SADD", "s", *range(10))
        assert effects("SPOP", "s") == (["spop s"], 1)
        assert effects("SPOP", "s", 0) == ([], 0)
        assert effects("SPOP", "s", 3) == (["spop s"], 3)
        assert effects("SPOP", "s", 10) == (["spop s", "del s"], 6)
        assert effects("SPOP", "s", 10) == ([], 0)
        effects("SADD", "s", "a")
        assert effects("SPOP", "s") == (["spop s", "del s"], 1)

    def test_kinds(self, raw: RawClient) -> None:
        raw("SADD", "s", "a", "b")
        assert raw("SPOP", "missing", 1) == array()
        raw("HELLO", 3)
        assert raw("SPOP", "s", 1).kind == "~"
        assert raw("SPOP", "s", 0) == raw("SPOP", "missing", 1) == Reply("~", ())
        assert raw("SPOP", "missing") == Reply("_", None)

    def test_errors(self, raw: RawClient) -> None:
        raw("SET", "a", "x")
        assert raw("SPOP", "a", "x") == raw("SPOP", "a", -1) == NOT_POSITIVE
        assert raw("SPOP", "a", 1, 2) == SYNTAX
        assert raw("SPOP", "a") == raw("SPOP", "a", 0) == WRONG_TYPE


def fill(raw: RawClient) -> None:
    """Sets of all encodings under a, b, c; w holds a string."""
    raw("SADD", "a", *range(10))
    raw("SADD", "b", "x", *range(5, 15))
    raw("SADD", "c", LONG, "x", *range(8))
    raw("SET", "w", "x")


class TestSinter:
    """SINTER key [key ...]."""

    @pytest.mark.parametrize(
        ("keys", "expected"),
        [
            ("a", "0 1 2 3 4 5 6 7 8 9"),
            ("a b", "5 6 7 8 9"),
            ("b c", "5 6 7 x"),
            ("a b c", "5 6 7"),
            ("c b a c", "5 6 7"),
            ("a a", "0 1 2 3 4 5 6 7 8 9"),
            ("a missing", ""),
            ("missing", ""),
        ],
    )
    def test_intersection(self, raw: RawClient, keys: str, expected: str) -> None:
        fill(raw)
        assert sorted(raw("SINTER", *keys.split()).plain()) == expected.encode().split()

    @pytest.mark.parametrize("sizes", [(7, 9), (9, 9, 9), (60, 100), (120, 120, 30), (100, 400), (400, 30)])
    def test_members_of_all_kinds(self, raw: RawClient, sizes: tuple[int, ...]) -> None:
        """Sets of many sizes, so of all encodings, of integers and of texts that look like them."""
        choice = random.Random(sum(sizes))
        kinds = [str, lambda n: f"0{n}", lambda n: f"-{n}", lambda n: f"member:{n}", lambda n: "x" * (n % 70) + str(n)]
        sets = []
        for place, size in enumerate(sizes):
            members = {choice.choice(kinds)(choice.randrange(size)).encode() for _ in range(size)}
            raw("SADD", f"set{place}", *members)
            sets.append(members)
        keys = [f"set{place}" for place in range(len(sets))]
        assert set(raw("SINTER", *keys).plain()) == set.intersection(*sets)
        assert raw("SINTERCARD", len(keys), *keys) == integer(len(set.intersection(*sets)))
        assert set(raw("SUNION", *keys).plain()) == set.union(*sets)
        assert set(raw("SDIFF", *keys).plain()) == set.difference(*sets)

    def test_kinds(self, raw: RawClient) -> None:
        fill(raw)
        raw("HELLO", 3)
        assert raw("SINTER", "a", "b").kind == "~"
        assert raw("SINTER", "a", "missing") == Reply("~", ())

    def test_other_type(self, raw: RawClient) -> None:
        """It is an error even where the result is empty anyway."""
        fill(raw)
        for keys in ("w", "a w", "missing w", "w missing", "a missing w"):
            assert raw("SINTER", *keys.split()) == WRONG_TYPE


class TestSintercard:
    """SINTERCARD numkeys key [key ...] [LIMIT limit]."""

    @pytest.mark.parametrize(
        ("words", "expected"),
        [("2 a b", 5), ("3 a b c", 3), ("2 a b LIMIT 0", 5), ("2 a b limit 2", 2), ("2 a b LIMIT 9", 5), ("2 a b LIMIT 9 LIMIT 1", 1),
         ("2 a missing", 0), ("2 a missing LIMIT 3", 0), ("1 missing", 0)],
    )  # fmt: skip
    def test_length(self, raw: RawClient, words: str, expected: int) -> None:
        fill(raw)
        assert raw("SINTERCARD", *words.split()) == integer(expected)

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            ("0 a", b"ERR numkeys should be greater than 0"),
            ("x a", b"ERR numkeys should be greater than 0"),
            ("-1 a", b"ERR numkeys should be greater than 0"),
            ("2 a", b"ERR Number of keys can't be greater than number of args"),
            ("9999999999999999 a", b"ERR Number of keys can't be greater than number of args"),
            ("1 a LIMIT", SYNTAX.value),
            ("1 a COUNT 1", SYNTAX.value),
            ("1 a LIMIT -1", b"ERR LIMIT can't be negative"),
            ("1 w LIMIT x", b"ERR LIMIT can't be negative"),
            ("1 w LIMIT 1", WRONG_TYPE.value),
            ("2 missing w", WRONG_TYPE.value),
        ],
    )
    def test_errors(self, raw: RawClient, words: str, error: bytes) -> None:
        fill(raw)
        assert raw("SINTERCARD", *words.split()) == Reply("-", error)


class TestSinterstore:
    """SINTERSTORE destination key [key ...]."""

    def test_stores(self, raw: RawClient) -> None:
        fill(raw)
        assert raw("SINTERSTORE", "d", "b", "c") == integer(4)
        assert members(raw, "d") == [b"5", b"6", b"7", b"x"]
        assert raw("SINTERSTORE", "a", "a", "b") == integer(5)
        assert members(raw, "a") == [b"5", b"6", b"7", b"8", b"9"]
        assert raw("SINTERSTORE", "w", "a", "missing") == integer(0)
        assert raw("EXISTS", "w") == integer(0)

    def test_encoding(self, raw: RawClient) -> None:
        """As the members need it; integers go into an intset, wherever they come from."""
        raw("SADD", "t", LONG, *range(600))
        raw("SADD", "u", "x", *range(600))
        raw("SADD", "few", LONG, *range(5))
        raw("SADD", "fewx", LONG, "x", *range(5))
        raw("SADD", "some", LONG, *range(400))
        for keys, expected in (("t t", b"hashtable"), ("t few", b"hashtable"), ("u few", b"intset"), ("u fewx", b"listpack"),
                               ("u some", b"intset"), ("t u", b"hashtable")):  # fmt: skip
            raw("SINTERSTORE", "d", *keys.split())
            assert encoding(raw, "d") == expected, keys

    def test_effects(self, effects: Listener) -> None:
        fill(effects.raw)
        assert effects("SINTERSTORE", "d", "a", "b") == (["new d", "sinterstore d"], 1)
        assert effects("SINTERSTORE", "w", "a", "b") == (["overwritten w", "type_changed w", "sinterstore w"], 1)
        assert effects("SINTERSTORE", "d", "a", "missing")[1] == 1
        assert effects("SINTERSTORE", "d", "a", "missing")[1] == 0

    def test_expiry_goes(self, raw: RawClient) -> None:
        fill(raw)
        raw("EXPIRE", "c", 1000)
        raw("SINTERSTORE", "c", "a", "b")
        assert raw("TTL", "c") == integer(-1)

    def test_other_type(self, raw: RawClient) -> None:
        fill(raw)
        assert raw("SINTERSTORE", "w", "a", "missing", "w") == WRONG_TYPE
        assert raw("GET", "w") == bulk(b"x")


class TestSunion:
    """SUNION key [key ...]."""

    @pytest.mark.parametrize("keys", ["a", "a b", "a b c", "c a b a missing", "missing", "a missing", "a b c a b c a", "missing a b c x"])
    def test_union(self, raw: RawClient, keys: str) -> None:
        fill(raw)
        expected = {member for key in keys.split() for member in raw("SMEMBERS", key).plain()}
        found = raw("SUNION", *keys.split()).plain()
        assert len(found) == len(expected)
        assert set(found) == expected

    def test_kinds(self, raw: RawClient) -> None:
        fill(raw)
        raw("HELLO", 3)
        assert raw("SUNION", "a", "b").kind == raw("SUNION", "a", "b", "c", "a", "b").kind == "~"
        assert raw("SUNION", "missing") == Reply("~", ())

    def test_other_type(self, raw: RawClient) -> None:
        fill(raw)
        assert raw("SUNION", "missing", "w") == WRONG_TYPE


class TestSunionstore:
    """SUNIONSTORE destination key [key ...]."""

    def test_stores(self, raw: RawClient) -> None:
        fill(raw)
        assert raw("SUNIONSTORE", "d", "a", "b", "missing") == integer(16)
        assert members(raw, "d") == sorted([b"x", *(b"%d" % n for n in range(15))])
        assert raw("SUNIONSTORE", "b", "a", "b") == integer(16)
        assert raw("SUNIONSTORE", "w", "missing") == integer(0)
        assert raw("EXISTS", "w") == integer(0)

    def test_encoding(self, raw: RawClient) -> None:
        """As if the members were added to an intset one by one."""
        raw("SADD", "ints", *range(400))
        raw("SADD", "more", *range(400, 600))
        raw("SADD", "x", "x")
        raw("SADD", "table", *["1"] * 600)
        for keys, expected in (("ints", b"intset"), ("ints more", b"hashtable"), ("x ints", b"hashtable"), ("table", b"intset"),
                               ("table x", b"listpack"), ("x table", b"listpack")):  # fmt: skip
            raw("SUNIONSTORE", "d", *keys.split())
            assert encoding(raw, "d") == expected, keys

    def test_effects(self, effects: Listener) -> None:
        fill(effects.raw)
        assert effects("SUNIONSTORE", "d", "a", "b") == (["new d", "sunionstore d"], 1)
        assert effects("SUNIONSTORE", "d", "missing")[1] == 1
        assert effects("SUNIONSTORE", "d", "missing")[1] == 0

    def test_other_type(self, raw: RawClient) -> None:
        fill(raw)
        assert raw("SUNIONSTORE", "d", "w") == WRONG_TYPE


class TestSdiff:
    """SDIFF key [key ...]."""

    @pytest.mark.parametrize(
        ("keys", "expected"),
        [
            ("a", "0 1 2 3 4 5 6 7 8 9"),
            ("a b", "0 1 2 3 4"),
            ("a c", "8 9"),
            ("a b c", ""),
            ("b a c", "10 11 12 13 14"),
            ("a a", ""),
            ("a missing", "0 1 2 3 4 5 6 7 8 9"),
            ("missing a", ""),
            ("b one one two", "10 11 12 13 14 5 6 7 8 9"),
            ("a one two missing one two", "1 3 4 5 6 7 8 9"),
        ],
    )
    def test_difference(self, raw: RawClient, keys: str, expected: str) -> None:
        fill(raw)
        raw("SADD", "one", "x")
        raw("SADD", "two", "0", "2")
        assert sorted(raw("SDIFF", *keys.split()).plain()) == expected.encode().split()

    def test_kinds(self, raw: RawClient) -> None:
        fill(raw)
        raw("HELLO", 3)
        assert raw("SDIFF", "a", "b").kind == "~"
        assert raw("SDIFF", "missing") == raw("SDIFF", "a", "a") == Reply("~", ())

    def test_other_type(self, raw: RawClient) -> None:
        fill(raw)
        assert raw("SDIFF", "missing", "w") == WRONG_TYPE


class TestSdiffstore:
    """SDIFFSTORE destination key [key ...]."""

    def test_stores(self, raw: RawClient) -> None:
        fill(raw)
        assert raw("SDIFFSTORE", "d", "a", "b") == integer(5)
        assert members(raw, "d") == [b"0", b"1", b"2", b"3", b"4"]
        assert raw("SDIFFSTORE", "w", "a", "a") == integer(0)
        assert raw("EXISTS", "w") == integer(0)

    def test_encoding(self, raw: RawClient) -> None:
        """Probing leaves a result that never was larger than it is; removing from a copy, one that was."""
        raw("SADD", "large", "x", *range(300))
        raw("SADD", "nearly", *range(299))
        for others, expected in ((["nearly"], b"listpack"), ([f"n{n}" for n in range(9)], b"hashtable")):
            for n in range(9):
                raw("SADD", f"n{n}", *range(n * 31, n * 31 + 31))
            raw("SDIFFSTORE", "d", "large", *others)
            assert encoding(raw, "d") == expected, others

    def test_effects(self, effects: Listener) -> None:
        fill(effects.raw)
        assert effects("SDIFFSTORE", "d", "a", "b") == (["new d", "sdiffstore d"], 1)
        assert effects("SDIFFSTORE", "d", "a", "a") == (["del d"], 1)
        assert effects("SDIFFSTORE", "d", "a", "a") == ([], 0)

    def test_other_type(self, raw: RawClient) -> None:
        fill(raw)
        assert raw("SDIFFSTORE", "d", "a", "w") == WRONG_TYPE
