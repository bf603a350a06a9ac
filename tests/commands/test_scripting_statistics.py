"""What is counted, logged and shown of scripts: as Redis 8.2 does."""

from __future__ import annotations

import pytest

from tests.replies import integer
from tests.resp import Connect, RawClient


@pytest.mark.parametrize(
    ("body", "codes", "failed"),
    [
        ("return redis.call('INCR', 'l')", {"WRONGTYPE": 1}, True),
        ("return redis.pcall('INCR', 'l')", {"WRONGTYPE": 1}, True),
        ("redis.pcall('INCR', 'l') return 1", {"WRONGTYPE": 1}, False),
        ("return redis.call('NOSUCH')", {"ERR": 1}, True),
        ("return redis.call()", {"ERR": 1}, True),
        ("error('x')", {"ERR": 1}, True),
        ("return {err='FOO bar'}", {"FOO": 1}, True),
        ("return {err='nospace'}", {"ERR": 1}, True),
        ("return {{err='X y'}}", {"X": 1}, True),
        ("local e = redis.pcall('INCR', 'l') e.err = 'OTHER x' return e", {"WRONGTYPE": 1}, True),
        ("x y", {"ERR": 1}, True),
    ],
)
def test_errors_are_counted_once(raw: RawClient, body: str, codes: dict[str, int], failed: bool) -> None:
    raw("RPUSH", "l", "x")
    raw("CONFIG", "RESETSTAT")
    raw("EVAL", body, 0)
    stats = raw.info("errorstats")
    assert {name.removeprefix("errorstat_"): int(value.removeprefix("count=")) for name, value in stats.items()} == codes
    assert raw.info("commandstats")["cmdstat_eval"].endswith(f"failed_calls={int(failed)}")


def test_nested_calls_are_counted(raw: RawClient) -> None:
    raw("CONFIG", "RESETSTAT")
    raw("EVAL", "for i = 1, 5 do redis.call('GET', 'a') end", 0)
    assert raw.info("commandstats")["cmdstat_get"].startswith("calls=5,")


def test_slow_log(raw: RawClient) -> None:
    raw("CONFIG", "SET", "slowlog-log-slower-than", 0)
    raw("SLOWLOG", "RESET")
    raw("EVAL", "return redis.call('SET', KEYS[1], 1)", 1, "a")
    entries = raw("SLOWLOG", "GET", 2).value
    assert [entry.value[3].value[0].value for entry in entries] == [b"EVAL", b"SET"]
    assert entries[1].value[4].value == b""


@pytest.mark.socket_only
def test_monitor(raw: RawClient, connect: Connect) -> None:
    """The script comes before its commands."""
    monitor = connect()
    monitor("MONITOR")
    raw("EVAL", "redis.call('SELECT', 3) return redis.call('GET', KEYS[1])", 1, "a")
    lines = [monitor.read().value for _ in range(3)]
    assert [line.split(b"] ", 1)[1] for line in lines] == [
        b'"EVAL" "redis.call(\'SELECT\', 3) return redis.call(\'GET\', KEYS[1])" "1" "a"',
        b'"SELECT" "3"',
        b'"GET" "a"',
    ]
    assert [line.split(b"[", 1)[1].split(b" ")[0:2][0] for line in lines] == [b"0", b"3", b"3"]
    assert b"[3 lua]" in lines[2]


def test_info(raw: RawClient) -> None:
    raw("SCRIPT", "FLUSH")
    raw("EVAL", "return 1", 0)
    raw("SCRIPT", "LOAD", "return 2")
    memory = raw.info("memory")
    assert memory["number_of_cached_scripts"] == "2"
    assert int(memory["used_memory_scripts_eval"]) > 0
    assert int(memory["used_memory_lua"]) > 10_000


def test_memory_above_its_limit(raw: RawClient) -> None:
    """A script that says nothing of itself may run, and take memory once it has written what takes none."""
    raw("SET", "x", 1)
    raw("CONFIG", "SET", "maxmemory", 1)
    refused = b"OOM command not allowed when used memory > 'maxmemory'."
    assert raw("EVAL", "return 1", 0) == integer(1)
    assert raw("EVAL", "return redis.call('SET', 'x', 1)", 0).value.startswith(refused)
    assert raw("EVAL", "#!lua\nreturn 1", 0).value == refused
    assert raw("EVAL", "#!lua flags=no-writes\nreturn 1", 0) == integer(1)
    assert raw("EVAL", "redis.call('DEL', 'x') return redis.call('SET', 'x', '1')", 0).value == b"OK"
    assert raw("EVAL", "#!lua flags=allow-oom\nreturn redis.call('SET', 'x', 1)", 0).value == b"OK"
    assert raw("EVAL_RO", "#!lua\nreturn 1", 0).value == refused
