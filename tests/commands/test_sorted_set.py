"""The sorted set group."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.listening import Listener
from tests.resp import RawClient, Reply

LONG = b"x" * 65
"""Too long for a listpack."""
NIL = Reply("$-1", None)
NIL3 = Reply("_", None)
NIL_ARRAY = Reply("*-1", None)
EMPTY = Reply("*", ())
OK = Reply("+", b"OK")
SYNTAX = Reply("-", b"ERR syntax error")
NOT_A_FLOAT = Reply("-", b"ERR value is not a valid float")
NOT_AN_INTEGER = Reply("-", b"ERR value is not an integer or out of range")
NOT_POSITIVE = Reply("-", b"ERR value is out of range, must be positive")
NO_RANGE = Reply("-", b"ERR min or max is not a float")
NO_LEX_RANGE = Reply("-", b"ERR min or max not valid string range item")
NO_KEYS = Reply("-", b"ERR numkeys should be greater than 0")
LIMIT_ALONE = Reply("-", b"ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
LEX_SCORES = Reply("-", b"ERR syntax error, WITHSCORES not supported in combination with BYLEX")
WRONG_TYPE = Reply("-", b"WRONGTYPE Operation against a key holding the wrong kind of value")

Connect = Callable[[], RawClient]


def error(text: str) -> Reply:
    """An error."""
    return Reply("-", text.encode())


def integer(n: int) -> Reply:
    """An integer reply."""
    return Reply(":", n)


def bulk(text: str) -> Reply:
    """A bulk reply."""
    return Reply("$", text.encode())


def double(text: str) -> Reply:
    """A double as RESP3 has it."""
    return Reply(",", text.encode())


def array(*items: Reply) -> Reply:
    """An array."""
    return Reply("*", items)


def words(text: str) -> Reply:
    """An array of bulk strings."""
    return array(*(bulk(word) for word in text.split()))


def pairs(text: str) -> Reply:
    """RESP3's array of members with scores, from "a 1 b 2"."""
    items = text.split()
    return array(*(array(bulk(a), double(b)) for a, b in zip(items[::2], items[1::2], strict=True)))


def encoding(raw: RawClient, key: str) -> bytes:
    """The reply to OBJECT ENCODING."""
    return raw("OBJECT", "ENCODING", key).value


def run(raw: RawClient, command: str) -> Reply:
    """A command whose words have no spaces; "" stands for no bytes."""
    return raw(*(b"" if word == '""' else word for word in command.split()))


@pytest.fixture(params=["listpack", "skiplist"])
def kind(request: pytest.FixtureRequest, raw: RawClient) -> str:
    """Runs a test for each encoding, with a sorted set "z" of a 1, b 2, c 3, d 3, e 5; "s" is a string."""
    raw("CONFIG", "SET", "zset-max-listpack-entries", 128 if request.param == "listpack" else 0)
    run(raw, "ZADD z 3 d 5 e 1 a 3 c 2 b")
    run(raw, "SET s 1")
    assert encoding(raw, "z") == str(request.param).encode()
    return str(request.param)


@pytest.fixture
def lex(raw: RawClient, kind: str) -> None:
    """A sorted set "l" of a, aa, b, c with equal scores."""
    run(raw, "ZADD l 0 c 0 b 0 aa 0 a")


@pytest.fixture
def hear(raw: RawClient, connect: Connect) -> Listener:
    """Events and changes of a command."""
    return Listener(raw, connect())


def content(raw: RawClient, key: str) -> str:
    """Members and scores, as "a 1 b 2"."""
    return b" ".join(raw("ZRANGE", key, 0, -1, "WITHSCORES").plain()).decode()


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
        """A listpack loses it; so it depends on when the result becomes a skip list."""
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


class Pops:
    """What ZPOPMIN and ZPOPMAX have in common."""

    name: str

    def test_refuses(self, raw: RawClient) -> None:
        assert run(raw, f"{self.name} z 1 2") == SYNTAX
        assert run(raw, f"{self.name} s -1") == NOT_POSITIVE
        assert run(raw, f"{self.name} s foo") == NOT_POSITIVE
        assert run(raw, f"{self.name} s 0") == WRONG_TYPE
        assert [run(raw, f"{self.name} {rest}") for rest in ("n", "n 2", "z 0")] == [EMPTY] * 3

    def test_events(self, hear: Listener) -> None:
        event = self.name.lower()
        assert hear(self.name, "z") == ([f"{event} z"], 1)
        assert hear(self.name, "z", 9) == ([f"{event} z", "del z"], 4)


@pytest.mark.usefixtures("kind")
class TestZpopmin(Pops):
    """ZPOPMIN key [count]."""

    name = "ZPOPMIN"

    def test_pops(self, raw: RawClient) -> None:
        assert run(raw, "ZPOPMIN z") == words("a 1")
        assert run(raw, "ZPOPMIN z 2") == words("b 2 c 3")
        raw("HELLO", 3)
        assert run(raw, "ZPOPMIN z") == array(bulk("d"), double("3"))
        assert run(raw, "ZPOPMIN z 9") == pairs("e 5")
        assert run(raw, "EXISTS z") == integer(0)


@pytest.mark.usefixtures("kind")
class TestZpopmax(Pops):
    """ZPOPMAX key [count]."""

    name = "ZPOPMAX"

    def test_pops(self, raw: RawClient) -> None:
        assert run(raw, "ZPOPMAX z") == words("e 5")
        assert run(raw, "ZPOPMAX z 2") == words("d 3 c 3")
        raw("HELLO", 3)
        assert run(raw, "ZPOPMAX z") == array(bulk("b"), double("2"))
        assert run(raw, "ZPOPMAX z 9") == pairs("a 1")


@pytest.mark.usefixtures("kind")
class TestZmpop:
    """ZMPOP numkeys key [key ...] <MIN | MAX> [COUNT count]."""

    def test_pops(self, raw: RawClient) -> None:
        assert run(raw, "ZMPOP 2 n z MIN") == array(bulk("z"), array(words("a 1")))
        assert run(raw, "ZMPOP 1 z max COUNT 2") == array(bulk("z"), array(words("e 5"), words("d 3")))
        raw("HELLO", 3)
        assert run(raw, "ZMPOP 1 z MIN COUNT 9") == array(bulk("z"), pairs("b 2 c 3"))
        assert run(raw, "ZMPOP 1 z MIN") == NIL3
        raw("HELLO", 2)
        assert run(raw, "ZMPOP 1 z MIN") == NIL_ARRAY

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("0 z MIN", NO_KEYS),
            ("foo z MIN", NO_KEYS),
            ("2 z MIN", SYNTAX),
            ("1 z foo", SYNTAX),
            ("1 z MIN COUNT", SYNTAX),
            ("1 z MIN COUNT 1 COUNT 2", SYNTAX),
            ("1 z MIN COUNT 0", error("ERR count should be greater than 0")),
            ("2 n s MIN", WRONG_TYPE),
        ],
    )
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"ZMPOP {arguments}") == expected

    def test_events(self, hear: Listener) -> None:
        assert hear("ZMPOP", 1, "z", "MAX", "COUNT", 9) == (["zpopmax z", "del z"], 5)


def waits(blocked: RawClient, other: RawClient, *command: object) -> None:
    """Send a command that blocks, and go on when it does."""
    blocked.send(*command)  # type: ignore[arg-type]
    while b"blocked_clients:1\r\n" not in other("INFO", "clients").value:
        pass


@pytest.mark.socket_only
@pytest.mark.usefixtures("kind")
class TestBzpopmin:
    """BZPOPMIN key [key ...] timeout."""

    def test_pops_at_once(self, raw: RawClient) -> None:
        assert run(raw, "BZPOPMIN n z 0") == words("z a 1")
        raw("HELLO", 3)
        assert run(raw, "BZPOPMIN z 0") == array(bulk("z"), bulk("b"), double("2"))
        assert run(raw, "BZPOPMIN n 0.01") == NIL3

    def test_refuses(self, raw: RawClient) -> None:
        assert run(raw, "BZPOPMIN z foo") == error("ERR timeout is not a float or out of range")
        assert run(raw, "BZPOPMIN z -1") == error("ERR timeout is negative")
        assert run(raw, "BZPOPMIN n s 0") == WRONG_TYPE

    def test_is_served(self, raw: RawClient, connect: Connect) -> None:
        """By what is added, all of a command at once; another type alone does not."""
        other = connect()
        waits(raw, other, "BZPOPMIN", "n", "m", 0)
        run(other, "SET n 1")
        run(other, "DEL n")
        run(other, "ZADD m 2 b 1 a")
        assert raw.read() == words("m a 1")
        assert content(other, "m") == "b 2"

    def test_finds_another_type_when_served(self, raw: RawClient, connect: Connect) -> None:
        """The command runs anew: an earlier key that has become a string since is an error."""
        other = connect()
        waits(raw, other, "BZPOPMIN", "n", "m", 0)
        run(other, "SET n 1")
        run(other, "ZADD m 2 b 1 a")
        assert raw.read() == WRONG_TYPE
        assert content(other, "m") == "a 1 b 2"

    def test_is_served_by_a_store(self, raw: RawClient, connect: Connect) -> None:
        other = connect()
        waits(raw, other, "BZPOPMIN", "n", 0)
        run(other, "ZUNIONSTORE n 1 z")
        assert raw.read() == words("n a 1")

    def test_not_in_a_transaction(self, raw: RawClient) -> None:
        run(raw, "MULTI")
        run(raw, "BZPOPMIN n 0")
        run(raw, "BZPOPMIN z 0")
        assert run(raw, "EXEC") == array(NIL_ARRAY, words("z a 1"))

    def test_events(self, hear: Listener) -> None:
        assert hear("BZPOPMIN", "z", 0) == (["zpopmin z"], 1)


@pytest.mark.socket_only
@pytest.mark.usefixtures("kind")
class TestBzpopmax:
    """BZPOPMAX key [key ...] timeout."""

    def test_pops(self, raw: RawClient, connect: Connect) -> None:
        assert run(raw, "BZPOPMAX n z 0") == words("z e 5")
        assert run(raw, "BZPOPMAX n 0.01") == NIL_ARRAY
        other = connect()
        waits(raw, other, "BZPOPMAX", "n", 0)
        run(other, "ZADD n 1 a 2 b")
        assert raw.read() == words("n b 2")

    def test_first_come_first_served(self, raw: RawClient, connect: Connect) -> None:
        first, second = connect(), connect()
        waits(first, raw, "BZPOPMAX", "n", 0)
        second.send("BZPOPMAX", "n", 0)
        while b"blocked_clients:2\r\n" not in raw("INFO", "clients").value:
            pass
        run(raw, "ZADD n 1 a 2 b")
        assert (first.read(), second.read()) == (words("n b 2"), words("n a 1"))
        assert run(raw, "EXISTS n") == integer(0)


@pytest.mark.socket_only
@pytest.mark.usefixtures("kind")
class TestBzmpop:
    """BZMPOP timeout numkeys key [key ...] <MIN | MAX> [COUNT count]."""

    def test_pops(self, raw: RawClient, connect: Connect) -> None:
        assert run(raw, "BZMPOP 0 2 n z MIN") == array(bulk("z"), array(words("a 1")))
        assert run(raw, "BZMPOP 0.01 1 n MIN") == NIL_ARRAY
        other = connect()
        waits(raw, other, "BZMPOP", 0, 2, "m", "n", "MAX", "COUNT", 2)
        run(other, "ZADD n 1 a 2 b 3 c")
        assert raw.read() == array(bulk("n"), array(words("c 3"), words("b 2")))

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("foo 0 z MIN", NO_KEYS),
            ("foo 1 z foo", SYNTAX),
            ("foo 1 z MIN COUNT 0", error("ERR count should be greater than 0")),
            ("foo 1 z MIN", error("ERR timeout is not a float or out of range")),
            ("-1 1 z MIN", error("ERR timeout is negative")),
            ("0 1 s MIN", WRONG_TYPE),
        ],
    )
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"BZMPOP {arguments}") == expected


@pytest.fixture
def two(raw: RawClient, kind: str) -> None:
    """Beside "z" a sorted set "y" of b 10, c 20, x 30, and a set "p" of a, x."""
    run(raw, "ZADD y 10 b 20 c 30 x")
    run(raw, "SADD p a x")


OPERATION_ERRORS = [
    ("0 z", "ERR at least 1 input key is needed for '{name}' command"),
    ("-1 z", "ERR at least 1 input key is needed for '{name}' command"),
    ("foo z", "ERR value is not an integer or out of range"),
    ("3 z y", "ERR syntax error"),
    ("9223372036854775807 z y", "ERR syntax error"),
    ("2 z y foo", "ERR syntax error"),
    ("2 s z foo", WRONG_TYPE.value.decode()),
]
WEIGHT_ERRORS = [
    ("2 z y WEIGHTS 1", "ERR syntax error"),
    ("2 z y WEIGHTS 1 foo", "ERR weight value is not a float"),
    ("2 z y WEIGHTS 1 nan", "ERR weight value is not a float"),
    ("2 z y AGGREGATE", "ERR syntax error"),
    ("2 z y AGGREGATE foo", "ERR syntax error"),
]
UNIONS = [
    ("2 z y", "a 1 d 3 e 5 b 12 c 23 x 30"),
    ("2 z y WEIGHTS 2 3 AGGREGATE MAX", "a 2 d 6 e 10 b 30 c 60 x 90"),
    ("2 z y AGGREGATE MIN", "a 1 b 2 c 3 d 3 e 5 x 30"),
    ("2 z p", "x 1 a 2 b 2 c 3 d 3 e 5"),
    ("2 z z", "a 2 b 4 c 6 d 6 e 10"),
    ("2 n p WEIGHTS 1 0.5", "a 0.5 x 0.5"),
]
INTERSECTIONS = [
    ("2 z y", "b 12 c 23"),
    ("2 z y AGGREGATE min", "b 2 c 3"),
    ("3 z y z WEIGHTS 1 2 3 aggregate sum", "b 28 c 52"),
    ("2 z p", "a 2"),
    ("2 z n", ""),
    ("1 z", "a 1 b 2 c 3 d 3 e 5"),
]
DIFFERENCES = [
    ("2 z y", "a 1 d 3 e 5"),
    ("2 z p", "b 2 c 3 d 3 e 5"),
    ("3 z y p", "d 3 e 5"),
    ("2 p z", "x 1"),
    ("2 z z", ""),
    ("2 n z", ""),
    ("2 y n", "b 10 c 20 x 30"),
]


def check_read(raw: RawClient, command: str, arguments: str, expected: str) -> None:
    """The reply in each form."""
    assert run(raw, f"{command} {arguments}") == words(" ".join(expected.split()[::2]))
    assert run(raw, f"{command} {arguments} WITHSCORES") == words(expected)
    raw("HELLO", 3)
    assert run(raw, f"{command} {arguments} WITHSCORES") == pairs(expected)


def check_stored(raw: RawClient, command: str, arguments: str, expected: str) -> None:
    """The result, over a key that was there."""
    run(raw, "ZADD d 1 old")
    assert run(raw, f"{command} d {arguments}") == integer(len(expected.split()) // 2)
    assert content(raw, "d") == expected
    assert run(raw, f"{command} d {arguments} WITHSCORES") == SYNTAX


def check_events(hear: Listener, command: str, nothing: str) -> None:
    """A result, one over another type, and an empty one, by the arguments in `nothing`."""
    event = command.lower()
    assert hear(command, "d", 1, "z") == (["new d", f"{event} d"], 1)
    assert hear(command, "s", 1, "z") == (["overwritten s", "type_changed s", f"{event} s"], 1)
    events, changes = hear(command, "d", *nothing.split())
    assert ([event for event in events if not event.startswith("keymiss")], changes) == (["del d"], 1)
    assert hear(command, "d", *nothing.split())[1] == 0


@pytest.mark.usefixtures("two")
class TestZunion:
    """ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]."""

    @pytest.mark.parametrize(("arguments", "expected"), UNIONS)
    def test_result(self, raw: RawClient, arguments: str, expected: str) -> None:
        check_read(raw, "ZUNION", arguments, expected)

    @pytest.mark.parametrize(("arguments", "expected"), OPERATION_ERRORS + WEIGHT_ERRORS)
    def test_refuses(self, raw: RawClient, arguments: str, expected: str) -> None:
        assert run(raw, f"ZUNION {arguments}") == error(expected.format(name="zunion"))

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [("", "0"), ("WEIGHTS 0 1", "-inf"), ("WEIGHTS 1 0", "inf"), ("WEIGHTS 0 1 AGGREGATE MAX", "0"), ("WEIGHTS -inf 1", "-inf")],
    )
    def test_infinities(self, raw: RawClient, arguments: str, expected: str) -> None:
        run(raw, "ZADD i inf a")
        run(raw, "ZADD j -inf a")
        assert run(raw, f"ZUNION 2 i j {arguments} WITHSCORES") == words(f"a {expected}")

    def test_sign_of_zero(self, raw: RawClient) -> None:
        assert run(raw, "ZUNION 1 z WITHSCORES WEIGHTS -0") == words("a -0 b -0 c -0 d -0 e -0")


@pytest.mark.usefixtures("two")
class TestZinter:
    """ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]."""

    @pytest.mark.parametrize(("arguments", "expected"), INTERSECTIONS)
    def test_result(self, raw: RawClient, arguments: str, expected: str) -> None:
        check_read(raw, "ZINTER", arguments, expected)

    @pytest.mark.parametrize(("arguments", "expected"), OPERATION_ERRORS + WEIGHT_ERRORS)
    def test_refuses(self, raw: RawClient, arguments: str, expected: str) -> None:
        assert run(raw, f"ZINTER {arguments}") == error(expected.format(name="zinter"))

    @pytest.mark.parametrize(
        ("arguments", "expected"), [("", "0"), ("WEIGHTS 0 1", "-inf"), ("WEIGHTS 1 0", "0"), ("WEIGHTS 1 0 AGGREGATE MIN", "inf")]
    )
    def test_infinities(self, raw: RawClient, arguments: str, expected: str) -> None:
        run(raw, "ZADD i inf a")
        run(raw, "ZADD j -inf a")
        assert run(raw, f"ZINTER 2 i j {arguments} WITHSCORES") == words(f"a {expected}")


@pytest.mark.usefixtures("two")
class TestZdiff:
    """ZDIFF numkeys key [key ...] [WITHSCORES]."""

    @pytest.mark.parametrize(("arguments", "expected"), DIFFERENCES)
    def test_result(self, raw: RawClient, arguments: str, expected: str) -> None:
        check_read(raw, "ZDIFF", arguments, expected)

    @pytest.mark.parametrize(("arguments", "expected"), [*OPERATION_ERRORS, ("2 z y WEIGHTS 1 1", "ERR syntax error")])
    def test_refuses(self, raw: RawClient, arguments: str, expected: str) -> None:
        assert run(raw, f"ZDIFF {arguments}") == error(expected.format(name="zdiff"))


@pytest.mark.usefixtures("two")
class TestZunionstore:
    """ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]."""

    @pytest.mark.parametrize(("arguments", "expected"), UNIONS)
    def test_result(self, raw: RawClient, arguments: str, expected: str) -> None:
        check_stored(raw, "ZUNIONSTORE", arguments, expected)

    @pytest.mark.parametrize(("arguments", "expected"), OPERATION_ERRORS + WEIGHT_ERRORS)
    def test_refuses(self, raw: RawClient, arguments: str, expected: str) -> None:
        assert run(raw, f"ZUNIONSTORE d {arguments}") == error(expected.format(name="zunionstore"))

    def test_events(self, hear: Listener) -> None:
        check_events(hear, "ZUNIONSTORE", "1 n")

    def test_encoding(self, raw: RawClient) -> None:
        """A listpack whenever it fits, whatever the inputs are."""
        raw("CONFIG", "SET", "zset-max-listpack-entries", 5)
        run(raw, "ZUNIONSTORE d 1 z")
        assert encoding(raw, "d") == b"listpack"
        run(raw, "ZUNIONSTORE d 2 z y")
        assert encoding(raw, "d") == b"skiplist"
        raw("ZADD", "w", 1, LONG)
        run(raw, "ZUNIONSTORE d 1 w")
        assert encoding(raw, "d") == b"skiplist"

    def test_zeros_have_a_sign(self, raw: RawClient) -> None:
        """-0 of the first input and 0 of the second make 0."""
        raw("CONFIG", "SET", "zset-max-listpack-entries", 0)
        run(raw, "ZADD zero 0 a")
        run(raw, "ZUNIONSTORE d 2 zero zero WEIGHTS -2 1")
        assert run(raw, "ZSCORE d a") == bulk("0")
        run(raw, "ZUNIONSTORE d 1 zero WEIGHTS -2")
        assert run(raw, "ZSCORE d a") == bulk("-0")

    def test_source_is_destination(self, raw: RawClient) -> None:
        run(raw, "EXPIRE z 100")
        assert run(raw, "ZUNIONSTORE z 2 z z") == integer(5)
        assert content(raw, "z") == "a 2 b 4 c 6 d 6 e 10"
        assert run(raw, "TTL z") == integer(-1)
        assert run(raw, "ZUNIONSTORE p 1 p") == integer(2)
        assert content(raw, "p") == "a 1 x 1"


@pytest.mark.usefixtures("two")
class TestZinterstore:
    """ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]."""

    @pytest.mark.parametrize(("arguments", "expected"), INTERSECTIONS)
    def test_result(self, raw: RawClient, arguments: str, expected: str) -> None:
        check_stored(raw, "ZINTERSTORE", arguments, expected)

    @pytest.mark.parametrize(("arguments", "expected"), OPERATION_ERRORS + WEIGHT_ERRORS)
    def test_refuses(self, raw: RawClient, arguments: str, expected: str) -> None:
        assert run(raw, f"ZINTERSTORE d {arguments}") == error(expected.format(name="zinterstore"))

    def test_events(self, hear: Listener) -> None:
        check_events(hear, "ZINTERSTORE", "2 z n")


@pytest.mark.usefixtures("two")
class TestZdiffstore:
    """ZDIFFSTORE destination numkeys key [key ...]."""

    @pytest.mark.parametrize(("arguments", "expected"), DIFFERENCES)
    def test_result(self, raw: RawClient, arguments: str, expected: str) -> None:
        check_stored(raw, "ZDIFFSTORE", arguments, expected)

    @pytest.mark.parametrize(("arguments", "expected"), [*OPERATION_ERRORS, ("2 z y AGGREGATE SUM", "ERR syntax error")])
    def test_refuses(self, raw: RawClient, arguments: str, expected: str) -> None:
        assert run(raw, f"ZDIFFSTORE d {arguments}") == error(expected.format(name="zdiffstore"))

    def test_events(self, hear: Listener) -> None:
        check_events(hear, "ZDIFFSTORE", "2 z z")


@pytest.mark.usefixtures("two")
class TestZintercard:
    """ZINTERCARD numkeys key [key ...] [LIMIT limit]."""

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [("2 z y", 2), ("2 z y LIMIT 1", 1), ("2 z y LIMIT 0", 2), ("2 z y LIMIT 9", 2), ("2 z p", 1), ("2 z n", 0), ("1 z", 5)],
    )
    def test_counts(self, raw: RawClient, arguments: str, expected: int) -> None:
        assert run(raw, f"ZINTERCARD {arguments}") == integer(expected)

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            *OPERATION_ERRORS,
            ("2 z y LIMIT", "ERR syntax error"),
            ("2 z y LIMIT -1", "ERR LIMIT can't be negative"),
            ("2 z y LIMIT foo", "ERR LIMIT can't be negative"),
            ("2 z y WITHSCORES", "ERR syntax error"),
        ],
    )
    def test_refuses(self, raw: RawClient, arguments: str, expected: str) -> None:
        assert run(raw, f"ZINTERCARD {arguments}") == error(expected.format(name="zintercard"))


@pytest.mark.usefixtures("kind")
class TestZrandmember:
    """ZRANDMEMBER key [count [WITHSCORES]]."""

    def test_one(self, raw: RawClient) -> None:
        assert {run(raw, "ZRANDMEMBER z").value for _ in range(200)} == set(b"a b c d e".split())
        assert run(raw, "ZRANDMEMBER n") == NIL
        assert run(raw, "ZRANDMEMBER s") == WRONG_TYPE

    @pytest.mark.parametrize("count", [1, 2, 4, 5, 9])
    def test_distinct(self, raw: RawClient, count: int) -> None:
        members = run(raw, f"ZRANDMEMBER z {count}").plain()
        assert len(members) == len(set(members)) == min(count, 5)
        flat = run(raw, f"ZRANDMEMBER z {count} WITHSCORES").plain()
        scores = dict(zip(flat[::2], flat[1::2], strict=True))
        assert len(scores) == min(count, 5)
        assert all(raw("ZSCORE", "z", member).value == score for member, score in scores.items())

    def test_with_repeats(self, raw: RawClient) -> None:
        members = run(raw, "ZRANDMEMBER z -40").plain()
        assert len(members) == 40
        assert set(members) <= set(b"a b c d e".split())
        assert len(run(raw, "ZRANDMEMBER z -3 WITHSCORES").plain()) == 6

    def test_empty(self, raw: RawClient) -> None:
        assert [run(raw, f"ZRANDMEMBER {rest}") for rest in ("z 0", "n 2", "n -2 WITHSCORES")] == [EMPTY] * 3

    def test_resp3(self, raw: RawClient) -> None:
        raw("HELLO", 3)
        run(raw, "ZADD one 1 a")
        assert run(raw, "ZRANDMEMBER one 5 WITHSCORES") == pairs("a 1")
        assert run(raw, "ZRANDMEMBER one -2 WITHSCORES") == pairs("a 1 a 1")
        assert run(raw, "ZRANDMEMBER n") == NIL3

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("foo", NOT_AN_INTEGER),
            ("WITHSCORES", NOT_AN_INTEGER),
            ("1 foo", SYNTAX),
            ("1 WITHSCORES x", SYNTAX),
            ("-9223372036854775808", error("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")),
            ("9223372036854775807 WITHSCORES", error("ERR value is out of range")),
            ("1", WRONG_TYPE),
        ],
    )
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"ZRANDMEMBER s {arguments}") == expected


@pytest.mark.usefixtures("kind")
class TestZscan:
    """ZSCAN key cursor [MATCH pattern] [COUNT count]."""

    def scan(self, raw: RawClient, key: str, *options: object) -> dict[bytes, bytes]:
        """All members with their scores, call by call."""
        found: dict[bytes, bytes] = {}
        cursor = b"0"
        while True:
            cursor, items = raw("ZSCAN", key, cursor, *options).plain()  # type: ignore[arg-type]
            found.update(zip(items[::2], items[1::2], strict=True))
            if cursor == b"0":
                return found

    def test_scans(self, raw: RawClient) -> None:
        raw("ZADD", "m", *(item for n in range(200) for item in (n, f"m{n}")))
        assert self.scan(raw, "m") == {b"m%d" % n: b"%d" % n for n in range(200)}
        assert self.scan(raw, "m", "COUNT", 7, "MATCH", "m1?") == {b"m1%d" % n: b"1%d" % n for n in range(10)}
        assert self.scan(raw, "n") == {}

    def test_text_of_scores(self, raw: RawClient, kind: str) -> None:
        run(raw, "ZADD f 0.1 a -0 b 1e17 c inf d")
        listpack = {b"a": b"0.1", b"b": b"0", b"c": b"100000000000000000", b"d": b"inf"}
        skiplist = {b"a": b"0.10000000000000001", b"b": b"-0", b"c": b"1e+17", b"d": b"inf"}
        raw("HELLO", 3)
        assert self.scan(raw, "f") == (listpack if kind == "listpack" else skiplist)

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("s foo", error("ERR invalid cursor")),
            ("s 0 foo", WRONG_TYPE),
            ("z 0 foo", SYNTAX),
            ("z 0 COUNT 0", SYNTAX),
            ("z 0 COUNT foo", NOT_AN_INTEGER),
            ("z 0 NOVALUES", error("ERR NOVALUES option can only be used in HSCAN")),
        ],
    )
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"ZSCAN {arguments}") == expected
