"""Power cuts, kill -9, full disks and disks that fail, under writers that know what they were told; crash.py runs by hand too."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.persistence import disk
from tests.persistence.crash import KINDS, POLICIES, Broken, Crash, Writer, ends_under
from tests.persistence.disk import Disk
from tests.persistence.logs import NEVER, client, log_folder, persistence, requests, rewrite
from tests.servers import ServerProcess, StartServer
from tests.waiting import wait_until


class Worst(random.Random):
    """A power cut that leaves nothing but what was synced."""

    def choice(self, seq: Any) -> Any:
        """The first."""
        return seq[0]


class TestRounds:
    """Everything at once."""

    @pytest.mark.timeout(400)
    @pytest.mark.parametrize("in_process", [False, True])
    @pytest.mark.parametrize("policy", POLICIES)
    def test_promises_are_kept(self, tmp_path: Path, policy: str, in_process: bool) -> None:
        figures = Crash(tmp_path, policy, 3, in_process).run(30 if in_process else 12, rounds=len(ends_under(policy)))
        print(figures)
        assert figures.acknowledged > 1000
        assert set(figures.ends) == set(ends_under(policy))

    @pytest.mark.timeout(400)
    def test_a_log_that_is_not_synced_is_noticed(self, tmp_path: Path) -> None:
        crash = Crash(tmp_path, "always", 3)
        assert client(crash.server).config_set("appendfsync", "no")
        crash.server.command += ["--appendfsync", "no"]
        with pytest.raises(Broken, match="acknowledged numbers are lost"):
            # two of five rounds end with the power cut; how many there are in a time depends on what else the machine does
            crash.run(0, rounds=30)


class TestPowerCut:
    """What was found with the rounds, one by one."""

    @pytest.fixture
    def drive(self, tmp_path: Path) -> Disk:
        """The disk of the server."""
        return Disk(tmp_path / "data", tmp_path / "notes")

    def test_all_that_always_acknowledged_is_there(self, drive: Disk, start_server: StartServer) -> None:
        server = start_server("--appendonly", "yes", "--appendfsync", "always", folder=drive.folder, environment=drive.environment())
        for n in range(3):
            client(server).set(f"key:{n}", n)
            if n:
                rewrite(server)
            server.kill()
            drive.cut_power(Worst())
            server.start()
            assert client(server).dbsize() == n + 1

    def test_everysec_loses_what_is_not_synced(self, drive: Disk, start_server: StartServer) -> None:
        server = start_server("--appendonly", "yes", folder=drive.folder, environment=drive.environment())
        with server.client() as raw:
            raw("SET", "a", 1)
            assert raw("WAITAOF", 1, 0, 0).plain() == [1, 0]
            drive.holds.touch()
            raw("SET", "b", 1)
            wait_until(lambda: persistence(server)["aof_pending_bio_fsync"] == "1")
        server.kill()
        assert drive.cut_power(Worst())
        drive.holds.unlink()
        server.start()
        assert client(server).keys() == [b"a"]

    @pytest.mark.parametrize("policy", ["everysec", "no"])
    def test_while_a_rewrite_begins(self, drive: Disk, start_server: StartServer, policy: str) -> None:
        """The increment before is not synced yet: nothing may be in the new one."""
        # the base takes its time, so that the increments are there to be seen
        options = ("--appendonly", "yes", "--appendfsync", policy, *NEVER)
        server = start_server(*options, folder=drive.folder, environment=drive.environment())
        drive.holds.touch()
        with server.client() as raw:
            # a write is not put off for ever
            raw("DEBUG", "SET-CLOCK", int(time.time() * 1e6))
            raw("SET", "before", 1)
            raw("RPUSH", "list", 1)
            raw("BGREWRITEAOF")
            raw("RPUSH", "list", 2)
            wait_until(lambda: len(list(log_folder(drive.folder).glob("*.incr.aof"))) == 2)
            state = persistence(server)
            assert state["aof_pending_bio_fsync"] != "0"
            assert int(state["aof_buffer_length"]) > 0
        server.kill()
        drive.cut_power(Worst())
        drive.holds.unlink()
        server.start()
        assert client(server).lrange("list", 0, -1) in ([], [b"1"])

    def test_after_a_start(self, drive: Disk, start_server: StartServer) -> None:
        """What a killed process wrote and did not sync is in force after the start."""
        server = start_server("--appendonly", "yes", folder=drive.folder, environment=drive.environment())
        with server.client() as raw:
            raw("SET", "a", 1)
            # what comes while the thread syncs is not written at once
            assert raw("WAITAOF", 1, 0, 0).plain() == [1, 0]
            raw("SET", "b", 1)
        server.restart()
        assert client(server).get("b") == b"1"
        server.kill()
        drive.cut_power(Worst())
        server.start()
        assert client(server).get("b") == b"1"

    def test_a_snapshot_that_was_saved_stays(self, drive: Disk, start_server: StartServer) -> None:
        server = start_server(folder=drive.folder, environment=drive.environment())
        for n in range(2):
            client(server).set(f"key:{n}", n)
            client(server).save()
            client(server).set("not saved", n)
            server.kill()
            drive.cut_power(Worst())
            server.start()
            assert client(server).dbsize() == n + 1


class TestFailingSync:
    """The disk says that it could not keep what it took."""

    @pytest.fixture
    def failing(self, tmp_path: Path, start_server: StartServer) -> Callable[..., tuple[ServerProcess, Path]]:
        """failing(end, *options): a server, and a file whose existence makes syncing files that end so fail."""
        library = disk.build(tmp_path)
        trouble = tmp_path / "trouble"

        def start(end: str, *options: str, **environment: str) -> tuple[ServerProcess, Path]:
            variables = {"LD_PRELOAD": str(library), "FAIL_SYNC": end, "FAIL_WHEN": str(trouble), **environment}
            return start_server(*options, folder=tmp_path / "data", environment=variables), trouble

        return start

    def test_always_under_writers(self, failing: Callable[..., tuple[ServerProcess, Path]]) -> None:
        server, trouble = failing(".aof", "--appendonly", "yes", "--appendfsync", "always")
        with writing(server) as writers:
            wait_until(lambda: all(writer.acknowledged > 20 for writer in writers))
            trouble.touch()
            assert server.process is not None and server.process.wait(20) == 1
        assert "Input/output error. Exiting." in server.log()
        trouble.unlink()
        server.start()
        with server.client() as raw:
            for writer in writers:
                assert writer.refusal is None
                assert writer.acknowledged <= writer.highest(raw) <= writer.sent

    def test_everysec_under_writers(self, failing: Callable[..., tuple[ServerProcess, Path]]) -> None:
        """Once the failure is known, which is when MISCONF says so, nothing is acknowledged any more."""
        server, trouble = failing(".aof", "--appendonly", "yes")
        with writing(server) as writers:
            wait_until(lambda: all(writer.acknowledged > 20 for writer in writers))
            trouble.touch()
            for writer in writers:
                writer.join()
                assert writer.refusal is not None
            told = [writer.acknowledged for writer in writers]
            with server.client() as raw:
                assert raw("SET", "a", 1).value == b"MISCONF Errors writing to the AOF file: Input/output error"
                found = [writer.highest(raw) for writer in writers]
                assert all(highest >= acknowledged for highest, acknowledged in zip(found, told, strict=True))
                raw("SELECT", 0)
                trouble.unlink()
                wait_until(lambda: raw("SET", "a", 2).value == b"OK")
            # what the system dropped is written again
            wait_until(lambda: persistence(server)["aof_rewrites"] == "1")
        server.restart()
        with server.client() as raw:
            assert [writer.highest(raw) for writer in writers] == found

    @pytest.mark.parametrize("preamble", ["yes", "no"])
    def test_a_file_that_could_not_be_synced_in_between_takes_no_place(
        self, failing: Callable[..., tuple[ServerProcess, Path]], preamble: str
    ) -> None:
        """Large files are pushed to disk piece by piece, and the kernel tells of a piece that was lost only once."""
        server, trouble = failing(
            ".rdb", "--appendonly", "yes", "--aof-use-rdb-preamble", preamble, "--rdbcompression", "no", FAIL_ONCE="1"
        )
        r = client(server)
        for n in range(6):
            r.set(f"key:{n}", os.urandom(1 << 20))
        trouble.touch()
        with server.client() as raw:
            assert raw("SAVE").value == b"ERR"
            assert not (server.folder / "dump.rdb").exists()
            assert raw("SAVE").value == b"OK"
            trouble.touch()
            raw("BGREWRITEAOF")
            wait_until(lambda: persistence(server)["aof_rewrite_in_progress"] == "0")
            assert persistence(server)["aof_last_bgrewrite_status"] == "err"
        server.restart()
        assert client(server).dbsize() == 6


class TestFullDisk:
    """No space is left."""

    @pytest.fixture
    def small(self, tmp_path: Path) -> Iterator[Path]:
        """A file system of half a megabyte."""
        folder = tmp_path / "small"
        folder.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], capture_output=True, text=True)
        if mounted.returncode:
            pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
        yield folder
        subprocess.run(["umount", "-l", str(folder)], check=True)

    def test_everysec(self, start_server: StartServer, small: Path) -> None:
        server = start_server("--appendonly", "yes", folder=small)
        # a small write may fit after a larger one did not: who had sent on behind a refusal would rightly see a gap
        with writing(server, most_at_once=1) as writers:
            for writer in writers:
                writer.join()
        assert all(writer.refusal and b"No space left on device" in writer.refusal.value for writer in writers)
        with server.client() as raw:
            before = [writer.highest(raw) for writer in writers]
            assert all(found >= writer.acknowledged for found, writer in zip(before, writers, strict=True))
            # the new base would hold what no file has yet, and the next file too
            assert raw("BGREWRITEAOF").is_error
            assert persistence(server)["aof_last_bgrewrite_status"] == "err"
        requests(b"".join(path.read_bytes() for path in sorted(log_folder(small).glob("*.incr.aof"))))
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        wait_until(lambda: persistence(server)["aof_last_write_status"] == "ok")
        with server.client() as raw:
            assert raw("SET", "afterwards", 1).value == b"OK"
        server.restart()
        with server.client() as raw:
            assert [writer.highest(raw) for writer in writers] == before

    def test_always(self, start_server: StartServer, small: Path) -> None:
        server = start_server("--appendonly", "yes", "--appendfsync", "always", folder=small)
        self.ends_and_loses_nothing(server, lambda: subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True))

    def test_always_where_files_may_not_grow(self, start_server: StartServer) -> None:
        """The same where nothing can be mounted."""
        server = start_server("--appendonly", "yes", "--appendfsync", "always")
        assert server.process is not None
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        self.ends_and_loses_nothing(server, lambda: None)

    def ends_and_loses_nothing(self, server: ServerProcess, make_room: Callable[[], object]) -> None:
        """The process ends before a reply promises what is not kept."""
        with writing(server) as writers:
            assert server.process is not None and server.process.wait(30) == 1
        make_room()
        server.start()
        with server.client() as raw:
            for writer in writers:
                assert writer.refusal is None
                assert writer.acknowledged <= writer.highest(raw) <= writer.sent


@contextlib.contextmanager
def writing(server: ServerProcess, most_at_once: int = 16) -> Iterator[list[Writer]]:
    """A writer of each kind is at work, but of those that send more numbers without waiting; who still writes at the end is cut off."""
    writers = [Writer(kind, place) for place, kind in enumerate(KINDS) if kind.at_once <= most_at_once]
    for writer in writers:
        writer.start(server)
    try:
        yield writers
    finally:
        if any(writer.thread is not None and writer.thread.is_alive() for writer in writers) and server.alive():
            server.kill()
        for writer in writers:
            writer.join()
