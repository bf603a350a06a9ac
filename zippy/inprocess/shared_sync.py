"""redis-py's connections to a store that several processes share."""

from __future__ import annotations

import socket
from typing import Any

import redis
from redis.connection import AbstractConnection

from zippy.inprocess.host import Host
from zippy.inprocess.shared import CLOSED, SharedEngine
from zippy.inprocess.sync import LocalConnection, LocalSocket
from zippy.persistence.folder_lock import FolderError

OWNERS = 5  # that may come and go while one connection is made


def is_final(error: redis.ConnectionError) -> bool:
    """Whether another try to connect is in vain: the folder cannot be had, or the engine is closed or wants a password."""
    return isinstance(error.__cause__, FolderError) or isinstance(error, redis.AuthenticationError) or CLOSED in str(error)


class SharedConnection(LocalConnection):
    """A connection to the store in this process, or to the process that has it. When that goes, so does the connection, and the next
    _connect leads to whoever has the store then."""

    for_shared = LocalConnection
    engine: SharedEngine

    def connect(self) -> None:
        """Connects to whoever has the store; an owner that ends in the middle of that is none."""
        for _ in range(OWNERS):
            try:
                super().connect()  # type: ignore[no-untyped-call]  # redis-py has no types there
                return
            except redis.ConnectionError as error:
                failure = error
                if is_final(error):
                    break
        raise failure

    def can_read(self, timeout: float = 0) -> bool:
        """Is there a reply or a message?"""
        if self._sock is None:
            self.connect()
        if isinstance(self._sock, LocalSocket):
            return super().can_read(timeout)
        readable: Any = AbstractConnection.can_read
        return bool(readable(self, timeout))

    def _connect(self) -> LocalSocket | socket.socket:  # type: ignore[override]  # either is a socket to redis-py
        try:
            way = self.engine.reach()
        except FolderError as error:
            raise redis.ConnectionError(str(error)) from error
        if isinstance(way, Host):
            return super()._connect()
        way.settimeout(self.socket_timeout)
        return way

    def _host_error(self) -> str:
        return str(self.engine.socket_path)
