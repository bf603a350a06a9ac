"""redis-py's connections to a store that several processes share."""

from __future__ import annotations

import socket
from typing import Any

import redis
from redis.connection import AbstractConnection

from zippy.inprocess.host import Host
from zippy.inprocess.shared import SharedEngine
from zippy.inprocess.sync import LocalConnection, LocalSocket
from zippy.persistence.folder_lock import FolderError


class SharedConnection(LocalConnection):
    """A connection to the store in this process, or to the process that has it. When that goes, so does the connection, and the next
    _connect leads to whoever has the store then."""

    for_shared = LocalConnection
    engine: SharedEngine

    def can_read(self, timeout: float = 0) -> bool:
        """Is there a reply or a message?"""
        if self._sock is None:
            self.connect()  # type: ignore[no-untyped-call]  # redis-py has no types there
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
