"""Which of redis-py's clients and connections are so plain that commands may be run past them."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from functools import partial
from typing import Any

import redis
from redis._parsers import _AsyncHiredisParser, _AsyncRESP2Parser, _AsyncRESP3Parser, _HiredisParser, _RESP2Parser, _RESP3Parser
from redis._parsers.encoders import Encoder

from zippy._core.local import Caller
from zippy.inprocess.engine import host_of

PARSERS = (_AsyncHiredisParser, _AsyncRESP2Parser, _AsyncRESP3Parser, _HiredisParser, _RESP2Parser, _RESP3Parser)

# what a pipeline tells the pool that it wants a connection for; redis-py before 5.3 asks for it, and those that follow warn of it
OF_A_PIPELINE: tuple[str, ...] = ("MULTI",) if redis.VERSION < (5, 3) else ()


def is_plain(connection: Any) -> bool:
    """Has the connection no option that does something to single commands or replies beside what Caller does?"""
    encoder = connection.encoder
    maintenance = getattr(connection, "maint_notifications_config", None)
    return (
        type(encoder) is Encoder
        and codecs.lookup(encoder.encoding).name == "utf-8"
        and type(connection._parser) in PARSERS
        and not connection.health_check_interval
        and connection.credential_provider is None
        and not getattr(maintenance, "enabled", False)
    )


def caller_for(client: Any, pool_class: type[Any], connection_class: type[Any], socket_name: str) -> Caller | None:
    """What runs the client's plain commands, or None if its pool is an unusual one, or the store is not in this process yet."""
    pool: Any = client.connection_pool
    if type(pool) is not pool_class or getattr(pool, "cache", None) is not None:
        return None
    if pool.connection_class is connection_class:
        return make_caller(client, socket_name)
    if getattr(pool.connection_class, "for_shared", None) is connection_class:
        pool.connection_kwargs["engine"].when_owned(client, partial(set_caller, socket_name))
    found: Caller | None = client.caller
    return found


def make_caller(client: Any, socket_name: str) -> Caller:
    """A Caller for a client whose store is in this process."""
    pool: Any = client.connection_pool
    host = host_of(pool.connection_kwargs["engine"])
    return Caller(host, pool, pool.connection_class, socket_name, type(client.response_callbacks))


def set_caller(socket_name: str, client: Any) -> None:
    """The client's store is in this process from now on."""
    client.caller = make_caller(client, socket_name)


def on_failure(client: Any, connection: Any) -> Callable[[Exception], Any]:
    """What the client has to do when an attempt on the connection failed; redis-py before 6.1 decides there whether it is the last one."""
    decide = getattr(client, "_disconnect_raise", None)
    return partial(decide, connection) if decide is not None else lambda error: connection.disconnect()
