"""What scripts tell replicas and the AOF: their commands, as one unit."""

from __future__ import annotations

import pytest

from zippy._core.testing.engine_shim import RecordingEngine


@pytest.fixture
def engine() -> RecordingEngine:
    """An engine."""
    return RecordingEngine(1_000_000_000_000)


def told(engine: RecordingEngine, body: str) -> list[str]:
    """What a script propagates, a line each."""
    _, stream, _ = engine.call("EVAL", body, 1, "a")
    return [b" ".join(words).decode() for words in stream]


def test_one_command_stands_for_itself(engine: RecordingEngine) -> None:
    assert told(engine, "redis.call('GET', 'a') return redis.call('SET', KEYS[1], 1)") == ["SET a 1"]


def test_several_are_one_unit(engine: RecordingEngine) -> None:
    assert told(engine, "redis.call('SET', KEYS[1], 1) redis.call('INCR', KEYS[1])") == ["MULTI", "SET a 1", "INCR a", "EXEC"]


def test_effects_and_not_causes(engine: RecordingEngine) -> None:
    assert told(engine, "redis.call('SET', 'a', 1, 'EX', 10)") == ["SET a 1 PXAT 1000000010000"]


def test_what_was_done_before_an_error_stays(engine: RecordingEngine) -> None:
    assert told(engine, "redis.call('SET', 'a', 1) redis.call('NOSUCH')") == ["SET a 1"]


def test_select(engine: RecordingEngine) -> None:
    assert told(engine, "redis.call('SELECT', 3) redis.call('SET', 'a', 1)") == ["SELECT 3", "SET a 1"]
    assert told(engine, "redis.call('SET', 'a', 1)") == ["SELECT 0", "SET a 1"]


def test_set_repl(engine: RecordingEngine) -> None:
    body = "redis.call('SET', 'a', 1) redis.set_repl(redis.REPL_NONE) redis.call('SET', 'b', 1) redis.set_repl(redis.REPL_ALL) {}"
    assert told(engine, body.replace("{}", "redis.call('SET', 'c', 1)")) == ["MULTI", "SET a 1", "SET c 1", "EXEC"]
    assert told(engine, "return redis.call('SET', 'd', 1)") == ["SET d 1"]
