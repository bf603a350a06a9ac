"""The sorted set group but for its set operations, pops and samples."""

from __future__ import annotations

import pytest

from tests.commands.sorted_sets import LEX_SCORES, LIMIT_ALONE, LONG, NO_LEX_RANGE, NO_RANGE, content, double, pairs, run, words
from tests.listening import Listener
from tests.replies import (
    EMPTY,
    NIL,
    NIL3,
    NIL_ARRAY,
    NOT_A_FLOAT,
    NOT_AN_INTEGER,
    SYNTAX,
    WRONG_TYPE,
    array,
    bulk,
    encoding,
    error,
    integer,
)
from tests.resp import RawClient, Reply

FAR = 99_999_999_999
"""A time in seconds that no test reaches."""


@pytest.mark.usefixtures("kind")
class TestZadd:
    """ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]."""

    @pytest.mark.parametrize(
        ("arguments", "expected", "after"),
        [
            ("0 f 9 a", integer(1), "f 0 b 2 c 3 d 3 e 5 a 9"),
            ("2.5 c", integer(0), "a 1 b 2 c 2.5 d 3 e 5"),
            ("CH 2.5 c 3 d 1 z", integer(2), "a 1 z 1 b 2 c 2.5 d 3 e 5"),
            ("NX 9 a 9 f", integer(1), "b 2 c 3 d 3 e 5 a 1 f 9"),
            ("XX CH 9 a 9 f", integer(1), "b 2 c 3 d 3 e 5 a 9"),
            ("GT CH 0 a 4 b 4 f", integer(2), "a 1 c 3 d 3 b 4 f 4 e 5"),
            ("LT CH 0 a 4 b 4 f", integer(2), "a 0 b 2 c 3 d 3 f 4 e 5"),
            ("xx gt ch 9 a 9 f 1 e", integer(1), "b 2 c 3 d 3 e 5 a 9"),
            ("INCR 4 a", bulk("5"), "b 2 c 3 d 3 a 5 e 5"),
            ("INCR 4 f", bulk("4"), "a 1 b 2 c 3 d 3 f 4 e 5"),
            ("NX INCR 4 a", NIL, "a 1 b 2 c 3 d 3 e 5"),
            ("XX INCR 4 f", NIL, "a 1 b 2 c 3 d 3 e 5"),
            ("GT INCR -1 a", NIL, "a 1 b 2 c 3 d 3 e 5"),
            ("GT INCR 0 a", NIL, "a 1 b 2 c 3 d 3 e 5"),
            ("LT INCR -1 a", bulk("0"), "a 0 b 2 c 3 d 3 e 5"),
            ("1 f 2 f 3 f", integer(1), "a 1 b 2 c 3 d 3 f 3 e 5"),
            ("inf a -inf e", integer(0), "e -inf b 2 c 3 d 3 a inf"),
            ("1e-7 a 0x10 b 1e22 c 123456789012345678 d .5 e", integer(0), "a 1e-7 e 0.5 b 16 d 123456789012345680 c 1e+22"),
            ('1 ""', integer(1), " 1 a 1 b 2 c 3 d 3 e 5"),
        ],
    )
    def test_adds(self, raw: RawClient, arguments: str, expected: Reply, after: str) -> None:
        assert run(raw, f"ZADD z {arguments}") == expected
        assert sorted(content(raw, "z").split(" ")) == sorted(after.split(" "))
        scores = [float(score) for score in content(raw, "z").split(" ")[1::2]]
        assert scores == sorted(scores)

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("1", error("ERR wrong number of arguments for 'zadd' command")),
            ("NX 1", SYNTAX),
            ("1 a 2", SYNTAX),
            ("NX CH", SYNTAX),
            ("NX XX 1 a", error("ERR XX and NX options at the same time are not compatible")),
            ("NX GT 1 a", error("ERR GT, LT, and/or NX options at the same time are not compatible")),
            ("GT LT 1 a", error("ERR GT, LT, and/or NX options at the same time are not compatible")),
            ("INCR 1 a 2 b", error("ERR INCR option supports a single increment-element pair")),
            ("foo a", NOT_A_FLOAT),
            ("9 a foo b", NOT_A_FLOAT),
            ("nan a", NOT_A_FLOAT),
            ("1e400 a", NOT_A_FLOAT),
            ('"" a', NOT_A_FLOAT),
        ],
    )
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"ZADD z {arguments}") == expected
        assert run(raw, f"ZADD s {arguments}") == expected
        assert content(raw, "z") == "a 1 b 2 c 3 d 3 e 5"

    def test_other_types_and_missing_keys(self, raw: RawClient) -> None:
        assert run(raw, "ZADD s 1 a") == WRONG_TYPE
        assert run(raw, "ZADD n XX 1 a") == integer(0)
        assert run(raw, "ZADD n XX INCR 1 a") == NIL
        assert run(raw, "EXISTS n") == integer(0)
        assert run(raw, "ZADD n GT 1 a") == integer(1)

    def test_sum_that_is_no_number(self, raw: RawClient) -> None:
        run(raw, "ZADD z inf a")
        assert run(raw, "ZADD z INCR -inf a") == error("ERR resulting score is not a number (NaN)")
        assert run(raw, "ZSCORE z a") == bulk("inf")

    def test_resp3(self, raw: RawClient) -> None:
        raw("HELLO", 3)
        assert run(raw, "ZADD z INCR 1.5 a") == double("2.5")
        assert run(raw, "ZADD z NX INCR 1.5 a") == NIL3

    def test_events(self, hear: Listener) -> None:
        assert hear("ZADD", "n", 1, "a", 2, "b") == (["new n", "zadd n"], 2)
        assert hear("ZADD", "n", 1, "a", 3, "b", 4, "c") == (["zadd n"], 2)
        assert hear("ZADD", "n", 1, "a") == ([], 0)
        assert hear("ZADD", "n", "INCR", 1, "a") == (["zincr n"], 1)

    def test_conversions(self, raw: RawClient) -> None:
        """By the number of pairs at once, by the number of members, by a member's length, and never back."""
        raw("CONFIG", "SET", "zset-max-listpack-entries", 3)
        run(raw, "ZADD k 1 a 2 b 3 c")
        run(raw, "ZADD k XX 4 a 5 d")
        assert encoding(raw, "k") == b"listpack"
        raw("ZADD", "k", "XX", 1, LONG)
        assert encoding(raw, "k") == b"listpack"
        run(raw, "ZADD k NX 4 a 5 b 6 c 7 a")
        assert encoding(raw, "k") == b"skiplist"
        run(raw, "ZREM k a b")
        assert encoding(raw, "k") == b"skiplist"
        run(raw, "ZADD k2 1 a 2 b 3 c")
        run(raw, "ZADD k2 4 d")
        assert encoding(raw, "k2") == b"skiplist"
        raw("ZADD", "k3", 1, LONG[1:])
        assert encoding(raw, "k3") == b"listpack"
        raw("ZADD", "k3", 1, LONG)
        assert encoding(raw, "k3") == b"skiplist"

    def test_members_that_are_integers(self, raw: RawClient) -> None:
        run(raw, "ZADD i 5 5 5 05 6 100000000000000 7 -1 8 99999999999999999999")
        assert content(raw, "i") == "05 5 5 5 100000000000000 6 -1 7 99999999999999999999 8"
        assert run(raw, "ZREM i 5") == integer(1)
        assert run(raw, "ZSCORE i 05") == bulk("5")


@pytest.mark.usefixtures("kind")
class TestZincrby:
    """ZINCRBY key increment member."""

    def test_adds(self, raw: RawClient) -> None:
        assert run(raw, "ZINCRBY z 2.5 a") == bulk("3.5")
        assert run(raw, "ZINCRBY z -1 f") == bulk("-1")
        assert content(raw, "z") == "f -1 b 2 c 3 d 3 a 3.5 e 5"
        raw("HELLO", 3)
        assert run(raw, "ZINCRBY z 1 a") == double("4.5")

    def test_refuses(self, raw: RawClient) -> None:
        assert run(raw, "ZINCRBY z foo a") == NOT_A_FLOAT
        assert run(raw, "ZINCRBY z NX a") == SYNTAX
        assert run(raw, "ZINCRBY s foo a") == NOT_A_FLOAT
        assert run(raw, "ZINCRBY s 1 a") == WRONG_TYPE
        run(raw, "ZADD z inf a")
        assert run(raw, "ZINCRBY z -inf a") == error("ERR resulting score is not a number (NaN)")

    def test_events(self, hear: Listener) -> None:
        assert hear("ZINCRBY", "z", 1, "a") == (["zincr z"], 1)
        assert hear("ZINCRBY", "z", 0, "a") == ([], 0)


@pytest.mark.usefixtures("kind")
class TestZcard:
    """ZCARD key."""

    def test_counts(self, raw: RawClient) -> None:
        assert [run(raw, f"ZCARD {key}") for key in ("z", "n", "s")] == [integer(5), integer(0), WRONG_TYPE]


@pytest.mark.usefixtures("kind")
class TestZscore:
    """ZSCORE key member."""

    def test_score(self, raw: RawClient) -> None:
        assert run(raw, "ZSCORE z e") == bulk("5")
        assert run(raw, "ZSCORE z f") == NIL
        assert run(raw, "ZSCORE n f") == NIL
        assert run(raw, "ZSCORE s f") == WRONG_TYPE
        raw("HELLO", 3)
        assert run(raw, "ZSCORE z e") == double("5")
        assert run(raw, "ZSCORE z f") == NIL3


@pytest.mark.usefixtures("kind")
class TestZmscore:
    """ZMSCORE key member [member ...]."""

    def test_scores(self, raw: RawClient) -> None:
        assert run(raw, "ZMSCORE z a f e a") == array(bulk("1"), NIL, bulk("5"), bulk("1"))
        assert run(raw, "ZMSCORE n a f") == array(NIL, NIL)
        assert run(raw, "ZMSCORE s a") == WRONG_TYPE
        raw("HELLO", 3)
        assert run(raw, "ZMSCORE z a f") == array(double("1"), NIL3)


@pytest.mark.usefixtures("kind")
class TestZrank:
    """ZRANK key member [WITHSCORE]."""

    def test_rank(self, raw: RawClient) -> None:
        assert [run(raw, f"ZRANK z {member}").value for member in "abcdef"] == [0, 1, 2, 3, 4, None]
        assert run(raw, "ZRANK z d WITHSCORE") == array(integer(3), bulk("3"))
        assert run(raw, "ZRANK z f") == NIL
        assert run(raw, "ZRANK z f withscore") == NIL_ARRAY
        assert run(raw, "ZRANK n f withscore") == NIL_ARRAY
        raw("HELLO", 3)
        assert run(raw, "ZRANK z d WITHSCORE") == array(integer(3), double("3"))
        assert run(raw, "ZRANK z f WITHSCORE") == NIL3

    def test_refuses(self, raw: RawClient) -> None:
        assert run(raw, "ZRANK s a foo") == SYNTAX
        assert run(raw, "ZRANK s a") == WRONG_TYPE
        assert run(raw, "ZRANK z a WITHSCORE x") == error("ERR wrong number of arguments for 'zrank' command")


@pytest.mark.usefixtures("kind")
class TestZrevrank:
    """ZREVRANK key member [WITHSCORE]."""

    def test_rank(self, raw: RawClient) -> None:
        assert [run(raw, f"ZREVRANK z {member}").value for member in "abcdef"] == [4, 3, 2, 1, 0, None]
        assert run(raw, "ZREVRANK z d WITHSCORE") == array(integer(1), bulk("3"))
        assert run(raw, "ZREVRANK z a WITHSCORE x") == error("ERR wrong number of arguments for 'zrevrank' command")


@pytest.mark.usefixtures("kind")
class TestZcount:
    """ZCOUNT key min max."""

    @pytest.mark.parametrize(
        ("bounds", "expected"),
        [
            ("-inf +inf", 5),
            ("(1 (5", 3),
            ("3 3", 2),
            ("(3 3", 0),
            ("5 1", 0),
            ("6 9", 0),
            ('"" 1', 1),
            ("( 1", 1),
            ("1e400 5", 0),
            ("1e-400 5", 5),
            ("+.5 5.", 5),
            ("(inf iNfinity", 0),
        ],
    )
    def test_counts(self, raw: RawClient, bounds: str, expected: int) -> None:
        assert run(raw, f"ZCOUNT z {bounds}") == integer(expected)
        assert run(raw, f"ZCOUNT n {bounds}") == integer(0)
        assert run(raw, f"ZCOUNT s {bounds}") == WRONG_TYPE

    @pytest.mark.parametrize("bound", ["foo", "nan", "0x1", "1d", "++5", "((5", "1e", b" 1", b"1 ", b"( 1"])
    def test_refuses(self, raw: RawClient, bound: str | bytes) -> None:
        assert raw("ZCOUNT", "s", bound, 9) == NO_RANGE
        assert raw("ZCOUNT", "s", 0, bound) == NO_RANGE

    def test_nul_ends_a_bound(self, raw: RawClient) -> None:
        assert raw("ZCOUNT", "z", b"2\x00x", b"(5\x00") == integer(3)


@pytest.mark.usefixtures("lex")
class TestZlexcount:
    """ZLEXCOUNT key min max."""

    @pytest.mark.parametrize(
        ("bounds", "expected"), [("- +", 4), ("[a (c", 3), ("(a [aa", 1), ("+ -", 0), ("[b [b", 1), ("(b [b", 0), ("[ +", 4), ("- (", 0)]
    )
    def test_counts(self, raw: RawClient, bounds: str, expected: int) -> None:
        assert run(raw, f"ZLEXCOUNT l {bounds}") == integer(expected)
        assert run(raw, f"ZLEXCOUNT n {bounds}") == integer(0)
        assert run(raw, f"ZLEXCOUNT s {bounds}") == WRONG_TYPE

    @pytest.mark.parametrize("bound", ["a", '""', "-x", "++"])
    def test_refuses(self, raw: RawClient, bound: str) -> None:
        assert run(raw, f"ZLEXCOUNT s {bound} +") == NO_LEX_RANGE
        assert run(raw, f"ZLEXCOUNT s - {bound}") == NO_LEX_RANGE


@pytest.mark.usefixtures("lex")
class TestZrange:
    """ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]."""

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("z 0 -1", "a b c d e"),
            ("z 1 2", "b c"),
            ("z -2 -1", "d e"),
            ("z -100 100", "a b c d e"),
            ("z 3 1", ""),
            ("z 9 10", ""),
            ("z 0 1 REV", "e d"),
            ("z -1 -1 rev", "a"),
            ("z 0 1 LIMIT 3 -1", "a b"),
            ("z 2 3 BYSCORE", "b c d"),
            ("z (1 (5 BYSCORE", "b c d"),
            ("z 5 (1 BYSCORE REV", "e d c b"),
            ("z 1 5 BYSCORE REV", ""),
            ("z -inf +inf BYSCORE LIMIT 1 2", "b c"),
            ("z -inf +inf BYSCORE LIMIT 1 -5", "b c d e"),
            ("z -inf +inf BYSCORE LIMIT -1 2", ""),
            ("z -inf +inf BYSCORE LIMIT 5 2", ""),
            ("z -inf +inf BYSCORE LIMIT 0 0", ""),
            ("z +inf -inf BYSCORE REV LIMIT 1 2", "d c"),
            ("z 0 5 BYSCORE LIMIT 0 1 LIMIT 0 2", "a b"),
            ("l - + BYLEX", "a aa b c"),
            ("l (a [b BYLEX", "aa b"),
            ("l + - BYLEX REV LIMIT 1 2", "b aa"),
            ("l [b - BYLEX REV", "b aa a"),
            ("n 0 -1", ""),
        ],
    )
    def test_range(self, raw: RawClient, arguments: str, expected: str) -> None:
        assert run(raw, f"ZRANGE {arguments}") == words(expected)

    def test_scores(self, raw: RawClient) -> None:
        assert run(raw, "ZRANGE z 0 1 WITHSCORES") == words("a 1 b 2")
        assert run(raw, "ZRANGE z 5 (3 BYSCORE REV WITHSCORES") == words("e 5")
        raw("HELLO", 3)
        assert run(raw, "ZRANGE z 0 1 WITHSCORES") == pairs("a 1 b 2")
        assert run(raw, "ZRANGE z 0 1 withscores REV") == pairs("e 5 d 3")
        assert run(raw, "ZRANGE n 0 1 WITHSCORES") == EMPTY

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("foo 1", NOT_AN_INTEGER),
            ("0 9999999999999999999", NOT_AN_INTEGER),
            ("foo 1 LIMIT 0 1", LIMIT_ALONE),
            ("0 1 LIMIT 0", SYNTAX),
            ("0 1 LIMIT a 1", NOT_AN_INTEGER),
            ("0 1 foo", SYNTAX),
            ("0 1 REV REV", SYNTAX),
            ("0 1 BYSCORE BYLEX", SYNTAX),
            ("0 1 BYSCORE BYSCORE", SYNTAX),
            ("foo 1 BYLEX WITHSCORES", LEX_SCORES),
            ("foo 1 BYSCORE", NO_RANGE),
            ("foo + BYLEX", NO_LEX_RANGE),
            ("0 1", WRONG_TYPE),
        ],
    )
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"ZRANGE s {arguments}") == expected


@pytest.mark.usefixtures("kind")
class TestZrevrange:
    """ZREVRANGE key start stop [WITHSCORES]."""

    def test_range(self, raw: RawClient) -> None:
        assert run(raw, "ZREVRANGE z 0 1") == words("e d")
        assert run(raw, "ZREVRANGE z -2 -1 WITHSCORES") == words("b 2 a 1")
        assert run(raw, "ZREVRANGE z 0 1 REV") == SYNTAX
        assert run(raw, "ZREVRANGE z 0 1 BYSCORE") == SYNTAX
        assert run(raw, "ZREVRANGE z 0 1 LIMIT 0 1") == LIMIT_ALONE
        assert run(raw, "ZREVRANGE s 0 1") == WRONG_TYPE
        raw("HELLO", 3)
        assert run(raw, "ZREVRANGE z 0 1 WITHSCORES") == pairs("e 5 d 3")


@pytest.mark.usefixtures("kind")
class TestZrangebyscore:
    """ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]."""

    def test_range(self, raw: RawClient) -> None:
        assert run(raw, "ZRANGEBYSCORE z (1 3") == words("b c d")
        assert run(raw, "ZRANGEBYSCORE z 1 5 WITHSCORES LIMIT 1 2") == words("b 2 c 3")
        assert run(raw, "ZRANGEBYSCORE z 1 5 LIMIT 4 9 WITHSCORES") == words("e 5")
        assert run(raw, "ZRANGEBYSCORE s foo 5 LIMIT 4") == SYNTAX
        assert run(raw, "ZRANGEBYSCORE s 1 5 REV") == SYNTAX
        assert run(raw, "ZRANGEBYSCORE s foo 5") == NO_RANGE
        assert run(raw, "ZRANGEBYSCORE s 1 5") == WRONG_TYPE
        raw("HELLO", 3)
        assert run(raw, "ZRANGEBYSCORE z 3 3 WITHSCORES") == pairs("c 3 d 3")


@pytest.mark.usefixtures("kind")
class TestZrevrangebyscore:
    """ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]."""

    def test_range(self, raw: RawClient) -> None:
        assert run(raw, "ZREVRANGEBYSCORE z 3 (1") == words("d c b")
        assert run(raw, "ZREVRANGEBYSCORE z 1 3") == EMPTY
        assert run(raw, "ZREVRANGEBYSCORE z +inf -inf WITHSCORES LIMIT 1 2") == words("d 3 c 3")
        assert run(raw, "ZREVRANGEBYSCORE s foo 5") == NO_RANGE
        assert run(raw, "ZREVRANGEBYSCORE s 5 1") == WRONG_TYPE


@pytest.mark.usefixtures("lex")
class TestZrangebylex:
    """ZRANGEBYLEX key min max [LIMIT offset count]."""

    def test_range(self, raw: RawClient) -> None:
        assert run(raw, "ZRANGEBYLEX l - +") == words("a aa b c")
        assert run(raw, "ZRANGEBYLEX l (a (c LIMIT 1 5") == words("b")
        assert run(raw, "ZRANGEBYLEX l - + WITHSCORES") == LEX_SCORES
        assert run(raw, "ZRANGEBYLEX s a +") == NO_LEX_RANGE
        assert run(raw, "ZRANGEBYLEX s - +") == WRONG_TYPE


@pytest.mark.usefixtures("lex")
class TestZrevrangebylex:
    """ZREVRANGEBYLEX key max min [LIMIT offset count]."""

    def test_range(self, raw: RawClient) -> None:
        assert run(raw, "ZREVRANGEBYLEX l + -") == words("c b aa a")
        assert run(raw, "ZREVRANGEBYLEX l (c [a LIMIT 1 1") == words("aa")
        assert run(raw, "ZREVRANGEBYLEX l - +") == EMPTY
        assert run(raw, "ZREVRANGEBYLEX s a -") == NO_LEX_RANGE


@pytest.mark.usefixtures("lex")
class TestZrangestore:
    """ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]."""

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("z 1 2", "b 2 c 3"),
            ("z 0 1 REV", "d 3 e 5"),
            ("z (1 5 BYSCORE LIMIT 1 2", "c 3 d 3"),
            ("l [b - BYLEX REV LIMIT 0 2", "aa 0 b 0"),
        ],
    )
    def test_stores(self, raw: RawClient, arguments: str, expected: str) -> None:
        assert run(raw, f"ZRANGESTORE d {arguments}") == integer(2)
        assert content(raw, "d") == expected

    def test_refuses(self, raw: RawClient) -> None:
        assert run(raw, "ZRANGESTORE d z 0 1 WITHSCORES") == SYNTAX
        assert run(raw, "ZRANGESTORE d s foo 1") == NOT_AN_INTEGER
        assert run(raw, "ZRANGESTORE d s 0 1") == WRONG_TYPE

    def test_source_is_destination(self, raw: RawClient) -> None:
        run(raw, "EXPIRE z 100")
        assert run(raw, "ZRANGESTORE z z 0 1") == integer(2)
        assert content(raw, "z") == "a 1 b 2"
        assert run(raw, "TTL z") == integer(-1)

    def test_events(self, hear: Listener) -> None:
        assert hear("ZRANGESTORE", "d", "z", 0, 1) == (["new d", "zrangestore d"], 1)
        assert hear("ZRANGESTORE", "d", "z", 0, 1) == (["overwritten d", "zrangestore d"], 1)
        assert hear("ZRANGESTORE", "s", "z", 0, 1) == (["overwritten s", "type_changed s", "zrangestore s"], 1)
        assert hear("ZRANGESTORE", "d", "z", 9, 9) == (["del d"], 1)
        assert hear("ZRANGESTORE", "d", "z", 9, 9) == ([], 0)

    def test_encoding(self, raw: RawClient) -> None:
        raw("CONFIG", "SET", "zset-max-listpack-entries", 3)
        run(raw, "ZRANGESTORE d z 0 2")
        assert encoding(raw, "d") == b"listpack"
        run(raw, "ZRANGESTORE d z 0 3")
        assert encoding(raw, "d") == b"skiplist"
        run(raw, "ZRANGESTORE d z -inf +inf BYSCORE LIMIT 0 3")
        assert encoding(raw, "d") == b"listpack"

    def test_sign_of_zero(self, raw: RawClient) -> None:
        """A listpack loses it; so it depends on when the result gets the large encoding."""
        raw("CONFIG", "SET", "zset-max-listpack-entries", 3)
        run(raw, "ZADD m -5 a -0 b 0 c -0 d 1 e")
        run(raw, "ZRANGESTORE d m 0 -1")
        assert content(raw, "d") == "a -5 b -0 c 0 d -0 e 1"
        run(raw, "ZRANGESTORE d m -inf +inf BYSCORE")
        assert content(raw, "d") == "a -5 b 0 c 0 d -0 e 1"


@pytest.mark.usefixtures("kind")
class TestZrem:
    """ZREM key member [member ...]."""

    def test_removes(self, raw: RawClient) -> None:
        assert run(raw, "ZREM z a a f d") == integer(2)
        assert content(raw, "z") == "b 2 c 3 e 5"
        assert run(raw, "ZREM n a") == integer(0)
        assert run(raw, "ZREM s a") == WRONG_TYPE

    def test_events(self, hear: Listener) -> None:
        assert hear("ZREM", "z", "f") == ([], 0)
        assert hear("ZREM", "z", "a", "b") == (["zrem z"], 2)
        assert hear("ZREM", "z", "c", "d", "e") == (["zrem z", "del z"], 3)


@pytest.mark.usefixtures("kind")
class TestZremrangebyrank:
    """ZREMRANGEBYRANK key start stop."""

    def test_removes(self, raw: RawClient) -> None:
        assert run(raw, "ZREMRANGEBYRANK z 1 2") == integer(2)
        assert run(raw, "ZREMRANGEBYRANK z -1 9") == integer(1)
        assert run(raw, "ZREMRANGEBYRANK z 5 9") == integer(0)
        assert content(raw, "z") == "a 1 d 3"
        assert run(raw, "ZREMRANGEBYRANK n 0 1") == integer(0)
        assert run(raw, "ZREMRANGEBYRANK s 0 foo") == NOT_AN_INTEGER
        assert run(raw, "ZREMRANGEBYRANK s 0 1") == WRONG_TYPE

    def test_events(self, hear: Listener) -> None:
        assert hear("ZREMRANGEBYRANK", "z", 0, 1) == (["zremrangebyrank z"], 2)
        assert hear("ZREMRANGEBYRANK", "z", 0, -1) == (["zremrangebyrank z", "del z"], 3)


class TestZremrangeOfMost:
    """Where little stays of many members, that moves to a new value, and the old one is freed in steps."""

    @pytest.mark.parametrize(
        "command", ["ZREMRANGEBYRANK z 3 996", "ZREMRANGEBYSCORE z 3 (997", "ZREMRANGEBYLEX z [0003 [0996", "ZREMRANGEBYRANK z 0 -1"]
    )
    def test_what_stays(self, raw: RawClient, command: str) -> None:
        by_lex = "LEX" in command
        raw("ZADD", "z", *(word for i in range(1000) for word in (0 if by_lex else i, f"{i:04d}")))
        raw("EXPIREAT", "z", FAR)
        if command.endswith("0 -1"):
            assert run(raw, command) == integer(1000)
            assert run(raw, "EXISTS z") == integer(0)
        else:
            assert run(raw, command) == integer(994)
            assert content(raw, "z").split()[::2] == ["0000", "0001", "0002", "0997", "0998", "0999"]
            assert run(raw, "ZADD z XX CH 5000 0001") == integer(1)
            assert run(raw, "ZRANK z 0001") == integer(5)
            assert encoding(raw, "z") == b"skiplist"
            assert run(raw, "EXPIRETIME z") == integer(FAR)

    @pytest.mark.zippy_only
    def test_is_freed_in_steps(self, raw: RawClient) -> None:
        raw("ZADD", "z", *(word for i in range(1000) for word in (i, i)))
        for command, freed in (("0 300", 0), ("1 -1", 1)):
            before = int(raw.info("memory")["lazyfreed_objects"])
            run(raw, f"ZREMRANGEBYRANK z {command}")
            assert int(raw.info("memory")["lazyfreed_objects"]) == before + freed


@pytest.mark.usefixtures("kind")
class TestZremrangebyscore:
    """ZREMRANGEBYSCORE key min max."""

    def test_removes(self, raw: RawClient) -> None:
        assert run(raw, "ZREMRANGEBYSCORE z (1 3") == integer(3)
        assert run(raw, "ZREMRANGEBYSCORE z 6 9") == integer(0)
        assert content(raw, "z") == "a 1 e 5"
        assert run(raw, "ZREMRANGEBYSCORE s 1 foo") == NO_RANGE
        assert run(raw, "ZREMRANGEBYSCORE s 1 2") == WRONG_TYPE

    def test_events(self, hear: Listener) -> None:
        assert hear("ZREMRANGEBYSCORE", "z", 1, 9) == (["zremrangebyscore z", "del z"], 5)


@pytest.mark.usefixtures("lex")
class TestZremrangebylex:
    """ZREMRANGEBYLEX key min max."""

    def test_removes(self, raw: RawClient) -> None:
        assert run(raw, "ZREMRANGEBYLEX l (a [b") == integer(2)
        assert content(raw, "l") == "a 0 c 0"
        assert run(raw, "ZREMRANGEBYLEX s a +") == NO_LEX_RANGE
        assert run(raw, "ZREMRANGEBYLEX s - +") == WRONG_TYPE

    def test_events(self, hear: Listener) -> None:
        assert hear("ZREMRANGEBYLEX", "l", "-", "+") == (["zremrangebylex l", "del l"], 4)
