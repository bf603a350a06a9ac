"""Snapshots over restarts and kills, on disks that are full and in folders that cannot be written; real servers are in test_both_ways."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import redis

from tests.persistence.data import contents, fill
from tests.persistence.logs import NEVER, children, client
from tests.resp import RawClient
from tests.servers import ServerProcess, StartServer
from tests.waiting import wait_until
from zippy.settings import Settings


def field(server: ServerProcess, name: str) -> str:
    """A field of INFO persistence."""
    with server.client() as raw:
        return raw.info("persistence")[name]


class TestRestart:
    """Data over the end of a process."""

    @pytest.mark.parametrize("how", ["SAVE", "BGSAVE", "SIGTERM", "SIGINT", "SHUTDOWN", "SHUTDOWN SAVE"])
    def test_keeps(self, start_server: StartServer, tmp_path: Path, how: str) -> None:
        # an empty `save` is what the tests' servers begin with; the default is that of a user
        server = start_server("--save", "3600 1 300 100 60 10000", folder=tmp_path)
        fill(client(server))
        before = contents(client(server))
        assert server.process is not None
        if how == "SAVE":
            client(server).save()
            server.kill()
        elif how == "BGSAVE":
            client(server).bgsave()
            wait_until(lambda: field(server, "rdb_bgsave_in_progress") == "0")
            server.kill()
        elif how.startswith("SIG"):
            server.process.send_signal(getattr(signal, how))
        else:
            with server.client() as raw:
                raw.send(*how.split())
        server.process.wait(20)
        server.start()
        assert contents(client(server)) == before

    @pytest.mark.parametrize(("save", "how"), [("", "SHUTDOWN"), ("3600 1", "SHUTDOWN NOSAVE")])
    def test_saves_nothing(self, start_server: StartServer, tmp_path: Path, save: str, how: str) -> None:
        server = start_server("--save", save, folder=tmp_path)
        client(server).set("a", 1)
        with server.client() as raw:
            raw.send(*how.split())
        assert server.process is not None and server.process.wait(20) == 0
        assert not (tmp_path / "dump.rdb").exists()
        assert "Warning" not in server.log()

    def test_what_expired_meanwhile_is_gone(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server(folder=tmp_path)
        with server.client() as raw:
            # long ago for the one that is started then
            raw("DEBUG", "SET-CLOCK", 1_000_000_000_000_000)
            raw("SET", "short", 1, "PX", 50)
            raw("SET", "long", 1)
            raw("SAVE")
        server.restart()
        assert client(server).keys() == [b"long"]

    def test_save_points(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server("--save", "1 5", folder=tmp_path)
        r = client(server)
        r.mset({f"k{i}": i for i in range(5)})
        wait_until((tmp_path / "dump.rdb").exists)
        wait_until(lambda: field(server, "rdb_changes_since_last_save") == "0")

    def test_by_default_a_user_loses_nothing(self, start_server: StartServer) -> None:
        with start_server().client() as raw:
            raw("CONFIG", "SET", "save", "3600 1 300 100 60 10000")
            points = raw("CONFIG", "GET", "save").value[1].value
        assert Settings().rendered("save").encode() == points


class TestFaults:
    """What goes wrong is told, and nothing that was saved is lost."""

    def test_killed_child(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server("--save", "3600 1", "--snapshot-method", "fork", *NEVER, folder=tmp_path)
        r = client(server)
        r.execute_command("DEBUG", "POPULATE", 1000)
        r.set("changed", 1)
        r.bgsave()
        os.kill(children(server)[0], signal.SIGKILL)
        wait_until(lambda: field(server, "rdb_bgsave_in_progress") == "0")
        assert field(server, "rdb_last_bgsave_status") == "err"
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            r.set("a", 1)
        assert list(tmp_path.glob("temp-*")) == []
        r.save()
        assert r.set("a", 1)

    def test_full_disk(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server("--save", "3600 1", "--rdbcompression", "no", folder=tmp_path)
        r = client(server)
        r.set("small", 1)
        r.save()
        saved = (tmp_path / "dump.rdb").read_bytes()
        r.set("large", os.urandom(1 << 20))
        assert server.process is not None
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        with pytest.raises(redis.ResponseError):
            r.save()
        r.bgsave()
        wait_until(lambda: field(server, "rdb_bgsave_in_progress") == "0")
        assert field(server, "rdb_last_bgsave_status") == "err"
        assert (tmp_path / "dump.rdb").read_bytes() == saved
        # the disk's thread removes what is half written
        wait_until(lambda: [path.name for path in tmp_path.glob("*.rdb")] == ["dump.rdb"])
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            r.set("a", 1)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        r.save()
        assert r.set("a", 1)

    @pytest.mark.parametrize("at", [5, 30, -20, -3])
    def test_damaged_file(self, start_server: StartServer, tmp_path: Path, at: int) -> None:
        server = start_server(folder=tmp_path)
        fill(client(server))
        client(server).save()
        server.kill()
        file = tmp_path / "dump.rdb"
        data = bytearray(file.read_bytes())
        data[at] ^= 0x55
        file.write_bytes(data)
        with pytest.raises(RuntimeError) as raised:
            server.start()
        assert str(file) in str(raised.value) and "at byte" in str(raised.value)
        assert file.read_bytes() == data

    def test_half_written_files_of_the_dead_are_removed(self, start_server: StartServer, tmp_path: Path) -> None:
        ended = subprocess.Popen(["true"])
        ended.wait()
        left = tmp_path / f"temp-{ended.pid}.rdb"
        left.write_bytes(b"REDIS0011 half")
        mine = tmp_path / f"temp-{os.getpid()}.rdb"
        mine.write_bytes(b"somebody is at it")
        start_server(folder=tmp_path)
        assert not left.exists()
        assert mine.exists()

    def test_another_file_for_the_next_save(self, start_server: StartServer, tmp_path: Path) -> None:
        server = start_server("--enable-protected-configs", "yes", folder=tmp_path)
        r = client(server)
        r.set("a", 1)
        (tmp_path / "d").mkdir()
        r.config_set("dir", str(tmp_path / "d"))
        r.config_set("dbfilename", "other.rdb")
        r.save()
        shutil.move(tmp_path / "d" / "other.rdb", tmp_path / "dump.rdb")
        server.restart()
        assert client(server).get("a") == b"1"


def test_replies_go_on_while_a_child_saves(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server("--rdb-key-save-delay", "1000", folder=tmp_path)
    r = client(server)
    r.mset({f"k{i}": i for i in range(1000)})
    r.bgsave()
    changed: dict[bytes, bytes] = {}
    connection: RawClient
    with server.client() as connection:
        while field(server, "rdb_bgsave_in_progress") == "1":
            i = len(changed) % 1000
            connection("SET", f"k{i}", "changed")
            changed[f"k{i}".encode()] = b"changed"
    assert changed
    assert field(server, "rdb_last_bgsave_status") == "ok"
    server.restart()
    # the file is the state of the moment at which the child began
    assert r.mget(list(changed)) == [key[1:] for key in changed]
