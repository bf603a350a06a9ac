"""The sorted set group: pops, blocking ones too, set operations and samples."""

from __future__ import annotations

import pytest

from tests.commands.blocking import wait_blocked
from tests.commands.sorted_sets import LONG, NO_KEYS, content, double, pairs, run, words
from tests.listening import Listener
from tests.replies import (
    EMPTY,
    NIL,
    NIL3,
    NIL_ARRAY,
    NOT_AN_INTEGER,
    NOT_POSITIVE,
    SYNTAX,
    WRONG_TYPE,
    array,
    bulk,
    encoding,
    error,
    integer,
)
from tests.resp import Connect, RawClient, Reply


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
    wait_blocked(other)


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
        wait_blocked(raw, 2)
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


MANY = {
    "ints": ("SADD", {b"%d" % n: 1 for n in range(0, 600, 2)}),
    "packed": ("ZADD", {b"%d" % (n * 7): n % 5 for n in range(100)}),
    "scored": ("ZADD", {b"%d" % n: n * 7919 % 701 for n in range(700)}),
    "plain": ("SADD", {b"member %d" % n: 1 for n in range(700)}),
    "names": ("ZADD", {b"member %d" % n: 3 for n in range(350, 1050)}),
}
"""The commands that make sources of every encoding, and their members' scores: more than are looked up together."""


@pytest.fixture
def many(raw: RawClient, kind: str) -> None:
    """The keys of MANY."""
    for key, (command, scores) in MANY.items():
        raw(command, key, *(word for member, score in scores.items() for word in ((score, member) if command == "ZADD" else (member,))))


@pytest.mark.usefixtures("many")
class TestManyMembers:
    """More of them than are looked up together."""

    @staticmethod
    def check(raw: RawClient, command: str, keys: list[str], scores: dict[bytes, int]) -> None:
        """What is replied and what is stored; the stored result is a sorted set like any other."""
        pairs = sorted((score, member) for member, score in scores.items())
        ordered = [word for score, member in pairs for word in (member, b"%d" % score)]
        assert raw(command, len(keys), *keys, "WITHSCORES").plain() == ordered
        assert raw(f"{command}STORE", "d", len(keys), *keys) == integer(len(scores))
        assert raw("ZRANGE", "d", 0, -1, "WITHSCORES").plain() == ordered
        for member, score in list(scores.items())[::10]:
            raw("ZADD", "d", -score, member)
            scores[member] = -score
        for rank, (_, member) in enumerate(sorted((score, member) for member, score in scores.items())):
            assert raw("ZRANK", "d", member) == integer(rank)

    @pytest.mark.parametrize("keys", [["names"], ["plain", "names"], ["ints", "packed", "scored"], [*MANY], ["scored"] * 5])
    def test_zunion(self, raw: RawClient, keys: list[str]) -> None:
        members = {member for key in keys for member in MANY[key][1]}
        self.check(raw, "ZUNION", keys, {member: sum(MANY[key][1].get(member, 0) for key in keys) for member in members})

    @pytest.mark.parametrize("keys", [["plain", "names"], ["names", "plain"], ["ints", "packed", "scored"], ["scored", "ints"]])
    def test_zinter(self, raw: RawClient, keys: list[str]) -> None:
        members = set.intersection(*({*MANY[key][1]} for key in keys))
        self.check(raw, "ZINTER", keys, {member: sum(MANY[key][1][member] for key in keys) for member in members})
        assert raw("ZINTERCARD", len(keys), *keys) == integer(len(members))
        for limit in (1, 5, 20, 10_000):
            assert raw("ZINTERCARD", len(keys), *keys, "LIMIT", limit) == integer(min(limit, len(members)))

    @pytest.mark.parametrize("keys", [["plain", "names"], ["names", "plain"], ["scored", "ints", "packed"], ["packed", "ints"]])
    def test_zdiff(self, raw: RawClient, keys: list[str]) -> None:
        first, *others = (MANY[key][1] for key in keys)
        self.check(raw, "ZDIFF", keys, {member: first[member] for member in first.keys() - set().union(*others)})


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

    @pytest.mark.zippy_only
    def test_bound(self, raw: RawClient) -> None:
        """A huge negative count would have a Redis reply for ever."""
        raw("CONFIG", "SET", "proto-max-bulk-len", 1 << 20)
        for count in (-(2**63) + 1, -10_000_001, -(1 << 20) // 6 - 1):
            assert raw("ZRANDMEMBER", "z", count) == error("ERR value is out of range")
        assert raw("ZRANDMEMBER", "z", -160_000) == error("ERR reply exceeds maximum allowed size (proto-max-bulk-len)")
        assert raw("ZRANDMEMBER", "n", -(2**63) + 1) == Reply("*", ())

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
