"""The server group; saving is tested with persistence."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.commands.blocking import wait_blocked
from tests.commands.transactions import in_transaction
from tests.replies import (
    EMPTY,
    NIL,
    NIL_ARRAY,
    NOT_AN_INTEGER,
    NOT_POSITIVE,
    OK,
    QUEUED,
    SYNTAX,
    bulk,
    bulks,
    error,
    integer,
    wrong_arguments,
)
from tests.resp import Connect, ConnectionClosed, RawClient, Reply
from tests.servers import ServerProcess, StartServer

FAR = 99_999_999_999
"""A time in seconds that no test reaches."""
REPLICA = Reply("-", b"ERR Replica can't interact with the keyspace")


def simple(*words: bytes) -> tuple[Reply, ...]:
    """Simple strings."""
    return tuple(Reply("+", word) for word in words)


def as_resp(words: list[str]) -> bytes:
    """A command as a client sends it."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word.encode()) for word in words)


def titles(raw: RawClient, *sections: str) -> list[str]:
    """The titles in INFO's reply."""
    return re.findall(r"^# (\w+)", raw("INFO", *sections).value.decode(), re.MULTILINE)


def changes(raw: RawClient) -> int:
    """Changes since the last save."""
    return int(raw.info("persistence")["rdb_changes_since_last_save"])


class TestDbsize:
    def test_counts(self, raw: RawClient) -> None:
        assert raw("DBSIZE") == integer(0)
        raw("MSET", "a", 1, "b", 2)
        assert raw("DBSIZE") == integer(2)
        raw("SELECT", 1)
        assert raw("DBSIZE") == integer(0)
        assert raw("DBSIZE", "x") == wrong_arguments("dbsize")


class TestFlushall:
    @pytest.mark.parametrize("mode", [(), ("ASYNC",), ("sync",)])
    def test_empties_all_databases(self, raw: RawClient, mode: tuple[str, ...]) -> None:
        raw("DEBUG", "POPULATE", 500)
        raw("SELECT", 3)
        raw("SET", "a", 1, "EX", 100)
        before = changes(raw)
        assert raw("FLUSHALL", *mode) == OK
        assert changes(raw) - before == 501
        assert raw("DBSIZE") == integer(0)
        raw("SELECT", 0)
        assert raw("DBSIZE") == integer(0)
        assert raw.info("keyspace") == {}

    def test_of_nothing_changes_nothing(self, raw: RawClient) -> None:
        before = changes(raw)
        assert raw("FLUSHALL") == OK
        assert changes(raw) == before

    def test_refusals(self, raw: RawClient) -> None:
        for mode in (("x",), ("sync", "async"), ("async", "x")):
            assert raw("FLUSHALL", *mode) == SYNTAX

    def test_touches_watched_keys_that_are_there(self, raw: RawClient, connect: Connect) -> None:
        other = connect()
        for key, reply in (("a", Reply("*-1", None)), ("absent", Reply("*", (Reply("+", b"PONG"),)))):
            raw("SET", "a", 1)
            other("WATCH", key)
            raw("FLUSHALL")
            other("MULTI")
            other("PING")
            assert other("EXEC") == reply


class TestFlushdb:
    @pytest.mark.parametrize("mode", [(), ("ASYNC",), ("sync",)])
    def test_empties_its_database(self, raw: RawClient, mode: tuple[str, ...]) -> None:
        raw("MSET", "a", 1, "b", 2)
        raw("SELECT", 1)
        raw("SET", "c", 1)
        before = changes(raw)
        assert raw("FLUSHDB", *mode) == OK
        assert changes(raw) - before == 1
        assert raw("DBSIZE") == integer(0)
        raw("SELECT", 0)
        assert raw("DBSIZE") == integer(2)
        assert raw("FLUSHDB", "x") == SYNTAX


class TestSwapdb:
    def test_swaps(self, raw: RawClient, connect: Connect) -> None:
        other = connect()
        other("SELECT", 1)
        raw("SET", "a", "zero", "EXAT", FAR)
        other("SET", "a", "one")
        before = changes(raw)
        assert raw("SWAPDB", 0, 1) == OK
        assert changes(raw) - before == 1
        assert (raw("GET", "a"), other("GET", "a")) == (bulk(b"one"), bulk(b"zero"))
        assert (raw("EXPIRETIME", "a"), other("EXPIRETIME", "a")) == (integer(-1), integer(FAR))

    def test_with_itself(self, raw: RawClient) -> None:
        before = changes(raw)
        assert raw("SWAPDB", 0, 0) == OK
        assert changes(raw) - before == 1

    def test_refusals(self, raw: RawClient) -> None:
        assert raw("SWAPDB", "a", "b") == Reply("-", b"ERR invalid first DB index")
        assert raw("SWAPDB", 2**31, 0) == Reply("-", b"ERR invalid first DB index")
        assert raw("SWAPDB", 99, "b") == Reply("-", b"ERR invalid second DB index")
        for pair in ((0, 99), (99, 0), (-1, 0)):
            assert raw("SWAPDB", *pair) == Reply("-", b"ERR DB index is out of range")

    def test_wakes_and_touches(self, raw: RawClient, connect: Connect) -> None:
        waiting, watching = connect(), connect()
        waiting.send("BLPOP", "list", "0")
        wait_blocked(raw)
        watching("WATCH", "a")
        raw("SELECT", 1)
        raw("RPUSH", "list", "x")
        raw("SET", "a", 1)
        raw("SWAPDB", 0, 1)
        assert waiting.read() == bulks(b"list", b"x")
        watching("MULTI")
        assert watching("EXEC") == Reply("*-1", None)


class TestTime:
    def test_two_numbers(self, raw: RawClient) -> None:
        reply = raw("TIME")
        seconds, us = (int(part.value) for part in reply.value)
        assert abs(seconds - time.time()) < 5
        assert 0 <= us < 1000000
        assert all(part.kind == "$" for part in reply.value)


class TestMonitor:
    @staticmethod
    def heard(monitor: RawClient, raw: RawClient) -> list[str]:
        """The lines since the last call, without time and address."""
        raw("ECHO", "fence")
        lines = []
        while True:
            reply = monitor.read()
            assert reply.kind == "+"
            match = re.fullmatch(r"\d+\.\d{6} \[(\d+) 127\.0\.0\.1:\d+\] (.*)", reply.value.decode())
            assert match
            if match[2] == '"ECHO" "fence"':
                return lines
            lines.append(f"{match[1]} {match[2]}")

    @pytest.fixture
    def monitor(self, raw: RawClient, connect: Connect) -> RawClient:
        client = connect()
        assert client("MONITOR") == OK
        return client

    def test_commands(self, monitor: RawClient, raw: RawClient) -> None:
        raw("set", "a", b'\0\x07\x08\x0b\r\n\t"\\\xc3')
        raw("SELECT", 3)
        raw("NOSUCH")
        raw("GET")
        raw("BLPOP", "nolist", "0.001")
        raw("CONFIG", "GET", "port")
        raw("SLOWLOG", "LEN")
        raw("CLIENT", "LIST")
        raw("CLIENT", "ID")
        raw("SELECT", 0)
        assert self.heard(monitor, raw) == [
            r'0 "set" "a" "\x00\a\b\x0b\r\n\t\"\\\xc3"',
            '3 "SELECT" "3"',
            '3 "BLPOP" "nolist" "0.001"',
            '3 "CLIENT" "ID"',
            '0 "SELECT" "0"',
        ]

    def test_transactions(self, monitor: RawClient, raw: RawClient) -> None:
        for command in (("MULTI",), ("SET", "a", "x"), ("INCR", "a"), ("CONFIG", "GET", "port"), ("EXEC",)):
            raw(*command)
        assert self.heard(monitor, raw) == ['0 "MULTI"', '0 "SET" "a" "x"', '0 "INCR" "a"', '0 "EXEC"']

    def test_secrets(self, monitor: RawClient, raw: RawClient) -> None:
        raw("AUTH", "x")
        raw("AUTH", "user", "x")
        raw("HELLO", 2, "AUTH", "user", "x", "SETNAME", "me")
        assert self.heard(monitor, raw) == [
            '0 "AUTH" "(redacted)"',
            '0 "AUTH" "(redacted)" "(redacted)"',
            '0 "HELLO" "2" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me"',
        ]

    def test_what_a_monitor_may_do(self, monitor: RawClient, raw: RawClient) -> None:
        for command in (("GET", "a"), ("SET", "a", "1"), ("DBSIZE",), ("PUBLISH", "c", "x"), ("FLUSHALL",)):
            assert monitor(*command) == REPLICA
        monitor.send("MONITOR")  # a second one is not answered
        assert monitor("CONFIG", "GET", "maxmemory") == bulks(b"maxmemory", b"0")
        monitor.send("QUIT")
        assert monitor.read() == OK
        assert monitor.is_closed()

    def test_refusals(self, raw: RawClient) -> None:
        assert raw("MONITOR", "x") == wrong_arguments("monitor")
        raw("MULTI")
        assert raw("MONITOR") == QUEUED
        assert raw("EXEC") == Reply("*", (Reply("-", b"ERR MONITOR isn't allowed for DENY BLOCKING client"),))


class TestConfigGet:
    @pytest.mark.parametrize(
        ("pattern", "found"),
        [
            ("*" * 2000 + "#", []), ("*a" * 500 + "#", []), ("maxm" + "*" * 2000 + "ry", [b"maxmemory"]), ("MAXM[D-F]MOR?", [b"maxmemory"]),
            ("[^]axmemory", [b"maxmemory"]), ("[]axmemory", []), ("max*m\\emory", [b"maxmemory"]), ("\\maxmemory", []), ("[", []),
            (b"*\xff", []),
        ],
    )  # fmt: skip
    def test_glob(self, raw: RawClient, pattern: str | bytes, found: list[bytes]) -> None:
        """No pattern takes long, and letter case does not count."""
        assert raw("CONFIG", "GET", pattern).plain()[::2] == found

    def test_patterns(self, raw: RawClient) -> None:
        assert raw("CONFIG", "GET", "maxmemory") == bulks(b"maxmemory", b"0")
        assert raw("CONFIG", "GET", "nosuch") == EMPTY
        assert raw("CONFIG", "GET", "MAXMEMORY", "maxmemory") == bulks(b"MAXMEMORY", b"0")
        found = raw("CONFIG", "GET", "maxmemory-s*", "hz").plain()
        assert dict(zip(found[::2], found[1::2], strict=True)) == {b"maxmemory-samples": b"5", b"hz": b"10"}
        assert raw("CONFIG", "GET") == wrong_arguments("config|get")

    def test_resp3(self, raw: RawClient) -> None:
        raw("HELLO", 3)
        assert raw("CONFIG", "GET", "hz") == Reply("%", ((bulk(b"hz"), bulk(b"10")),))
        assert raw("CONFIG", "GET", "nosuch") == Reply("%", ())


class TestErrors:
    """What errors of commands in Python repeat of their arguments: up to a NUL, without ends of lines."""

    @pytest.mark.parametrize(
        ("request_words", "reply"),
        [
            (("CONFIG", "SET", "{}", "1"), "ERR Unknown option or number of arguments for CONFIG SET - '{}'"),
            (("CONFIG", "SET", "maxmemory", "1", "{}", "1"), "ERR Unknown option or number of arguments for CONFIG SET - '{}'"),
            (("CLIENT", "KILL", "TYPE", "{}"), "ERR Unknown client type '{}'"),
            (("CLIENT", "KILL", "USER", "{}"), "ERR No such user '{}'"),
            (("CLIENT", "LIST", "TYPE", "{}"), "ERR Unknown client type '{}'"),
            (("CLIENT", "SETINFO", "{}", "x"), "ERR Unrecognized option '{}'"),
            (("HELLO", "3", "{}"), "ERR Syntax error in HELLO option '{}'"),
            (("LATENCY", "GRAPH", "{}"), "ERR No samples available for event '{}'"),
            (("DEBUG", "{}"), "ERR unknown subcommand or wrong number of arguments for '{}'. Try DEBUG HELP."),
        ],
    )
    @pytest.mark.parametrize(("given", "repeated"), [("a\0b", "a"), ("a\r\nb", "a  b"), ("a\r\n\0b'", "a  "), ("a'b\0\0", "a'b")])
    def test_arguments(self, raw: RawClient, request_words: tuple[str, ...], reply: str, given: str, repeated: str) -> None:
        assert raw(*(word.format(given) for word in request_words)) == error(reply.format(repeated))


class TestConfigSet:
    def test_several_at_once(self, raw: RawClient) -> None:
        assert raw("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "ALLKEYS-LRU") == OK
        assert raw("CONFIG", "GET", "maxmemory") == bulks(b"maxmemory", b"104857600")
        assert raw("CONFIG", "GET", "maxmemory-policy") == bulks(b"maxmemory-policy", b"allkeys-lru")

    def test_all_or_none(self, raw: RawClient) -> None:
        assert raw("CONFIG", "SET", "maxmemory", "1gb", "hz", "x").kind == "-"
        assert raw("CONFIG", "GET", "maxmemory") == bulks(b"maxmemory", b"0")

    def test_more_than_there_are(self, raw: RawClient) -> None:
        again = raw("CONFIG", "SET", *["maxmemory", "1gb"] * 5000)
        assert again == error("ERR CONFIG SET failed (possibly related to argument 'maxmemory') - duplicate parameter")
        unknown = raw("CONFIG", "SET", "maxmemory", "1gb", *(word for i in range(5000) for word in (f"no{i}", "x")))
        assert unknown == error("ERR Unknown option or number of arguments for CONFIG SET - 'no0'")
        assert raw("CONFIG", "GET", "maxmemory") == bulks(b"maxmemory", b"0")

    @pytest.mark.parametrize(
        ("pairs", "reply"),
        [
            (("foo", "bar"), "Unknown option or number of arguments for CONFIG SET - 'foo'"),
            (("maxmemory", "1", "maxmemory-policy"), "syntax error"),
            (("hz", "1", "hz", "2"), "CONFIG SET failed (possibly related to argument 'hz') - duplicate parameter"),
            (("hz", "x"), "CONFIG SET failed (possibly related to argument 'hz') - argument couldn't be parsed into an integer"),
            (("databases", "5"), "CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config"),
            (("dir", "/tmp"), "CONFIG SET failed (possibly related to argument 'dir') - can't set protected config"),
            (("appendonly", "x"), "CONFIG SET failed (possibly related to argument 'appendonly') - argument must be 'yes' or 'no'"),
        ],
    )
    def test_refusals(self, raw: RawClient, pairs: tuple[str, ...], reply: str) -> None:
        assert raw("CONFIG", "SET", *pairs) == error(f"ERR {reply}")

    def test_too_few_arguments(self, raw: RawClient) -> None:
        assert raw("CONFIG", "SET", "maxmemory") == wrong_arguments("config|set")
        assert raw("CONFIG") == wrong_arguments("config")
        assert raw("CONFIG", "foo") == Reply("-", b"ERR unknown subcommand 'foo'. Try CONFIG HELP.")

    def test_protected_settings_for_local_clients(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server(config={"enable-protected-configs": "local"})
        with server.client() as client:
            assert client("CONFIG", "SET", "dbfilename", "other.rdb") == OK


class TestConfigResetstat:
    def test_sets_back(self, raw: RawClient) -> None:
        raw("GET", "nosuch")
        raw("NOSUCH")
        assert raw("CONFIG", "RESETSTAT") == OK
        found = raw.info("stats", "commandstats", "errorstats")
        assert (found["keyspace_misses"], found["total_error_replies"]) == ("0", "0")
        assert [name for name in found if name.startswith(("cmdstat_", "errorstat_"))] == ["cmdstat_config|resetstat"]
        assert raw("CONFIG", "RESETSTAT", "x") == wrong_arguments("config|resetstat")


class TestConfigRewrite:
    def test_without_a_file(self, raw: RawClient) -> None:
        assert raw("CONFIG", "REWRITE") == Reply("-", b"ERR The server is running without a config file")

    def test_writes_what_changed(self, start_server: StartServer, tmp_path: Path) -> None:
        path = tmp_path / "zippy.conf"
        path.write_text("# mine\nmaxmemory 1mb\n")
        server = start_server_with_file(path, start_server)
        with server.client() as client:
            assert client("CONFIG", "SET", "maxmemory", "2mb", "maxmemory-samples", "7") == OK
            assert client("CONFIG", "REWRITE") == OK
        lines = path.read_text().splitlines()
        assert lines[0] == "# mine"
        assert "maxmemory 2mb" in lines
        assert "maxmemory-samples 7" in lines


def start_server_with_file(path: Path, start_server: StartServer) -> ServerProcess:
    """A server with a configuration file: its path has to come before all options."""
    server = start_server()
    place = next(place for place, word in enumerate(server.command) if word.startswith("--"))
    server.kill()
    server.command.insert(place, str(path))
    server.start()
    return server


SECTIONS = ["Server", "Clients", "Memory", "Persistence", "Threads", "Stats", "Replication", "CPU", "Modules"]
LAST_SECTIONS = ["Cluster", "Keyspace", "Keysizes"]


class TestInfo:
    @staticmethod
    def without_own(found: list[str]) -> list[str]:
        """Titles without zippy's own section."""
        return [title for title in found if title != "Zippy"]

    def test_sections(self, raw: RawClient) -> None:
        default = [*SECTIONS, "Errorstats", *LAST_SECTIONS]
        everything = [*SECTIONS, "Commandstats", "Errorstats", "Latencystats", *LAST_SECTIONS]
        assert self.without_own(titles(raw)) == default
        assert self.without_own(titles(raw, "default")) == default
        assert self.without_own(titles(raw, "all")) == everything
        assert self.without_own(titles(raw, "Everything", "server")) == everything
        assert titles(raw, "clients", "SERVER", "clients", "nosuch") == ["Server", "Clients"]
        assert raw("INFO", "nosuch") == bulk(b"")

    def test_format(self, raw: RawClient) -> None:
        assert raw("INFO", "cluster") == bulk(b"# Cluster\r\ncluster_enabled:0\r\n")
        assert raw("INFO", "keyspace", "cluster") == bulk(b"# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n")
        raw("HELLO", 3)
        assert raw("INFO", "cluster").kind == "="

    def test_fields_are_those_of_redis(self, raw: RawClient, oracle: ServerProcess) -> None:
        """All names of a real Redis are there; build hashes, threads and modules aside, in its order."""
        for section in ("server", "clients", "memory", "persistence", "stats", "replication", "cpu", "cluster"):
            with oracle.client() as real:
                wanted = list(real.info(section))
            found = list(raw.info(section))
            assert [name for name in found if name in wanted] == [name for name in wanted if name in found]
            assert set(wanted) - set(found) == set()

    def test_server(self, raw: RawClient) -> None:
        found = raw.info("server")
        assert (found["redis_version"], found["redis_mode"]) == ("8.2.3", "standalone")
        assert re.fullmatch("[0-9a-f]{40}", found["run_id"])
        assert abs(int(found["server_time_usec"]) - time.time() * 1e6) < 5e6

    def test_clients(self, raw: RawClient, connect: Connect) -> None:
        before = int(raw.info("clients")["connected_clients"])
        watching, waiting, subscriber = connect(), connect(), connect()
        watching("WATCH", "a", "b")
        subscriber("SUBSCRIBE", "c")
        waiting.send("BLPOP", "list", "100")
        wait_blocked(raw)
        found = raw.info("clients")
        assert int(found["connected_clients"]) == before + 3
        assert [found[name] for name in ("watching_clients", "pubsub_clients", "clients_in_timeout_table")] == ["1", "1", "1"]
        assert (found["total_watched_keys"], found["total_blocking_keys"]) == ("2", "1")

    def test_memory(self, raw: RawClient) -> None:
        raw("FLUSHALL", "SYNC")
        before = int(raw.info("memory")["used_memory"])
        raw("SET", "a", "x" * 1000000)
        found = raw.info("memory")
        assert int(found["used_memory"]) - before > 1000000
        assert int(found["used_memory_peak"]) >= int(found["used_memory"])
        assert re.fullmatch(r"\d+\.\d\dM", found["used_memory_human"])
        assert (found["maxmemory"], found["maxmemory_policy"]) == ("0", "noeviction")
        raw("FLUSHALL", "SYNC")
        assert int(raw.info("memory")["used_memory"]) < int(found["used_memory"]) - 500000

    def test_keyspace(self, raw: RawClient) -> None:
        raw("MSET", "a", 1, "b", 2)
        raw("EXPIRE", "a", 100)
        raw("SELECT", 5)
        raw("SET", "c", 1)
        found = raw.info("keyspace")
        assert list(found) == ["db0", "db5"]
        assert found["db0"].startswith("keys=2,expires=1,avg_ttl=")
        assert found["db5"] == "keys=1,expires=0,avg_ttl=0,subexpiry=0"

    def test_statistics(self, raw: RawClient) -> None:
        raw("CONFIG", "RESETSTAT")
        raw("SET", "a", "x")
        raw("INCR", "a")
        raw("GET")
        raw("GET", "a")
        raw("GET", "nosuch")
        found = raw.info("stats", "commandstats", "errorstats", "latencystats")
        assert (found["keyspace_hits"], found["keyspace_misses"], found["total_error_replies"]) == ("1", "1", "2")
        assert re.fullmatch(r"calls=2,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=1,failed_calls=0", found["cmdstat_get"])
        assert found["cmdstat_incr"].endswith("rejected_calls=0,failed_calls=1")
        assert found["errorstat_ERR"] == "count=2"
        assert re.fullmatch(r"p50=[\d.]+,p99=[\d.]+,p99.9=[\d.]+", found["latency_percentiles_usec_get"])

    @pytest.mark.zippy_only
    def test_own_section(self, raw: RawClient) -> None:
        assert "zippy_version" in raw.info("zippy")

    def test_through_redis_py(self, r: redis.Redis) -> None:
        found: Any = r.info()
        assert found["redis_version"] == "8.2.3"
        assert found["used_memory"] > 0


class TestCommandCount:
    def test_counts(self, raw: RawClient) -> None:
        assert raw("COMMAND", "COUNT").value == len(raw("COMMAND").value)
        assert raw("COMMAND", "COUNT", "x") == wrong_arguments("command|count")


class TestCommandInfo:
    def test_replies(self, raw: RawClient) -> None:
        unknown, get, sub = raw("COMMAND", "INFO", "nosuch", "GET", "CONFIG|get").value
        assert unknown == NIL
        assert get.value[:6] == (bulk(b"get"), integer(2), Reply("*", simple(b"readonly", b"fast")), integer(1), integer(1), integer(1))
        assert get.value[6] == Reply("*", simple(b"@read", b"@string", b"@fast"))
        assert sub.value[0] == bulk(b"config|get")
        assert len(raw("COMMAND", "INFO").value) == raw("COMMAND", "COUNT").value

    def test_sets_in_resp3(self, raw: RawClient) -> None:
        raw("HELLO", 3)
        (ping,) = raw("COMMAND", "INFO", "ping").value
        assert [ping.value[place].kind for place in (2, 6, 7, 8, 9)] == ["~"] * 5


class TestCommandDocs:
    def test_replies(self, raw: RawClient) -> None:
        raw("HELLO", 3)
        assert raw("COMMAND", "DOCS", "nosuch") == Reply("%", ())
        ((name, docs),) = raw("COMMAND", "DOCS", "nosuch", "GET").value
        found = {key.value: value for key, value in docs.value}
        assert name == bulk(b"get")
        assert (found[b"since"], found[b"group"], found[b"complexity"]) == (bulk(b"1.0.0"), bulk(b"string"), bulk(b"O(1)"))
        assert len(raw("COMMAND", "DOCS").value) == raw("COMMAND", "COUNT").value


class TestCommandList:
    @pytest.mark.parametrize(
        ("pattern", "found"), [("*" * 2000 + "#", []), ("CONFIG|GE[T]", [b"config|get"]), ("GE\\T", [b"get"]), ("", []), ("*[", [])]
    )
    def test_glob(self, raw: RawClient, pattern: str, found: list[bytes]) -> None:
        assert raw("COMMAND", "LIST", "FILTERBY", "PATTERN", pattern).plain() == found

    def test_all(self, raw: RawClient) -> None:
        found = raw("COMMAND", "LIST").plain()
        assert {b"get", b"config|get", b"config"} <= set(found)

    def test_filters(self, raw: RawClient) -> None:
        assert raw("COMMAND", "LIST", "FILTERBY", "MODULE", "nosuch") == EMPTY
        assert raw("COMMAND", "LIST", "FILTERBY", "ACLCAT", "nosuch") == EMPTY
        assert {b"get", b"getset"} <= set(raw("COMMAND", "LIST", "FILTERBY", "ACLCAT", "String").plain())
        for pattern in ("config|*", "CONFIG|*"):
            found = raw("COMMAND", "LIST", "FILTERBY", "PATTERN", pattern).plain()
            assert sorted(found) == [b"config|get", b"config|help", b"config|resetstat", b"config|rewrite", b"config|set"]

    def test_refusals(self, raw: RawClient) -> None:
        for words in (("x",), ("FILTERBY",), ("FILTERBY", "foo", "bar"), ("FILTERBY", "PATTERN")):
            assert raw("COMMAND", "LIST", *words) == SYNTAX


class TestCommandGetkeys:
    @pytest.mark.parametrize(
        ("request_", "keys"),
        [
            ("get a", "a"),
            ("mset a 1 b 2", "a b"),
            ("DEL a b c", "a b c"),
            ("zunionstore d 2 a b weights 1 2", "d a b"),
            ("blpop a b 0", "a b"),
            ("bitop and d a b", "d a b"),
            ("lmpop 2 a b left", "a b"),
            ("memory usage foo", "foo"),
            ("object encoding x", "x"),
            ("sort a by w_* get # store b store c limit 0 1", "a c"),
        ],
    )
    def test_keys(self, raw: RawClient, request_: str, keys: str) -> None:
        assert raw("COMMAND", "GETKEYS", *request_.split()) == bulks(*keys.encode().split())

    @pytest.mark.parametrize(
        ("request_", "reply"),
        [
            ("nosuch a", "Invalid command specified"),
            ("ping", "The command has no key arguments"),
            ("ping x y z", "The command has no key arguments"),
            ("publish c m", "The command has no key arguments"),
            ("ssubscribe c", "The command has no key arguments"),
            ("memory", "The command has no key arguments"),
            ("memory foo a", "Invalid command specified"),
            ("memory usage", "Invalid number of arguments specified for command"),
            ("get", "Invalid number of arguments specified for command"),
            ("zinter 0 a", "Invalid arguments specified for command"),
            ("zinter x a", "Invalid arguments specified for command"),
            ("zinter 3 a", "Invalid arguments specified for command"),
            ("xreadgroup a a a a a 0", "Invalid arguments specified for command"),
            ("xread count 1 a", "Invalid arguments specified for command"),
        ],
    )
    def test_refusals(self, raw: RawClient, request_: str, reply: str) -> None:
        assert raw("COMMAND", "GETKEYS", *request_.split()) == error(f"ERR {reply}")

    def test_none(self, raw: RawClient) -> None:
        for request_ in ("eval x 0", "fcall f 0 a", "evalsha x 0"):
            assert raw("COMMAND", "GETKEYS", *request_.split()) == raw("COMMAND", "GETKEYSANDFLAGS", *request_.split()) == EMPTY

    def test_without_a_request(self, raw: RawClient) -> None:
        assert raw("COMMAND", "GETKEYS") == wrong_arguments("command|getkeys")


class TestCommandGetkeysandflags:
    @pytest.mark.parametrize(
        ("request_", "keys"),
        [
            ("set a b", "a OW update"),
            ("set a b get", "a RW access update"),
            ("set k v xx", "k OW update"),
            ("get k", "k RO access"),
            ("copy a b", "a RO access, b OW update"),
            ("del a b", "a RM delete, b RM delete"),
            ("bitfield k get u8 0", "k RO access"),
            ("bitfield k get u8 0 set u8 0 1", "k RW access update"),
            ("zinter +1.5 a b", "a"),
            ("zunionstore d 2x a b", "a, b, d"),
            ("zunionstore d 01 a", "a, d"),
            ("zinter 4294967297 a b", "a"),
            ("bitfield k get u8", "k RW access update"),
            ("bitfield k overflow sat get u8 0", "k RO access"),
            ("bitfield k get u8 0 overflow", "k RW access update"),
            ("sort a by b get c store d", "a RO access, d OW update"),
            ("sort_ro a by b get c", "a RO access"),
            ("memory usage k", "k RO"),
            ("lmove a b left left", "a RW access delete, b RW insert"),
            ("mset a 1 b 2 c 3", "a OW update, b OW update, c OW update"),
            ("bitop and a b c d", "a OW update, b RO access, c RO access, d RO access"),
        ],
    )
    def test_flags(self, raw: RawClient, request_: str, keys: str) -> None:
        reply = raw("COMMAND", "GETKEYSANDFLAGS", *request_.split())
        found = [b" ".join([key, *flags]).decode() for key, flags in reply.plain()]
        assert ", ".join(found) == keys

    def test_flags_are_a_set(self, raw: RawClient) -> None:
        raw("HELLO", 3)
        (key,) = raw("COMMAND", "GETKEYSANDFLAGS", "get", "a").value
        assert key.value[1] == Reply("~", simple(b"RO", b"access"))


class TestMemoryUsage:
    def test_grows_with_the_value(self, raw: RawClient) -> None:
        assert raw("MEMORY", "USAGE", "a") == NIL
        raw("SET", "a", "x")
        small = raw("MEMORY", "USAGE", "a").value
        raw("SET", "a", "x" * 10000)
        assert raw("MEMORY", "USAGE", "a").value > small + 9000
        raw("RPUSH", "l", *("x" * 100 for _ in range(1000)))
        assert raw("MEMORY", "USAGE", "l", "SAMPLES", 0).value > 100000

    def test_refusals(self, raw: RawClient) -> None:
        assert raw("MEMORY", "USAGE") == wrong_arguments("memory|usage")
        for words in (("samples",), ("samples", "-1"), ("foo", "1")):
            assert raw("MEMORY", "USAGE", "a", *words) == SYNTAX
        assert raw("MEMORY", "USAGE", "a", "samples", "x") == NOT_AN_INTEGER


class TestMemoryStats:
    def test_names_are_those_of_redis(self, raw: RawClient, oracle: ServerProcess) -> None:
        with oracle.client() as real:
            real("FLUSHALL")
            real("SET", "a", "1")
            wanted = real("MEMORY", "STATS").plain()[::2]
            real("DEL", "a")
        raw("SET", "a", "1")
        assert raw("MEMORY", "STATS").plain()[::2] == wanted


class TestMemoryDoctor:
    def test_speaks(self, raw: RawClient) -> None:
        assert raw("MEMORY", "DOCTOR").kind == "$"


class TestMemoryMallocStats:
    def test_speaks(self, raw: RawClient) -> None:
        assert raw("MEMORY", "MALLOC-STATS").kind == "$"


class TestMemoryPurge:
    def test_gives_back(self, raw: RawClient) -> None:
        assert raw("MEMORY", "PURGE") == OK


class TestLolwut:
    def test_every_version(self, raw: RawClient) -> None:
        for words in (("VERSION", "5"), ("VERSION", "5", "5"), ("VERSION", "99")):
            assert b"Redis ver. 8.2.3" in raw("LOLWUT", *words).value
        assert raw("LOLWUT", "VERSION", "x") == NOT_AN_INTEGER
        raw("HELLO", 3)
        assert raw("LOLWUT").kind == "="


class TestDebug:
    def test_gate(self, start_server: StartServer) -> None:
        server = start_server(config={"enable-debug-command": "no"})
        with server.client() as client:
            assert client("DEBUG", "SLEEP", 0).value.startswith(b"ERR DEBUG command not allowed. If the enable-debug-command option")
            assert client("DEBUG") == wrong_arguments("debug")

    def test_unknown(self, raw: RawClient) -> None:
        for words in (("jmap",), ("sleep",), ("sleep", "0", "x"), ("object",), ("populate",), ("stringmatch-len", "5", "x")):
            assert raw("DEBUG", *words) == error(f"ERR unknown subcommand or wrong number of arguments for '{words[0]}'. Try DEBUG HELP.")
        assert raw("DEBUG", "HELP").value[0].kind == "+"

    def test_object(self, raw: RawClient) -> None:
        assert raw("DEBUG", "OBJECT", "a") == Reply("-", b"ERR no such key")
        shown = rb"Value at:0x[0-9a-f]+ refcount:\d+ encoding:int serializedlength:\d+ lru:\d+ lru_seconds_idle:0"
        assert re.fullmatch(shown, in_transaction(raw, "SET a 12", "DEBUG OBJECT a")[1].value)

    def test_object_of_a_quicklist(self, raw: RawClient) -> None:
        raw("CONFIG", "SET", "list-max-listpack-size", 128)
        raw("CONFIG", "SET", "list-compress-depth", 1)
        raw("RPUSH", "l", *[f"{'a' * 37}{i // 10}" for i in range(2000)])
        assert raw("DEBUG", "OBJECT", "l").value.endswith(
            b" ql_nodes:16 ql_avg_node:125.00 ql_listpack_max:128 ql_compressed:1 ql_uncompressed_size:83012"
        )
        raw("RPUSH", "small", "a")
        assert b"ql_" not in raw("DEBUG", "OBJECT", "small").value

    def test_populate(self, raw: RawClient) -> None:
        raw("SET", "k:1", "mine")
        before = changes(raw)
        assert raw("DEBUG", "POPULATE", 3, "k", 10) == OK
        assert raw("MGET", "k:0", "k:1", "k:2", "k:3").plain() == [b"value:0\0\0\0", b"mine", b"value:2\0\0\0", None]
        assert raw("DEBUG", "POPULATE", 2) == OK
        assert raw("GET", "key:1") == bulk(b"value:1")
        assert changes(raw) >= before
        for words in (("x",), ("-1",), ("1", "k", "x")):
            assert raw("DEBUG", "POPULATE", *words) == NOT_POSITIVE

    def test_digest(self, raw: RawClient, connect: Connect) -> None:
        assert raw("DEBUG", "DIGEST") == Reply("+", b"0" * 40)
        raw("SADD", "s", "a", "b", "c")
        raw("ZADD", "z", 1, "a", 2, "b")
        raw("HSET", "h", "a", 1, "b", 2)
        raw("RPUSH", "l", "a", "b")
        raw("SET", "t", "x", "EX", 1000)
        before = raw("DEBUG", "DIGEST")
        values = raw("DEBUG", "DIGEST-VALUE", "s", "z", "h", "l", "t", "absent")
        raw("FLUSHALL")
        raw("SET", "t", "x", "EX", 999)
        raw("SADD", "s", "c", "b", "a")
        raw("HSET", "h", "b", 2, "a", 1)
        raw("RPUSH", "l", "a", "b")
        raw("ZADD", "z", 2, "b", 1, "a")
        assert raw("DEBUG", "DIGEST-VALUE", "s", "z", "h", "l", "t", "absent") == values
        assert raw("DEBUG", "DIGEST") == before
        raw("PERSIST", "t")
        assert raw("DEBUG", "DIGEST") != before
        assert values.value[-1] == Reply("+", b"0" * 40)

    def test_digest_of_other_data(self, raw: RawClient) -> None:
        """Whatever differs shows: key, database, type, order of a list, a score, the parting of two texts."""
        digests = set()
        for database, words in [
            (0, "SET k ab"), (0, "SET j ab"), (1, "SET k ab"), (0, "RPUSH k ab"), (0, "SADD k ab"), (0, "RPUSH k a b"), (0, "RPUSH k b a"),
            (0, "SADD k a b"), (0, "HSET k a b"), (0, "HSET k ab c"), (0, "HSET k a bc"), (0, "ZADD k 1 a"), (0, "ZADD k 2 a"),
        ]:  # fmt: skip
            raw("FLUSHALL")
            raw("SELECT", database)
            raw(*words.split())
            digests.add(raw("DEBUG", "DIGEST").value)
        assert len(digests) == 13

    def test_digest_of_each_encoding(self, raw: RawClient) -> None:
        def digests() -> list[Reply]:
            raw("FLUSHALL")
            for i in range(40):
                raw("RPUSH", "l", i % 7, "x" * 300)
                raw("SADD", "ints", i)
                raw("SADD", "texts", i, f"t{i}")
                raw("HSET", "h", i, i * i)
                raw("ZADD", "z", i / 4, f"m{i}", -i, i)
            return [raw("DEBUG", "DIGEST"), raw("DEBUG", "DIGEST-VALUE", "l", "ints", "texts", "h", "z")]

        large = digests()
        raw("CONFIG", "SET", "list-max-listpack-size", 2, "list-compress-depth", 1, "set-max-intset-entries", 1)
        raw("CONFIG", "SET", "set-max-listpack-entries", 1, "hash-max-listpack-entries", 1, "zset-max-listpack-entries", 1)
        assert digests() == large

    @pytest.mark.zippy_only
    def test_digest_leaves_no_trace(self, raw: RawClient) -> None:
        """It counts nothing and touches no key; one whose time is over is left out, and left alone."""
        raw("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        raw("SET", "a", 1)
        before = raw("DEBUG", "DIGEST")
        raw("SET", "over", 1, "PX", 1)
        raw("DEBUG", "SET-CLOCK", (int(raw("TIME").value[0].value) + 100) * 10**6)
        counters = raw.info()
        assert raw("DEBUG", "DIGEST") == before
        assert raw("DEBUG", "DIGEST-VALUE", "over") == Reply("*", simple(b"0" * 40))
        assert raw("DEBUG", "DIGEST-VALUE", "a").value[0].value != b"0" * 40
        assert raw("OBJECT", "IDLETIME", "a").value > 0
        assert raw("DBSIZE") == integer(2)
        after = raw.info()
        for name in ("keyspace_hits", "keyspace_misses", "expired_keys"):
            assert after[name] == counters[name]
        raw("DEBUG", "SET-CLOCK", 0)
        raw("DEBUG", "SET-ACTIVE-EXPIRE", 1)

    @pytest.mark.parametrize("command", ["DIGEST", "DIGEST-VALUE a " + "b" * 90, "RELOAD", "LOADAOF"])
    def test_within_a_pipeline(self, start_server: StartServer, command: str) -> None:
        """What runs within a command leaves the commands behind it alone, and what the slow log and MONITOR show."""
        server = start_server(config={"appendonly": "yes", "slowlog-log-slower-than": 0})
        with server.client() as client, server.client() as monitor:
            monitor("MONITOR")
            client("SLOWLOG", "RESET")
            words = ["DEBUG", *command.split()]
            requests = [["SET", "a", "1"], ["ECHO", "one"], words, ["ECHO", "two"], words, ["ECHO", "three"], ["GET", "a"]]
            client.send_bytes(b"".join(as_resp(request) for request in requests))
            replies = [client.read() for _ in requests]
            assert replies[:2] == [OK, bulk(b"one")]
            assert not replies[2].is_error
            assert replies[3:] == [bulk(b"two"), replies[2], bulk(b"three"), bulk(b"1")]
            logged = [entry[3] for entry in client("SLOWLOG", "GET", len(requests)).plain()]
            assert logged == [[word.encode() for word in request] for request in reversed(requests)]
            heard = [monitor.read().value.partition(b"] ")[2] for _ in range(5)]
            assert heard == [b'"SET" "a" "1"', b'"ECHO" "one"', b'"ECHO" "two"', b'"ECHO" "three"', b'"GET" "a"']

    @pytest.mark.parametrize("command", ["DIGEST", "RELOAD", "LOADAOF"])
    def test_within_a_transaction(self, start_server: StartServer, command: str) -> None:
        server = start_server(config={"appendonly": "yes", "appendfsync": "always"})
        with server.client() as client:
            client("SET", "a", 1)
            requests = [["MULTI"], ["DEBUG", *command.split()], ["SET", "b", "2"], ["RPUSH", "c", "3"], ["EXEC"]]
            client.send_bytes(b"".join(as_resp(request) for request in requests))
            assert [client.read() for _ in requests][1:4] == [QUEUED] * 3
            assert client("MGET", "a", "b") == bulks(b"1", b"2")
        log = b"".join(path.read_bytes() for path in sorted(server.folder.glob("appendonlydir/*.incr.aof")))
        assert log.index(b"MULTI") < log.index(b"RPUSH") < log.index(b"EXEC")

    def test_protocol(self, raw: RawClient) -> None:
        def ask(kind: str) -> Reply:
            return raw("DEBUG", "PROTOCOL", kind)

        kinds = ("string", "integer", "double", "bignum", "null", "array", "set", "map", "verbatim", "true", "false", "attrib")
        assert [ask(kind).kind for kind in kinds] == ["$", ":", "$", "$", "$-1", "*", "*", "*", "$", ":", ":", "$"]
        assert ask("push") == Reply("-", b"ERR RESP2 is not supported by this command")
        assert ask("nosuch").value.startswith(b"ERR Wrong protocol type name.")
        raw("HELLO", 3)
        assert [ask(kind).kind for kind in kinds] == ["$", ":", ",", "(", "_", "*", "~", "%", "=", "#", "#", "|"]
        assert ask("double") == Reply(",", b"3.141")
        assert [ask("push"), raw.read().kind] == [bulk(b"Some real reply following the push reply"), ">"]

    def test_small_ones(self, raw: RawClient) -> None:
        assert raw("DEBUG", "ERROR", "FOO bar") == Reply("-", b"FOO bar")
        for words in (
            *(("SLEEP", seconds) for seconds in ("0", "nan", "-1", "inf", "-inf", "1e300", "1e18", "x", "")),
            ("SET-ACTIVE-EXPIRE", "1"),
            ("LOG", "hello"),
            ("CHANGE-REPL-ID",),
            ("QUICKLIST-PACKED-THRESHOLD", "100b"),
            ("QUICKLIST-PACKED-THRESHOLD", "0"),
            ("SET-DISABLE-DENY-SCRIPTS", "0"),
            ("DICT-RESIZING", "1"),
            ("PAUSE-CRON", "0"),
        ):
            assert raw("DEBUG", *words) == OK
        assert raw("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "x").value.startswith(b"ERR argument must be a memory value")
        assert raw("DEBUG", "HTSTATS", 99) == Reply("-", b"ERR Out of range database")
        raw("SET", "a", 1)
        assert b"number of elements: 1" in raw("DEBUG", "HTSTATS", 0).value

    def test_active_expire(self, raw: RawClient) -> None:
        raw("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        raw("SET", "a", 1, "PX", 1)
        # a deadline of the server's, before which its periodic work is due
        assert raw("BLPOP", "nothing", "0.15") == NIL_ARRAY
        assert raw("DBSIZE") == integer(1)
        raw("DEBUG", "SET-ACTIVE-EXPIRE", 1)

    @pytest.mark.zippy_only
    def test_set_clock(self, raw: RawClient) -> None:
        now = int(raw("TIME").plain()[0])
        try:
            assert raw("DEBUG", "SET-CLOCK", (now + 1000) * 1000000) == OK
            raw("SET", "a", 1, "EX", 100)
            assert raw("DEBUG", "SET-CLOCK", (now + 1050) * 1000000) == OK
            assert raw("TTL", "a") == integer(50)
            assert raw("TIME").plain() == [b"%d" % (now + 1050), b"0"]
            assert raw("DEBUG", "SET-CLOCK", (now + 1200) * 1000000) == OK
            assert raw("GET", "a") == NIL
        finally:
            assert raw("DEBUG", "SET-CLOCK", 0) == OK
        assert 0 <= int(raw("TIME").plain()[0]) - now < 500


class TestShutdown:
    def test_refusals(self, raw: RawClient) -> None:
        for words in (("foo",), ("save", "nosave"), ("abort", "now"), ("now", "now", "abort")):
            assert raw("SHUTDOWN", *words) == SYNTAX
        assert raw("SHUTDOWN", "ABORT") == Reply("-", b"ERR No shutdown in progress.")
        raw("MULTI")
        assert raw("SHUTDOWN").kind == "-"

    @pytest.mark.parametrize("words", [("NOSAVE",), ("SAVE", "NOW", "FORCE"), ()])
    def test_ends_the_process(self, start_server: StartServer, words: tuple[str, ...]) -> None:
        server = start_server()
        with server.client() as client:
            client.send("SHUTDOWN", *words)
            with pytest.raises(ConnectionClosed):
                client.read(60)
        assert server.process is not None
        assert server.process.wait(60) == 0


@pytest.mark.parametrize("container", ["command", "config", "latency", "memory", "slowlog", "object", "pubsub"])
def test_help_lists_subcommands(raw: RawClient, container: str) -> None:
    reply = raw(container, "HELP")
    assert {line.kind for line in reply.value} == {"+"}
    assert reply.value[0].value.startswith(container.upper().encode())
    assert reply.value[-2].value == b"HELP"
