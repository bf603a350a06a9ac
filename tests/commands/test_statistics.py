"""What a server counts of what it does: INFO's statistics, the slow log, times of commands."""

from __future__ import annotations

import pytest
import redis

import zippy
from tests.commands.blocking import wait_blocked
from tests.resp import Connect, RawClient
from tests.unit.peer import Peer
from tests.waiting import wait_until
from zippy._core.introspection import command_durations, latency_lines
from zippy._core.session import Core
from zippy.inprocess.engine import host_of
from zippy.server.key_sizes import AT_ONCE


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> None:
    """Counters begin at zero."""
    if "raw" in request.fixturenames:
        request.getfixturevalue("raw")("CONFIG", "RESETSTAT")


def calls(raw: RawClient, command: str) -> tuple[int, int, int]:
    """calls, rejected_calls and failed_calls of a command."""
    words = dict(word.split("=") for word in raw.info("commandstats")[f"cmdstat_{command}"].split(","))
    return int(words["calls"]), int(words["rejected_calls"]), int(words["failed_calls"])


def errors(raw: RawClient) -> dict[str, str]:
    """Error replies by code, and how many there were in all."""
    found = {name[10:]: value for name, value in raw.info("errorstats").items()}
    return found | {"all": raw.info("stats")["total_error_replies"]}


class TestErrorstats:
    def test_an_error_inside_of_exec_is_counted_once(self, raw: RawClient) -> None:
        raw("SET", "s", "x")
        for words in (("MULTI",), ("LPUSH", "s", 1), ("INCR", "s"), ("EXEC",)):
            raw(*words)
        assert errors(raw) == {"WRONGTYPE": "count=1", "ERR": "count=1", "all": "2"}
        assert calls(raw, "exec") == (1, 0, 0)
        assert calls(raw, "lpush") == (1, 0, 1)

    def test_exec_that_aborts(self, raw: RawClient) -> None:
        for words in (("MULTI",), ("NOPE",), ("EXEC",)):
            raw(*words)
        assert errors(raw) == {"ERR": "count=1", "EXECABORT": "count=1", "all": "2"}
        assert calls(raw, "exec") == (1, 0, 1)

    def test_exec_that_is_refused_is_counted_by_what_it_replies(self, raw: RawClient, connect: Connect) -> None:
        raw("MULTI")
        raw("SET", "a", "b")
        other = connect()
        other("CONFIG", "SET", "maxmemory", 1)
        assert raw("EXEC").value.startswith(b"EXECABORT")
        other("CONFIG", "SET", "maxmemory", 0)
        assert errors(raw) == {"EXECABORT": "count=1", "all": "1"}
        assert calls(raw, "exec") == (0, 1, 0)

    def test_client_unblock_error(self, raw: RawClient, connect: Connect) -> None:
        other = connect()
        number = other("CLIENT", "ID").value
        other.send_bytes(b"BLPOP nothing 0\r\n")
        wait_blocked(raw, 1)
        raw("CONFIG", "RESETSTAT")
        assert raw("CLIENT", "UNBLOCK", number, "ERROR").value == 1
        assert other.read().value.startswith(b"UNBLOCKED")
        assert errors(raw) == {"UNBLOCKED": "count=1", "all": "1"}
        assert calls(raw, "blpop") == (1, 0, 1)


class TestBlockedCommands:
    def test_are_counted_once(self, raw: RawClient, connect: Connect) -> None:
        other = connect()

        def commands() -> int:
            return int(dict(word.split("=", 1) for word in other("CLIENT", "INFO").value.decode().split())["tot-cmds"])

        before = commands()
        other.send_bytes(b"BLPOP list 0\r\n")
        wait_blocked(raw, 1)
        raw("CONFIG", "SET", "slowlog-log-slower-than", 0)
        raw("SLOWLOG", "RESET")
        raw("RPUSH", "list", "a")
        assert other.read().plain() == [b"list", b"a"]
        raw("CONFIG", "SET", "slowlog-log-slower-than", -1)
        assert [entry[3][0] for entry in raw("SLOWLOG", "GET").plain()] == [b"BLPOP", b"RPUSH", b"SLOWLOG"]
        assert calls(raw, "blpop") == (1, 0, 0)
        assert commands() == before + 2

    @pytest.mark.zippy_only
    def test_woken_for_a_key_that_expired_meanwhile_they_wait_on(self, raw: RawClient, connect: Connect) -> None:
        for command, add in (("BLPOP", ("RPUSH", "k", "a")), ("BZPOPMIN", ("ZADD", "k", 1, "a"))):
            other = connect()
            other.send_bytes(f"{command} k 0\r\n".encode())
            wait_blocked(raw, 1)
            raw("DEBUG", "SET-CLOCK", 10**15)
            raw("MULTI")
            raw(*add)
            raw("PEXPIRE", "k", 5)
            raw("DEBUG", "SET-CLOCK", 10**15 + 10000)
            raw("EXEC")
            wait_blocked(raw, 1)
            raw(*add)
            assert other.read().plain()[:2] == [b"k", b"a"]
            raw("DEBUG", "SET-CLOCK", 0)


class TestSlowlog:
    def test_without_room_no_id_is_used(self, raw: RawClient) -> None:
        raw("CONFIG", "SET", "slowlog-log-slower-than", 0)
        raw("SLOWLOG", "RESET")
        raw("CONFIG", "SET", "slowlog-max-len", 0)
        raw("PING")
        raw("PING")
        raw("CONFIG", "SET", "slowlog-max-len", 3)
        raw("CONFIG", "SET", "slowlog-log-slower-than", -1)
        entries = raw("SLOWLOG", "GET").plain()
        assert [entry[3] for entry in entries] == [[b"CONFIG", b"SET", b"slowlog-max-len", b"3"], [b"SLOWLOG", b"RESET"]]
        assert entries[0][0] == entries[1][0] + 1


class TestLatency:
    def test_one_call_is_every_percentile(self, raw: RawClient) -> None:
        raw("DEBUG", "SLEEP", "0.005")
        line = raw.info("latencystats")["latency_percentiles_usec_debug"]
        times = {float(word.partition("=")[2]) for word in line.split(",")}
        assert len(times) == 1
        # the longest time that counts as the same, to two digits
        ns = round(times.pop() * 1000) + 1
        assert ns % (1 << ns.bit_length() - 8) == 0

    def test_histogram_has_the_bounds_of_two_digits(self, raw: RawClient) -> None:
        for _ in range(3):
            raw("DEBUG", "SLEEP", "0.005")
        name, (_, number, _, pairs) = raw("LATENCY", "HISTOGRAM", "debug").plain()
        assert (name, number, pairs[-1]) == (b"debug", 3, 3)
        assert set(pairs[::2]) <= {((1 << power) + (1 << power - 7) - 1) // 1000 for power in range(22, 40)}

    @pytest.mark.parametrize("wanted", [(0.0,), (0.0, 50.0, 75.0, 90.0, 99.9, 100.0), ()])
    def test_percentiles_are_those_of_the_histogram(self, wanted: tuple[float, ...]) -> None:
        core = Core(16, 1)
        peer = Peer(core)
        for count in range(1, 200):
            peer("PING", f"RPUSH list {'x ' * count}", "LRANGE list 0 -1", "DEL none")
        found = latency_lines(core, [(f"p{p}".encode(), p) for p in wanted])
        durations = command_durations(core)
        assert list(found) == [f"latency_percentiles_usec_{name}" for name, _ in durations]
        for name, histogram in durations:
            shown = ",".join(f"p{p}={percentile_us(histogram, p):.3f}" for p in wanted)
            assert found[f"latency_percentiles_usec_{name}"] == shown
        peer.session.close()


def percentile_us(histogram: list[tuple[int, int, int]], percentile: float) -> float:
    """A percentile of times in us: the longest that counts as the one in question; of percentile 0 the shortest."""
    wanted = max(int(sum(count for _, _, count in histogram) * percentile / 100 + 0.5), 1)
    for least, most, count in histogram:
        wanted -= count
        if wanted <= 0:
            return (most if percentile else least) / 1000
    raise AssertionError


class TestLazyfreed:
    def test_flushed_keys_count(self, raw: RawClient) -> None:
        for count in (10, 200):
            for i in range(count):
                raw("SET", i, i)
            raw("RPUSH", "l", *range(1000))
            raw("CONFIG", "RESETSTAT")
            raw("FLUSHALL")
            while raw.info("memory")["lazyfree_pending_objects"] != "0":
                pass
            assert raw.info("memory")["lazyfreed_objects"] == str(count + 1)


class TestTraffic:
    def test_pieces_of_input_and_output(self, raw: RawClient) -> None:
        raw("CONFIG", "RESETSTAT")
        before = raw.info("stats")
        for _ in range(10):
            raw("PING")
        after = raw.info("stats")
        for name in ("total_reads_processed", "total_writes_processed"):
            assert int(after[name]) - int(before[name]) == 11

    def test_longest_buffers(self, raw: RawClient) -> None:
        raw("SET", "a", "x" * 50_000)
        raw("GET", "a")
        wait_until(lambda: int(raw.info("clients")["client_recent_max_output_buffer"]) >= 50_000)
        assert int(raw.info("clients")["client_recent_max_input_buffer"]) > 0


class TestEventLoop:
    def test_counters_move(self, raw: RawClient) -> None:
        raw("DEBUG", "SLEEP", "0.001")
        first, stats = raw.info("debug"), raw.info("stats")
        assert int(first["eventloop_duration_max"]) >= 1000
        assert int(first["eventloop_cmd_per_cycle_max"]) >= 1
        assert int(stats["eventloop_duration_cmd_sum"]) >= 1000
        assert int(stats["eventloop_duration_sum"]) >= int(stats["eventloop_duration_cmd_sum"])
        assert int(stats["eventloop_cycles"]) > 0

    def test_debug_is_shown_by_name_alone(self, raw: RawClient) -> None:
        assert b"# Debug" not in raw("INFO", "everything").value
        assert b"eventloop_duration_cron_sum" in raw("INFO", "debug").value

    def test_rates_move_in_process(self) -> None:
        with zippy.Engine() as engine:
            client = zippy.connect(engine)
            for _ in range(2):
                for _ in range(100):
                    client.ping()
                host_of(engine).server.meter.sampled_at -= 1
                host_of(engine).cron_due = 0
                host_of(engine).do_chores()
            stats = client.info("stats")
            assert stats["instantaneous_ops_per_sec"] > 0
            assert stats["instantaneous_eventloop_cycles_per_sec"] > 0


class TestKeysizes:
    def test_by_powers_of_two(self, raw: RawClient) -> None:
        for key, size in (("empty", 0), ("one", 1), ("five", 5), ("hundred", 100), ("much", 5000), ("more", 3000000)):
            raw("SET", key, "x" * size)
        for n in (1, 3, 4, 1000, 1025):
            raw("RPUSH", f"l{n}", *range(n))
            raw("SADD", f"s{n}", *range(n))
            raw("HSET", f"h{n}", *[i for i in range(n) for _ in "fv"])
            raw("ZADD", f"z{n}", *[i for i in range(n) for _ in "sm"])
        raw("SELECT", 3)
        raw("SET", "number", -1)
        raw("SELECT", 0)
        items = "1=1,2=1,4=1,512=1,1K=1"
        assert raw("INFO", "keysizes").value.decode() == "\r\n".join((
            "# Keysizes", "db0_distrib_strings_sizes:0=1,1=1,4=1,64=1,4K=1,2M=1", f"db0_distrib_lists_items:{items}",
            f"db0_distrib_sets_items:{items}", f"db0_distrib_zsets_items:{items}", f"db0_distrib_hashes_items:{items}",
            "db3_distrib_strings_sizes:2=1", "",
        ))  # fmt: skip
        raw("FLUSHALL")
        assert raw("INFO", "keysizes").value == b"# Keysizes\r\n"

    def test_of_many_keys(self, r: redis.Redis) -> None:
        count = AT_ONCE + 1
        with r.pipeline(transaction=False) as pipeline:
            for i in range(count):
                pipeline.set(f"key{i:07}", b"xxx")
            pipeline.execute()
        assert r.info("keysizes")["db0_distrib_strings_sizes"] == {"2": count}
        r.set("key0000000", "")
        with r.pipeline(transaction=True) as pipeline:
            pipeline.info("keysizes")
            assert pipeline.execute()[0]["db0_distrib_strings_sizes"] == {"0": 1, "2": count - 1}
