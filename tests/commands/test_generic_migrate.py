"""MIGRATE: to a real Redis, to a server of ours, and to one that fails."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.replies import NOT_AN_INTEGER, OK, SYNTAX, bulk, error, integer, wrong_arguments
from tests.resp import Arg, Connect, RawClient, Reply
from tests.servers import ServerProcess, StartServer
from tests.waiting import wait_until

LONG = 60_000
"""A timeout in ms that is not met."""
NOKEY = Reply("+", b"NOKEY")
BUSY = error("ERR Target instance replied with error: BUSYKEY Target key name already exists.")
READING = error("IOERR error or timeout reading to target instance")
WRITING = error("IOERR error or timeout writing to target instance")


@contextmanager
def silent_port() -> Iterator[int]:
    """A port at which nobody listens, and nobody else can meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


class Target:
    """A server of a test's: what it is sent, and the answers that it gives. answer(request bytes): bytes, or None to close."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.got: list[bytes] = []
        self.served: list[socket.socket] = []
        self.answer: Callable[[bytes], bytes | None] = lambda data: (
            b"+OK\r\n" * sum(map(data.count, (b"AUTH", b"SELECT", b"RESTORE", b"DEL")))
        )
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        """Serves whoever comes."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.served.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        """One connection."""
        with connection, suppress(OSError):
            while data := connection.recv(1 << 20):
                self.got.append(data)
                answer = self.answer(data)
                if answer is None:
                    break
                connection.sendall(answer)

    @property
    def connections(self) -> int:
        """How many there were."""
        return len(self.served)

    def close(self) -> None:
        """Ends: whoever keeps a connection hears of it, and does not take another target at the same port for this one."""
        self.listener.close()
        for connection in self.served:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()


class TestMigrate:
    """MIGRATE host port key destination-db timeout."""

    @pytest.fixture
    def to(self, raw: RawClient, oracle: ServerProcess) -> Iterator[Callable[..., Reply]]:
        """Sends a key to a real Redis, which is empty."""
        with oracle.client() as there:
            there("FLUSHALL")
            yield lambda key, *words: raw("MIGRATE", "127.0.0.1", oracle.port, key, 0, LONG, *words)

    def test_moves(self, raw: RawClient, oracle: ServerProcess, to: Callable[..., Reply]) -> None:
        raw("SET", "a", "1")
        raw("RPUSH", "list", *range(1000))
        raw("XADD", "stream", "1-1", "f", "v")
        raw("SET", "timed", "1", "PX", 100_000)
        for key in ("a", "list", "stream", "timed"):
            assert to(key) == OK
            assert raw("EXISTS", key) == integer(0)
        there = oracle.client()
        assert there("LRANGE", "list", 0, -1).plain() == [b"%d" % n for n in range(1000)]
        assert there("GET", "a") == bulk(b"1")
        assert 90_000 < there("PTTL", "timed").value <= 100_000
        assert there("PTTL", "a") == integer(-1)
        assert to("a") == NOKEY

    def test_keys(self, raw: RawClient, to: Callable[..., Reply]) -> None:
        raw("MSET", "a", 1, "b", 2, "c", 3)
        assert to("", "KEYS", "a", "b", "no", "a") == OK
        assert raw("EXISTS", "a", "b", "c") == integer(1)
        assert to("", "KEYS") == to("", "KEYS", "no") == NOKEY
        assert to("x", "KEYS", "c") == error("ERR When using MIGRATE KEYS option, the key argument must be set to the empty string")

    def test_copy_and_replace(self, raw: RawClient, oracle: ServerProcess, to: Callable[..., Reply]) -> None:
        raw("MSET", "a", 1, "b", 2)
        assert to("a", "COPY") == OK
        assert to("a") == BUSY
        # what could be had is there
        assert to("", "KEYS", "a", "b") == BUSY
        assert raw("EXISTS", "a", "b") == integer(1)
        raw("SET", "a", 3)
        assert to("a", "COPY", "REPLACE") == to("a", "replace") == OK
        assert oracle.client()("MGET", "a", "b").plain() == [b"3", b"2"]

    def test_database(self, raw: RawClient, oracle: ServerProcess) -> None:
        """The connection that is kept has another one selected each time."""
        oracle.client()("FLUSHALL")
        raw("MSET", "a", 1, "b", 2)
        for key, database in (("a", 3), ("b", 0)):
            assert raw("MIGRATE", "127.0.0.1", oracle.port, key, database, LONG) == OK
        there = oracle.client()
        there("SELECT", 3)
        assert there("GET", "a") == bulk(b"1")
        raw("SET", "a", 1)
        refused = raw("MIGRATE", "127.0.0.1", oracle.port, "a", 99, LONG)
        assert refused == error("ERR Target instance replied with error: ERR DB index is out of range")
        assert raw("MIGRATE", "127.0.0.1", oracle.port, "a", 3, LONG, "REPLACE") == OK
        there("FLUSHALL")

    def test_login(self, raw: RawClient, connect: Connect, start_server: StartServer) -> None:
        """A password stands in no log."""
        there = start_server(config={"requirepass": "secret"})

        def to(*words: Arg) -> Reply:
            raw("SET", "a", 1)
            return raw("MIGRATE", "127.0.0.1", there.port, "a", 0, LONG, "REPLACE", *words)

        monitor = connect()
        monitor("MONITOR")
        raw("CONFIG", "SET", "slowlog-log-slower-than", 0)
        refused = "ERR Target instance replied with error: "
        assert to() == error(f"{refused}NOAUTH Authentication required.")
        assert to("AUTH", "bad") == error(f"{refused}WRONGPASS invalid username-password pair or user is disabled.")
        assert to("AUTH", "secret") == to("AUTH2", "default", "secret") == OK
        assert to("AUTH") == to("AUTH2", "x") == SYNTAX
        monitored = b"".join(reply.value for reply in monitor.read_until(b"end") if isinstance(reply.value, bytes))
        assert monitored.count(b"(redacted)") == 4
        assert b"secret" not in monitored
        assert b"secret" not in repr(raw("SLOWLOG", "GET", -1).plain()).encode()

    def test_arguments(self, raw: RawClient) -> None:
        raw("SET", "a", 1)
        assert raw("MIGRATE", "h", 1, "a", 0) == wrong_arguments("migrate")
        assert raw("MIGRATE", "h", 1, "a", "x", 100) == raw("MIGRATE", "h", 1, "a", 0, "x") == NOT_AN_INTEGER
        assert raw("MIGRATE", "h", 1, "a", 0, 100, "FOO") == SYNTAX

    def test_nobody_is_there(self, raw: RawClient) -> None:
        raw("SET", "a", 1)
        with silent_port() as port:
            assert raw("MIGRATE", "127.0.0.1", port, "a", 0, LONG) == WRITING
        assert raw("MIGRATE", "127.0.0.1", "x", "a", 0, LONG) == WRITING
        # where no server of names can be reached it takes long to know
        raw.send("MIGRATE", "no.invalid", 1, "a", 0, LONG)
        assert raw.read(LONG / 1000) == error("IOERR error or timeout connecting to the client")
        assert raw("GET", "a") == bulk(b"1")

    def test_what_is_sent(self, raw: RawClient, target: Target) -> None:
        """One connection for all; SELECT when another database is wanted."""
        raw("MSET", "a", 1, "b", 2)
        payload = raw("DUMP", "a").value
        assert raw("MIGRATE", "127.0.0.1", target.port, "", 5, LONG, "REPLACE", "AUTH2", "u", "p", "KEYS", "a") == OK
        assert raw("MIGRATE", "127.0.0.1", target.port, "b", 5, LONG) == OK
        sent = b"".join(target.got)
        assert sent.startswith(
            b"*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n5\r\n*5\r\n$7\r\nRESTORE\r\n$1\r\na\r\n$1\r\n0\r\n"
        )
        assert payload in sent
        assert sent.count(b"SELECT") == sent.count(b"REPLACE") == target.connections == 1

    def test_silence(self, raw: RawClient, connect: Connect, target: Target) -> None:
        """Others are served while the other server is waited for, and the key stays."""
        raw("MSET", "a", 1, "before", 1)
        # so that there is a connection, and nothing but the answer to wait for
        assert raw("MIGRATE", "127.0.0.1", target.port, "before", 0, LONG) == OK
        heard = threading.Event()

        def silent(data: bytes) -> bytes:
            heard.set()
            return b""

        target.answer = silent
        raw.send("MIGRATE", "127.0.0.1", target.port, "a", 0, 300)
        assert heard.wait(30)
        assert connect()("GET", "a") == bulk(b"1")
        assert raw.read() == READING
        assert raw("GET", "a") == bulk(b"1")

    def test_closed_connection(self, raw: RawClient, target: Target) -> None:
        """It is tried again once."""
        raw("SET", "a", 1)
        target.answer = lambda data: None
        assert raw("MIGRATE", "127.0.0.1", target.port, "a", 0, LONG) == READING
        assert target.connections == 2
        assert raw("GET", "a") == bulk(b"1")

    def test_some_are_refused(self, raw: RawClient, target: Target) -> None:
        raw("MSET", "a", 1, "b", 2, "c", 3)
        target.answer = lambda data: b"+OK\r\n-ERR first\r\n+OK\r\n-ERR second\r\n"
        refused = raw("MIGRATE", "127.0.0.1", target.port, "", 0, LONG, "KEYS", "a", "b", "c")
        assert refused == error("ERR Target instance replied with error: ERR first")
        assert raw("MGET", "a", "b", "c").plain() == [b"1", None, b"3"]

    @pytest.mark.zippy_only  # Redis serves nobody until the answer has come
    def test_client_leaves(self, connect: Connect, raw: RawClient, target: Target) -> None:
        """It is done to its end nevertheless."""
        raw("SET", "a", 1)
        usual, released = target.answer, threading.Event()

        def late(data: bytes) -> bytes | None:
            released.wait(30)
            return usual(data)

        target.answer = late
        leaving = connect()
        leaving.send("MIGRATE", "127.0.0.1", target.port, "a", 0, LONG)
        wait_until(lambda: target.got)
        leaving.close()
        assert raw("EXISTS", "a") == integer(1)
        released.set()
        wait_until(lambda: raw("EXISTS", "a") == integer(0))


class Meanwhile:
    """What a client does while the other server has been sent a key for the first time and has not answered."""

    def __init__(self, target: Target, does: Callable[[], object]) -> None:
        self.does: Callable[[], object] | None = does
        self.usual = target.answer
        target.answer = self

    def __call__(self, data: bytes) -> bytes | None:
        does, self.does = self.does, None
        if does is not None:
            does()
        return self.usual(data)


@pytest.mark.zippy_only
class TestMigrateMeanwhile:
    """What Redis, which does nothing else meanwhile, has no need of."""

    @pytest.mark.parametrize(
        "change", ["SET key new", "APPEND key x", "EXPIRE key 1000", "DEL key", "FLUSHALL", "RENAME key other", "XGROUP CREATE stream g 0"]
    )
    def test_change(self, raw: RawClient, connect: Connect, target: Target, change: str) -> None:
        """A key that was changed after it was sent is sent once more; what is gone here is deleted there."""
        raw("SET", "key", "old")
        raw("XADD", "stream", "1-1", "f", "v")
        key = "stream" if "stream" in change else "key"
        other = connect()
        Meanwhile(target, lambda: other(*change.split()))
        assert raw("MIGRATE", "127.0.0.1", target.port, key, 0, LONG) == OK
        assert raw("EXISTS", key) == integer(0)
        last = target.got[-1]
        assert len(target.got) == 2
        if raw("EXISTS", "other") == integer(1) or change in ("DEL key", "FLUSHALL"):
            assert last == b"*2\r\n$3\r\nDEL\r\n$3\r\nkey\r\n"
        else:
            assert b"RESTORE" in last and b"REPLACE" in last

    def test_always_written_to(self, raw: RawClient, connect: Connect, target: Target) -> None:
        """From the third time on writes wait for the answer."""
        raw("SET", "key", 0)
        other = connect()
        usual = target.answer

        def write(data: bytes) -> bytes | None:
            other.send("INCR", "key")
            if len(target.got) < 3:
                other.read()
            return usual(data)

        target.answer = write
        assert raw("MIGRATE", "127.0.0.1", target.port, "key", 0, LONG) == OK
        assert len(target.got) == 3
        assert other.read() == integer(1)

    def test_events_and_effects(self, raw: RawClient, connect: Connect, target: Target, start_server: StartServer) -> None:
        """One DEL for all; watchers and listeners hear of it."""
        raw("MSET", "a", 1, "b", 2)
        raw("CONFIG", "SET", "notify-keyspace-events", "Eg")
        listener, watcher = connect(), connect()
        listener("SUBSCRIBE", "__keyevent@0__:del")
        watcher("WATCH", "b")
        watcher("MULTI")
        assert raw("MIGRATE", "127.0.0.1", target.port, "", 0, LONG, "KEYS", "a", "b") == OK
        assert [listener.read().plain()[2] for _ in range(2)] == [b"a", b"b"]
        assert watcher("EXEC").is_null

    def test_in_transaction(self, raw: RawClient) -> None:
        """It waits, so it stands alone."""
        raw("SET", "a", 1)
        raw("MULTI")
        with silent_port() as port:
            raw("MIGRATE", "127.0.0.1", port, "a", 0, 100)
            assert raw("EXEC").value[0].is_error
