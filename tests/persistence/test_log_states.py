"""The log through its states: switched off and on while rewrites run and fail, loaded anew, on disks that fail at the worst moment."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
from pathlib import Path

import pytest

from tests.persistence import disk
from tests.persistence.data import contents
from tests.persistence.disk import Disk
from tests.persistence.logs import (
    NEVER,
    children,
    client,
    is_rewriting,
    log_folder,
    persistence,
    rewrite,
    wait_until_written,
)
from tests.persistence.test_crash import Worst
from tests.resp import RawClient
from tests.servers import ServerProcess, StartServer
from tests.waiting import wait_until


def wait_until_on(server: ServerProcess) -> None:
    """Until the log has its base, if it is switched on."""
    wait_until(lambda: not is_rewriting(server))


def start_with_log(server: ServerProcess) -> None:
    """kill -9, and a start with the log that was switched on at run time."""
    server.kill()
    if "--appendonly" not in server.command:
        server.command += ["--appendonly", "yes"]
    server.start()


def switch(raw: RawClient, value: str) -> None:
    """CONFIG SET appendonly."""
    assert raw("CONFIG", "SET", "appendonly", value).value == b"OK"


def wait_until_rewriting(server: ServerProcess) -> None:
    """Until a base is being written, which takes its time; what is begun from now on takes none."""
    wait_until(lambda: persistence(server)["aof_rewrite_in_progress"] == "1")
    with server.client() as raw:
        assert raw("CONFIG", "SET", "rdb-key-save-delay", "0").value == b"OK"


class TestReload:
    """DEBUG RELOAD while the log is on."""

    def test_the_log_hears_of_keys_that_expired_meanwhile(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server("--appendonly", "yes", "--appendfsync", "always", folder=tmp_path)
        with server.client() as raw:
            raw("DEBUG", "SET-ACTIVE-EXPIRE", "0")
            raw("DEBUG", "SET-CLOCK", 1_000_000_000_000_000)
            raw("RPUSH", "k", "element")
            raw("PEXPIRE", "k", "10")
            raw("DEBUG", "SET-CLOCK", 1_000_000_001_000_000)
            assert raw("DEBUG", "RELOAD").value == b"OK"
            assert raw("SETRANGE", "k", "0", "text").value == 4
        start_with_log(server)
        with server.client() as raw:
            assert raw("GET", "k").value == b"text"


class TestSwitching:
    """CONFIG SET appendonly while a rewrite is under way."""

    @pytest.mark.parametrize("method", ["auto", "fork", "walk"])
    def test_a_base_that_was_begun_without_a_log_begins_none(self, start_server: StartServer, tmp_path: Path, method: str) -> None:
        server = start_server(*NEVER, "--snapshot-method", method, "--appendfsync", "always", folder=tmp_path)
        with server.client() as raw:
            for key in ("a", "b", "counter"):
                raw("INCR", key)
            switch(raw, "yes")
            wait_until(lambda: persistence(server)["aof_rewrite_in_progress"] == "1")
            for _ in range(100):
                raw("INCR", "counter")
            switch(raw, "no")
            assert not list(log_folder(tmp_path).glob("temp-*.incr"))
            before = server.log().count("The append-only file is on")
            raw("BGREWRITEAOF")
            wait_until_rewriting(server)
            switch(raw, "yes")
            wait_until(lambda: server.log().count("The append-only file is on") > before)
            for _ in range(50):
                raw("INCR", "counter")
        start_with_log(server)
        assert client(server).get("counter") == b"151"

    @pytest.mark.parametrize("method", ["auto", "fork", "walk"])
    def test_to_and_fro(self, start_server: StartServer, tmp_path: Path, method: str) -> None:
        server = start_server("--snapshot-method", method, "--appendfsync", "always", folder=tmp_path)
        chance = random.Random(method)
        for _ in range(5):
            with server.client() as raw:
                raw("CONFIG", "SET", "rdb-key-save-delay", chance.choice([0, 20_000]))
                for _ in range(chance.randint(3, 9)):
                    step = chance.choice(["yes", "no", "rewrite", "kill", "nothing"])
                    if step == "rewrite":
                        raw("BGREWRITEAOF")
                    elif step == "kill":
                        # it may end by itself just then
                        with contextlib.suppress(ProcessLookupError, IndexError):
                            os.kill(children(server)[-1], signal.SIGKILL)
                    elif step != "nothing":
                        switch(raw, step)
                    raw("MULTI")
                    raw("INCR", "counter")
                    raw("RPUSH", "list", "x")
                    raw("EXEC")
                switch(raw, "yes")
                wait_until_on(server)
                raw("INCR", "afterwards")
                before = contents(client(server))
            start_with_log(server)
            assert contents(client(server)) == before

    def test_a_disk_that_fails_before_the_log_is_on_ends_no_process(self, start_server: StartServer, tmp_path: Path) -> None:
        """Nothing is promised yet, not even with appendfsync always."""
        server = start_server(*NEVER, "--appendfsync", "always", folder=tmp_path)
        assert server.process is not None
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
        with server.client() as raw:
            for key in ("a", "b", "c"):
                raw("SET", key, 1)
            switch(raw, "yes")
            wait_until_rewriting(server)
            raw("SET", "large", "x" * 10_000)
            # the next base has it
            wait_until(lambda: persistence(server)["aof_rewrites"] == "1")
            assert "its increment cannot be written" in server.log()
            wait_until(lambda: raw("SET", "d", 1).value == b"OK")
            before = contents(client(server))
        start_with_log(server)
        assert contents(client(server)) == before

    def test_a_manifest_that_cannot_be_written_leaves_nothing_behind(self, start_server: StartServer, tmp_path: Path) -> None:
        trouble = tmp_path / "trouble"
        trouble.touch()
        environment = {
            "LD_PRELOAD": str(disk.build(tmp_path)), "FAIL_SYNC": "appendonly.aof.manifest", "FAIL_WHEN": str(trouble), "FAIL_ONCE": "1",
        }  # fmt: skip
        server = start_server(folder=tmp_path / "data", environment=environment)
        with server.client() as raw:
            # the manifest is not written once more for files that were deleted, which might be when that is to fail
            raw("CONFIG", "SET", "aof-disable-auto-gc", "yes")
            raw("SET", "a", 1)
            switch(raw, "yes")
            wait_until(lambda: persistence(server)["aof_rewrites"] == "1")
            assert "Can't put the rewritten append only file in its place" in server.log()
            raw("SET", "b", 1)
            # the same while the log is on
            trouble.touch()
            raw("BGREWRITEAOF")
            wait_until(lambda: persistence(server)["aof_last_bgrewrite_status"] == "err")
            raw("SET", "c", 1)
            rewrite(server)
            raw("SET", "d", 1)
            raw("CONFIG", "SET", "aof-disable-auto-gc", "no")
        wait_until(lambda: len(list(log_folder(server.folder).iterdir())) == 3)
        wait_until_written(server)
        start_with_log(server)
        assert client(server).dbsize() == 4


class TestDoubt:
    """A sync failed, so that the files may lack something."""

    def test_a_new_base_is_tried_for_until_there_is_one(self, start_server: StartServer, tmp_path: Path) -> None:
        trouble = tmp_path / "trouble"
        environment = {"LD_PRELOAD": str(disk.build(tmp_path)), "FAIL_SYNC": "incr.aof", "FAIL_WHEN": str(trouble), "FAIL_ONCE": "1"}
        server = start_server(
            "--appendonly", "yes", "--snapshot-method", "fork", *NEVER, folder=tmp_path / "data", environment=environment
        )
        with server.client() as raw:
            for key in ("a", "b", "c"):
                raw("SET", key, 1)
            trouble.touch()
            # whatever an earlier sync said
            wait_until(lambda: raw("SET", "d", 1).is_error)
            wait_until_rewriting(server)
            assert raw("WAITAOF", 1, 0, 1).plain() == [0, 0]
            os.kill(children(server)[-1], signal.SIGKILL)
            wait_until(lambda: persistence(server)["aof_rewrites"] == "1")
            assert "ended by itself" in server.log()
            assert raw("SET", "e", 1).value == b"OK"
            assert raw("WAITAOF", 1, 0, 0).plain() == [1, 0]


class TestStart:
    """What a killed process wrote is in force after a start, so it has to be on disk before more is promised."""

    def test_an_increment_that_was_left_before_it_was_synced(self, start_server: StartServer, tmp_path: Path) -> None:
        drive = Disk(tmp_path / "data", tmp_path / "notes")
        server = start_server("--appendonly", "yes", *NEVER, folder=drive.folder, environment=drive.environment())
        drive.holds.touch()
        with server.client() as raw:
            raw("SET", "a", 1)
            raw("BGREWRITEAOF")
            wait_until(lambda: len(list(log_folder(drive.folder).glob("*.incr.aof"))) == 2)
        server.kill()
        drive.holds.unlink()
        server.command += ["--appendfsync", "always"]
        server.start()
        client(server).set("b", 1)
        server.kill()
        drive.cut_power(Worst())
        server.start()
        assert sorted(client(server).keys()) == [b"a", b"b"]


class TestWantOfMemory:
    """A record that cannot be kept."""

    def test_the_process_ends_before_it_answers(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server("--appendonly", "yes", "--appendfsync", "always", folder=tmp_path)
        size = 64 << 20
        assert server.process is not None
        with server.client() as raw:
            raw("SET", "a", 1)
            # a command that needs no memory but for its record; its last line break is kept back. For long words the gate would ask before
            words = [b"$30000\r\n" + b"x" * 30000] * (1 + size // 30000)
            data = b"*%d\r\n$3\r\nDEL\r\n$1\r\na\r\n" % (2 + len(words)) + b"\r\n".join(words)
            raw.send_bytes(data)
            wait_until(lambda: taken(server) > len(data))
            status = Path(f"/proc/{server.process.pid}/statm").read_text().split()
            now = int(status[0]) * resource.getpagesize()
            resource.prlimit(server.process.pid, resource.RLIMIT_AS, (now + (16 << 20), resource.RLIM_INFINITY))
            raw.send_bytes(b"\r\n")
            assert server.process.wait(20) == 1
        assert "No memory for the append-only file" in server.log()
        server.start()
        assert client(server).get("a") == b"1"


class TestLoading:
    """DEBUG LOADAOF and DEBUG RELOAD with blocked clients."""

    def test_nobody_is_served_what_is_there_for_a_moment(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server("--appendonly", "yes", "--appendfsync", "always", folder=tmp_path)
        with server.client() as raw, server.client() as waiting:
            raw("RPUSH", "list", "a")
            raw("LPOP", "list")
            waiting.send("BLPOP", "list", 0)
            wait_until(lambda: b"blocked_clients:1" in raw("INFO", "clients").value)
            assert raw("DEBUG", "LOADAOF").value == b"OK"
            assert raw("RPUSH", "list", "b", "c").value == 2
            assert waiting.read().plain() == [b"list", b"b"]
            before = contents(client(server))
        server.restart()
        assert contents(client(server)) == before
        assert client(server).lrange("list", 0, -1) == [b"c"]

    def test_who_is_served_after_loading_is_logged(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server("--appendonly", "yes", "--appendfsync", "always", folder=tmp_path)
        with server.client() as raw, server.client() as waiting:
            raw("RPUSH", "list", "a", "b")
            # the log does not hear of what follows until it is on again
            raw("CONFIG", "SET", *(word.removeprefix("--") for word in NEVER))
            switch(raw, "no")
            raw("DEL", "list")
            raw("SET", "x", 1)
            waiting.send("BLPOP", "list", 0)
            wait_until(lambda: b"blocked_clients:1" in raw("INFO", "clients").value)
            switch(raw, "yes")
            wait_until_rewriting(server)
            assert raw("DEBUG", "LOADAOF").value == b"OK"
            assert waiting.read().plain() == [b"list", b"a"]
            wait_until_on(server)
            raw("SET", "y", 1)
            before = contents(client(server))
        server.restart()
        assert contents(client(server)) == before
        assert client(server).lrange("list", 0, -1) == [b"b"]

    @pytest.mark.parametrize("options", [(), ("NOSAVE",), ("NOSAVE", "NOFLUSH", "MERGE")])
    def test_reload(self, start_server: StartServer, tmp_path: Path, options: tuple[str, ...]) -> None:
        """What was loaded and what blocked clients took from it is what a start finds."""
        server = start_server("--appendonly", "yes", "--appendfsync", "always", folder=tmp_path)
        with server.client() as raw, server.client() as waiting:
            raw("RPUSH", "list", "a", "b")
            raw("SAVE")
            raw("DEL", "list")
            waiting.send("BLPOP", "list", 0)
            wait_until(lambda: b"blocked_clients:1" in raw("INFO", "clients").value)
            assert raw("DEBUG", "RELOAD", *options).value == b"OK"
            raw("RPUSH", "list", "c", "d")
            assert waiting.read().plain() == [b"list", b"a" if options else b"c"]
            wait_until_on(server)
            before = contents(client(server))
        server.restart()
        assert contents(client(server)) == before


def taken(server: ServerProcess) -> int:
    """Bytes of input that the server has taken from its clients in all."""
    with server.client() as raw:
        _, _, rest = raw("INFO", "stats").value.partition(b"total_net_input_bytes:")
    return int(rest.split()[0])
