"""A running server as a store, through redis-py, which the extra `redis` brings."""

from __future__ import annotations

import contextlib
import importlib
from typing import Any

from zippy._core.resp.kinds import ReplyError
from zippy.persistence.data_files import DataFileError
from zippy.persistence.scratch import Request

SCHEMES = ("redis://", "rediss://", "unix://")


def is_address(text: object) -> bool:
    """Whether this names a server and no file."""
    return str(text).startswith(SCHEMES)


class Live:
    """One connection to a server."""

    def __init__(self, redis: Any, address: str) -> None:
        self.redis = redis
        # a connection of its own and no client: replies come as they are, and SELECT holds
        pool: Any = redis.ConnectionPool.from_url(address, protocol=2)
        self.connection = pool.make_connection()
        self.connection.connect()

    def call(self, requests: list[Request]) -> list[Any]:
        """See Store."""
        with lost_connection(self.redis):
            self.connection.send_packed_command(self.connection.pack_commands(requests))
            return [self.read() for _ in requests]

    def read(self) -> Any:
        """One reply."""
        try:
            return self.connection.read_response()
        except self.redis.ResponseError as error:
            return ReplyError(str(error))

    def databases(self) -> list[tuple[int, int]]:
        """See Store."""
        (info,) = self.call([[b"INFO", b"keyspace"]])
        if isinstance(info, ReplyError):
            raise DataFileError(f"The server does not tell what it holds: {info}")
        found = []
        for line in info.decode().splitlines():
            if line.startswith("db"):
                name, _, facts = line.partition(":")
                found.append((int(name[2:]), int(dict(fact.split("=") for fact in facts.split(","))["keys"])))
        return found


@contextlib.contextmanager
def lost_connection(redis: Any) -> Any:
    """Has redis-py's errors be sentences for the user."""
    try:
        yield
    except redis.RedisError as error:
        raise DataFileError(f"The server: {error}") from None


def redis_py() -> Any:
    """The module, not before it is needed: it takes a third of a server's start and a fifth of its memory, and a server has no use for it.
    DataFileError when it is not installed."""
    try:
        return importlib.import_module("redis")
    except ImportError:
        raise DataFileError("redis-py is needed to reach a server: pip install 'zippy[redis]'") from None


def kwargs_of(address: str) -> dict[str, Any]:
    """What redis-py makes of an address, and `tls`: whether it is one of TLS. DataFileError when it is none."""
    redis = redis_py()
    try:
        pool = redis.ConnectionPool.from_url(address)
    except ValueError as error:
        raise DataFileError(f"{address}: {error}") from None
    return {**pool.connection_kwargs, "tls": issubclass(pool.connection_class, redis.SSLConnection)}


def connect(address: str) -> Live:
    """The server with this address. DataFileError when it cannot be reached, or redis-py is not installed."""
    redis = redis_py()
    try:
        with lost_connection(redis):
            return Live(redis, address)
    except ValueError as error:
        raise DataFileError(f"{address}: {error}") from None
