"""The server group's commands about what took long: SLOWLOG and LATENCY."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from tests.commands.blocking import wait_blocked
from tests.replies import EMPTY, OK, bulk, bulks, error, integer, wrong_arguments
from tests.resp import Connect, RawClient, Reply


@pytest.fixture
def slow(raw: RawClient) -> RawClient:
    """Every command is slow; the log is empty."""
    raw("CONFIG", "SET", "slowlog-log-slower-than", 0)
    raw("CONFIG", "RESETSTAT")
    raw("SLOWLOG", "RESET")
    return raw


def slow_commands(raw: RawClient, *count: int) -> list[list[bytes]]:
    """The arguments of the slow log's entries."""
    return [entry.value[3].plain() for entry in raw("SLOWLOG", "GET", *count).value]


class TestSlowlogGet:
    def test_entries(self, slow: RawClient) -> None:
        slow("CLIENT", "SETNAME", "me")
        slow("GET", "a")
        first, second, *_ = slow("SLOWLOG", "GET").value
        number, at, us, arguments, peer, name = first.value
        assert number == integer(second.value[0].value + 1)
        assert abs(at.value - time.time()) < 5
        assert us.kind == ":"
        assert arguments == bulks(b"GET", b"a")
        assert peer.value.startswith(b"127.0.0.1:")
        assert name == bulk(b"me")

    def test_counts(self, slow: RawClient) -> None:
        for _ in range(15):
            slow("PING")
        assert len(slow_commands(slow)) == 10
        assert len(slow_commands(slow, 2)) == 2
        assert len(slow_commands(slow, 0)) == 0
        assert len(slow_commands(slow, -1)) > 15

    def test_refusals(self, raw: RawClient) -> None:
        for count in ("x", "-2"):
            assert raw("SLOWLOG", "GET", count) == Reply("-", b"ERR count should be greater than or equal to -1")
        assert raw("SLOWLOG", "get", 1, 2) == error("ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG HELP.")

    @pytest.mark.parametrize("end", ["push", "timeout", "unblock"])
    def test_what_it_took_before_it_waited(self, slow: RawClient, connect: Connect, end: str) -> None:
        """It is told of when it ends, with all that others waited for it."""
        waiting = connect()
        number = waiting("CLIENT", "ID").value
        waiting.send("BLPOP", *(f"key:{i}" for i in range(20_000)), "0.1" if end == "timeout" else 0)
        wait_blocked(slow)
        assert b"BLPOP" not in [arguments[0] for arguments in slow_commands(slow, -1)]
        if end == "push":
            slow("RPUSH", "key:7", "x")
        elif end == "unblock":
            slow("CLIENT", "UNBLOCK", number)
        waiting.read()
        (us,) = [entry.value[2].value for entry in slow("SLOWLOG", "GET", -1).value if entry.value[3].value[0].value == b"BLPOP"]
        assert us > 100
        assert f"cmdstat_blpop:calls=1,usec={us}," in slow("INFO", "commandstats").value.decode()

    @pytest.mark.parametrize("protocol", [2, 3])
    def test_asked_for_by_a_script(self, slow: RawClient, protocol: int) -> None:
        """The script has the entries, and the client gets its reply alone."""
        slow("HELLO", protocol)
        slow("SET", "a", "x")
        script = "local log = redis.call('SLOWLOG', 'GET', 1); return {log[1][4][2], 2}"
        assert slow("EVAL", script, 0).value == (bulk(b"a"), integer(2))
        assert slow("GET", "a") == bulk(b"x")

    def test_long_commands_are_cut(self, slow: RawClient) -> None:
        slow("SET", "a", "x" * 130)
        slow("DEL", *(str(number) for number in range(40)))
        deleted, stored = slow_commands(slow, 2)
        assert len(deleted) == 32
        assert deleted[-2:] == [b"29", b"... (10 more arguments)"]
        assert stored[2] == b"x" * 128 + b"... (2 more bytes)"

    def test_secrets(self, slow: RawClient) -> None:
        slow("AUTH", "x")
        slow("HELLO", 2, "AUTH", "user", "x")
        slow("CONFIG", "SET", "masterauth", "x", "hz", "10")
        assert slow_commands(slow, 3) == [
            [b"CONFIG", b"SET", b"masterauth", b"(redacted)", b"hz", b"10"],
            [b"HELLO", b"2", b"AUTH", b"(redacted)", b"(redacted)"],
            [b"AUTH", b"(redacted)"],
        ]
        slow("CONFIG", "SET", "masterauth", "")


class TestSlowlogLen:
    @pytest.mark.parametrize("most", [1, 3, 50])
    def test_full(self, slow: RawClient, most: int) -> None:
        """The newest entries stay, however often the oldest one went."""
        slow("CONFIG", "SET", "slowlog-max-len", most)
        for i in range(200):
            slow("ECHO", i)
        entries = slow("SLOWLOG", "GET", -1).plain()
        assert [entry[3] for entry in entries] == [[b"ECHO", b"%d" % i] for i in range(199, 199 - most, -1)]

    def test_is_bounded(self, slow: RawClient) -> None:
        slow("CONFIG", "SET", "slowlog-max-len", 3)
        for _ in range(5):
            slow("PING")
        assert slow("SLOWLOG", "LEN") == integer(3)


class TestSlowlogReset:
    def test_empties(self, slow: RawClient) -> None:
        slow("PING")
        slow("CONFIG", "SET", "slowlog-log-slower-than", -1)
        assert slow("SLOWLOG", "RESET") == OK
        assert slow("SLOWLOG", "LEN") == integer(0)
        assert slow("SLOWLOG", "GET") == EMPTY


@pytest.fixture
def spikes(raw: RawClient) -> Iterator[RawClient]:
    """The latency monitor has seen two commands of 20 and 30 ms, and nothing else that the machine kept from ending sooner."""
    raw("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    raw("LATENCY", "RESET")
    raw("CONFIG", "SET", "latency-monitor-threshold", 10)
    raw("DEBUG", "SLEEP", "0.02")
    raw("DEBUG", "SLEEP", "0.03")
    raw("CONFIG", "SET", "latency-monitor-threshold", 1_000_000)
    yield raw
    raw("DEBUG", "SET-ACTIVE-EXPIRE", 1)


class TestLatencyLatest:
    def test_events(self, spikes: RawClient) -> None:
        (event,) = spikes("LATENCY", "LATEST").value
        name, at, last, worst = event.value
        assert name == bulk(b"command")
        assert abs(at.value - time.time()) < 5
        assert 20 <= last.value <= worst.value
        assert worst.value >= 30

    def test_below_the_threshold(self, raw: RawClient) -> None:
        raw("LATENCY", "RESET")
        raw("DEBUG", "SLEEP", "0.001")
        assert raw("LATENCY", "LATEST") == EMPTY


class TestLatencyHistory:
    def test_samples(self, spikes: RawClient) -> None:
        samples = spikes("LATENCY", "HISTORY", "command").plain()
        assert 1 <= len(samples) <= 2  # of one second, the worst is kept
        assert samples[-1][1] >= 30
        assert spikes("LATENCY", "HISTORY", "nosuch") == EMPTY
        assert spikes("LATENCY", "HISTORY") == wrong_arguments("latency|history")


class TestLatencyReset:
    def test_events(self, spikes: RawClient) -> None:
        assert spikes("LATENCY", "RESET", "nosuch", "") == integer(0)
        assert spikes("LATENCY", "RESET", "nosuch", "command") == integer(1)
        assert spikes("LATENCY", "LATEST") == EMPTY
        assert spikes("LATENCY", "RESET") == integer(0)


class TestLatencyGraph:
    def test_graph(self, spikes: RawClient) -> None:
        lines = spikes("LATENCY", "GRAPH", "command").value.decode().splitlines()
        assert re.fullmatch(r"command - high \d+ ms, low \d+ ms \(all time high \d+ ms\)", lines[0])
        assert lines[1] == "-" * 80
        assert len(lines) >= 7
        assert spikes("LATENCY", "GRAPH", "nosuch") == Reply("-", b"ERR No samples available for event 'nosuch'")


class TestLatencyDoctor:
    def test_speaks(self, spikes: RawClient) -> None:
        assert b"1. command:" in spikes("LATENCY", "DOCTOR").value
        spikes("CONFIG", "SET", "latency-monitor-threshold", 0)
        spikes("LATENCY", "RESET")
        assert b"latency-monitor-threshold" in spikes("LATENCY", "DOCTOR").value


class TestLatencyHistogram:
    def test_of_commands(self, raw: RawClient) -> None:
        raw("HELLO", 3)
        raw("CONFIG", "RESETSTAT")
        for _ in range(3):
            raw("GET", "a")
        raw("CLIENT", "ID")
        ((name, found),) = raw("LATENCY", "HISTOGRAM", "GET", "nosuch", "set").value
        calls, histogram = (value for _, value in found.value)
        assert (name, calls) == (bulk(b"get"), integer(3))
        counts = [count.value for _, count in histogram.value]
        assert counts == sorted(counts)
        assert counts[-1] == 3
        ((sub, _),) = raw("LATENCY", "HISTOGRAM", "client").value
        assert sub == bulk(b"client|id")
        assert raw("LATENCY", "HISTOGRAM", "nosuch") == Reply("%", ())
