"""The hash group: expiry of fields, and the commands that take fields as FIELDS numfields field ..."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.listening import Listener
from tests.replies import NIL, NOT_AN_INTEGER, OK, WRONG_TYPE, array, bulk, encoding, integer
from tests.resp import Connect, RawClient, Reply

FAR = 4_000_000_000_000  # ms since the epoch
LAST = 2**46 - 1  # that a field may expire at
NOW = 1_900_000_000_000  # where a clock that stands begins

MISPLACED = b"ERR Mandatory argument FIELDS is missing or not at the right position"
MISMATCH = b"ERR The `numfields` parameter must match the number of arguments"
NOT_POSITIVE = b"ERR Number of fields must be a positive integer"
NEGATIVE = b"ERR invalid expire time, must be >= 0"


def replies(*numbers: int) -> Reply:
    """An array of integers."""
    return array(*map(integer, numbers))


@pytest.fixture(params=["listpackex", "hashtable"])
def kind(request: pytest.FixtureRequest, raw: RawClient) -> str:
    """Runs a test for each encoding: h has a, b and c, of which a expires at FAR; s is a string."""
    raw("CONFIG", "SET", "hash-max-listpack-entries", 128 if request.param == "listpackex" else 0)
    raw("HSET", "h", "a", 1, "b", "two", "c", "")
    raw("HPEXPIREAT", "h", FAR, "FIELDS", 1, "a")
    raw("SET", "s", 1)
    assert encoding(raw, "h") == str(request.param).encode()
    return str(request.param)


class Clock:
    """The server's clock, which stands."""

    def __init__(self, raw: RawClient) -> None:
        self.raw = raw
        self.ms = NOW
        self.advance(0)

    def advance(self, ms: int) -> None:
        """So much later."""
        self.ms += ms
        assert self.raw("DEBUG", "SET-CLOCK", self.ms * 1000) == OK


@pytest.fixture
def clock(raw: RawClient) -> Iterator[Clock]:
    """A clock that stands, and nothing expires but at access."""
    raw("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    yield Clock(raw)
    raw("DEBUG", "SET-CLOCK", 0)
    raw("DEBUG", "SET-ACTIVE-EXPIRE", 1)


@pytest.fixture
def over(raw: RawClient, kind: str, clock: Clock) -> Clock:
    """The times of a and b in h are over; c stays."""
    raw("HPEXPIRE", "h", 5, "FIELDS", 2, "a", "b")
    clock.advance(6)
    return clock


@pytest.fixture
def hear(raw: RawClient, connect: Connect) -> Listener:
    """Events and changes of a command."""
    return Listener(raw, connect())


def moments(raw: RawClient, *fields: str) -> list[int]:
    """When fields of h expire."""
    return raw("HPEXPIRETIME", "h", "FIELDS", len(fields), *fields).plain()


class TestHpexpireat:
    """HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]."""

    def test_sets(self, raw: RawClient, kind: str) -> None:
        assert raw("HPEXPIREAT", "h", FAR + 7, "FIELDS", 3, "b", "nowhere", "a") == replies(1, -2, 1)
        assert moments(raw, "a", "b", "c", "nowhere") == [FAR + 7, FAR + 7, -1, -2]
        assert raw("HPEXPIREAT", "h", LAST, "fields", 2, "b", "b") == replies(1, 1)
        assert moments(raw, "b") == [LAST]
        assert raw("HPEXPIREAT", "missing", FAR, "FIELDS", 2, "a", "b") == replies(-2, -2)
        assert encoding(raw, "h") == kind.encode()

    @pytest.mark.parametrize(
        ("condition", "later", "same", "earlier", "none"),
        [("NX", 0, 0, 0, 1), ("XX", 1, 1, 1, 0), ("GT", 1, 0, 0, 0), ("lt", 0, 0, 1, 1)],
    )
    def test_conditions(self, raw: RawClient, kind: str, condition: str, later: int, same: int, earlier: int, none: int) -> None:
        for moment, outcome in ((FAR + 1, later), (FAR, same), (FAR - 1, earlier)):
            raw("HPEXPIREAT", "h", FAR, "FIELDS", 1, "a")
            assert raw("HPEXPIREAT", "h", moment, condition, "FIELDS", 1, "a") == replies(outcome)
            assert moments(raw, "a") == [moment if outcome else FAR]
        assert raw("HPEXPIREAT", "h", FAR, condition, "FIELDS", 2, "b", "nowhere") == replies(none, -2)

    def test_passed(self, raw: RawClient, kind: str) -> None:
        """What would be over is removed, and the key with the last field."""
        assert raw("HPEXPIREAT", "h", 1, "NX", "FIELDS", 2, "a", "b") == replies(0, 2)
        assert raw("HPEXPIREAT", "h", 0, "FIELDS", 1, "a") == replies(2)
        assert raw("HKEYS", "h") == array(bulk(b"c"))
        assert raw("HPEXPIREAT", "h", 1, "FIELDS", 2, "c", "c") == replies(2, -2)
        assert raw("EXISTS", "h") == integer(0)

    def test_effects(self, raw: RawClient, hear: Listener, kind: str) -> None:
        assert hear("HPEXPIREAT", "h", FAR, "FIELDS", 3, "a", "b", "nowhere") == (["hexpire h"], 2)
        assert hear("HPEXPIREAT", "h", FAR, "NX", "FIELDS", 1, "a") == ([], 0)
        assert hear("HPEXPIREAT", "h", 1, "FIELDS", 2, "a", "b") == (["hdel h"], 2)
        assert hear("HPEXPIREAT", "h", 1, "FIELDS", 1, "c") == (["hdel h", "del h"], 1)

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            ("h 1 FIELDS 2 a", MISMATCH),
            ("h 1 FIELDS 1 a b", MISMATCH),
            ("h 1 FIELDS 1 a NX", MISMATCH),
            ("h 1 NX FIELDS 1", MISMATCH),
            ("h 1 FIELDS 0 a", b"ERR Parameter `numFields` should be greater than 0"),
            ("h 1 FIELDS x a", b"ERR Parameter `numFields` should be greater than 0"),
            ("h 1 FOO FIELDS 1 a", MISPLACED),
            ("h 1 NX XX FIELDS 1 a", MISPLACED),
            ("missing 1 FIELD 1 a", MISPLACED),
            ("h x FOO 1 a", NOT_AN_INTEGER.value),
            ("missing -1 FOO 1 a", NEGATIVE),
            (f"h {LAST + 1} FOO 1 a", b"ERR invalid expire time in 'hpexpireat' command"),
            ("h 9223372036854775807 FIELDS 1 a", b"ERR invalid expire time in 'hpexpireat' command"),
            ("s x FIELDS 1 a", WRONG_TYPE.value),
            ("h 1 FIELDS 1", b"ERR wrong number of arguments for 'hpexpireat' command"),
        ],
    )
    def test_errors(self, raw: RawClient, kind: str, words: str, error: bytes) -> None:
        assert raw("HPEXPIREAT", *words.split()) == Reply("-", error)
        assert moments(raw, "a", "b", "c") == [FAR, -1, -1]


class TestHexpireat:
    """HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]."""

    def test_seconds(self, raw: RawClient, kind: str) -> None:
        assert raw("HEXPIREAT", "h", LAST // 1000, "FIELDS", 1, "b") == replies(1)
        assert moments(raw, "b") == [LAST // 1000 * 1000]
        assert raw("HEXPIREAT", "h", LAST // 1000 + 1, "FIELDS", 1, "b") == Reply("-", b"ERR invalid expire time in 'hexpireat' command")
        assert raw("HEXPIREAT", "h", 1, "FIELDS", 1, "b") == replies(2)


class TestHexpire:
    """HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]."""

    def test_seconds(self, raw: RawClient, kind: str) -> None:
        assert raw("HEXPIRE", "h", 1000, "XX", "FIELDS", 2, "a", "b") == replies(1, 0)
        (left,) = raw("HTTL", "h", "FIELDS", 1, "a").plain()
        assert 990 < left <= 1000
        assert raw("HEXPIRE", "h", 0, "FIELDS", 1, "a") == replies(2)
        error = Reply("-", b"ERR invalid expire time in 'hexpire' command")
        assert raw("HEXPIRE", "h", LAST // 1000, "FIELDS", 1, "b") == raw("HEXPIRE", "h", 2**63 - 1, "FIELDS", 1, "b") == error


class TestHpexpire:
    """HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]."""

    def test_milliseconds(self, raw: RawClient, kind: str) -> None:
        assert raw("HPEXPIRE", "h", 1_000_000, "FIELDS", 1, "b") == replies(1)
        (left,) = raw("HPTTL", "h", "FIELDS", 1, "b").plain()
        assert 990_000 < left <= 1_000_000
        assert raw("HPEXPIRE", "h", -(2**63), "FIELDS", 1, "b") == Reply("-", NEGATIVE)


    def test_a_listpack_can_hold_expiries_from_then_on(self, raw: RawClient) -> None:
        """Whether a field got one or not."""
        for command in ("HEXPIRE h 100 FIELDS 1 x", "HEXPIRE h 100 XX FIELDS 1 a", "HEXPIRE h 0 FIELDS 1 a", "HGETEX h PERSIST FIELDS 1 x"):
            raw("DEL", "h")
            raw("HSET", "h", "a", 1, "b", 2)
            raw("HPERSIST", "h", "FIELDS", 1, "a")
            assert encoding(raw, "h") == b"listpack"
            raw(*command.split())
            assert encoding(raw, "h") == b"listpackex"


class TestHpexpiretime:
    """HPEXPIRETIME key FIELDS numfields field [field ...]."""

    def test_moments(self, raw: RawClient, kind: str) -> None:
        assert raw("HPEXPIRETIME", "h", "FIELDS", 4, "a", "b", "nowhere", "a") == replies(FAR, -1, -2, FAR)
        assert raw("HPEXPIRETIME", "missing", "FIELDS", 1, "a") == replies(-2)

    @pytest.mark.parametrize("command", ["HPEXPIRETIME", "HEXPIRETIME", "HTTL", "HPTTL", "HPERSIST"])
    @pytest.mark.parametrize(
        ("words", "error"),
        [
            ("h FIELDS 2 a", MISMATCH),
            ("missing FIELDS 1 a b", MISMATCH),
            ("h FIELDS 0 a", NOT_POSITIVE),
            ("h FIELDS x a", NOT_POSITIVE),
            ("h FIELD 1 a", MISPLACED),
            ("s FIELD 1 a", WRONG_TYPE.value),
        ],
    )
    def test_errors(self, raw: RawClient, kind: str, command: str, words: str, error: bytes) -> None:
        assert raw(command, *words.split()) == Reply("-", error)


class TestHexpiretime:
    """HEXPIRETIME key FIELDS numfields field [field ...]."""

    def test_a_begun_second_counts(self, raw: RawClient, kind: str) -> None:
        for more, seconds in ((0, 0), (1, 1), (999, 1), (1000, 1)):
            raw("HPEXPIREAT", "h", FAR + more, "FIELDS", 1, "a")
            assert raw("HEXPIRETIME", "h", "FIELDS", 3, "a", "b", "x") == replies(FAR // 1000 + seconds, -1, -2)


@pytest.mark.zippy_only
@pytest.mark.socket_only
class TestHttl:
    """HTTL key FIELDS numfields field [field ...]."""

    def test_a_begun_second_counts(self, raw: RawClient, kind: str, clock: Clock) -> None:
        for ms, seconds in ((1, 1), (999, 1), (1000, 1), (1001, 2)):
            raw("HPEXPIRE", "h", ms, "FIELDS", 1, "a")
            assert raw("HTTL", "h", "FIELDS", 3, "a", "b", "x") == replies(seconds, -1, -2)

    def test_over(self, raw: RawClient, over: Clock) -> None:
        assert raw("HTTL", "h", "FIELDS", 2, "a", "c") == replies(-2, -1)


@pytest.mark.zippy_only
@pytest.mark.socket_only
class TestHpttl:
    """HPTTL key FIELDS numfields field [field ...]."""

    def test_milliseconds(self, raw: RawClient, kind: str, clock: Clock) -> None:
        raw("HPEXPIRE", "h", 1234, "FIELDS", 1, "a")
        clock.advance(1000)
        assert raw("HPTTL", "h", "FIELDS", 2, "a", "b") == replies(234, -1)


    def test_the_last_millisecond(self, raw: RawClient, kind: str, clock: Clock) -> None:
        """A field of a listpack can still be read, and has no time left."""
        raw("HPEXPIRE", "h", 5, "FIELDS", 1, "b")
        clock.advance(5)
        assert raw("HGET", "h", "b") == bulk("two")
        assert raw("HPTTL", "h", "FIELDS", 1, "b") == replies(-2 if kind == "listpackex" else 0)


class TestHpersist:
    """HPERSIST key FIELDS numfields field [field ...]."""

    def test_persists(self, raw: RawClient, kind: str) -> None:
        assert raw("HPERSIST", "h", "FIELDS", 4, "a", "b", "x", "a") == replies(1, -1, -2, -1)
        assert moments(raw, "a", "b") == [-1, -1]
        assert raw("HPERSIST", "missing", "FIELDS", 1, "a") == replies(-2)
        assert raw("HGETALL", "h") != array()

    def test_effects(self, raw: RawClient, hear: Listener, kind: str) -> None:
        raw("HPEXPIREAT", "h", FAR, "FIELDS", 2, "a", "b")
        assert hear("HPERSIST", "h", "FIELDS", 3, "a", "b", "c") == (["hpersist h"], 1)
        assert hear("HPERSIST", "h", "FIELDS", 1, "a") == ([], 0)


class TestHgetex:
    """HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] FIELDS ..."""

    def test_reads(self, raw: RawClient, kind: str) -> None:
        assert raw("HGETEX", "h", "FIELDS", 3, "a", "x", "b") == array(bulk(b"1"), NIL, bulk(b"two"))
        assert moments(raw, "a", "b") == [FAR, -1]
        assert raw("HGETEX", "missing", "EX", 10, "FIELDS", 1, "a") == array(NIL)

    def test_expiry(self, raw: RawClient, kind: str) -> None:
        assert raw("HGETEX", "h", "PXAT", FAR + 5, "FIELDS", 2, "a", "b") == array(bulk(b"1"), bulk(b"two"))
        assert moments(raw, "a", "b", "c") == [FAR + 5, FAR + 5, -1]
        raw("HGETEX", "h", "exat", FAR // 1000, "FIELDS", 1, "b")
        assert moments(raw, "a", "b") == [FAR + 5, FAR]
        assert raw("HGETEX", "h", "PERSIST", "FIELDS", 2, "a", "c") == array(bulk(b"1"), bulk(b""))
        assert moments(raw, "a", "b") == [-1, FAR]
        raw("HGETEX", "h", "PX", 1_000_000, "FIELDS", 1, "a")
        raw("HGETEX", "h", "EX", 1000, "FIELDS", 1, "b")
        assert all(990 < left <= 1000 for left in raw("HTTL", "h", "FIELDS", 2, "a", "b").plain())

    def test_passed(self, raw: RawClient, kind: str) -> None:
        assert raw("HGETEX", "h", "EX", 0, "FIELDS", 3, "a", "b", "a") == array(bulk(b"1"), bulk(b"two"), NIL)
        assert raw("HGETEX", "h", "PXAT", 1, "FIELDS", 1, "c") == array(bulk(b""))
        assert raw("EXISTS", "h") == integer(0)

    def test_effects(self, raw: RawClient, hear: Listener, kind: str) -> None:
        assert hear("HGETEX", "h", "EX", 10, "FIELDS", 2, "a", "b") == (["hexpire h"], 2)
        assert hear("HGETEX", "h", "PERSIST", "FIELDS", 3, "a", "b", "c") == (["hpersist h"], 2)
        assert hear("HGETEX", "h", "PERSIST", "FIELDS", 1, "a") == hear("HGETEX", "h", "FIELDS", 1, "a") == ([], 0)
        assert hear("HGETEX", "h", "EX", 0, "FIELDS", 2, "a", "b") == (["hdel h"], 2)
        assert hear("HGETEX", "h", "EX", 0, "FIELDS", 1, "c") == (["hdel h", "del h"], 1)

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            ("h FIELDS 1 a b", MISMATCH),
            ("h FIELDS 1 a EX 10", MISMATCH),
            ("h PX 10 FIELDS 1", MISMATCH),
            ("h FIELDS 0 a", NOT_POSITIVE),
            ("h EX 10 PX 10 FIELDS 1 a", MISPLACED),
            ("h PERSIST PERSIST FIELDS 1 a", MISPLACED),
            ("h KEEPTTL FIELDS 1 a", MISPLACED),
            ("h EX x FOO 1 a", NOT_AN_INTEGER.value),
            ("missing EX -1 FIELDS 0 a", NEGATIVE),
            ("h PX 9223372036854775807 FIELDS 0 a", b"ERR invalid expire time in 'hgetex' command"),
            ("s FIELDS 0 a", WRONG_TYPE.value),
        ],
    )
    def test_errors(self, raw: RawClient, kind: str, words: str, error: bytes) -> None:
        assert raw("HGETEX", *words.split()) == Reply("-", error)


    def test_no_fields(self, raw: RawClient) -> None:
        arity = Reply("-", b"ERR wrong number of arguments for 'hgetex' command")
        assert raw("HGETEX", "h", "EX", 1, "FIELDS") == arity
        assert raw("HGETEX", "h", "EX", 1, "FIELDSX") == arity
        assert raw("HGETEX", "h", "EX", 1, "FIELDS", 1) == Reply("-", MISMATCH)


class TestHsetex:
    """HSETEX key [FNX | FXX] [EX seconds | PX milliseconds | EXAT ... | PXAT ... | KEEPTTL] FIELDS numfields field value ..."""

    def test_sets(self, raw: RawClient, kind: str) -> None:
        assert raw("HSETEX", "h", "PXAT", FAR + 1, "FIELDS", 3, "b", "B", "new", 5, "b", "BB") == integer(1)
        assert raw("HMGET", "h", "b", "new") == array(bulk(b"BB"), bulk(b"5"))
        assert moments(raw, "a", "b", "c", "new") == [FAR, FAR + 1, -1, FAR + 1]
        assert raw("HSETEX", "h", "FIELDS", 1, "a", "A") == integer(1)
        assert moments(raw, "a") == [-1]
        assert raw("HSETEX", "h", "KEEPTTL", "FIELDS", 2, "b", 7, "c", 8) == integer(1)
        assert moments(raw, "b", "c") == [FAR + 1, -1]
        assert encoding(raw, "h") == kind.encode()

    def test_new_key(self, raw: RawClient, kind: str) -> None:
        packed = b"listpack" if kind == "listpackex" else kind.encode()
        for key, words in (("plain", ()), ("kept", ("KEEPTTL",))):
            assert raw("HSETEX", key, *words, "FIELDS", 1, "a", 1) == integer(1)
            assert encoding(raw, key) == packed
        assert raw("HSETEX", "fresh", "EX", 1000, "FIELDS", 1, "a", 1) == integer(1)
        assert encoding(raw, "fresh") == kind.encode()

    def test_conditions(self, raw: RawClient, kind: str) -> None:
        assert raw("HSETEX", "h", "FNX", "FIELDS", 2, "new", 1, "a", 2) == integer(0)
        assert raw("HSETEX", "h", "FXX", "FIELDS", 2, "a", 1, "new", 2) == integer(0)
        assert raw("HSETEX", "missing", "FXX", "FIELDS", 1, "a", 1) == integer(0)
        assert raw("HLEN", "h") == integer(3)
        assert raw("HSETEX", "h", "FNX", "EX", 10, "FIELDS", 2, "new", 1, "new", 2) == integer(1)
        assert raw("HSETEX", "h", "PX", 10_000, "fxx", "FIELDS", 2, "new", 1, "a", 2) == integer(1)
        assert raw("EXISTS", "missing") == integer(0)

    def test_passed(self, raw: RawClient, kind: str) -> None:
        assert raw("HSETEX", "h", "PXAT", 1, "FIELDS", 2, "a", 1, "new", 2) == integer(1)
        assert raw("HLEN", "h") == integer(2)
        assert raw("HSETEX", "fresh", "EX", 0, "FIELDS", 1, "a", 1) == integer(1)
        assert raw("EXISTS", "fresh") == integer(0)

    def test_effects(self, raw: RawClient, hear: Listener, kind: str) -> None:
        assert hear("HSETEX", "h", "FIELDS", 2, "a", 1, "b", 2) == (["hset h"], 2)
        assert hear("HSETEX", "h", "EX", 10, "FIELDS", 2, "a", 1, "b", 2) == (["hset h", "hexpire h"], 2)
        assert hear("HSETEX", "h", "FNX", "FIELDS", 1, "a", 1) == ([], 0)
        assert hear("HSETEX", "h", "PXAT", 1, "FIELDS", 2, "a", 1, "b", 2) == (["hset h", "hdel h"], 2)
        assert hear("HSETEX", "h", "PXAT", 1, "FIELDS", 1, "c", 1) == (["hset h", "hdel h", "del h"], 1)
        assert hear("HSETEX", "h", "EX", 10, "FIELDS", 1, "c", 1) == (["new h", "hset h", "hexpire h"], 1)

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            ("h FIELDS 2 a 1", b"ERR wrong number of arguments for 'hsetex' command"),
            ("h FIELDS 1 a 1 EX 10", b"ERR wrong number of arguments for 'hsetex' command"),
            ("h FNX FIELDS x y", b"ERR wrong number of arguments for 'hsetex' command"),
            ("h FXX EX 10 FIELDS", b"ERR wrong number of arguments for 'hsetex' command"),
            ("h FIELDS 0 a 1", b"ERR invalid number of fields"),
            ("h FIELDS x a 1", b"ERR invalid number of fields"),
            ("h FIELDS 2147483648 a 1", b"ERR invalid number of fields"),
            ("h EX 10 KEEPTTL FIELDS 1 a 1", b"ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"),
            ("h KEEPTTL KEEPTTL FIELDS 1 a 1", b"ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"),
            ("h FNX FXX FIELDS 1 a 1", b"ERR Only one of FXX or FNX arguments can be specified"),
            ("s PERSIST FIELDS 1 a 1", b"ERR unknown argument: PERSIST"),
            (f"h {'x' * 1000} FIELDS 1 a 1", b"ERR unknown argument: " + b"x" * 1000),
            ("s EX x FOO 1 a 1", NOT_AN_INTEGER.value),
            ("s EX -1 FOO 1 a 1", NEGATIVE),
            ("s PX 9223372036854775807 FIELDS 1 a 1", b"ERR invalid expire time in 'hsetex' command"),
            ("s FIELDS 1 a 1", WRONG_TYPE.value),
        ],
    )
    def test_errors(self, raw: RawClient, kind: str, words: str, error: bytes) -> None:
        assert raw("HSETEX", *words.split()) == Reply("-", error)
        assert raw("HLEN", "h") == integer(3)


class TestOtherCommands:
    """What the commands that know of no expiry do to a field that has one."""

    @pytest.mark.parametrize(
        ("command", "moment"),
        [
            ("HSET h a 5", -1),
            ("HMSET h a 5", -1),
            ("HSETNX h a 5", FAR),
            ("HINCRBY h a 5", FAR),
            ("HINCRBYFLOAT h a 5.5", FAR),
            ("HSET h b 5", FAR),
            ("HDEL h b", FAR),
            ("COPY h d", FAR),
        ],
    )
    def test_expiry(self, raw: RawClient, kind: str, command: str, moment: int) -> None:
        raw(*command.split())
        assert moments(raw, "a") == [moment]

    def test_moved(self, raw: RawClient, kind: str) -> None:
        """Keys, values and databases change, the fields' moments stay."""
        raw("RENAME", "h", "g")
        raw("COPY", "g", "h")
        raw("PEXPIREAT", "h", FAR)
        raw("PERSIST", "h")
        assert raw("DEL", "g") == integer(1)
        assert moments(raw, "a", "b") == [FAR, -1]
        payload = raw("DUMP", "h").value
        raw("DEL", "h")
        assert raw("RESTORE", "h", 0, payload) == OK
        assert moments(raw, "a", "b") == [FAR, -1]
        assert encoding(raw, "h") == kind.encode()
        raw("SET", "h", "x")
        raw("DEL", "h")

    def test_another_value_takes_the_place(self, raw: RawClient, kind: str) -> None:
        raw("SET", "h", "x", "KEEPTTL")
        assert raw("GET", "h") == bulk(b"x")
        raw("HSETEX", "g", "EX", 1000, "FIELDS", 1, "a", 1)
        raw("SADD", "x", "a")
        raw("SUNIONSTORE", "g", "x")
        raw("FLUSHALL")

    def test_limits(self, raw: RawClient) -> None:
        """A hash is converted as one without expiry is, and not by an expiry itself."""
        raw("CONFIG", "SET", "hash-max-listpack-entries", 3, "hash-max-listpack-value", 10)
        raw("HSET", "h", "a", 1, "b", 2, "c", 3)
        raw("CONFIG", "SET", "hash-max-listpack-entries", 2)
        raw("HPEXPIREAT", "h", FAR, "FIELDS", 1, "b")
        assert encoding(raw, "h") == b"listpackex"
        raw("HSET", "h", "a", 5)
        assert encoding(raw, "h") == b"hashtable"
        assert moments(raw, "a", "b") == [-1, FAR]
        raw("HSETEX", "g", "PXAT", FAR, "FIELDS", 1, "a", "a" * 11)
        assert encoding(raw, "g") == b"hashtable"

    def test_many_fields(self, raw: RawClient) -> None:
        """A table whose index has several levels, with all sorts of changes."""
        raw("HSET", "h", *(word for i in range(20_000) for word in (f"f{i}", i)))
        for i in range(0, 20_000, 50):
            raw("HPEXPIREAT", "h", FAR + i * 7919 % 5000, "FIELDS", 50, *(f"f{k}" for k in range(i, i + 50)))
        raw("HDEL", "h", *(f"f{i}" for i in range(0, 20_000, 3)))
        raw("HSET", "h", *(word for i in range(1, 20_000, 3) for word in (f"f{i}", "x" * (i % 50))))
        assert moments(raw, "f0", "f1", "f2", "f19999") == [-2, -1, FAR, FAR + 19_950 * 7919 % 5000 if 19_999 % 3 == 2 else -1]
        raw("HPERSIST", "h", "FIELDS", 6666, *(f"f{i}" for i in range(2, 20_000, 3)))
        assert set(moments(raw, *(f"f{i}" for i in range(2, 20_000, 3)))) == {-1}


@pytest.mark.zippy_only
@pytest.mark.socket_only
class TestOver:
    """Fields whose time is over, with nobody to have noticed before the command."""

    @pytest.mark.parametrize(
        ("command", "reply"),
        [
            ("HGETALL h", array(bulk(b"c"), bulk(b""))),
            ("HKEYS h", array(bulk(b"c"))),
            ("HVALS h", array(bulk(b""))),
            ("HSCAN h 0", array(bulk(b"0"), array(bulk(b"c"), bulk(b"")))),
            ("HLEN h", integer(3)),
            ("HTTL h FIELDS 1 a", replies(-2)),
            ("HPERSIST h FIELDS 1 a", replies(-2)),
            ("SORT l BY nosort GET h*->a GET h*->c", array(NIL, bulk(b""))),
        ],
    )
    def test_passed_over(self, raw: RawClient, over: Clock, hear: Listener, command: str, reply: Reply) -> None:
        raw("RPUSH", "l", "")
        assert raw(*command.split()) == reply
        assert hear.hear() == ["new l", "rpush l"]
        assert raw("HLEN", "h") == integer(3)

    @pytest.mark.parametrize(
        ("command", "reply", "events", "left"),
        [
            ("HGET h a", NIL, [], 2),
            ("HMGET h a b c", array(NIL, NIL, bulk(b"")), [], 1),
            ("HSTRLEN h a", integer(0), [], 2),
            ("HEXISTS h a", integer(0), [], 2),
            ("HGETDEL h FIELDS 2 a c", array(NIL, bulk(b"")), ["hdel h"], 1),
            ("HGETEX h EX 10 FIELDS 2 a c", array(NIL, bulk(b"")), ["hexpire h"], 2),
            ("HSETNX h a 7", integer(1), ["hset h"], 3),
            ("HINCRBY h a 7", integer(7), ["hincrby h"], 3),
            ("HINCRBYFLOAT h a 7", bulk(b"7"), ["hincrbyfloat h"], 3),
            ("HSETEX h FNX FIELDS 1 a 7", integer(1), ["hset h"], 3),
            ("HSETEX h FXX FIELDS 1 a 7", integer(0), [], 2),
            ("HRANDFIELD h", bulk(b"c"), [], 1),
            ("HRANDFIELD h 5", array(bulk(b"c")), [], 1),
            ("HRANDFIELD h -2", array(bulk(b"c"), bulk(b"c")), [], 1),
        ],
    )
    def test_removed(
        self, raw: RawClient, over: Clock, hear: Listener, command: str, reply: Reply, events: list[str], left: int
    ) -> None:
        assert raw(*command.split()) == reply
        assert hear.hear() == ["hexpired h", *events]
        assert raw("HLEN", "h") == integer(left)
        assert moments(raw, "a") in ([-2], [-1])

    @pytest.mark.parametrize(
        ("command", "moment"),
        [("HSET h a 1", -1), ("HEXPIRE h 10 FIELDS 1 a", NOW + 10_006), ("HSETEX h KEEPTTL FIELDS 1 a 1", -2), ("HDEL h a", -2)],
    )
    def test_still_there_to_writes(self, raw: RawClient, over: Clock, hear: Listener, command: str, moment: int) -> None:
        """As in Redis: they tell of no expiry."""
        raw(*command.split())
        assert "hexpired h" not in hear.hear()
        assert moments(raw, "a") == [moment]

    @pytest.mark.parametrize("command", ["HMGET h a b c", "HRANDFIELD h 2", "HGETDEL h FIELDS 3 a b c"])
    def test_the_key_goes_with_the_last(self, raw: RawClient, over: Clock, hear: Listener, command: str) -> None:
        raw("HPEXPIREAT", "h", NOW + 7, "FIELDS", 1, "c")
        over.advance(10)
        hear.hear()
        raw(*command.split())
        assert hear.hear() == ["hexpired h", "del h"]
        assert raw("EXISTS", "h") == integer(0)

    @pytest.mark.parametrize(("every", "live"), [(2, 1500), (300, 10), (4000, 1)])
    def test_many_are_over(self, raw: RawClient, clock: Clock, every: int, live: int) -> None:
        """More than what one command removes: half, nearly all, and all but one; they are passed over or drawn again."""
        raw("HSET", "h", *(word for n in range(3000) for word in (f"f{n}", f"v{n}")))
        gone = [f"f{n}" for n in range(3000) if n % every]
        raw("HPEXPIRE", "h", 5, "FIELDS", len(gone), *gone)
        clock.advance(6)
        left = {b"f%d" % n: b"v%d" % n for n in range(0, 3000, every)}
        assert len(left) == live
        pairs = raw("HGETALL", "h").plain()
        assert dict(zip(pairs[::2], pairs[1::2], strict=True)) == left and len(pairs) == 2 * live
        assert sorted(raw("HKEYS", "h").plain()) == sorted(left)
        assert sorted(raw("HVALS", "h").plain()) == sorted(left.values())
        assert raw("HLEN", "h") == integer(3000)
        assert raw("HRANDFIELD", "h").value in left
        assert raw("HLEN", "h").value > live
        for count in (1, 7, live, 4000):
            drawn = raw("HRANDFIELD", "h", count).plain()
            assert len(drawn) == len(set(drawn)) == min(count, live) and set(drawn) <= set(left)
        drawn = raw("HRANDFIELD", "h", -300).plain()
        assert len(drawn) == 300 and set(drawn) <= set(left)

    def test_all_of_many_are_over(self, raw: RawClient, clock: Clock) -> None:
        raw("HSET", "h", *(word for n in range(3000) for word in (f"f{n}", f"v{n}")))
        raw("HPEXPIRE", "h", 5, "FIELDS", 3000, *(f"f{n}" for n in range(3000)))
        clock.advance(6)
        assert raw("HGETALL", "h").plain() == raw("HKEYS", "h").plain() == raw("HVALS", "h").plain() == []
        raw("CLIENT", "PAUSE", 100_000, "WRITE")
        assert raw("HRANDFIELD", "h").is_null
        assert raw("HRANDFIELD", "h", 5).plain() == raw("HRANDFIELD", "h", -5).plain() == []
        raw("CLIENT", "UNPAUSE")

    def test_pause(self, raw: RawClient, over: Clock, connect: Connect) -> None:
        """Nothing vanishes, and nobody sees it."""
        raw("CLIENT", "PAUSE", 100_000, "WRITE")
        other = connect()
        assert other("HMGET", "h", "a", "c") == array(NIL, bulk(b""))
        assert other("HRANDFIELD", "h", 5) == array(bulk(b"c"))
        assert other("HLEN", "h") == integer(3)
        assert other("CLIENT", "UNPAUSE") == OK

    @pytest.mark.parametrize("command", ["HSETNX h a 7", "HINCRBY h a 7", "HINCRBYFLOAT h a 7"])
    def test_a_pause_in_a_transaction(self, raw: RawClient, over: Clock, command: str) -> None:
        """What takes the place of a field that may not be removed yet does not inherit its end."""
        for line in ("MULTI", "CLIENT PAUSE 100000 WRITE", command, "HGET h a", "CLIENT UNPAUSE"):
            raw(*line.split())
        assert raw("EXEC").plain()[2] == b"7"
        assert moments(raw, "a") == [-1]

    def test_watch(self, raw: RawClient, over: Clock, connect: Connect) -> None:
        """Who watches the key hears when they are removed, not before."""
        other = connect()
        other("WATCH", "h")
        over.advance(1)
        for command, reply in (("MULTI", OK), ("PING", Reply("+", b"QUEUED"))):
            assert other(command) == reply
        assert other("EXEC") == array(Reply("+", b"PONG"))
        other("WATCH", "h")
        raw("HGET", "h", "a")
        other("MULTI")
        other("PING")
        assert other("EXEC").is_null

    def test_info(self, raw: RawClient, over: Clock) -> None:
        before = counted(raw)
        assert b"subexpiry=1" in raw("INFO", "keyspace").value
        raw("HMGET", "h", "a", "b")
        assert counted(raw) == before + 2
        assert b"subexpiry=0" in raw("INFO", "keyspace").value

    def test_active_expiry(self, raw: RawClient, over: Clock, hear: Listener) -> None:
        """Fields go by themselves, and a key with its last one."""
        raw("HSETEX", "g", "PXAT", NOW + 8, "FIELDS", 1, "a", 1)
        over.advance(10)
        hear.hear()
        raw("DEBUG", "SET-ACTIVE-EXPIRE", 1)
        heard: list[str] = []
        while len(heard) < 3:
            heard += hear.hear()
        assert heard == ["hexpired h", "hexpired g", "del g"]
        assert raw("HKEYS", "h") == array(bulk(b"c"))

    def test_last_millisecond_when_another_is_over(self, raw: RawClient, over: Clock) -> None:
        """Who looks still finds the field, but it goes with those that are removed."""
        raw("HPEXPIREAT", "h", over.ms + 1, "FIELDS", 1, "c")
        over.advance(1)
        raw("HSET", "h", "d", 1)
        assert raw("HGET", "h", "c") == bulk(b"")
        assert raw("HRANDFIELD", "h", 5) == array(bulk(b"d"))
        assert raw("HLEN", "h") == integer(1)

    def test_last_millisecond(self, raw: RawClient, kind: str, clock: Clock) -> None:
        """A command alone removes nothing yet, time does."""
        raw("HPEXPIREAT", "h", clock.ms + 5, "FIELDS", 1, "b")
        clock.advance(5)
        assert raw("HRANDFIELD", "h", 1).value
        assert raw("HLEN", "h") == integer(3)
        raw("DEBUG", "SET-ACTIVE-EXPIRE", 1)
        while raw("HLEN", "h") != integer(2):
            pass
        assert raw("HKEYS", "h") == array(bulk(b"a"), bulk(b"c"))


def counted(raw: RawClient) -> int:
    """INFO's expired_subkeys."""
    (line,) = (line for line in raw("INFO", "stats").value.split(b"\r\n") if line.startswith(b"expired_subkeys:"))
    return int(line.split(b":")[1])
