"""redis.Redis on an engine in process: redis-py with a socket that is none."""

from __future__ import annotations

import socket
import threading
from importlib import import_module
from typing import Any

import redis
from redis.client import Pipeline
from redis.connection import AbstractConnection, ConnectionPool

from zippy._core.local import NOT_RUN, Caller, Line, execute_command, queue_command, run_pipeline, set_value
from zippy._core.session import Session
from zippy.inprocess.descriptor import Descriptor
from zippy.inprocess.driver import with_driver
from zippy.inprocess.engine import Engine, host_of, is_shared
from zippy.inprocess.errors import show_errors
from zippy.inprocess.plain import OF_A_PIPELINE, caller_for, is_plain, on_failure
from zippy.inprocess.urls import engine_for

try:
    from redis.maint_notifications import MaintNotificationsConfig
except ImportError:  # redis-py before 7 has none
    MaintNotificationsConfig = None  # type: ignore[assignment,misc]


class LocalSocket:
    """What redis-py needs of a socket: what is sent runs at once, what comes back is received."""

    def __init__(self, engine: Engine) -> None:
        self.host = host_of(engine)
        self.ready = threading.Condition(self.host.lock)
        self.received = bytearray()
        self.ended = False
        self.timeout: float | None = None
        self.descriptor: Descriptor | None = None
        self.session = self.host.channel(self.on_output, self.on_close)
        self.line = Line(self.session)

    def on_output(self, session: Session) -> None:
        """The engine has replies for us."""
        self.line.touched = True
        self.received += session.take_output()
        self.tell()

    def on_close(self, session: Session) -> None:
        """The engine ended the connection."""
        self.received += session.take_output()
        session.close()
        self.ended = True
        self.tell()

    def tell(self) -> None:
        """Whoever waits for something to receive looks again; the lock is held."""
        if self.descriptor is not None:
            self.descriptor.set(bool(self.received) or self.ended)
        self.ready.notify_all()

    def fileno(self) -> int:
        """A descriptor that polls as readable while there is something to receive, or the end; -1 when it is closed."""
        with self.ready:
            if self.descriptor is None:
                self.descriptor = Descriptor()
                self.tell()
            return self.descriptor.polled.fileno()

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Runs the commands in data."""
        if self.ended:
            raise ConnectionResetError("the engine closed this connection")
        self.host.feed(self.session, data)

    def settimeout(self, timeout: float | None) -> None:
        """Seconds that a receive waits; 0: not at all, None: for ever."""
        self.timeout = timeout

    def gettimeout(self) -> float | None:
        """See settimeout."""
        return self.timeout

    def setblocking(self, blocking: bool) -> None:
        """See settimeout."""
        self.timeout = None if blocking else 0.0

    def wait(self) -> None:
        """Waits for something to receive."""
        if not self.received and not self.ended:
            if self.timeout == 0:
                raise BlockingIOError("nothing to receive")
            if not self.ready.wait_for(lambda: self.received or self.ended, self.timeout):
                raise TimeoutError("timed out")

    def readable(self, timeout: float | None) -> bool:
        """Is there something to receive, or the end, within the timeout?"""
        with self.ready:
            return bool(self.ready.wait_for(lambda: self.received or self.ended, timeout))

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Up to size bytes; b"" at the end. MSG_PEEK leaves them."""
        with self.ready:
            self.wait()
            data = bytes(self.received[:size])
            if not flags & socket.MSG_PEEK:
                del self.received[:size]
                if self.descriptor is not None:
                    self.descriptor.set(bool(self.received) or self.ended)
            return data

    def recv_into(self, buffer: Any, size: int = 0, flags: int = 0) -> int:
        """Receives into a buffer; the bytes received."""
        view = memoryview(buffer)
        data = self.recv(size or view.nbytes, flags)
        view[: len(data)] = data
        return len(data)

    def getsockname(self) -> tuple[str, int]:
        """As if over the loopback."""
        return ("127.0.0.1", 0)

    def getpeername(self) -> tuple[str, int]:
        """As if over the loopback."""
        return ("127.0.0.1", 0)

    def shutdown(self, how: int) -> None:
        """Ends the connection."""
        self.close()

    def close(self) -> None:
        """Ends the connection; may be called twice."""
        if self.host.core.forked:
            self.ended = True
            return
        with self.ready:
            if not self.ended:
                self.ended = True
                self.host.leave(self.session)
                self.tell()
            if self.descriptor is not None:
                self.descriptor.close()


def parser_has_data(connection: Any) -> bool:
    """Has the parser received more than it has given away?"""
    reader: Any = getattr(connection._parser, "_reader", None)
    buffer: Any = getattr(connection._parser, "_buffer", None)
    return bool((reader is not None and reader.has_data()) or (hasattr(buffer, "unread_bytes") and buffer.unread_bytes()))


def can_read(connection: Any, timeout: float) -> bool:
    """Is there a reply or a message for a connection on a LocalSocket? redis-py would poll, which costs a descriptor."""
    sock: LocalSocket = connection._sock
    if parser_has_data(connection):
        return True
    if not sock.readable(timeout):
        return False
    if sock.ended and not sock.received:
        raise redis.ConnectionError("Connection closed by server.")
    return True


class LocalConnection(AbstractConnection):
    """A redis-py connection to an engine in process."""

    has_run = False  # what redis-py is about to send: the replies are there

    def __init__(self, engine: Engine, socket_timeout: float | None = None, **kwargs: Any) -> None:
        self.engine = engine
        super().__init__(**with_driver(kwargs))
        self.socket_timeout = socket_timeout

    def repr_pieces(self) -> list[tuple[str, Any]]:
        """What redis-py shows of this connection."""
        return [("engine", id(self.engine)), ("db", self.db)]

    def set_parser(self, parser_class: Any) -> None:
        """Sets what reads the replies."""
        super().set_parser(parser_class)  # type: ignore[no-untyped-call]
        show_errors(self._parser)

    def can_read(self, timeout: float = 0) -> bool:
        """Is there a reply or a message?"""
        if self._sock is None:
            self.connect()  # type: ignore[no-untyped-call]  # redis-py has no types there
        return can_read(self, timeout)

    def settled(self) -> bool:
        """May commands be run past this connection, on its session? Tells the line how."""
        sock: LocalSocket = self._sock  # type: ignore[assignment]  # only asked of one that is connected
        if not is_plain(self) or sock.ended or sock.received or parser_has_data(self):
            return False
        sock.line.decode = self.encoder.decode_responses
        sock.line.errors = self.encoder.encoding_errors
        return True

    def pack_commands(self, commands: Any) -> Any:
        """What is to be sent for commands: nothing when they have been run."""
        return [] if self.has_run else super().pack_commands(commands)  # type: ignore[no-untyped-call]

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Sends what was packed."""
        if not self.has_run:
            super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]
        self.has_run = False

    def _connect(self) -> LocalSocket:
        sock = LocalSocket(self.engine)
        sock.settimeout(self.socket_timeout)
        return sock

    def _host_error(self) -> str:
        return "in process"


class LocalRedis(redis.Redis):
    """A redis.Redis that runs plain commands without a detour through bytes; all others, and what is no command, as redis.Redis does."""

    caller: Caller | None = None
    execute_command = execute_command
    execute_by_pool = redis.Redis.execute_command
    set = set_value
    set_with_options = redis.Redis.set

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.caller = caller_for(self, ConnectionPool, LocalConnection, "_sock")

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> LocalPipeline:
        """Return a new pipeline object that can queue multiple commands for later execution; see redis.Redis.pipeline."""
        return LocalPipeline(self, transaction, shard_hint)

    def read_unread(self, connection: LocalConnection, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """The answer to a command that was run, from the reply that the connection holds or is waiting for; gives the connection back.

        It is the first of the attempts that the client makes: if its connection ended instead, the command is sent again if it should be.
        """
        sent = True

        def attempt() -> Any:
            nonlocal sent
            if not sent:
                connection.send_command(*args)  # type: ignore[no-untyped-call]
            sent = False
            return self.parse_response(connection, args[0], **options)  # type: ignore[no-untyped-call]

        try:
            return connection.retry.call_with_retry(attempt, on_failure(self, connection))
        finally:
            self.connection_pool.release(connection)  # type: ignore[arg-type]  # it is one in all but its class


class LocalPipeline(Pipeline):
    """A pipeline that runs its commands in one turn, without a detour through bytes, if all of them are plain; else as redis-py does."""

    execute_command = queue_command
    queue_or_run = Pipeline.execute_command
    set = set_value
    set_with_options = redis.Redis.set

    transaction: Any  # a flag here, and a method of redis.Redis

    def __init__(self, client: LocalRedis, transaction: bool, shard_hint: str | None) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, shard_hint)
        self.made_by = client

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Execute all the commands in the current pipeline"""
        stack = self.command_stack
        if self.made_by.caller is None or not stack or self.scripts or self.watching:
            return super().execute(raise_on_error)
        if self.connection is None:
            # it is given back by reset
            self.connection = self.connection_pool.get_connection(*OF_A_PIPELINE)
        is_transaction = self.transaction or self.explicit_transaction
        try:
            answers = run_pipeline(self, is_transaction, () if is_transaction else redis.ResponseError)
            if answers is NOT_RUN:
                return super().execute(raise_on_error)
            if raise_on_error:
                self.raise_first_error(stack, answers)  # type: ignore[no-untyped-call]
            return answers  # type: ignore[no-any-return]
        except ConnectionError as error:
            raise redis.ConnectionError(str(error)) from None
        finally:
            self.reset()


def connect(
    engine: Engine | str | None = None, *, share: bool = False, single_connection_client: bool = False, **options: Any
) -> redis.Redis:
    """A redis.Redis on `engine`, on the store of a URL, or on a new engine of its own.

    engine: a zippy.Engine; or file:///path/to/folder, a store that is kept there; or mem://name, one in memory by this name. Whoever names
    such a store while somebody refers to it gets the same one. Settings of the engine follow a URL as ?appendfsync=always&save=60+1.
    share: of a folder: other processes use the same store, as zippy.Engine says. A command that is under way when its owner goes raises
    redis.ConnectionError, and is sent again if `retry` says so.
    options: redis.Redis's (db, decode_responses, protocol ...).
    ValueError: a wrong URL or setting. zippy.FolderError: the folder cannot be opened; zippy.FolderInUse: by whom it is used.
    """
    if MaintNotificationsConfig is not None:
        # announcements of a host's maintenance: redis-py 7.4 and 8.0 refuse RESP3 to a connection without a host unless this is off
        options.setdefault("maint_notifications_config", MaintNotificationsConfig(enabled=False))
    found = engine_for(engine, share)
    kind = import_module("zippy.inprocess.shared_sync").SharedConnection if is_shared(found) else LocalConnection
    pool = ConnectionPool(connection_class=kind, engine=found, **options)
    return LocalRedis(connection_pool=pool, single_connection_client=single_connection_client)
