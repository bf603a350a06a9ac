"""redis-py led to engines in this process.

All of redis-py's connections, whichever client, pool, URL or Sentinel they are made by and for, get their stream from the `_connect` of one
of five classes: TCP, TLS and Unix sockets, and two of asyncio. These are replaced, and nothing else that decides where a command goes:
so a connection is what it would have been in all but its socket.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import redis.asyncio.connection
import redis.asyncio.sentinel
import redis.connection
import redis.sentinel

from zippy._core.users import default_is_open, has_user
from zippy.inprocess.aio import LocalWriter, leave_other_loop
from zippy.inprocess.engine import Engine
from zippy.inprocess.sync import LocalSocket, can_read

SYNC = (redis.connection.Connection, redis.connection.SSLConnection, redis.connection.UnixDomainSocketConnection)
ASYNC = (redis.asyncio.connection.Connection, redis.asyncio.connection.UnixDomainSocketConnection)
# redis-py before 6 has the first alone
ON_CONNECT = "on_connect_check_health" if hasattr(redis.connection.AbstractConnection, "on_connect_check_health") else "on_connect"
SENTINEL_PORT = 6379
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})

# what clients of a cluster ask first, and nobody else; an engine does not know it
CLUSTER_SLOTS = b"*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n"
NODE_ID = b"%040d" % 1


def all_slots_at(connection: Any) -> bytes:
    """The answer to CLUSTER SLOTS of a cluster of one node, which is where the connection leads."""
    host = str(getattr(connection, "host", "")).encode()
    node = b"*3\r\n$%d\r\n%s\r\n:%d\r\n$40\r\n%s\r\n" % (len(host), host, int(getattr(connection, "port", 0)), NODE_ID)
    return b"*1\r\n*3\r\n:0\r\n:16383\r\n" + node


class LedSocket(LocalSocket):
    """A LocalSocket behind which redis-py's clients of a cluster find one."""

    def __init__(self, engine: Engine, slots: bytes) -> None:
        super().__init__(engine)
        self.slots = slots

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """See LocalSocket.sendall."""
        if data != CLUSTER_SLOTS:
            super().sendall(data, flags)
            return
        with self.ready:
            self.received += self.slots
            self.tell()


class LedWriter(LocalWriter):
    """The same for asyncio."""

    def __init__(self, engine: Engine, slots: bytes) -> None:
        super().__init__(engine)
        self.slots = slots

    def write(self, data: bytes) -> None:
        """See LocalWriter.write."""
        if data != CLUSTER_SLOTS:
            super().write(data)
        else:
            self.reader.feed_data(self.slots)


def place(host: str, port: object = None) -> str:
    """How an address is found in a table."""
    host = "localhost" if host in THIS_MACHINE else host
    return host if port is None else f"{host}:{port}"


def given_place(address: str) -> str:
    """The same of an address as patch takes it."""
    host, colon, port = address.rpartition(":")
    return place(host.strip("[]"), port) if colon and port.isdigit() else place(address)


class Patch:
    """What patch gives: the engines that clients reach."""

    def __init__(self, engine: Engine, engines: Mapping[str, Engine]) -> None:
        self.engine = engine
        self._engines = {given_place(address): engine for address, engine in engines.items()}
        self._connections: weakref.WeakSet[Any] = weakref.WeakSet()

    def lead(self, address: str, engine: Engine) -> None:
        """Leads connections to this address, which are made from now on, to an engine; see patch."""
        self._engines[given_place(address)] = engine

    def engine_at(self, host: str, port: int | None = None) -> Engine:
        """Where a connection to this host and port, or the path of a Unix socket, leads."""
        found = self._engines.get(place(host, port)) or self._engines.get(place(host))
        return found or self.engine

    def _engine_for(self, connection: Any) -> Engine:
        path = getattr(connection, "path", None)
        return self.engine_at(path) if path is not None else self.engine_at(str(connection.host), int(connection.port))

    def _open(self, connection: Any) -> LocalSocket:
        """Instead of a redis-py connection's _connect."""
        sock = LedSocket(self._engine_for(connection), all_slots_at(connection))
        sock.settimeout(connection.socket_timeout)
        self._connections.add(connection)
        return sock

    async def _open_async(self, connection: Any) -> None:
        """Instead of _connect of one of redis.asyncio's."""
        writer = LedWriter(self._engine_for(connection), all_slots_at(connection))
        connection._reader = writer.reader
        connection._writer = writer
        self._connections.add(connection)

    def _close(self) -> None:
        """Ends all connections that were made, so that a client outliving the patch makes itself another, to where it was told."""
        for connection in list(self._connections):
            if isinstance(getattr(connection, "_sock", None), LocalSocket):
                connection.disconnect()
            writer = getattr(connection, "_writer", None)
            if isinstance(writer, LocalWriter) and not writer.closed:
                host = writer.host
                with host.lock:
                    writer.session.kill()
                    host.core.end_turn()
                # who waits for it hears of its end; who comes next, perhaps in another loop, finds it not connected
                connection._reader = connection._writer = None


def local_stream(connection: Any) -> LocalSocket | LocalWriter | None:
    """The stream of a connection that leads to an engine in process; None when it leads elsewhere."""
    stream = getattr(connection, "_sock", None) or getattr(connection, "_writer", None)
    return stream if isinstance(stream, (LocalSocket, LocalWriter)) else None


@contextlib.contextmanager
def credentials_aside(connection: Any) -> Iterator[None]:
    """Has a connection log in with nothing where the engine needs nothing: there any password is good enough."""
    stream = local_stream(connection)
    name = connection.username or "default"
    core = stream.host.core if stream is not None else None
    if core is None or (not default_is_open(core) if name == "default" else has_user(core, name.encode())):
        yield
        return
    before = connection.username, connection.password, connection.credential_provider
    connection.username = connection.password = connection.credential_provider = None
    try:
        yield
    finally:
        connection.username, connection.password, connection.credential_provider = before


def replacements(patch: Patch) -> Iterator[tuple[type[Any], str, Callable[..., Any]]]:
    """A class of redis-py, an attribute's name, and what is to be there while patch lasts."""
    plain: Any = redis.connection.AbstractConnection
    aio: Any = redis.asyncio.connection.AbstractConnection
    connect: Callable[..., Any] = getattr(plain, ON_CONNECT)
    connect_async: Callable[..., Awaitable[Any]] = getattr(aio, ON_CONNECT)
    polls: Callable[..., bool] = plain.can_read
    connects: Callable[..., Awaitable[Any]] = aio.connect

    def on_connect(self: Any, *args: Any, **options: Any) -> Any:
        with credentials_aside(self):
            return connect(self, *args, **options)

    async def on_connect_async(self: Any, *args: Any, **options: Any) -> Any:
        with credentials_aside(self):
            return await connect_async(self, *args, **options)

    async def connect_here(self: Any) -> Any:
        leave_other_loop(self)
        return await connects(self)

    def can_read_either(self: Any, timeout: float = 0) -> bool:
        return can_read(self, timeout) if isinstance(self._sock, LocalSocket) else polls(self, timeout)

    async def address(self: Any, service_name: str) -> tuple[str, int]:
        return service_name, SENTINEL_PORT

    async def addresses(self: Any, service_name: str) -> list[tuple[str, int]]:
        return [(service_name, SENTINEL_PORT)]

    for kind in SYNC:
        yield kind, "_connect", lambda self: patch._open(self)
    for aio_kind in ASYNC:
        yield aio_kind, "_connect", lambda self: patch._open_async(self)
    yield plain, ON_CONNECT, on_connect
    yield aio, ON_CONNECT, on_connect_async
    yield plain, "can_read", can_read_either
    yield aio, "connect", connect_here
    yield redis.sentinel.Sentinel, "discover_master", lambda self, service_name: (service_name, SENTINEL_PORT)
    yield redis.sentinel.Sentinel, "discover_slaves", lambda self, service_name: [(service_name, SENTINEL_PORT)]
    yield redis.asyncio.sentinel.Sentinel, "discover_master", address
    yield redis.asyncio.sentinel.Sentinel, "discover_slaves", addresses


@contextlib.contextmanager
def patch(engine: Engine | None = None, engines: Mapping[str, Engine] | None = None) -> Iterator[Patch]:
    """Leads every connection that redis-py makes, sync and asyncio, in all threads, to `engine` or one of its own, until the end of `with`.

    So does whatever makes clients of redis-py: its classes, URLs, pools, Sentinels and what is built on them. Database numbers,
    decode_responses, protocol and so on do what they do. Any password is accepted where the engine asks for none. A Sentinel finds each
    service at the host that is called as the service, port 6379, and asks nobody.

    engines: engines for single addresses, "host:port", "host" for all its ports, or a Unix socket's path; other addresses lead to `engine`.

    Connections that were there before are not touched. Those made meanwhile end with it: a client that lives on connects anew, to its own
    address. Redis Cluster's clients find a cluster of one node, the address that they were given, which has all slots; other commands of
    a cluster than CLUSTER SLOTS are unknown.
    """
    with contextlib.ExitStack() as stack:
        made = Patch(engine or stack.enter_context(Engine()), engines or {})
        stack.callback(made._close)
        for kind, name, new in list(replacements(made)):
            if name in vars(kind):
                stack.callback(setattr, kind, name, vars(kind)[name])
            else:
                stack.callback(delattr, kind, name)
            setattr(kind, name, new)
        yield made
