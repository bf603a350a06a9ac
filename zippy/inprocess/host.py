"""What an engine in process is made of: a core, the lock that its callers share, and the work that has no process of its own to do it."""

from __future__ import annotations

import atexit
import gc
import os
import threading
import time
import weakref
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from zippy._core.callback_transport import CallbackTransport
from zippy._core.client_list import ClientState
from zippy._core.resp.kinds import ReplyError
from zippy._core.resp.values import Words
from zippy._core.session import Session, Transport
from zippy.inprocess.alone import bind_alone
from zippy.inprocess.refusals import NO_SOCKETS, refuse_changes
from zippy.persistence.folder_lock import FolderInUse, FolderLock
from zippy.server.log import log
from zippy.server.parts import Parts
from zippy.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from zippy.inprocess.kept import Kept
    from zippy.server.admission import Admission
    from zippy.server.listeners import Listeners

CRON_SECONDS = 0.1
FORKED = "this zippy.Engine was made before the process forked, and stayed with its parent: make one in the child, or run a server for both"

FORKED_KEPT = (
    "this zippy.Engine was made before the process forked, and stayed with its parent, whose folder {} is: with share=True each process "
    "that opens it reaches the same store"
)

NO_FILES = "ERR an engine in process without a folder keeps no files; Engine(path=...) and zippy-server do"

# all of this process, so that a forked child can tell which were its parent's
_hosts: weakref.WeakSet[Host] = weakref.WeakSet()

# called with each new one
newcomers: list[Callable[[Host], None]] = []


def _after_fork_in_child() -> None:
    for host in _hosts:
        host.core.forked = True
        for door in host.doors:
            door.forget()
        if host.kept is not None:
            # the folder is the parent's: its lock must not live on here
            host.kept.lock.leave()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def living_hosts() -> list[Host]:
    """All of this process that are not closed."""
    return [host for host in list(_hosts) if not host.closed and not host.core.forked]


@atexit.register
def _close_all() -> None:
    """What is kept in folders is saved at the process's end."""
    for host in list(_hosts):
        try:
            if host.kept is not None or host.doors:
                host.close()
        except Exception as error:
            log.critical("What is in memory of the store in %s could not be saved: %s", host.settings.text("dir"), error)


def keeps_no_files(session: Session, args: Words) -> Any:
    """SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF and WAITAOF."""
    raise ReplyError(NO_FILES)


class Entrance(Protocol):
    """Through which others than callers of this process come to an engine: zippy.inprocess.door.Door."""

    def refusal(self) -> str:
        """Why settings of sockets cannot be changed by this thread, "" if they can."""

    def close(self, waits: bool = True) -> None:
        """Ends its connections; the lock is not held, or it does not wait."""

    def hide(self) -> None:
        """Takes the Unix socket's file away; the lock is held."""

    def forget(self) -> None:
        """In a forked child: lets go of the parent's descriptors."""


class Host:
    """Keeps a core going between its callers, who hold `lock` in each call."""

    def __init__(self, settings: Settings, has_folder: bool = False) -> None:
        self.lock = threading.RLock()
        self.settings = settings
        self.doors: list[Entrance] = []  # through which others than callers of this process come
        self.timekeeper: Entrance | None = None  # the one of them that does what comes with time
        self.admission: Admission | None = None  # theirs, once there was one
        self.listeners: Listeners | None = None  # the same: of the settings' addresses
        # before the parts of the server hear of a change, and carry it out
        refuse_changes(settings, has_folder, self.socket_refusal)
        self.server = Parts(settings)
        self.core = self.server.core
        self.kept: Kept | None = None
        self.abandoned = False  # nobody refers to the engine any more: the store's thread closes it
        for name in ("save", "bgsave", "lastsave", "bgrewriteaof", "waitaof"):
            self.core.bind(name, keeps_no_files)
        bind_alone(self.core)
        self.channels = 0
        self.cron_due = 0.0
        self.timer: threading.Timer | None = None
        self.timer_due = 0.0
        self.closed = False
        self.watcher: Callable[[Session, bytes], None] | None = None
        _hosts.add(self)
        for greet in list(newcomers):
            greet(self)

    def open(self, lock: FolderLock | None = None) -> None:
        """Has the store kept in the folder of the setting `dir` from now on. lock: that of the folder, if it is held already. FolderError
        when that cannot be."""
        # who keeps nothing need not load what keeps it
        make: Callable[..., Kept] = import_module("zippy.inprocess.kept").Kept
        self.kept = kept = make(self.server, self.settings, self.run_step, self.do_due, lock or FolderLock(alone=True))
        try:
            kept.open()
        except FolderInUse as error:
            if error.pid != os.getpid():
                raise
            self.open_after_abandoned(kept)

    def open_after_abandoned(self, kept: Kept) -> None:
        """Opens a folder that this process has, once a store in it that nobody refers to any more has been closed."""
        self.wait_for_abandoned(kept.folder)
        try:
            kept.open()
        except FolderInUse:
            # who has it may have been left behind with all that refers to it; to find that takes as long as opening ten stores
            gc.collect()
            self.wait_for_abandoned(kept.folder)
            kept.open()

    def wait_for_abandoned(self, folder: Path) -> None:
        """Waits for the stores of this process in the same folder that are known to be abandoned."""
        for other in list(_hosts):
            if other.abandoned and other.kept is not None and other.kept.folder == folder:
                other.kept.join()

    def abandon(self) -> None:
        """The engine is gone. The collector may say so in the middle of anything, so the store's thread does the rest."""
        if self.kept is not None and not self.core.forked and not self.closed:
            self.abandoned = True
            self.kept.thread.call_soon(self.close_abandoned)

    def close_abandoned(self) -> None:
        """Saves and closes, or says why that cannot be and closes all the same: there is nobody who could try again."""
        try:
            self.close()
        except OSError as error:
            log.critical("What is in memory of the store in %s could not be saved: %s", self.settings.text("dir"), error)
            self.close(force=True)

    def run_step(self, work: Callable[..., object], *args: Any) -> None:
        """Runs what is to be done without a caller, with the lock held; nothing once the engine is closed."""
        with self.lock:
            if self.closed:
                return
            try:
                work(*args)
                self.core.end_turn()
            except ConnectionError:
                if not self.failure:
                    raise
                self.end_failed()

    def socket_refusal(self) -> str:
        """Why the settings of sockets cannot be changed now and by this thread, "" if they can."""
        return NO_SOCKETS if self.timekeeper is None else self.timekeeper.refusal()

    def serve_step(self, work: Callable[..., object], *args: Any) -> None:
        """Runs what a door has for the engine, as a caller's commands are run."""
        with self.lock:
            self.run_step(work, *args)
            if not self.closed:
                self.do_chores()

    def refuse_fork(self) -> None:
        """RuntimeError in a forked child."""
        if self.core.forked:
            raise RuntimeError(FORKED if self.kept is None else FORKED_KEPT.format(self.kept.folder))

    def refuse_closed(self) -> None:
        """ConnectionError when the engine is closed."""
        if self.closed:
            raise ConnectionError(f"the engine is closed: {self.failure}" if self.failure else "the engine is closed")

    def new_session(self, transport: Transport | None) -> Session:
        """A session for one more client; the lock is held. ConnectionError when the engine is closed."""
        self.refuse_closed()
        self.channels += 1
        return Session(self.core, transport, b"127.0.0.1:%d" % self.channels, ClientState("127.0.0.1:0"))

    def channel(self, on_output: Any, on_close: Any) -> Session:
        """A session whose replies are announced by on_output(session) and whose end by on_close(session), with the lock held.

        ConnectionError when the engine is closed, RuntimeError in a forked child."""
        self.refuse_fork()
        with self.lock:
            session = self.new_session(CallbackTransport(on_output, on_close))
            self.core.end_turn()
            return session

    def feed(self, session: Session, data: bytes) -> None:
        """Runs the commands in data; what they have to say comes through on_output before this returns."""
        self.refuse_fork()
        with self.lock:
            try:
                if self.watcher is None:
                    session.feed(data)
                else:
                    self.watcher(session, data)
                self.core.end_turn()
                self.do_chores()
            except ConnectionError:
                self.end_failed()
                raise

    def watch(self, watcher: Callable[[Session, bytes], None] | None) -> None:
        """Has watcher(session, data) called instead of session.feed(data), the lock held, for what clients send; None: no more."""
        with self.lock:
            self.watcher = watcher
            self.core.watched = watcher is not None

    def do_chores(self) -> None:
        """What is due beside the commands; the lock is held."""
        if self.timekeeper is not None:
            return
        self.do_due()
        if self.kept is not None:
            self.kept.called()

    def do_due(self) -> None:
        """What is due whether or not somebody has called, unless another one sees to it; the lock is held."""
        if self.timekeeper is not None:
            return
        while not self.core.free_some():
            pass
        now = time.monotonic()
        if now >= self.cron_due:
            self.cron_due = now + CRON_SECONDS
            self.core.cron()
            self.server.cron.do_work()
            self.core.expire(1000)
            if self.settings.flag("activedefrag") and not self.server.cron.is_saving():
                self.core.compact(1000)
            # what waited for the disk may have been answered
            self.core.end_turn()
        self.arrange_wake()

    def take_time_back(self) -> None:
        """Nobody else does what comes with time any more; the lock is held."""
        self.timekeeper = None
        self.server.cron.stop()
        self.core.schedule_wake = None
        self.core.free_between_turns(None)
        if not self.closed:
            self.do_chores()

    def leave(self, session: Session) -> None:
        """Ends a session from the client's side; nothing in a forked child, whose lock may be held for ever."""
        if not self.core.forked:
            with self.lock:
                session.close()

    def arrange_wake(self) -> None:
        """Sees to it that clients blocked with a timeout hear of its end, unless another one does."""
        if self.timekeeper is not None:
            return
        delay = self.core.seconds_to_deadline()
        if delay is None:
            return
        due = time.monotonic() + delay
        if self.timer is not None:
            if self.timer_due <= due:
                return
            self.timer.cancel()
        self.timer_due = due
        self.timer = threading.Timer(delay, self.wake)
        self.timer.name = "zippy-wake"
        self.timer.daemon = True
        self.timer.start()

    def wake(self) -> None:
        """Answers those whose time is over; runs in the timer's thread."""
        self.run_step(self.serve_deadlines)

    def serve_deadlines(self) -> None:
        """The body of `wake`."""
        self.timer = None
        self.core.wake()
        self.arrange_wake()
        if self.kept is not None:
            self.kept.called()

    @property
    def failure(self) -> str:
        """Why the store had to end, "" if it had not."""
        return self.kept.failure if self.kept is not None else ""

    def end_failed(self) -> None:
        """Closes a store that cannot keep what it was given; what it had to say about that is said to nobody. The lock is held."""
        if self.failure and not self.closed:
            self.core.journal = None
            for session in self.core.sessions.values():
                session.take_output()
            self.close(force=True)

    def close(self, save: bool | None = None, force: bool = False) -> None:
        """Saves and ends all connections; may be called twice. Those who wait on one get a ConnectionError. OSError: it could not be saved,
        and stays open. force: closes without a word about that."""
        if self.core.forked:
            return
        with self.lock:
            if not self.closed:
                if self.kept is not None and not force:
                    self.kept.save(save)
                self.end()
        # somebody who holds the lock would wait in vain for others who need it
        waits = not force and not self.lock._is_owned()  # type: ignore[attr-defined]
        for door in list(self.doors):
            door.close(waits)
        if self.kept is not None and not force:
            self.kept.join()

    def end(self) -> None:
        """Ends all connections, and leaves the folder; the lock is held."""
        self.closed = True
        if self.timer is not None:
            self.timer.cancel()
        for session in list(self.core.sessions.values()):
            session.kill()
        self.core.end_turn()
        for door in self.doors:
            # before the folder is another one's
            door.hide()
        if self.kept is not None:
            self.kept.leave()
