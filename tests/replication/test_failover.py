"""FAILOVER to a replica that does not take over."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
import redis

from tests.replication.servers import REDIS, ZIPPY, Node, Start
from tests.resp import request
from tests.waiting import wait_until


class FakeReplica:
    """Has everything at once, as it says, and answers PSYNC with these bytes when it is to be the primary."""

    def __init__(self, node: Node, answer: bytes) -> None:
        self.node = node
        self.answer = answer
        self.asked = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.link = socket.create_connection(("127.0.0.1", node.port))
        for work in (self.follow, self.serve):
            threading.Thread(target=work, daemon=True).start()

    def follow(self) -> None:
        """Takes a copy and the stream, and acknowledges all that there is."""
        client = self.node.connect()
        for words in (("REPLCONF", "listening-port", self.port), ("REPLCONF", "capa", "eof", "capa", "psync2")):
            self.link.sendall(request(*words))
            assert self.link.recv(5) == b"+OK\r\n"
        self.link.sendall(request("PSYNC", "?", "-1"))
        self.link.settimeout(0.1)
        with contextlib.suppress(OSError, redis.ConnectionError):
            while True:
                with contextlib.suppress(TimeoutError):
                    if not self.link.recv(65536):
                        return
                offset = client.info("replication")["master_repl_offset"]
                self.link.sendall(request("REPLCONF", "ACK", offset))

    def is_online(self) -> bool:
        """Whether its primary takes it for one that has everything."""
        return bool(self.node.info().get("slave0", {}).get("state") == "online")

    def serve(self) -> None:
        """Is connected to."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection, contextlib.suppress(OSError):
                    self.answer_all(connection)

    def answer_all(self, connection: socket.socket) -> None:
        """One connection."""
        while data := connection.recv(65536):
            if b"PSYNC" in data:
                self.asked += 1
                connection.sendall(self.answer)
            else:
                connection.sendall(b"+PONG\r\n" if b"PING" in data else b"+OK\r\n" * data.count(b"REPLCONF"))

    def close(self) -> None:
        """Ends it."""
        for one in (self.link, self.listener):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture(params=[ZIPPY, REDIS])
def primary(start: Start, request: pytest.FixtureRequest) -> Iterator[Node]:
    """A server with a key."""
    node = start(request.param)
    node.client.set("key", 1)
    yield node


@pytest.mark.parametrize("answer", [b"-ERR no\r\n", b"-NOMASTERLINK not now\r\n", b"nonsense\r\n"])
def test_is_declined(primary: Node, answer: bytes) -> None:
    """The primary is it again, under another name of its history, and is written to."""
    replica = FakeReplica(primary, answer)
    wait_until(replica.is_online)
    history = primary.info()["master_replid"]
    assert primary("FAILOVER", "TO", "127.0.0.1", replica.port) == b"OK"
    wait_until(lambda: replica.asked > 0 and primary.info()["role"] == "master")
    info = primary.info()
    assert info["master_failover_state"] == "no-failover"
    assert info["master_replid2"] == history != info["master_replid"]
    assert primary.client.set("key", 2)
    replica.close()


@pytest.mark.parametrize("answer", [b"+FULLRESYNC " + b"a" * 40 + b" 1\r\n", b"+CONTINUE " + b"a" * 40 + b"\r\n"])
def test_is_over_with_the_answer(primary: Node, answer: bytes) -> None:
    """Who answers PSYNC as a primary is one, even if its copy never comes."""
    replica = FakeReplica(primary, answer)
    wait_until(replica.is_online)
    assert primary("FAILOVER", "TO", "127.0.0.1", replica.port) == b"OK"
    wait_until(lambda: replica.asked > 0 and primary.info()["master_failover_state"] == "no-failover")
    assert primary.info()["role"] == "slave"
    replica.close()
