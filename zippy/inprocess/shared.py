"""An engine whose store several processes share: one of them has it open and serves the others through a Unix socket in its folder.

The lock of the system on the folder says who that is. Whoever needs the store and reaches nobody tries to take the folder, and either has
the store then, or finds who was faster. So nobody watches anybody, and a process that is killed at any point leaves nothing to be put in
order but a socket's file, which the next owner replaces.
"""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import threading
import time
import weakref
from asyncio import new_event_loop
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from zippy._core.local import Direct
from zippy._core.resp.kinds import ReplyError
from zippy.functions import Function, functions_of
from zippy.inprocess.door import Door, admission_of
from zippy.inprocess.engine import Engine, chosen_settings, open_folder
from zippy.inprocess.host import Host
from zippy.inprocess.remote import Remote, word
from zippy.inprocess.state import Snapshot
from zippy.persistence.folder_lock import FolderError, FolderInUse, FolderLock
from zippy.server.listeners import Listeners
from zippy.server.unix_address import unix_address

SOCKET = "zippy.sock"  # in the folder
OWNER_ONLY = 0o600
PATIENCE = 60.0  # seconds for which an owner that shares may load the store before it answers
ANSWER_SECONDS = 5.0  # for one try: a script may keep the owner for a while
GRACE = 0.3  # seconds after which the lock's file says whether its owner shares: it is written behind the lock
NAMELESS = 5.0  # seconds for an owner that the file does not name yet: on a busy machine it may come late to that
LONGEST_PAUSE = 0.02  # seconds between two tries
ELSEWHERE = "another process has the store in {}: that is for its owner alone"
CLOSED = "the engine is closed"


def is_running(pid: int) -> bool:
    """Whether there is a process of this number, as far as this one can tell."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def patience_with(error: FolderInUse) -> float:
    """Seconds to wait for whoever has the folder. One that has gone is who had it before."""
    if error.shares:
        return PATIENCE
    return GRACE if error.pid and is_running(error.pid) else NAMELESS


class SharedEngine(Engine):
    """What Engine(path, share=True) makes. Its store is in this process, or reached through the socket of the one that has it."""

    _is_shared = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        share: bool = True,
        functions: Iterable[ModuleType | Function] = (),
        **settings: str | int | bool,
    ) -> None:
        self._folder = open_folder(path)
        self._given = settings
        self._functions = functions_of(functions)
        self._password = chosen_settings(settings, self._folder).text("requirepass")
        self._owned: Host | None = None  # the store, if it is here
        self._door: Door | None = None
        self._remote: Remote | None = None  # for execute
        self._database = 0  # that execute has selected
        self._connections: weakref.WeakSet[socket.socket] = weakref.WeakSet()  # to the owner
        self._on_owned: weakref.WeakKeyDictionary[Any, Callable[[Any], None]] = weakref.WeakKeyDictionary()
        self._closed = False
        self._process = os.getpid()
        self._reaching = threading.Lock()
        self._executing = threading.Lock()
        self._remote = self._new_remote()

    @property
    def _host(self) -> Host:  # type: ignore[override]  # here it can be missing
        self._look_at_process()
        if self._owned is None:
            raise RuntimeError(ELSEWHERE.format(self._folder))
        return self._owned

    @property
    def socket_path(self) -> Path:
        """Where the owner is reached."""
        return self._folder / SOCKET

    # Reaching the store

    def reach(self) -> Host | socket.socket:
        """The store, if it is in this process, or a connection to the process that has it; takes it over if there is none.

        FolderError says why the folder cannot be opened, FolderInUse by whom it is used. ConnectionError: the engine was closed."""
        self._look_at_process()
        collected = False
        began = time.monotonic()
        pause = 0.001
        while True:
            try:
                with self._reaching:
                    return self._reach_now()
            except FolderInUse as error:
                waited = time.monotonic() - began
                if waited > patience_with(error):
                    raise
                if error.pid == os.getpid() and not collected:
                    # perhaps a store that nobody refers to any more
                    collected = True
                    gc.collect()
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _reach_now(self) -> Host | socket.socket:
        """One try of reach."""
        if self._closed:
            raise ConnectionError(CLOSED)
        if self._owned is None:
            connection = self._connect()
            if connection is not None:
                self._connections.add(connection)
                return connection
            self._take_over()
        assert self._owned is not None
        return self._owned

    def _connect(self) -> socket.socket | None:
        """A connection to whoever has the store and answers; None: nobody does."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(ANSWER_SECONDS)
            with unix_address(str(self.socket_path)) as address:
                connection.connect(address)
            # one that is about to end accepts, and answers no more; a reply of any kind is an answer
            connection.sendall(b"PING\r\n")
            while not (reply := connection.recv(1000)).endswith(b"\n"):
                if not reply:
                    raise ConnectionResetError
            connection.settimeout(None)
        except OSError:
            connection.close()
            return None
        return connection

    def _take_over(self) -> None:
        """Opens the store here and serves the others. FolderInUse when somebody has it."""
        lock = FolderLock(alone=True, shares=True)
        lock.hold(self._folder)
        try:
            host = Host(chosen_settings(self._given, self._folder), True)
            if self._functions:
                host.server.add_functions(self._functions)
            host.open(lock)
        except BaseException:
            lock.leave()
            raise
        try:
            self._door = serve_folder(host, self._folder)
        except BaseException:
            host.close()
            raise
        self._owned = host
        self._direct = Direct(host)
        if self._database:
            self._direct_execute("SELECT", self._database)
        # the host does not end by itself: its thread has it
        weakref.finalize(self, host.abandon).atexit = False
        for client, tell in list(self._on_owned.items()):
            tell(client)

    def _look_at_process(self) -> None:
        """In a forked child the store is the parent's, which is reached as by anybody else."""
        if self._process == os.getpid():
            return
        self._process = os.getpid()
        self._owned = self._door = None
        self._reaching, self._executing = threading.Lock(), threading.Lock()
        for connection in list(self._connections):
            # a copy of the parent's: closing ends nothing but that
            connection.close()
        self._connections.clear()
        self._remote = None

    def when_owned(self, client: Any, tell: Callable[[Any], None]) -> None:
        """Has tell(client) called when the store is in this process, now or later."""
        with self._reaching:
            if self._owned is not None and not self._owned.core.forked:
                tell(client)
            else:
                self._on_owned[client] = tell

    # What an engine does

    @property
    def _is_closed(self) -> bool:
        return self._closed or (self._owned is not None and self._owned.closed)

    def execute(self, *args: Any) -> Any:
        """See Engine."""
        owned = self._owned
        if owned is not None and not owned.core.forked:
            return self._direct_execute(*args)
        value = self.execute_many([args])[0]
        if isinstance(value, ReplyError):
            raise value
        return value

    def execute_many(self, commands: Iterable[Iterable[Any]]) -> list[Any]:
        """See Engine. ConnectionError: the store's owner went while it had the commands, which may have been run, or not."""
        all_words = [tuple(command) for command in commands]
        self._look_at_process()
        if self._owned is not None:
            return self._direct_execute_many(all_words)
        encoded = [tuple(map(word, words)) for words in all_words]
        if not all(encoded):
            raise TypeError("a command has a name at least")
        with self._executing:
            remote = self._ready_remote()
            if remote is not None:
                try:
                    return remote.run(encoded)
                finally:
                    self._database = remote.database
        return self._direct_execute_many(all_words)

    def _ready_remote(self) -> Remote | None:
        """The connection of execute, a new one if its other end has gone; None when the store is here."""
        if self._remote is None or not self._remote.is_alive():
            if self._remote is not None:
                self._remote.close()
                self._remote = None
            self._remote = self._new_remote()
        return self._remote

    def _new_remote(self) -> Remote | None:
        """See _ready_remote."""
        while isinstance(way := self.reach(), socket.socket):
            # an owner that ends meanwhile is none
            with contextlib.suppress(ConnectionError):
                return Remote(way, self._database, self._password)
        return None

    def _direct_execute(self, *words: Any) -> Any:
        return Engine.execute(self, *words)

    def _direct_execute_many(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        return Engine.execute_many(self, commands)

    def snapshot(self) -> Snapshot:
        """See Engine. RuntimeError when another process has the store."""
        self._host.refuse_fork()
        return super().snapshot()

    def close(self, save: bool | None = None) -> None:
        """See Engine. Where another process has the store, it stays there: connections from here end."""
        with self._reaching:
            owned = self._owned
            if owned is None:
                self._closed = True
        if owned is not None:
            owned.close(save)
            self._closed = True
            return
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        with self._executing:
            if self._remote is not None:
                self._remote.close()


def serve_folder(host: Host, folder: Path) -> Door:
    """Serves a store that was opened to those who share its folder. FolderError when that cannot be."""
    loop = new_event_loop()
    door = Door(host, loop, Listeners(host.core, host.settings, admission_of(host)), keeps_time=False)
    try:
        door.open_unix(str(folder / SOCKET), OWNER_ONLY)
    except OSError as error:
        loop.close()
        raise FolderError(f"Cannot share the folder {folder}: {error.strerror or error}") from None
    door.run_in_thread()
    return door
