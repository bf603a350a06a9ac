"""redis.asyncio.Redis on an engine in process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

import redis.asyncio
from redis.asyncio.connection import AbstractConnection, ConnectionPool

from zippy._core.session import Session
from zippy.inprocess.engine import Engine


class LocalWriter:
    """What redis-py needs of a StreamWriter: what is written runs at once, replies go to the reader."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader(limit=1 << 62)
        self.closed = False
        self.session = engine.channel(self.on_output, self.on_close)

    def on_output(self, session: Session) -> None:
        """The engine has replies for us; it may say so in another thread."""
        try:
            self.loop.call_soon_threadsafe(self.reader.feed_data, session.take_output())
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
        self.engine.feed(self.session, data)

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
            self.closed = True
            self.engine.leave(self.session)
            self.reader.feed_eof()

    async def wait_closed(self) -> None:
        """Closing takes no time."""


class LocalConnection(AbstractConnection):
    """A redis-py asyncio connection to an engine in process."""

    def __init__(self, *, engine: Engine, **kwargs: Any) -> None:
        self.engine = engine
        super().__init__(**kwargs)

    def repr_pieces(self) -> list[tuple[str, Any]]:
        """What redis-py shows of this connection."""
        return [("engine", id(self.engine)), ("db", self.db)]

    async def _connect(self) -> None:
        writer = LocalWriter(self.engine)
        self._reader = writer.reader
        self._writer = writer  # type: ignore[assignment]

    def _host_error(self) -> str:
        return "in process"


def connect_async(engine: Engine | None = None, **options: Any) -> redis.asyncio.Redis:
    """A redis.asyncio.Redis on `engine`, or on a new one of its own; options are redis.asyncio.Redis's."""
    pool = ConnectionPool(connection_class=LocalConnection, engine=engine or Engine(), **options)
    return redis.asyncio.Redis(connection_pool=pool)
