"""Primaries that send what no primary should: a replica gives the link up, says so, and lives on."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.replication.servers import ZIPPY, Node, Start
from tests.replication.test_pairs import fill
from tests.resp import request
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)  # on a machine that is ten times slower

ID = b"a" * 40
FULL = b"+FULLRESYNC " + ID + b" 0\r\n"
TIMES = 2  # that a primary is come to


class FakePrimary:
    """Answers the handshake as a primary does, and PSYNC with these bytes; then it says no more, or waits, until it is left. Who has come
    twice is not taken a third time."""

    def __init__(self, answer: bytes, closes: bool) -> None:
        self.answer = answer
        self.closes = closes
        self.served = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        """Serves one connection after the other."""
        with contextlib.suppress(OSError):
            for _ in range(TIMES):
                connection, _ = self.listener.accept()
                if self.served == TIMES - 1:
                    self.listener.close()
                with connection, contextlib.suppress(OSError):
                    self.serve(connection)
                self.served += 1

    def serve(self, connection: socket.socket) -> None:
        """One connection."""
        connection.settimeout(60)
        received = b""
        while b"PSYNC" not in received:
            data = connection.recv(65536)
            if not data:
                return
            received += data
            if b"PSYNC" not in data:
                connection.sendall(b"+PONG\r\n" if b"PING" in data else b"+OK\r\n" * data.count(b"REPLCONF"))
        connection.sendall(self.answer)
        if self.closes:
            connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    def close(self) -> None:
        """Ends it."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def replica(start: Start) -> Iterator[Node]:
    """A server with a key of its own."""
    node = start(ZIPPY, "--proto-max-bulk-len", "1mb")
    node.client.set("own", 1)
    yield node
    assert node.process.process is not None and node.process.process.poll() is None
    assert node.client.ping()


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A good copy."""
    node = Node(ZIPPY, tmp_path_factory.mktemp("good"))
    fill(node, 3)
    node("SAVE")
    node.stop()
    return (node.process.folder / "dump.rdb").read_bytes()


def survive(replica: Node, answer: bytes, closes: bool = False) -> None:
    """Has a server follow a primary that answers so, until it has come back once; then it is its own primary again."""
    primary = FakePrimary(answer, closes)
    replica.follow(primary.port)
    wait_until(lambda: primary.served == TIMES, 60.0)
    replica.lead()
    primary.close()
    assert replica.client.set("after", 1)


def sized(data: bytes) -> bytes:
    """A copy of known length."""
    return FULL + b"$%d\r\n" % len(data) + data


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n", FULL + b"$x\r\n", FULL + b"-ERR no\r\n", b"+FULLRESYNC short 0\r\n", b"x" * 9000, sized(b"REDIS0012 and no more"),
        sized(b""),
    ],
    ids=["no reply", "no length", "refusal", "short id", "too long", "no snapshot", "empty"],
)  # fmt: skip
def test_handshakes(replica: Node, answer: bytes) -> None:
    """What is no reply, and copies that are none."""
    survive(replica, answer)


def test_damaged_copies(replica: Node, snapshot: bytes) -> None:
    """Cut off, or with bytes that are others; in either framing."""
    chance = random.Random(5)
    for _ in range(4):
        damaged = bytearray(snapshot)
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        survive(replica, sized(bytes(damaged[: chance.randrange(9, len(damaged))])), closes=True)
    mark = b"m" * 40
    survive(replica, FULL + b"$EOF:" + mark + b"\r\n" + snapshot[:-9] + mark, closes=True)


@pytest.mark.parametrize(
    "stream",
    [
        b"*1\r\n$-5\r\n", b"*x\r\n", b"*2\r\n$999999999999\r\n", b"\x00" * 5000, request("NOTHING", "known") * 3, request("EXEC"),
        request("MULTI") * 2, request("BLPOP", "list", "0"), request("AUTH", "wrong"), request("SUBSCRIBE", "channel") + request("PING"),
        request("CLIENT", "KILL", "TYPE", "master"), request("QUIT"), request("RESET"),
        request("CLIENT", "REPLY", "ON") + request("PING"), request("PSYNC", "?", "-1"), request("MONITOR"), request("HELLO", "3"),
        request("CLIENT", "PAUSE", "100"), request("DEBUG", "SLEEP", "0"), request("EVAL", "while true do end", "0")[:20],
    ],
    ids=lambda stream: repr(stream[:40]),
)  # fmt: skip
def test_streams(replica: Node, snapshot: bytes, stream: bytes) -> None:
    """Behind a good copy: bytes that are no commands, and commands that no primary sends."""
    survive(replica, sized(snapshot) + stream, closes=True)


def test_random_streams(replica: Node, snapshot: bytes) -> None:
    """Real commands with damaged bytes."""
    chance = random.Random(9)
    words = b"SET GET MULTI EXEC key 1 SELECT DEL LPUSH XADD * EVAL REPLCONF GETACK ".split(b" ")
    for _ in range(6):
        stream = bytearray(b"".join(request(*(chance.choice(words) for _ in range(chance.randrange(1, 5)))) for _ in range(200)))
        for _ in range(chance.randrange(4)):
            stream[chance.randrange(len(stream))] = chance.randrange(256)
        survive(replica, sized(snapshot) + bytes(stream), closes=True)
