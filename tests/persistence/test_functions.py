"""Libraries of functions in snapshots and logs, with real servers both ways, and in what the tools write."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import needs, servers
from tests.persistence.encodings import redis_7
from tests.resp import RawClient
from tests.servers import ServerProcess, StartServer
from tests.unit.rdb_bytes import file_of, string
from tests.waiting import wait_until

ONE = "#!lua name=one\nredis.register_function('f', function(keys, args) return redis.call('INCR', keys[1]) end)"
REGISTERED = "redis.register_function{function_name='g%d', callback=function() return twice('%d') end, flags={'no-writes'}}\n"
TWO = "#!lua name=Two\nlocal function twice(x) return x .. x end\n" + "".join(REGISTERED % (i, i) for i in range(20))
BROKEN = "#!lua name=broken\nnosuch()"

LOG = ("--appendonly", "yes", "--appendfsync", "always")


@pytest.fixture(params=["8.2", "7.0"])
def start_redis(request: pytest.FixtureRequest) -> Iterator[Callable[..., ServerProcess]]:
    """start_redis(*args, folder=...): a real Redis of each version."""
    program = servers.oracle_program() if request.param == "8.2" else redis_7()
    if program is None:
        needs.missing(f"Redis {request.param}")
    started: list[ServerProcess] = []

    def start(*args: str, folder: Path) -> ServerProcess:
        started.append(servers.start_oracle(*args, folder=folder, program=program))
        return started[-1]

    yield start
    for process in started:
        process.stop()


def fill(client: RawClient) -> None:
    """Two libraries and a key."""
    for code in (ONE, TWO):
        assert client("FUNCTION", "LOAD", code).kind == "$"
    client("SET", "n", 41)


def check(client: RawClient) -> None:
    """They are there, and work."""
    assert client("FCALL", "f", 1, "n").value == 42
    client("DECR", "n")
    assert client("FCALL_RO", "g7", 0).value == b"77"
    client("HELLO", 3)
    found = {item[b"library_name"]: item[b"library_code"] for item in client("FUNCTION", "LIST", "WITHCODE").plain()}
    client("HELLO", 2)
    assert found == {b"one": ONE.encode(), b"Two": TWO.encode()}


def save(client: RawClient, command: str = "BGSAVE") -> None:
    """Saves, and waits until that is done."""
    assert not client(command).is_error
    wait_until(lambda: b"rdb_bgsave_in_progress:0" in client("INFO", "persistence").value)


def rewrite(client: RawClient) -> None:
    """Writes a new base, and waits until that is done."""
    assert not client("BGREWRITEAOF").is_error
    wait_until(lambda: b"aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0" in client("INFO", "persistence").value)


class TestSnapshots:
    """RDB files."""

    @pytest.mark.parametrize("method", ["auto", "fork", "walk"])
    def test_theirs_loads_ours(
        self, start_server: StartServer, start_redis: Callable[..., ServerProcess], tmp_path: Path, method: str
    ) -> None:
        zippy = start_server("--snapshot-method", method, folder=tmp_path)
        with zippy.client() as client:
            fill(client)
            save(client)
        zippy.kill()
        with start_redis(folder=tmp_path).client() as client:
            check(client)

    def test_ours_loads_theirs(self, start_server: StartServer, start_redis: Callable[..., ServerProcess], tmp_path: Path) -> None:
        redis = start_redis(folder=tmp_path)
        with redis.client() as client:
            fill(client)
            save(client, "SAVE")
        redis.kill()
        zippy = start_server(folder=tmp_path)
        with zippy.client() as client:
            check(client)
            assert client("DEBUG", "RELOAD").value == b"OK"
            check(client)
            assert client("DEBUG", "RELOAD", "NOFLUSH").is_error
            assert client("DEBUG", "RELOAD", "MERGE").value == b"OK"
            check(client)

    def test_payloads(self, start_server: StartServer, start_redis: Callable[..., ServerProcess], tmp_path: Path) -> None:
        ours, theirs = start_server(folder=tmp_path / "ours"), start_redis(folder=tmp_path / "theirs")
        with ours.client() as mine, theirs.client() as other:
            fill(other)
            assert mine("FUNCTION", "RESTORE", other("FUNCTION", "DUMP").value).value == b"OK"
            mine("SET", "n", 41)
            check(mine)
            other("FUNCTION", "FLUSH")
            if b"redis_version:7.0" not in other("INFO", "server").value:
                assert other("FUNCTION", "RESTORE", mine("FUNCTION", "DUMP").value).value == b"OK"
                check(other)

    def test_one_that_does_not_load_is_named(self, start_server: StartServer, tmp_path: Path) -> None:
        (tmp_path / "dump.rdb").write_bytes(file_of(b"\xf5" + string(ONE.encode()) + b"\xf5" + string(BROKEN.encode())))
        with pytest.raises(RuntimeError, match=r"#!lua name=broken.*nonexistent global variable 'nosuch'"):
            start_server(folder=tmp_path)

    @pytest.mark.parametrize("twice", [ONE, ONE.replace("name=one", "name=other")])
    def test_names_that_are_there_twice(self, start_server: StartServer, tmp_path: Path, twice: str) -> None:
        (tmp_path / "dump.rdb").write_bytes(file_of(b"\xf5" + string(ONE.encode()) + b"\xf5" + string(twice.encode())))
        with pytest.raises(RuntimeError, match="already exists"):
            start_server(folder=tmp_path)

    def test_every_cut_is_noticed(self, start_server: StartServer, tmp_path: Path) -> None:
        whole = file_of(b"\xf5" + string(ONE.encode()))
        server = start_server(folder=tmp_path)
        with server.client() as client:
            for end in range(10, len(whole) - 9):
                (tmp_path / "dump.rdb").write_bytes(whole[:end])
                assert client("DEBUG", "RELOAD", "NOSAVE").is_error
            (tmp_path / "dump.rdb").write_bytes(whole)
            assert client("DEBUG", "RELOAD", "NOSAVE").value == b"OK"
            assert client("FCALL", "f", 1, "n").value == 1


class TestLogs:
    """Append-only files."""

    @pytest.mark.parametrize("preamble", ["yes", "no"])
    @pytest.mark.parametrize("rewritten", [False, True])
    def test_theirs_loads_ours(
        self, start_server: StartServer, start_redis: Callable[..., ServerProcess], tmp_path: Path, preamble: str, rewritten: bool
    ) -> None:
        zippy = start_server(*LOG, "--aof-use-rdb-preamble", preamble, folder=tmp_path)
        with zippy.client() as client:
            client("FUNCTION", "LOAD", "#!lua name=gone\nredis.register_function('f', function() end)")
            client("FUNCTION", "DELETE", "gone")
            fill(client)
            if rewritten:
                rewrite(client)
                client("FUNCTION", "LOAD", "REPLACE", ONE)
        zippy.kill()
        with start_redis(*LOG, folder=tmp_path).client() as client:
            check(client)

    @pytest.mark.parametrize("preamble", ["yes", "no"])
    def test_ours_loads_theirs(
        self, start_server: StartServer, start_redis: Callable[..., ServerProcess], tmp_path: Path, preamble: str
    ) -> None:
        redis = start_redis(*LOG, "--aof-use-rdb-preamble", preamble, folder=tmp_path)
        with redis.client() as client:
            wait_until(lambda: b"aof_rewrite_in_progress:0" in client("INFO", "persistence").value)
            client("FUNCTION", "LOAD", "#!lua name=gone\nredis.register_function('f', function() end)")
            client("FUNCTION", "FLUSH")
            fill(client)
            rewrite(client)
            client("FUNCTION", "RESTORE", client("FUNCTION", "DUMP").value, "FLUSH")
        redis.kill()
        with start_server(*LOG, folder=tmp_path).client() as client:
            check(client)

    def test_a_restart(self, start_server: StartServer, tmp_path: Path) -> None:
        zippy = start_server(*LOG, folder=tmp_path)
        with zippy.client() as client:
            fill(client)
            dump = client("FUNCTION", "DUMP").value
            client("FUNCTION", "FLUSH")
            client("FUNCTION", "RESTORE", dump)
        zippy.restart()
        with zippy.client() as client:
            check(client)

    def test_one_that_does_not_load_is_named(self, start_server: StartServer, tmp_path: Path) -> None:
        words = [b"FUNCTION", b"LOAD", BROKEN.encode()]
        request = b"*3\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
        folder = tmp_path / "appendonlydir"
        folder.mkdir()
        (folder / "appendonly.aof.1.incr.aof").write_bytes(request)
        (folder / "appendonly.aof.manifest").write_text("file appendonly.aof.1.incr.aof seq 1 type i\n")
        with pytest.raises(RuntimeError, match="#!lua name=broken"):
            start_server(*LOG, folder=tmp_path)


def zippy_tool(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    """Runs `zippy ...`."""
    return subprocess.run([sys.executable, "-m", "zippy", *map(str, arguments)], capture_output=True, timeout=60)


class TestTools:
    """zippy check, export, import."""

    @pytest.mark.parametrize("name", ["data.jsonl", "dump.rdb", "log.aof", "folder"])
    def test_through_every_form(self, start_server: StartServer, tmp_path: Path, name: str) -> None:
        zippy = start_server(folder=tmp_path / "first")
        with zippy.client() as client:
            fill(client)
            save(client, "SAVE")
        source = tmp_path / "first" / "dump.rdb"
        checked = zippy_tool("check", source)
        assert (checked.returncode, b"2 libraries of functions" in checked.stdout) == (0, True)
        for target in (tmp_path / name, tmp_path / "last.rdb"):
            converted = zippy_tool("export", source, target)
            assert (converted.returncode, converted.stderr.splitlines()[-1]) == (0, f"{target}: 1 keys".encode())
            source = target
        (tmp_path / "second").mkdir()
        source.rename(tmp_path / "second" / "dump.rdb")
        with start_server(folder=tmp_path / "second").client() as client:
            check(client)

    def test_lines(self, start_server: StartServer, tmp_path: Path) -> None:
        lines = tmp_path / "data.jsonl"
        lines.write_text('{"library_code": "#!lua name=a\\nredis.register_function(\'f\', function() return 1 end)"}\n')
        server = start_server(folder=tmp_path / "server")
        address = f"redis://127.0.0.1:{server.port}"
        assert zippy_tool("import", lines, address).returncode == 0
        again = zippy_tool("import", lines, address)
        assert (again.returncode, b"line 1: the library of functions '#!lua name=a'" in again.stderr) == (2, True)
        assert zippy_tool("import", "--force", lines, address).returncode == 0
        with server.client() as client:
            assert client("FCALL", "f", 0).value == 1
        exported = zippy_tool("export", address, "-")
        assert exported.stdout.startswith(b'{"library_code":"#!lua name=a\\nredis')
