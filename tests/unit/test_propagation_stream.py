"""What the stream group tells replicas and the AOF, where that is not what was sent."""

from __future__ import annotations

import pytest

from zippy._core.testing.engine_shim import RecordingEngine

NOW = 1_000_000_000_000


@pytest.fixture
def engine() -> RecordingEngine:
    """An engine with a stream of four entries; its group has delivered the first two to one consumer."""
    engine = RecordingEngine()
    for n in range(1, 5):
        engine.call("XADD", "s", f"{n}-1", "a", "b")
    engine.call("XGROUP", "CREATE", "s", "g", "0")
    engine.call("XREADGROUP", "GROUP", "g", "c", "COUNT", "2", "STREAMS", "s", ">")
    return engine


def claim(consumer: str, id: str, count: int, last_id: str = "2-1") -> str:
    """The XCLAIM that tells of a delivery."""
    return f"XCLAIM s g {consumer} 0 {id} TIME {NOW} RETRYCOUNT {count} FORCE JUSTID LASTID {last_id}"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("XADD s * a b", [f"XADD s {NOW}-0 a b"]),
        ("XADD s 4-* a b", ["XADD s 4-2 a b"]),
        ("XADD s 9 a b", ["XADD s 9 a b"]),
        ("XADD s MAXLEN ~ 1 9-1 a b", ["XADD s MAXLEN = 5 9-1 a b"]),
        ("XADD s KEEPREF MINID ~ 3 LIMIT 7 9-* a b", ["XADD s KEEPREF MINID = 1-1 LIMIT 7 9-0 a b"]),
        ("XADD s MAXLEN 1 9-1 a b", ["XADD s MAXLEN 1 9-1 a b"]),
        ("XTRIM s MAXLEN ~ 0", ["XTRIM s MAXLEN = 0"]),
        ("XTRIM s MINID ~ 9", ["XTRIM s MINID = 18446744073709551615-18446744073709551615"]),
        ("XTRIM s MAXLEN ~ 1", []),
        ("XREADGROUP GROUP g c STREAMS s 0", []),
        ("XREADGROUP GROUP g c COUNT 1 STREAMS s >", [claim("c", "3-1", 1, "3-1"), "XGROUP SETID s g 3-1 ENTRIESREAD 3"]),
        ("XREADGROUP GROUP g c COUNT 1 NOACK STREAMS s >", ["XGROUP SETID s g 3-1 ENTRIESREAD 3"]),
        # a consumer that no claim tells of
        ("XREADGROUP GROUP g d STREAMS s 0", ["XGROUP CREATECONSUMER s g d"]),
        ("XREADGROUP GROUP g d COUNT 1 NOACK STREAMS s >", ["XGROUP CREATECONSUMER s g d", "XGROUP SETID s g 3-1 ENTRIESREAD 3"]),
        ("XCLAIM s g d 0 9-9", ["XGROUP CREATECONSUMER s g d"]),
        ("XAUTOCLAIM s g d 99999 0", ["XGROUP CREATECONSUMER s g d"]),
        ("XCLAIM s g d 0 1-1", [claim("d", "1-1", 2)]),
        ("XCLAIM s g d 0 1-1 2-1 JUSTID RETRYCOUNT 5", [claim("d", "1-1", 5), claim("d", "2-1", 5)]),
        ("XCLAIM s g c 0 1-1 LASTID 4-1", [claim("c", "1-1", 2, "4-1")]),
        ("XCLAIM s g c 0 9-9 LASTID 4-1", ["XGROUP SETID s g 4-1 ENTRIESREAD 2"]),
        ("XCLAIM s g c 0 9-9 LASTID 1-1", []),
        ("XAUTOCLAIM s g d 0 0 COUNT 1", [claim("d", "1-1", 2)]),
    ],
)
def test_told(engine: RecordingEngine, command: str, told: list[str]) -> None:
    """Each command, and what is told in its place, in MULTI and EXEC where it is more than one."""
    _, propagated, _ = engine.call(*command.split(" "))
    assert [b" ".join(words).decode() for words in propagated] == (["MULTI", *told, "EXEC"] if len(told) > 1 else told)


def test_deleted_entries_are_told_for_their_old_consumer(engine: RecordingEngine) -> None:
    """Whoever replays that finds the entry gone, too, and forgets it."""
    engine.call("XDEL", "s", "1-1")
    assert engine.call("XCLAIM", "s", "g", "d", "0", "1-1", "2-1")[1] == [
        [b"MULTI"],
        claim("c", "1-1", 1).encode().split(),
        claim("d", "2-1", 2).encode().split(),
        [b"EXEC"],
    ]


def test_words_are_shown_as_they_came(engine: RecordingEngine) -> None:
    """What is told stands in for the words in what is propagated alone."""
    assert engine.call("XADD", "s", "MAXLEN", "~", "2", "*", "a", "b")[1] == [f"XADD s MAXLEN = 5 {NOW}-0 a b".encode().split()]
    assert engine.call("XTRIM", "s", "MAXLEN", "=", "1")[1] == [b"XTRIM s MAXLEN = 1".split()]
