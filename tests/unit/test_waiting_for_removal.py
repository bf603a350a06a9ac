"""A blocked command that asks for it is woken when one of its keys is deleted or gets another type, whatever does that."""

import pytest

from zippy._core.testing.engine_shim import RecordingEngine


@pytest.fixture
def engine():
    made = RecordingEngine()
    for key in "ab":
        made.call("SET", key, "x")
    assert made.await_removal("a", "b") == b""
    yield made


@pytest.mark.parametrize(
    "command",
    ["DEL b", "UNLINK b", "GETDEL b", "RENAME b c", "MOVE b 1", "SINTERSTORE b nothing", "PEXPIREAT b 1", "SUNIONSTORE b set",
     "RENAME list b", "COPY list b REPLACE", "FLUSHDB", "FLUSHALL ASYNC", "SWAPDB 0 1"],
)  # fmt: skip
def test_woken(engine, command):
    engine.call("SADD", "set", "x")
    engine.call("RPUSH", "list", "x")
    if command.startswith(("FLUSH", "SWAPDB")):
        engine.call(*command.split())
        assert engine.heard() == b":0\r\n"
        return
    engine.call("SET", "a", "y")
    engine.call("APPEND", "b", "y")
    assert engine.heard() == b""
    engine.call(*command.split())
    assert engine.heard() == b":1\r\n"
    engine.call("DEL", "a")
    assert engine.heard() == b""


def test_woken_by_expiry(engine):
    engine.call("PEXPIRE", "b", 10)
    engine.set_clock(1_000_000_000_011)
    assert engine.heard() == b""
    engine.call("GET", "b")
    assert engine.heard() == b":1\r\n"

