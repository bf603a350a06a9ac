"""zippy in this process as one of the two sides: each connection is a client of zippy.connect or zippy.connect_async.

A command is given to the client's execute_command, as its methods do, so that what redis-py's users get is compared: a value in Python or
an exception. The oracle's reply is given to redis-py's parser for that, and both are compared as replies of the kinds that values have.
What has no single answer (a client that blocks, listeners) goes over the client's connection, byte for byte.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import redis
import redis.asyncio.retry
from redis.backoff import NoBackoff
from redis.retry import Retry

import zippy
from tests.differential.clock import SetClock
from tests.differential.runner import ALONE, CONTROL, Endpoint
from tests.differential.steps import Step
from tests.resp import RawClient, Reply
from zippy.inprocess.engine import host_of

WAYS = ("sync", "async")
OVER_THE_WIRE = frozenset({"AUTH", "CLIENT", "HELLO", "MONITOR", "QUIT", "RESET", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"})
"""Commands that change what comes next on a connection, or how it is to be read, or after which redis-py leaves a connection (AUTH)."""


def wire(reply: Reply) -> Iterator[bytes]:
    """The bytes that a reply was read from."""
    kind, value = reply
    if kind in ("$-1", "*-1", "_"):
        yield kind.encode() + b"\r\n"
    elif kind in "$!=":
        yield b"%s%d\r\n%s\r\n" % (kind.encode(), len(value), value)
    elif kind == "#":
        yield b"#t\r\n" if value else b"#f\r\n"
    elif kind in "*~>%":
        yield b"%s%d\r\n" % (kind.encode(), len(value))
        for item in value:
            for part in item if kind == "%" else [item]:
                yield from wire(part)
    else:
        yield b"%s%s\r\n" % (kind.encode(), b"%d" % value if isinstance(value, int) else value)


def typed(value: object) -> Reply:
    """A value in Python as a reply of the kind that it has."""
    if value is None:
        return Reply("$-1", None)
    if isinstance(value, Exception):
        # redis-py cuts ERR off, and some other codes that have a class
        code = "ERR" if type(value).__name__ == "ResponseError" else type(value).__name__
        return Reply("-", f"{code} {value}".encode())
    if isinstance(value, bool):
        return Reply("#", value)
    if isinstance(value, int):
        return Reply(":", value)
    if isinstance(value, float):
        return Reply(",", repr(value).encode())
    if isinstance(value, dict):
        return Reply("%", tuple((typed(key), typed(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return Reply("*", tuple(map(typed, value)))
    if isinstance(value, (set, frozenset)):
        return Reply("~", tuple(map(typed, value)))
    assert isinstance(value, bytes), repr(value)
    return Reply("$", value)


class LoopSocket:
    """The stream of one of redis-py's asyncio connections, as a socket whose calls run the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Any) -> None:
        self.loop = loop
        self.reader, self.writer = connection._reader, connection._writer
        self.timeout: float | None = None

    def settimeout(self, timeout: float | None) -> None:
        """Seconds that a receive waits."""
        self.timeout = timeout

    def sendall(self, data: bytes) -> None:
        """Runs the commands in data."""
        self.writer.write(data)

    def recv(self, size: int) -> bytes:
        """What has come, when it has."""
        try:
            return bytes(self.loop.run_until_complete(asyncio.wait_for(self.reader.read(size), self.timeout)))
        except asyncio.TimeoutError:  # another class before Python 3.11
            raise TimeoutError("timed out") from None

    def close(self) -> None:
        """Ends the connection."""
        self.writer.close()
        self.loop.run_until_complete(asyncio.sleep(0))


class LocalClient(RawClient):
    """One connection, with what has been answered to commands that were given to its redis-py client."""

    def __init__(self, engine: zippy.Engine, patience: float, resp: int, loop: asyncio.AbstractEventLoop | None) -> None:
        self.loop = loop
        self.buffer = bytearray()
        self.position = 0
        self.answers: deque[Reply] = deque()
        options = {"protocol": resp, "socket_timeout": patience}
        self.client: Any
        if loop is None:
            self.client = zippy.connect(engine, retry=Retry(NoBackoff(), 0), **options)
        else:
            self.client = zippy.connect_async(engine, retry=redis.asyncio.retry.Retry(NoBackoff(), 0), **options)
        # what its methods would make of a value is another matter
        self.client.response_callbacks.clear()
        pool = self.client.connection_pool
        self.connection = self.done(pool.get_connection())
        self.done(pool.release(self.connection))
        self.socket = self.connection._sock if loop is None else LoopSocket(loop, self.connection)
        self.socket.settimeout(patience)

    def done(self, result: Any) -> Any:
        """What a call comes to, awaited if it has to be."""
        return result if self.loop is None else self.loop.run_until_complete(result)

    def run(self, args: Sequence[bytes]) -> None:
        """Gives a command to the client, which keeps the answer for `read`."""
        # the name as redis-py's methods give it
        try:
            value = self.done(self.client.execute_command(args[0].decode(), *args[1:]))
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise ConnectionError(str(error)) from None
        except redis.RedisError as error:
            value = error
        self.answers.append(typed(value))

    def parsed(self, reply: Reply) -> Reply:
        """What redis-py makes of another server's reply."""
        reader = self.connection._parser._reader
        reader.feed(b"".join(wire(reply)))
        return typed(reader.gets())

    def read(self, timeout: float | None = None) -> Reply:
        """The next answer, else the next reply of the connection."""
        return self.answers.popleft() if self.answers else super().read(timeout)

    def close(self) -> None:
        """Closes the client."""
        self.socket.close()
        self.done(self.client.connection_pool.disconnect())


class EngineClock(SetClock):
    """The clock of a server and of an engine."""

    def __init__(self, clock: SetClock, engine: zippy.Engine) -> None:
        self.clock = clock
        self.host = host_of(engine)
        self.ms = 0

    def set(self, ms: int) -> None:
        """Stops both at a time, or lets both run."""
        self.ms = ms
        self.clock.set(ms)
        with self.host.lock:
            self.host.core.set_clock(ms * 1000)
            self.host.core.end_turn()
            self.host.do_chores()


class EngineEndpoint(Endpoint):
    """An engine, and clients of it. `way`: "sync" or "async"."""

    def __init__(self, way: str, clock: SetClock | None = None) -> None:
        super().__init__("in process", 0)
        self.folder = tempfile.TemporaryDirectory(prefix="zippy-engine-")
        # as a server without persistence: what concerns files is answered
        self.engine = zippy.Engine(self.folder.name, appendonly=False, save="", enable_debug_command="yes")
        self.loop = asyncio.new_event_loop() if way == "async" else None
        self.clock = None if clock is None else EngineClock(clock, self.engine)

    def connect(self, resp: int = 2) -> LocalClient:
        """One more client."""
        return LocalClient(self.engine, self.setup.patience, resp, self.loop)

    def by_client(self, step: Step) -> bool:
        """Is the step a call of the client? Else it goes over the connection."""
        if not step.wait or self.setup.pushes or step.name in OVER_THE_WIRE or step.check in ALONE:
            return False
        # redis-py splits a name at its spaces
        return step.name.isascii() and step.name.isprintable() and len(step.name.split()) == 1 and " " not in step.name

    def send(self, connection: int, steps: Sequence[Step]) -> None:
        """Runs the steps one by one."""
        client = self.client(connection)
        assert isinstance(client, LocalClient)
        for step in steps:
            if self.by_client(step):
                client.run(tuple(map(self.named, step.args)))
            else:
                super().send(connection, [step])
                if step.wait and not self.setup.pushes:
                    # before the next one is given to the client, which reads from the same connection
                    client.answers.append(self.guarded(connection, RawClient.read))

    def as_seen(self, step: Step, reply: Reply) -> Reply:
        """The oracle's reply as redis-py would show it, where ours was."""
        if not self.by_client(step):
            return reply
        client = self.client(CONTROL)
        assert isinstance(client, LocalClient)
        return client.parsed(reply)

    def stop(self) -> None:
        """Closes all."""
        self.close()
        self.engine.close()
        self.folder.cleanup()
        if self.loop is not None:
            self.loop.close()
