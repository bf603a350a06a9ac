"""Damaged messages at both ends of a link, and what has to hold whatever comes: a closed link with a line in the log or one that goes on,
never an exception; and a server that serves its clients, whose tables agree with each other, and that can be the primary again.

    python -m tests.replication.damage --seconds 3600 --seed 1

harms what primaries send (replies to the handshake and to PSYNC, copies in both framings, streams of commands) and what replicas send.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.replication.network import WINDOW, End, Network
from tests.replication.simulator import LOADS, PORT, Client, Node, Server
from tests.resp import request
from zippy._core.introspection import keyspace_fault
from zippy._core.session import blocks_left_behind
from zippy.replication import follower

ID = b"a" * 40
MARK = b"m" * 40
HELLO = b"+PONG\r\n" + b"+OK\r\n" * 2
OTHER = "10.0.0.9"
HANDSHAKE, REPLY, SIZED, MARKED, STREAM, GOES_ON, REPLICA = range(7)
KINDS = 7
ROUNDS = 40  # inputs that one server gets
SECONDS = 0.03  # simulated, that an input has
OFFSETS = (0, 1, 7, 10**6, 2**31, 2**32, 2**53, 2**63 - 100, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30)
LINES = (
    b"+PONG", b"-NOAUTH Authentication required.", b"-ERR no", b"+OK", b"+FULLRESYNC " + ID + b" 7", b"+CONTINUE " + b"b" * 40,
    b"+CONTINUE", b"$EOF:" + MARK, b"$5", b"$0", b"$-1", b"$99999999999999999999", b"-NOMASTERLINK no", b"-LOADING", b"", b" ", b"+",
    b"+FULLRESYNC " + ID, b"+FULLRESYNC " + ID + b" 18446744073709551615", b"+FULLRESYNC " + b"\xff" * 40 + b" 1", b"+FULLRESYNC ? 1",
    MARK, b"*1", b"+CONTINUE \xff",
)  # fmt: skip
STREAMS: tuple[tuple[bytes | str | int, ...], ...] = (
    ("PING",), ("SELECT", 1), ("SELECT", 99), ("MULTI",), ("EXEC",), ("SET", "k", "v"), ("SET", "e", 1, "PX", 5), ("DEL", "k", "l"),
    ("REPLCONF", "GETACK", "*"), ("REPLCONF", "ACK", 5), ("RPUSH", "l", "a", "b"), ("XADD", "t", "*", "f", "v"), ("FLUSHALL",),
    ("PUBLISH", "c", "m"), ("BLPOP", "none", 0), ("SUBSCRIBE", "c"), ("QUIT",), ("RESET",), ("CLIENT", "REPLY", "ON"), ("DISCARD",),
    ("SET", "long", "x" * 3000), ("WATCH", "k"), ("AUTH", "x"), ("HELLO", 3), ("SPUBLISH", "c", "m"), ("NOTHING",),
    ("REPLICAOF", "NO", "ONE"), ("CLIENT", "KILL", "TYPE", "master"), ("MONITOR",), ("PSYNC", "?", -1), ("WAIT", 1, 0), ("FAILOVER",),
    ("SYNC",),
)  # fmt: skip
DATA: tuple[tuple[bytes | str | int, ...], ...] = (
    ("SET", "own", 1), ("RPUSH", "l", "a", "b"), ("SADD", "x", "a"), ("ZADD", "z", 1, "a"), ("HSET", "h", "f", "v"),
    ("XADD", "t", "1-1", "f", "v"), ("SET", "e", 1, "PX", 100_000), ("SELECT", 2), ("SET", "two", "x" * 300),
)  # fmt: skip
ASKED: tuple[tuple[bytes | str | int, ...], ...] = (
    ("PING",), ("REPLCONF", "listening-port", 6379), ("REPLCONF", "listening-port", "x"), ("REPLCONF", "ip-address", "1.2.3.4"),
    ("REPLCONF", "ip-address", "x" * 47), ("REPLCONF", "capa", "eof", "capa", "psync2"), ("REPLCONF", "capa"),
    ("REPLCONF", "rdb-only", 1), ("REPLCONF", "rdb-filter-only", "functions"), ("REPLCONF", "rdb-filter-only", ""),
    ("REPLCONF", "rdb-filter-only", "x"), ("REPLCONF", "ACK", 7), ("REPLCONF", "ACK", -1), ("REPLCONF", "ACK", 2**64),
    ("REPLCONF", "ACK", "x"), ("REPLCONF", "ACK", 7, "FACK", 3), ("REPLCONF", "ACK", 7, "FACK"), ("REPLCONF", "GETACK", "*"),
    ("REPLCONF", "rdb-channel", 1), ("REPLCONF", "main-ch-client-id", 3), ("PSYNC", "?", -1), ("PSYNC", ID, 1), ("PSYNC", ID, 2**63 - 1),
    ("PSYNC", ID, -(2**63)), ("PSYNC", ID, "x"), ("PSYNC", "", 0), ("PSYNC", ID, 1, "FAILOVER"), ("PSYNC", "?", -1, "FAILOVER"),
    ("SYNC",), ("MULTI",), ("EXEC",), ("SET", "k", "v"), ("RESET",), ("QUIT",), ("CLIENT", "REPLY", "OFF"), ("SUBSCRIBE", "c"),
    ("WAIT", 1, 10), ("ROLE",), ("INFO",), ("CLIENT", "LIST"), ("HELLO", 3), ("REPLCONF",),
)  # fmt: skip


ASKS_ALONE = re.compile(rb"(?=\*\d\r\n\$5\r\nPSYNC\r\n)")
"""Where a replica waits for the replies to what it has said before it goes on."""


class Found(AssertionError):
    """What must not be."""


class Peer(asyncio.Protocol):
    """The other side of a link: it says what it is told to."""

    def __init__(self) -> None:
        self.end: End | None = None
        self.received = 0
        self.lost = False

    def connection_made(self, transport: Any) -> None:
        """See asyncio."""
        self.end = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self.received += len(data)

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio."""
        self.lost = True


class Lines(logging.Handler):
    """Counts lines of the log."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Counts one, which can be made."""
        record.getMessage()
        self.count += 1


class Victim:
    """A server with some data, whose links are harmed."""

    def __init__(self) -> None:
        self.chance = random.Random(1)
        self.network = Network(self.chance)
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
        self.left = blocks_left_behind()
        settings = {"repl-diskless-sync-delay": "0", "repl-timeout": "1000", "proto-max-bulk-len": "1048576"}
        node = Node(0, self.folder, settings, 10**9, 10**6)
        self.server = node.server = Server(self, node)
        self.lines = Lines()
        self.log = logging.getLogger("zippy")
        self.level, self.passes = self.log.level, self.log.propagate
        self.log.setLevel(logging.INFO)
        self.log.propagate = False
        self.log.addHandler(self.lines)
        self.server.start("")
        self.fill()

    def fill(self) -> None:
        """Some data of most types."""
        client = Client(self.server)
        for words in DATA:
            client(*words)
        client.session.close()

    def problem(self, text: str) -> None:
        """Something that nobody has caught."""
        found = sys.exc_info()[1]
        self.network.loop.problems.append(found if found is not None else text)

    def call(self, *words: bytes | str | int) -> bytes:
        """A client's command."""

        async def ask() -> bytes:
            return self.server.client(*words)

        return self.network.loop.run_until_complete(ask())

    def run(self, seconds: float = SECONDS) -> None:
        """Lets time pass. Found: something was caught by nobody but the loop."""
        loop = self.network.loop
        loop.run_until_complete(asyncio.sleep(seconds))
        if loop.problems:
            error = loop.problems.pop()
            raise Found(f"{type(error).__name__} {error}") from (error if isinstance(error, BaseException) else None)

    def take(self, kind: int, cuts: int, data: bytes) -> str:
        """Bytes come by a link of a kind; says what came of them. Found: something that must not be."""
        self.chance.seed(cuts)
        self.network.splits = (0.0, 0.1, 0.5, 0.95)[cuts % 4]
        self.network.window = (300, WINDOW)[cuts // 4 % 2]
        if kind == REPLICA:
            result = self.ask(data)
        else:
            few = cuts // 8 % 2
            with patch.object(follower, "STEP", 20 if few else follower.STEP), patch.object(follower, "MOST_HELD", 50 if few else 10**6):
                result = self.answer(kind, data, LOADS[cuts // 16 % len(LOADS)])
        self.look()
        return result

    def answer(self, kind: int, data: bytes, load: str) -> str:
        """A primary sends this. load: how a copy is to be loaded."""
        peers: list[Peer] = []
        self.call("CONFIG", "SET", "repl-diskless-load", load)
        if load == "on-empty-db":
            self.call("FLUSHALL")

        def accept(end: End) -> Peer:
            peers.append(Peer())
            return peers[-1]

        self.network.listeners[OTHER] = accept
        self.call("REPLICAOF", OTHER, PORT)
        self.run(0.01)
        if not peers or peers[0].end is None:
            raise Found("there is no link")
        del self.network.listeners[OTHER]
        lines = self.lines.count
        peers[0].end.write(around(kind, data))
        self.run()
        if peers[0].lost and self.lines.count == lines:
            raise Found("a link was closed without a word")
        follower = self.server.replication.follower
        result = "leads" if follower is None else follower.state
        peers[0].end.abort()
        self.run(0.01)
        self.call("REPLICAOF", "NO", "ONE")
        return f"{result} {kind}"

    def ask(self, data: bytes) -> str:
        """A replica, or somebody who says that he is one, sends this."""
        peer = Peer()
        self.network.loop.run_until_complete(self.network.connect(lambda: peer, OTHER, self.server.node.host, PORT))
        assert peer.end is not None
        for part in ASKS_ALONE.split(data):
            peer.end.write(part)
            self.run(0.01)
        self.call("INCR", "own")
        self.run()
        state = next((replica.state.value for replica in self.server.replication.replicas.values()), "no replica")
        peer.end.abort()
        self.run(0.15)
        if self.server.replication.replicas:
            raise Found("a replica that is gone is remembered")
        self.call("FAILOVER", "ABORT")
        self.call("REPLICAOF", "NO", "ONE")
        return f"asked: {state}"

    def look(self) -> None:
        """Whether the server is well. Found."""
        self.server.replication.fields()
        answer = self.call("SET", "after", 1)
        if not answer.startswith(b"+OK"):
            raise Found(f"a client is answered {answer!r}")
        fault = keyspace_fault(self.server.parts.core)
        if fault is not None:
            raise Found(str(fault))

    def close(self) -> None:
        """Ends it. Found: something is left behind."""
        self.server.end()
        self.run(0.01)
        self.log.removeHandler(self.lines)
        self.log.setLevel(self.level)
        self.log.propagate = self.passes
        self.network.loop.close()
        shutil.rmtree(self.folder)
        del self.server
        self.network.listeners.clear()
        if blocks_left_behind() != self.left:
            raise Found("blocks of memory are left behind")


def around(kind: int, data: bytes) -> bytes:
    """What a primary sends whose handshake, reply, copy or stream this is."""
    full = HELLO + b"+FULLRESYNC " + ID + b" 7\r\n"
    if kind == HANDSHAKE:
        return data
    if kind == REPLY:
        return HELLO + data
    if kind == SIZED:
        return full + b"$%d\r\n" % len(data) + data + request("SET", "k", "v")
    if kind == MARKED:
        return full + b"$EOF:" + MARK + b"\r\n" + data + MARK + request("SET", "k", "v")
    if kind == STREAM:
        return full + b"$%d\r\n" % len(copies()[1]) + copies()[1] + data
    return HELLO + b"+CONTINUE " + b"b" * 40 + b"\r\n" + data


@cache
def copies() -> tuple[bytes, bytes]:
    """A good copy and an empty one; they have no checksum, which harm would miss."""
    victim = Victim()
    found = []
    for _ in range(2):
        victim.server.snapshots.save()
        found.append((victim.folder / "dump.rdb").read_bytes()[:-8] + bytes(8))
        victim.server.client("FLUSHALL")
    victim.close()
    return found[0], found[1]


def good(source: random.Random, kind: int) -> bytes:
    """What an input of a kind is when nothing harms it."""
    if kind in (SIZED, MARKED):
        return source.choice(copies())
    if kind in (STREAM, GOES_ON):
        return b"".join(request(*source.choice(STREAMS)) for _ in range(source.randrange(1, 12)))
    if kind == REPLICA:
        words = [source.choice(ASKED) for _ in range(source.randrange(6))]
        if source.random() < 0.7:
            words.insert(source.randrange(len(words) + 1), ("PSYNC", "?", -1))
        return b"".join(request(*one) for one in words)
    if kind == REPLY and source.random() < 0.5:
        name, copy = source.choice((ID, ID, b"\xff" * 40, b"\xc3\xa4" * 20, b"?" * 40)), source.choice(copies())
        head = b"+FULLRESYNC %b %d\r\n" % (name, source.choice(OFFSETS))
        framed = b"$%d\r\n" % len(copy) + copy if source.random() < 0.5 else b"$EOF:" + MARK + b"\r\n" + copy + MARK
        return head + framed + good(source, STREAM)
    return b"".join(source.choice(LINES) + b"\r\n" for _ in range(source.randrange(1, 5)))


def harm(source: random.Random, data: bytearray) -> None:
    """Changes one thing."""
    way, at = source.randrange(7), source.randrange(len(data))
    if way == 0:
        data[at] = source.randrange(256)
    elif way == 1:
        data[at] ^= 1 << source.randrange(8)
    elif way == 2:
        del data[at : at + source.choice((1, 2, 9))]
    elif way == 3:
        data[at:at] = source.choice((b"\r\n", b"*", b"$", b"-1", b"\x00", b"99999999999", source.randbytes(5)))
    elif way == 4:
        del data[at:]
    elif way == 5:
        data[at:at] = data[source.randrange(len(data)) :][: source.randrange(60)]
    else:
        data[at : at + 1] = source.choice(LINES) + b"\r\n"


def harmed(source: random.Random, kind: int) -> bytes:
    """An input of a kind, mostly with something wrong; sometimes nothing of the kind."""
    if source.random() < 0.03:
        return source.randbytes(source.randrange(1, 5000))
    data = bytearray(good(source, kind))
    for _ in range(source.choice((0, 1, 1, 1, 2, 3))):
        if data:
            harm(source, data)
    return bytes(data)


def campaign(seed: int, goes_on: Callable[[int], bool]) -> Counter[str]:
    """Gives victims harmed messages; what came of them. Found, with the input's number."""
    done: Counter[str] = Counter()
    victim: Victim | None = None
    number = 0
    while goes_on(number):
        source = random.Random(f"{seed}/{number}")
        kind, cuts = source.randrange(KINDS), source.randrange(256)
        data = harmed(source, kind)
        try:
            if number % ROUNDS == 0:
                if victim is not None:
                    victim.close()
                victim = Victim()
            assert victim is not None
            done[victim.take(kind, cuts, data)] += 1
        except Exception as error:
            raise Found(f"seed {seed}, input {number}: kind {kind}, cuts {cuts}, {data!r}: {type(error).__name__} {error}") from error
        number += 1
    if victim is not None:
        victim.close()
    return done


def main() -> None:
    """Goes on for so long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    done = campaign(options.seed, lambda number: time.monotonic() < end)
    print(f"inputs={done.total()} " + " ".join(f"{what}={count}" for what, count in sorted(done.items())))


if __name__ == "__main__":
    main()
