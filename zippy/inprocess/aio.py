"""redis.asyncio.Redis on an engine in process."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import AbstractConnection, ConnectionPool

from zippy._core.local import NOT_RUN, Caller, Line, Unread, queue_command, run_pipeline, set_value, try_command
from zippy._core.session import Session
from zippy.inprocess.driver import with_driver
from zippy.inprocess.engine import Engine, host_of, is_shared
from zippy.inprocess.errors import show_errors
from zippy.inprocess.plain import OF_A_PIPELINE, caller_for, is_plain, on_failure
from zippy.inprocess.urls import engine_for

CALLS_UNTIL_OTHERS = 64
FINAL = (bytes, str, int, float, bool, list, dict, type(None))


class LocalWriter:
    """What redis-py needs of a StreamWriter: what is written runs at once, replies go to the reader."""

    def __init__(self, engine: Engine) -> None:
        self.host = host_of(engine)
        self.loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader(limit=1 << 62)
        self.closed = False
        self.left = False  # from this side: nobody will read
        self.on_the_way = 0
        self.session = self.host.channel(self.on_output, self.on_close)
        self.line = Line(self.session)
        self.line.belong_to(self.loop)

    def arrived(self, data: bytes) -> None:
        """The loop has come to what on_output gave it."""
        self.on_the_way -= 1
        if not self.left:
            self.reader.feed_data(data)

    def on_output(self, session: Session) -> None:
        """The engine has replies for us; it may say so in another thread."""
        self.line.touched = True
        self.on_the_way += 1
        try:
            self.loop.call_soon_threadsafe(self.arrived, session.take_output())
        except RuntimeError:
            # our loop is closed and nobody will ever read: whoever sent the message must not suffer from it
            self.closed = True
            session.close()

    def on_close(self, session: Session) -> None:
        """The engine ended the connection."""
        data = session.take_output()
        session.close()
        self.closed = True
        # a loop that is closed has no reader that could be told
        with contextlib.suppress(RuntimeError):
            if data:
                self.loop.call_soon_threadsafe(self.reader.feed_data, data)
            self.loop.call_soon_threadsafe(self.reader.feed_eof)

    def write(self, data: bytes) -> None:
        """Runs the commands in data."""
        if self.closed:
            raise ConnectionResetError("the engine closed this connection")
        self.host.feed(self.session, data)

    def writelines(self, chunks: Iterable[bytes]) -> None:
        """Runs the commands in the chunks."""
        self.write(b"".join(chunks))

    async def drain(self) -> None:
        """Lets the reader have what was replied."""
        await asyncio.sleep(0)

    def is_closing(self) -> bool:
        """Whether the connection has ended."""
        return self.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """There is nothing to be told."""
        return default

    def close(self) -> None:
        """Ends the connection; may be called twice."""
        if not self.closed:
            self.leave()
            self.reader.feed_eof()

    def leave(self) -> None:
        """The same, where the loop is not the running one."""
        self.closed = self.left = True
        self.host.leave(self.session)

    async def wait_closed(self) -> None:
        """Closing takes no time."""


def leave_other_loop(connection: Any) -> None:
    """Lets a connection connect anew that was made in another loop, which may have ended: whoever has the client may use it in each."""
    writer = connection._writer
    if isinstance(writer, LocalWriter) and writer.loop is not asyncio.get_running_loop():
        writer.leave()
        connection._reader = connection._writer = None


class LocalConnection(AbstractConnection):
    """A redis-py asyncio connection to an engine in process."""

    has_run = False  # what redis-py is about to send: the replies are there

    def __init__(self, *, engine: Engine, socket_timeout: float | None = None, **kwargs: Any) -> None:
        self.engine = engine
        # redis-py 8 gives up after 5 s by itself, which a command that blocks for longer must not
        super().__init__(socket_timeout=socket_timeout, **with_driver(kwargs))

    def repr_pieces(self) -> list[tuple[str, Any]]:
        """What redis-py shows of this connection."""
        return [("engine", id(self.engine)), ("db", self.db)]

    def set_parser(self, parser_class: Any) -> None:
        """Sets what reads the replies."""
        super().set_parser(parser_class)
        show_errors(self._parser)

    def settled(self) -> bool:
        """May commands be run past this connection, on its session? Tells the line how."""
        writer: LocalWriter = self._writer  # type: ignore[assignment]  # only asked of one that is connected
        parser: Any = self._parser
        reader: Any = getattr(parser, "_reader", None)
        unread = reader.has_data() if reader is not None else parser._buffer or parser._chunks
        received: Any = writer.reader
        if not is_plain(self) or writer.closed or writer.on_the_way or received._buffer or unread:
            return False
        writer.line.decode = self.encoder.decode_responses
        writer.line.errors = self.encoder.encoding_errors
        return True

    async def connect(self) -> None:
        """Connects, unless it is connected, in the running loop."""
        leave_other_loop(self)
        await super().connect()  # type: ignore[no-untyped-call]

    def pack_commands(self, commands: Any) -> list[bytes]:
        """What is to be sent for commands: nothing when they have been run."""
        return [] if self.has_run else super().pack_commands(commands)

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Sends what was packed."""
        if not self.has_run:
            await super().send_packed_command(command, check_health)
        self.has_run = False

    async def _connect(self) -> None:
        writer = LocalWriter(self.engine)
        self._reader = writer.reader
        self._writer = writer  # type: ignore[assignment]

    def _host_error(self) -> str:
        return "in process"


class LocalRedis(redis.asyncio.Redis):
    """A redis.asyncio.Redis that runs plain commands without a detour through bytes; all else as redis.asyncio.Redis does."""

    caller: Caller | None = None
    set = set_value
    set_with_options = redis.asyncio.Redis.set

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.caller = caller_for(self, ConnectionPool, LocalConnection, "_writer")
        self.calls_until_others = CALLS_UNTIL_OTHERS

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Execute a command and return a parsed response"""
        self.calls_until_others -= 1
        if self.calls_until_others <= 0:
            await self.let_others()
        value = try_command(self, args, options)
        if value is NOT_RUN:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        if type(value) is Unread:
            return await self.read_unread(value.connection, args, options)
        if type(value) not in FINAL and inspect.isawaitable(value):
            return await value
        return value

    async def let_others(self) -> None:
        """Who only asks for what is there never waits: the loop's other tasks want their turn all the same."""
        self.calls_until_others = CALLS_UNTIL_OTHERS
        await asyncio.sleep(0)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> LocalPipeline:
        """Return a new pipeline object that can queue multiple commands for later execution; see redis.asyncio.Redis.pipeline."""
        return LocalPipeline(self, transaction, shard_hint)

    async def read_unread(self, connection: LocalConnection, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """The answer to a command that was run, from the reply that the connection holds or is waiting for; gives the connection back.

        It is the first of the attempts that the client makes: if its connection ended instead, the command is sent again if it should be.
        """
        sent = True

        async def attempt() -> Any:
            nonlocal sent
            if not sent:
                await connection.send_command(*args)
            sent = False
            return await self.parse_response(connection, args[0], **options)  # type: ignore[arg-type]  # it is one in all but its class

        try:
            return await connection.retry.call_with_retry(attempt, on_failure(self, connection))
        finally:
            await self.connection_pool.release(connection)


class LocalPipeline(Pipeline):
    """A pipeline that runs its commands in one turn, without a detour through bytes, if all of them are plain; else as redis-py does."""

    execute_command = queue_command
    queue_or_run = Pipeline.execute_command
    set = set_value
    set_with_options = redis.asyncio.Redis.set

    def __init__(self, client: LocalRedis, transaction: bool, shard_hint: str | None) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, shard_hint)
        self.made_by = client

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Execute all the commands in the current pipeline"""
        stack = self.command_stack
        if self.made_by.caller is None or not stack or self.scripts or self.watching:
            return await super().execute(raise_on_error)
        self.made_by.calls_until_others -= len(stack)
        if self.made_by.calls_until_others <= 0:
            await self.made_by.let_others()
        if self.connection is None:
            # it is given back by reset
            self.connection = await self.connection_pool.get_connection(*OF_A_PIPELINE)  # type: ignore[no-untyped-call]
        is_transaction = self.is_transaction or self.explicit_transaction
        try:
            answers = run_pipeline(self, is_transaction, () if is_transaction else redis.ResponseError)
            if answers is NOT_RUN:
                return await super().execute(raise_on_error)
            for place, answer in enumerate(answers):
                if type(answer) not in FINAL and inspect.isawaitable(answer):
                    answers[place] = await answer
            if raise_on_error:
                self.raise_first_error(stack, answers)
            return answers  # type: ignore[no-any-return]
        except ConnectionError as error:
            raise redis.ConnectionError(str(error)) from None
        finally:
            await self.reset()  # type: ignore[no-untyped-call]


def connect_async(
    engine: Engine | str | None = None, *, share: bool = False, single_connection_client: bool = False, **options: Any
) -> redis.asyncio.Redis:
    """A redis.asyncio.Redis on `engine`, on the store of a URL, or on a new engine of its own: see zippy.connect.

    options: redis.asyncio.Redis's.
    """
    found = engine_for(engine, share)
    kind = import_module("zippy.inprocess.shared_aio").SharedConnection if is_shared(found) else LocalConnection
    pool = ConnectionPool(connection_class=kind, engine=found, **options)
    return LocalRedis(connection_pool=pool, single_connection_client=single_connection_client)
