"""What the string and bitmap groups tell replicas and the AOF: absolute times, outcomes instead of sums."""

from __future__ import annotations

import pytest

from zippy._core.testing.engine_shim import RecordingEngine

NOW = 1_000_000_000_000
FAR = 99_999_999_999_999


@pytest.fixture
def engine() -> RecordingEngine:
    """An engine with a string, an expiring string and a list."""
    engine = RecordingEngine(NOW)
    engine.call("SET", "a", "x")
    engine.call("SET", "t", "x", "PXAT", FAR)
    engine.call("RPUSH", "l", "x")
    return engine


ITSELF = "itself"


@pytest.mark.parametrize(
    ("command", "told", "changes"),
    [
        ("SET a y", ITSELF, 1),
        ("SET a y XX", ITSELF, 1),
        ("SET a y NX", None, 0),
        ("SET a y EX 10", f"SET a y PXAT {NOW + 10_000}", 1),
        ("SET a y XX PX 10 GET", f"SET a y PXAT {NOW + 10}", 1),
        ("SET a y EXAT 2000000000", "SET a y PXAT 2000000000000", 1),
        (f"SET a y PXAT {FAR}", ITSELF, 1),
        (f"SET a y xx GET PXAT {FAR}", ITSELF, 1),
        ("SET a y PXAT 1", ITSELF, 1),
        ("SET a y GET", "SET a y", 1),
        ("SET a y keepttl get xx GET", "SET a y keepttl xx", 1),
        ("SET t y KEEPTTL", ITSELF, 1),
        ("SET a y IFEQ x", "SET a y", 1),
        ("SET a y IFEQ y", None, 0),
        ("SET a y IFNE y GET EX 10", f"SET a y PXAT {NOW + 10_000}", 1),
        (f"SET a y IFDEQ eaf06c6480b2cd11 PXAT {FAR}", f"SET a y PXAT {FAR}", 1),
        ("SET t y IFDNE b6acb9d84a38ff74 keepttl", "SET t y keepttl", 1),
        ("DELEX a", "DEL a", 1),
        ("DELEX a IFNE y", "DEL a", 1),
        ("DELEX a IFNE x", None, 0),
        ("DELIFEQ a x", "DEL a", 1),
        ("DELIFEQ a y", None, 0),
        ("MSETEX 1 a y NX", None, 0),
        ("MSETEX 1 a y XX", "SET a y", 1),
        ("MSETEX 1 a y EX 10", f"SET a y PXAT {NOW + 10_000}", 1),
        ("MSETEX 1 t y KEEPTTL", "SET t y KEEPTTL", 1),
        ("INCREX n BYINT 5", "SET n 5 KEEPTTL", 1),
        ("INCREX n UBOUND 0", None, 0),
        ("INCREX n BYINT 5 UBOUND 3 SATURATE EX 10 ENX", f"SET n 3 PXAT {NOW + 10_000}", 1),
        ("INCREX n BYFLOAT 1.50 PERSIST", "SET n 1.5", 1),
        ("SETNX a y", None, 0),
        ("SETNX new y", ITSELF, 1),
        ("SETEX a 10 y", f"SET a y PXAT {NOW + 10_000}", 1),
        ("PSETEX a 10 y", f"SET a y PXAT {NOW + 10}", 1),
        ("GETSET a y", "SET a y", 1),
        ("GETDEL a", "DEL a", 1),
        ("GETDEL missing", None, 0),
        ("GETEX a", None, 0),
        ("GETEX a EX 10", f"PEXPIREAT a {NOW + 10_000}", 1),
        (f"GETEX a PXAT {FAR}", f"PEXPIREAT a {FAR}", 1),
        ("GETEX a EXAT 1", "DEL a", 1),
        ("GETEX t PERSIST", "PERSIST t", 1),
        ("GETEX a PERSIST", None, 0),
        ("MSET a 1 b 2 a 3", ITSELF, 3),
        ("MSETNX c 1 b 2", ITSELF, 2),
        ("MSETNX a 1 b 2", None, 0),
        ("APPEND a y", ITSELF, 1),
        ("SETRANGE a 5 y", ITSELF, 1),
        ("SETRANGE a 5 ", None, 0),
        ("INCR n", ITSELF, 1),
        ("DECRBY n 5", ITSELF, 1),
        ("INCR a", None, 0),
        ("INCRBYFLOAT n 1.50", "SET n 1.5 KEEPTTL", 1),
        ("LCS a t", None, 0),
        ("SETBIT a 1 1", None, 0),
        ("SETBIT a 1 0", ITSELF, 1),
        ("SETBIT a 100 0", ITSELF, 1),
        ("BITFIELD a GET u8 0", None, 0),
        ("BITFIELD a SET u8 0 120", None, 0),
        ("BITFIELD a SET u8 0 121 INCRBY u8 0 1 GET u8 0", ITSELF, 2),
        ("BITFIELD new OVERFLOW FAIL SET u8 0 256", ITSELF, 0),
        ("BITFIELD a OVERFLOW FAIL SET u8 0 256", None, 0),
        ("BITOP NOT b a", ITSELF, 1),
        ("BITOP AND a missing", ITSELF, 1),
        ("BITOP AND missing missing", None, 0),
        ("BITOP AND b l", None, 0),
    ],
)
def test_told(engine: RecordingEngine, command: str, told: str | None, changes: int) -> None:
    """Each command, what it is told as, and by how much rdb_changes_since_last_save moves."""
    words = command.split(" ")
    _, propagated, moved = engine.call(*words)
    expected = [] if told is None else [[word.encode() for word in (words if told == ITSELF else told.split(" "))]]
    assert propagated == expected
    assert moved == changes


def test_several_keys_are_one_transaction(engine: RecordingEngine) -> None:
    """MSETEX is told as a SET for each key."""
    _, told, moved = engine.call("MSETEX", 2, "a", 1, "b", 2, "PXAT", FAR)
    far = b"%d" % FAR
    assert told == [[b"MULTI"], [b"SET", b"a", b"1", b"PXAT", far], [b"SET", b"b", b"2", b"PXAT", far], [b"EXEC"]]
    assert moved == 2


def test_the_expiry_of_a_number_stays(engine: RecordingEngine) -> None:
    """INCREX with ENX tells of no other expiry where there is one."""
    engine.call("SET", "n", 1, "PXAT", FAR)
    assert engine.call("INCREX", "n", "EX", 10, "ENX")[1] == [[b"SET", b"n", b"2", b"KEEPTTL"]]


def test_lazy_expire(engine: RecordingEngine) -> None:
    """With lazyfree-lazy-expire, a GETEX into the past is an UNLINK."""
    engine.set_lazy_expire(True)
    assert engine.call("GETEX", "a", "PXAT", 1)[1] == [[b"UNLINK", b"a"]]


def test_expired_key_goes_first(engine: RecordingEngine) -> None:
    """A write to a key whose time is over is told after its deletion, in one transaction."""
    engine.set_clock(FAR + 1)
    assert engine.call("APPEND", "t", "y")[1] == [[b"MULTI"], [b"DEL", b"t"], [b"APPEND", b"t", b"y"], [b"EXEC"]]
