"""What the string group has of versions later than Redis 8.2: conditions on values, digests, MSETEX and INCREX. No Redis 8.2 knows them, so
with --host/--port they are skipped; what is expected is what the documentation of Redis 8.4 and 8.8 and of Valkey 9 says."""

from __future__ import annotations

import pytest

from tests.commands.sorted_sets import double, run
from tests.listening import Listener
from tests.replies import (
    NIL,
    NIL3,
    NOT_A_FLOAT,
    NOT_AN_INTEGER,
    OK,
    SYNTAX,
    WRONG_TYPE,
    array,
    bulk,
    encoding,
    error,
    integer,
    wrong_arguments,
)
from tests.resp import Connect, RawClient, Reply

pytestmark = pytest.mark.zippy_only

FAR = 99_999_999_999_999
"""A time in ms that no test reaches."""
LOW, HIGH = -(2**63), 2**63 - 1
NO_DIGEST = error("ERR must be exactly 16 hexadecimal characters")
OVERFLOW = error("ERR increment or decrement would overflow")
DIGESTS = {
    b"Hello world": "b6acb9d84a38ff74",
    b"v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj7626sd": "00006c38adf31777",
    b"": "2d06800538d394c2",
}


def bad_expire(command: str) -> Reply:
    """The error about an expiry that is not in the future."""
    return error(f"ERR invalid expire time in '{command}' command")


@pytest.fixture
def hear(raw: RawClient, connect: Connect) -> Listener:
    """Events and changes of a command."""
    return Listener(raw, connect())


@pytest.fixture(autouse=True)
def keys(raw: RawClient) -> None:
    """A string, an integer, an expiring string and a list."""
    run(raw, "SET a x")
    run(raw, "SET n 5")
    run(raw, f"SET t x PXAT {FAR}")
    run(raw, "RPUSH l x")


class TestSetIf:
    """SET key value IFEQ | IFNE | IFDEQ | IFDNE."""

    @pytest.mark.parametrize(
        ("arguments", "expected", "after"),
        [
            ("a y IFEQ x", OK, bulk("y")),
            ("a y IFEQ y", NIL, bulk("x")),
            ("a y IFNE x", NIL, bulk("x")),
            ("a y ifne y", OK, bulk("y")),
            ("a y IFEQ x GET", bulk("x"), bulk("y")),
            ("a y GET IFEQ y", bulk("x"), bulk("x")),
            ("n 6 IFEQ 5", OK, bulk("6")),
            ("n 6 IFEQ 05", NIL, bulk("5")),
            ("none y IFEQ x", NIL, NIL),
            ("none y IFNE x", OK, bulk("y")),
            ("none y IFEQ x GET", NIL, NIL),
            ("none y IFNE x GET", NIL, bulk("y")),
            ("none y IFDEQ eaf06c6480b2cd11", NIL, NIL),
            ("none y IFDNE eaf06c6480b2cd11", OK, bulk("y")),
            ("a y IFDEQ eaf06c6480b2cd11", OK, bulk("y")),
            ("a y IFDEQ EAF06C6480B2CD11", OK, bulk("y")),
            ("a y IFDEQ eaf06c6480b2cd10", NIL, bulk("x")),
            ("a y IFDEQ eaf06c6480b2cd1g", NIL, bulk("x")),
            ("a y IFDNE eaf06c6480b2cd11", NIL, bulk("x")),
            ("a y IFDNE eaf06c6480b2cd10", OK, bulk("y")),
        ],
    )
    def test_sets(self, raw: RawClient, arguments: str, expected: Reply, after: Reply) -> None:
        assert run(raw, f"SET {arguments}") == expected
        assert raw("GET", arguments.split()[0]) == after

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("a y IFEQ", SYNTAX),
            ("a y IFEQ x IFEQ x", SYNTAX),
            ("a y IFEQ x IFNE z", SYNTAX),
            ("a y IFEQ x NX", SYNTAX),
            ("a y XX IFEQ x", SYNTAX),
            ("a y IFDEQ eaf06c6480b2cd1", NO_DIGEST),
            ("none y IFDNE 0eaf06c6480b2cd11", NO_DIGEST),
            ("l y IFEQ x", WRONG_TYPE),
            ("l y IFNE x GET", WRONG_TYPE),
            ("l y IFDNE eaf06c6480b2cd10", WRONG_TYPE),
            ("a y IFEQ x EX 0", bad_expire("set")),
        ],
    )
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"SET {arguments}") == expected
        assert raw("GET", "a") == bulk("x")

    def test_expiry(self, raw: RawClient) -> None:
        assert run(raw, "SET t y IFEQ x KEEPTTL") == OK
        assert run(raw, "PEXPIRETIME t") == integer(FAR)
        assert run(raw, f"SET a y IFEQ x PXAT {FAR}") == OK
        assert run(raw, "PEXPIRETIME a") == integer(FAR)
        assert run(raw, "SET t z IFEQ y") == OK
        assert run(raw, "PEXPIRETIME t") == integer(-1)

    def test_long_values(self, raw: RawClient) -> None:
        """Both values received in blocks of their own."""
        long, longer = b"v" * 300_000, b"v" * 400_000
        assert raw("SET", "a", long) == OK
        assert raw("SET", "a", longer, "IFEQ", long) == OK
        assert raw("SET", "a", long, "IFEQ", long) == NIL
        assert raw("GET", "a") == bulk(longer)

    def test_tells(self, hear: Listener) -> None:
        assert hear("SET", "a", "y", "IFEQ", "x") == (["overwritten a", "set a"], 1)
        assert hear("SET", "a", "y", "IFEQ", "x") == ([], 0)

    def test_keys(self, raw: RawClient) -> None:
        """A condition reads the old value."""
        reply = run(raw, "COMMAND GETKEYSANDFLAGS SET a y IFEQ x")
        assert [flag.decode() for flag in reply.value[0].value[1].plain()] == ["RW", "access", "update"]


class TestDelex:
    """DELEX key [IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest]."""

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("a", 1),
            ("l", 1),
            ("none", 0),
            ("a IFEQ x", 1),
            ("a IFEQ y", 0),
            ("a ifne y", 1),
            ("a IFNE x", 0),
            ("n IFEQ 5", 1),
            ("a IFDEQ eaf06c6480b2cd11", 1),
            ("a IFDEQ EAF06c6480b2cd11", 1),
            ("a IFDEQ eaf06c6480b2cd10", 0),
            ("a IFDNE eaf06c6480b2cd10", 1),
            ("a IFDNE eaf06c6480b2cd11", 0),
            ("none IFEQ x", 0),
            ("none IFNE x", 0),
            ("none IFDNE eaf06c6480b2cd10", 0),
        ],
    )
    def test_deletes(self, raw: RawClient, arguments: str, expected: int) -> None:
        key = arguments.split()[0]
        assert run(raw, f"DELEX {arguments}") == integer(expected)
        assert raw("EXISTS", key) == integer(0 if expected or key == "none" else 1)

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("", wrong_arguments("delex")),
            ("a x", SYNTAX),
            ("a IFEQ", SYNTAX),
            ("a IFEQ x IFNE y", SYNTAX),
            ("a IFDEQ 1", NO_DIGEST),
            ("none IFDNE eaf06c6480b2cd100", NO_DIGEST),
            ("l IFEQ x", WRONG_TYPE),
            ("l IFNE x", WRONG_TYPE),
        ],
    )
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"DELEX {arguments}".strip()) == expected
        assert run(raw, "EXISTS a l") == integer(2)

    def test_tells(self, hear: Listener) -> None:
        assert hear("DELEX", "a", "IFEQ", "y") == ([], 0)
        assert hear("DELEX", "a", "IFEQ", "x") == (["del a"], 1)
        assert hear("DELEX", "l") == (["del l"], 1)


class TestDelifeq:
    """DELIFEQ key value."""

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("a x", integer(1)),
            ("a y", integer(0)),
            ("n 5", integer(1)),
            ("none x", integer(0)),
            ("l x", WRONG_TYPE),
            ("a", wrong_arguments("delifeq")),
            ("a IFEQ x", wrong_arguments("delifeq")),
        ],
    )
    def test_deletes(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"DELIFEQ {arguments}") == expected
        assert raw("EXISTS", "a") == integer(0 if arguments == "a x" else 1)

    def test_tells(self, hear: Listener) -> None:
        assert hear("DELIFEQ", "a", "x") == (["del a"], 1)


class TestDigest:
    """DIGEST key."""

    @pytest.mark.parametrize("value", DIGESTS)
    def test_tells(self, raw: RawClient, value: bytes) -> None:
        raw("SET", "a", value)
        assert raw("DIGEST", "a") == bulk(DIGESTS[value])

    def test_of_all_encodings(self, raw: RawClient) -> None:
        for value, kind in ((b"5", b"int"), (b"x" * 20, b"embstr"), (b"x" * 200, b"raw")):
            raw("SET", "a", value)
            raw("SET", "b", "")
            raw("APPEND", "b", value)
            assert [encoding(raw, key) for key in "ab"] == [kind, b"raw"]
            assert raw("DIGEST", "a") == raw("DIGEST", "b")

    def test_of_no_string(self, raw: RawClient) -> None:
        assert raw("DIGEST", "none") == NIL
        assert raw("DIGEST", "l") == WRONG_TYPE
        assert raw("DIGEST") == wrong_arguments("digest")
        raw("HELLO", 3)
        assert raw("DIGEST", "none") == NIL3


class TestMsetex:
    """MSETEX numkeys key value [key value ...] [NX | XX] [EX | PX | EXAT | PXAT | KEEPTTL]."""

    @pytest.mark.parametrize(
        ("arguments", "expected", "after"),
        [
            ("2 a 1 b 2", 1, "1 2"),
            ("1 a 1", 1, "1 None"),
            ("2 a 1 b 2 NX", 0, "x None"),
            ("2 b 1 c 2 nx", 1, "x 1"),
            ("2 a 1 b 2 XX", 0, "x None"),
            ("2 a 1 t 2 XX", 1, "1 None"),
            ("2 b 1 b 2 NX", 1, "x 2"),
            ("2 a NX b XX", 1, "NX XX"),
        ],
    )
    def test_sets(self, raw: RawClient, arguments: str, expected: int, after: str) -> None:
        assert run(raw, f"MSETEX {arguments}") == integer(expected)
        assert [str(value.decode() if value is not None else None) for value in run(raw, "MGET a b").plain()] == after.split()

    def test_of_another_type(self, raw: RawClient) -> None:
        assert run(raw, "MSETEX 1 l 1 XX") == integer(1)
        assert raw("GET", "l") == bulk("1")

    def test_expiry(self, raw: RawClient) -> None:
        assert run(raw, f"MSETEX 2 a 1 b 2 PXAT {FAR}") == integer(1)
        assert [run(raw, f"PEXPIRETIME {key}") for key in "ab"] == [integer(FAR)] * 2
        assert run(raw, "MSETEX 2 a 1 n 2 KEEPTTL") == integer(1)
        assert [run(raw, f"PEXPIRETIME {key}") for key in "an"] == [integer(FAR), integer(-1)]
        assert run(raw, "MSETEX 2 a 1 n 2 EX 5 EX 1000 XX XX") == integer(1)
        assert 990 <= run(raw, "TTL a").value <= 1000
        assert run(raw, "MSETEX 1 a 1") == integer(1)
        assert run(raw, "TTL a") == integer(-1)
        assert run(raw, "MSETEX 1 a 1 PXAT 1") == integer(1)
        assert raw("EXISTS", "a") == integer(0)

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("2 a", wrong_arguments("msetex")),
            ("2 a 1 b", SYNTAX),
            ("1 a 1 b 2", SYNTAX),
            ("2 a 1 b 2 foo", SYNTAX),
            ("2 a 1 b 2 NX XX", SYNTAX),
            ("2 a 1 b 2 EX 5 PX 5", SYNTAX),
            ("2 a 1 b 2 EX 5 KEEPTTL", SYNTAX),
            ("2 a 1 b 2 EX", SYNTAX),
            ("2 a 1 b 2 EX x", NOT_AN_INTEGER),
            ("2 a 1 b 2 EX 0", bad_expire("msetex")),
            *((f"{count} a 1", error("ERR invalid numkeys value or out of range")) for count in ("0", "x", "-1", "3000000000")),
        ],
    )
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"MSETEX {arguments}") == expected
        assert raw("GET", "a") == bulk("x")

    def test_long_values(self, raw: RawClient) -> None:
        """Received in blocks of their own."""
        assert raw("MSETEX", 2, "a", b"v" * 300_000, "b", b"w" * 300_000, "EX", 1000) == integer(1)
        assert [raw("STRLEN", key) for key in "ab"] == [integer(300_000)] * 2
        assert raw("GETRANGE", "b", -1, -1) == bulk("w")

    def test_keys(self, raw: RawClient) -> None:
        assert run(raw, "COMMAND GETKEYS MSETEX 2 a 1 b 2 EX 5") == array(bulk("a"), bulk("b"))

    def test_tells(self, hear: Listener) -> None:
        assert hear("MSETEX", 2, "a", 1, "b", 2, "EX", 1000) == (["overwritten a", "set a", "expire a", "new b", "set b", "expire b"], 2)
        assert hear("MSETEX", 2, "a", 1, "b", 2, "NX") == ([], 0)


class TestIncrex:
    """INCREX key [BYFLOAT | BYINT] [SATURATE] [LBOUND lowerbound] [UBOUND upperbound] [EX | PX | EXAT | PXAT | PERSIST] [ENX]."""

    @pytest.mark.parametrize(
        ("arguments", "value", "change"),
        [
            ("n", 6, 1),
            ("none", 1, 1),
            ("n BYINT 5", 10, 5),
            ("n byint -10", -5, -10),
            ("n BYINT 0", 5, 0),
            ("n BYINT 5 UBOUND 10", 10, 5),
            ("n BYINT 6 UBOUND 10", 5, 0),
            ("n UBOUND 10 BYINT 6 SATURATE", 10, 5),
            ("n BYINT -6 LBOUND 0", 5, 0),
            ("n BYINT -6 LBOUND 0 SATURATE", 0, -5),
            ("n BYINT -6 LBOUND 0 UBOUND 3", 5, 0),
            ("n BYINT -6 LBOUND 0 UBOUND 3 SATURATE", 0, -5),
            ("n UBOUND 3", 5, 0),
            ("n UBOUND 3 SATURATE", 3, -2),
            ("n BYINT -1 UBOUND 3", 5, 0),
            ("n BYINT -1 UBOUND 3 SATURATE", 3, -2),
            ("n LBOUND 100 SATURATE", 100, 95),
            (f"n BYINT {HIGH}", 5, 0),
            (f"n BYINT {HIGH} SATURATE", HIGH, HIGH - 5),
            (f"n BYINT {HIGH} UBOUND 10 SATURATE", 10, 5),
            (f"none BYINT {LOW}", LOW, LOW),
            ("none UBOUND 0", 0, 0),
            ("n UBOUND 6 UBOUND 5", 5, 0),
        ],
    )
    def test_counts(self, raw: RawClient, arguments: str, value: int, change: int) -> None:
        assert run(raw, f"INCREX {arguments}") == array(integer(value), integer(change))
        key = arguments.split()[0]
        assert raw("GET", key) == (NIL if key == "none" and not change else bulk(str(value)))

    @pytest.mark.parametrize(
        ("arguments", "value", "change"),
        [
            ("n BYFLOAT 0.25", "5.25", "0.25"),
            ("n BYFLOAT -10.5", "-5.5", "-10.5"),
            ("none BYFLOAT 3.0e3", "3000", "3000"),
            ("n BYFLOAT 5.5 UBOUND 10.5", "10.5", "5.5"),
            ("n BYFLOAT 6 UBOUND 10.5", "5", "0"),
            ("n BYFLOAT 6 UBOUND 10.5 SATURATE", "10.5", "5.5"),
            ("n BYFLOAT -6 LBOUND -0.5 SATURATE", "-0.5", "-5.5"),
            ("n BYFLOAT 1 LBOUND -inf UBOUND inf", "6", "1"),
            ("n BYFLOAT 0", "5", "0"),
            ("none BYFLOAT 1 UBOUND 0.5", "0", "0"),
        ],
    )
    def test_counts_in_floats(self, raw: RawClient, arguments: str, value: str, change: str) -> None:
        assert run(raw, f"INCREX {arguments}") == array(bulk(value), bulk(change))
        key = arguments.split()[0]
        assert raw("GET", key) == (NIL if key == "none" and change == "0" else bulk(value))
        raw("HELLO", 3)
        raw("SET", "n", 1)
        assert run(raw, "INCREX n BYFLOAT 0.5") == array(double("1.5"), double("0.5"))
        assert run(raw, "INCREX a2 BYFLOAT 0.5 UBOUND 0") == array(double("0"), double("0"))

    def test_limits_of_floats(self, raw: RawClient) -> None:
        largest = "1" + "0" * 4932
        assert run(raw, f"SET n {largest}") == OK
        assert run(raw, f"INCREX n BYFLOAT {largest}").value[1] == bulk("0")
        assert run(raw, f"INCREX n BYFLOAT {largest} UBOUND 7 SATURATE").value[0] == bulk("7")

    def test_writes_doubles_that_clients_can_read(self, raw: RawClient) -> None:
        """hiredis refuses digits that come to infinity, and those of more than 325 bytes."""
        assert len(run(raw, "INCREX a2 BYFLOAT -1e400").value[1].value) == 402
        raw("DEL", "a2")
        raw("HELLO", 3)
        assert run(raw, "INCREX a2 BYFLOAT -1e400") == array(double("-inf"), double("-inf"))
        assert run(raw, "INCREX a3 BYFLOAT 1e309").value[0] == double("inf")
        assert float(run(raw, "INCREX a4 BYFLOAT 1e308").value[0].value) == 1e308

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("", wrong_arguments("increx")),
            ("n 5", SYNTAX),
            ("n BYINT", SYNTAX),
            ("n BYINT 1 BYFLOAT 1", SYNTAX),
            ("n LBOUND", SYNTAX),
            ("n EX 5 PX 5", SYNTAX),
            ("n EX 5 PERSIST", SYNTAX),
            ("n ENX PERSIST", SYNTAX),
            ("n PERSIST ENX", SYNTAX),
            ("n ENX", error("ERR ENX flag requires an expiration")),
            ("n EX 0", bad_expire("increx")),
            ("n EX x", NOT_AN_INTEGER),
            ("n BYINT 1.5", NOT_AN_INTEGER),
            ("n BYINT 1 UBOUND 1.5", NOT_AN_INTEGER),
            ("n LBOUND x", NOT_AN_INTEGER),
            ("n BYFLOAT x", NOT_A_FLOAT),
            ("n BYFLOAT 1 LBOUND x", NOT_A_FLOAT),
            ("n BYFLOAT inf", error("ERR increment would produce NaN or Infinity")),
            ("n LBOUND 2 UBOUND 1", error("ERR LBOUND can't be greater than UBOUND")),
            ("n BYFLOAT 1 LBOUND 2 UBOUND 1", error("ERR LBOUND can't be greater than UBOUND")),
            (f"n BYINT -1 LBOUND {HIGH} UBOUND {HIGH} SATURATE", array(integer(HIGH), integer(HIGH - 5))),
            ("a", NOT_AN_INTEGER),
            ("a BYFLOAT 1", NOT_A_FLOAT),
            ("l", WRONG_TYPE),
            ("l BYFLOAT 1", WRONG_TYPE),
        ],
    )
    def test_refuses(self, raw: RawClient, arguments: str, expected: Reply) -> None:
        assert run(raw, f"INCREX {arguments}".strip()) == expected

    def test_a_change_that_is_no_integer(self, raw: RawClient) -> None:
        run(raw, f"SET n {LOW}")
        assert run(raw, f"INCREX n LBOUND {HIGH} SATURATE") == OVERFLOW
        assert raw("GET", "n") == bulk(str(LOW))

    def test_expiry(self, raw: RawClient) -> None:
        assert run(raw, f"INCREX n PXAT {FAR}") == array(integer(6), integer(1))
        assert run(raw, "PEXPIRETIME n") == integer(FAR)
        assert run(raw, "INCREX n EX 5 ENX") == array(integer(7), integer(1))
        assert run(raw, "PEXPIRETIME n") == integer(FAR)
        assert run(raw, "INCREX n") == array(integer(8), integer(1))
        assert run(raw, "PEXPIRETIME n") == integer(FAR)
        assert run(raw, "INCREX n UBOUND 1 EX 5") == array(integer(8), integer(0))
        assert run(raw, "PEXPIRETIME n") == integer(FAR)
        assert run(raw, "INCREX n BYFLOAT 1 PERSIST") == array(bulk("9"), bulk("1"))
        assert run(raw, "PEXPIRETIME n") == integer(-1)
        assert run(raw, f"INCREX n BYFLOAT 1 ENX PXAT {FAR}") == array(bulk("10"), bulk("1"))
        assert run(raw, "PEXPIRETIME n") == integer(FAR)
        assert run(raw, "INCREX n UBOUND 0 SATURATE EXAT 1") == array(integer(0), integer(-10))
        assert raw("EXISTS", "n") == integer(0)

    def test_encodings(self, raw: RawClient) -> None:
        run(raw, "INCREX n")
        assert encoding(raw, "n") == b"int"
        run(raw, "INCREX n BYFLOAT 1")
        assert encoding(raw, "n") == b"embstr"

    def test_tells(self, hear: Listener) -> None:
        assert hear("INCREX", "n") == (["incrby n"], 1)
        assert hear("INCREX", "n", "EX", 1000) == (["incrby n", "expire n"], 1)
        assert hear("INCREX", "n", "BYFLOAT", 1, "PERSIST") == (["incrbyfloat n", "persist n"], 1)
        assert hear("INCREX", "n", "PERSIST") == (["incrby n"], 1)
        assert hear("INCREX", "n", "UBOUND", 0) == ([], 0)
