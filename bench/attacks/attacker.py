"""What an attack is made of: a client that sends the worst that it may, and the data that it sends it at."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bench.servers import Server
from bench.wire import Connection, Word, request

TIMEOUT = 120.0  # seconds that an attack may wait for a reply
CHUNK = 1000  # elements a command, when data are loaded
MARKER = b"the-end-of-the-replies"
PACKET = 1400  # bytes


class Attacker:
    """Connections to one server, and the size of what is sent: elements of a large value."""

    def __init__(self, server: Server, size: int) -> None:
        self.server = server
        self.size = size
        self.client = self.connect()
        self.others: list[Connection] = []
        self.undo: list[Callable[[], object]] = []

    def connect(self) -> Connection:
        """A connection; its owner closes it."""
        return Connection(self.server.port, TIMEOUT)

    def connect_more(self, count: int) -> list[Connection]:
        """Connections that are closed when the attack is over, if they are not before."""
        added = [self.connect() for _ in range(count)]
        self.others += added
        return added

    def require(self, *words: Word) -> object:
        """Does a command of the preparation."""
        return self.client(*words)

    def set_for_now(self, name: str, value: Word, after: Word) -> None:
        """CONFIG SET, and what is set when the attack is over."""
        self.client("CONFIG", "SET", name, value)
        self.undo.append(lambda: self.client("CONFIG", "SET", name, after))

    def load(self, batches: Iterable[bytes]) -> None:
        """Sends batches of commands and waits for the replies of each."""
        for batch in batches:
            run(self.client, batch)

    def end(self) -> None:
        """Leaves the server as it was, but for the data."""
        for other in self.others:
            other.close()
        self.others.clear()
        # a client that was in the midst of something is of no use any more
        self.client.close()
        self.client = self.connect()
        for undo in self.undo:
            undo()
        self.undo.clear()
        for key in WORK_KEYS:
            self.client("UNLINK", key)

    def close(self) -> None:
        """Closes all connections."""
        for connection in (self.client, *self.others):
            connection.close()


WORK_KEYS = ("work", "work2")  # what attacks may leave behind

Act = Callable[[], object]
Arm = Callable[[Attacker], Act]


@dataclass(frozen=True)
class Attack:
    """One row. arm prepares it, unobserved, and returns what is to be observed."""

    name: str
    arm: Arm


@dataclass(frozen=True)
class Ground:
    """Attacks on the same data. Those that destroy the data copy or load what they need themselves."""

    name: str
    load: Callable[[Attacker], object]
    attacks: tuple[Attack, ...] = field(default=())


def run(client: Connection, data: bytes) -> None:
    """Sends commands and throws their replies away, without looking into them."""
    client.socket.sendall(data + request("PING", MARKER))
    swallow(client.socket)


def swallow(connection: socket.socket) -> None:
    """Reads up to the reply of `PING MARKER`."""
    end = MARKER + b"\r\n"
    got = b""
    # behind it who tracks keys may be told of some
    while end not in got:
        tail = got[1 - len(end) :]
        got = connection.recv(1 << 18)
        if not got:
            raise ConnectionError("the server closed the connection")
        got = tail + got


def sent(*requests: bytes) -> Arm:
    """Sends these commands at once and reads their replies."""
    data = b"".join(requests)
    return lambda attacker: lambda: run(attacker.client, data)


def words(*command: Word) -> Arm:
    """Sends one command."""
    return sent(request(*command))


def sized(command: Callable[[int], Sequence[Word]]) -> Arm:
    """Sends one command whose words depend on the size."""

    def arm(attacker: Attacker) -> Act:
        data = request(*command(attacker.size))
        return lambda: run(attacker.client, data)

    return arm


def on_copy(source: str, *command: Word) -> Arm:
    """Sends one command that destroys `work`, a copy of source."""
    data = request(*command)

    def arm(attacker: Attacker) -> Act:
        attacker.require("COPY", source, "work", "REPLACE")
        return lambda: run(attacker.client, data)

    return arm


def many(prefix: str, count: int) -> list[str]:
    """Names that differ."""
    return [f"{prefix}:{i:08d}" for i in range(count)]


@functools.cache
def chunks(command: tuple[str, ...], elements: Callable[[int], Sequence[Word]], size: int) -> tuple[bytes, ...]:
    """Commands that load so many elements, CHUNK in each."""
    places = (range(first, min(first + CHUNK, size)) for first in range(0, size, CHUNK))
    return tuple(request(*command, *(word for i in some for word in elements(i))) for some in places)
