"""The server group: saving. What files hold is tested with persistence."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.resp import RawClient, Reply
from tests.servers import ServerProcess

OK = Reply("+", b"OK")
StartServer = Callable[..., ServerProcess]


def field(client: RawClient, name: str) -> str:
    """A field of INFO persistence."""
    lines = client("INFO", "persistence").value.decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)[name]


def wait_for_child(client: RawClient) -> str:
    """Waits until no save is under way; how the last one ended."""
    deadline = time.monotonic() + 20
    while field(client, "rdb_bgsave_in_progress") != "0":
        assert time.monotonic() < deadline
    return field(client, "rdb_last_bgsave_status")


class TestSave:
    """SAVE."""

    def test_writes_the_file(self, start_server: StartServer, tmp_path: Path) -> None:
        with start_server("--dbfilename", "x.rdb", folder=tmp_path).client() as client:
            client("SET", "a", 1)
            assert field(client, "rdb_changes_since_last_save") == "1"
            assert client("SAVE") == OK
            assert field(client, "rdb_changes_since_last_save") == "0"
        assert (tmp_path / "x.rdb").read_bytes().startswith(b"REDIS00")
        assert [path.name for path in tmp_path.glob("*.rdb")] == ["x.rdb"]

    def test_a_folder_that_is_gone(self, start_server: StartServer, tmp_path: Path) -> None:
        with start_server("--enable-protected-configs", "yes", folder=tmp_path).client() as client:
            (tmp_path / "d").mkdir()
            client("CONFIG", "SET", "dir", str(tmp_path / "d"))
            (tmp_path / "d").rmdir()
            assert client("SAVE") == Reply("-", b"ERR")

    def test_not_in_a_transaction(self, raw: RawClient) -> None:
        raw("MULTI")
        assert raw("SAVE") == Reply("-", b"ERR Command not allowed inside a transaction")
        raw("DISCARD")

    def test_arguments(self, raw: RawClient) -> None:
        assert raw("SAVE", "x") == Reply("-", b"ERR wrong number of arguments for 'save' command")


class TestBgsave:
    """BGSAVE [SCHEDULE]."""

    @pytest.mark.parametrize("words", [(), ("SCHEDULE",)])
    def test_writes_the_file(self, start_server: StartServer, tmp_path: Path, words: tuple[str, ...]) -> None:
        with start_server(folder=tmp_path).client() as client:
            client("SET", "a", 1)
            assert client("BGSAVE", *words) == Reply("+", b"Background saving started")
            assert wait_for_child(client) == "ok"
            assert field(client, "rdb_changes_since_last_save") == "0"
        assert (tmp_path / "dump.rdb").stat().st_size > 20

    def test_option(self, raw: RawClient) -> None:
        assert raw("BGSAVE", "NOPE") == Reply("-", b"ERR syntax error")

    def test_a_folder_that_is_gone(self, start_server: StartServer, tmp_path: Path) -> None:
        with start_server("--save", "3600 1", "--enable-protected-configs", "yes", folder=tmp_path).client() as client:
            (tmp_path / "d").mkdir()
            client("CONFIG", "SET", "dir", str(tmp_path / "d"))
            (tmp_path / "d").rmdir()
            client("BGSAVE")
            assert wait_for_child(client) == "err"
            refusal = client("SET", "a", 1).value
            assert refusal.startswith(b"MISCONF ") and b"stop-writes-on-bgsave-error" in refusal
            assert client("GET", "a").value is None
            client("CONFIG", "SET", "dir", str(tmp_path))
            assert client("SAVE") == OK
            assert client("SET", "a", 1) == OK


class TestLastsave:
    """LASTSAVE."""

    def test_moves_with_a_save(self, start_server: StartServer) -> None:
        with start_server().client() as client:
            started = client("LASTSAVE").value
            assert abs(started - time.time()) < 30
            client("SAVE")
            assert client("LASTSAVE").value >= started
