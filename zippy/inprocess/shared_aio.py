"""redis.asyncio's connections to a store that several processes share."""

from __future__ import annotations

import asyncio
import socket

import redis

from zippy.inprocess.aio import LocalConnection
from zippy.inprocess.host import Host
from zippy.inprocess.shared import SharedEngine
from zippy.inprocess.shared_sync import OWNERS, is_final
from zippy.persistence.folder_lock import FolderError


def close_unused(reached: asyncio.Future[Host | socket.socket]) -> None:
    """Nobody waits for this connection any more."""
    if not reached.cancelled() and reached.exception() is None and isinstance(way := reached.result(), socket.socket):
        way.close()


class SharedConnection(LocalConnection):
    """See zippy.inprocess.shared_sync. The loop goes on while an owner is waited for, or the store is loaded."""

    for_shared = LocalConnection
    engine: SharedEngine

    async def connect(self) -> None:
        """See zippy.inprocess.shared_sync."""
        for _ in range(OWNERS):
            try:
                await super().connect()
                return
            except redis.ConnectionError as error:
                failure = error
                if is_final(error):
                    break
        raise failure

    async def _connect(self) -> None:
        reached = asyncio.get_running_loop().run_in_executor(None, self.engine.reach)
        try:
            way = await asyncio.shield(reached)
        except FolderError as error:
            raise redis.ConnectionError(str(error)) from error
        except asyncio.CancelledError:
            reached.add_done_callback(close_unused)
            raise
        if isinstance(way, Host):
            await super()._connect()
            return
        self._reader, self._writer = await asyncio.open_unix_connection(sock=way)

    def _host_error(self) -> str:
        return str(self.engine.socket_path)
