"""What an engine in process is made of: a core, the lock that its callers share, and the work that has no process of its own to do it."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from zippy._core.resp.kinds import ReplyError
from zippy._core.session import CallbackTransport, Session, Transport
from zippy.server.clients import ClientState
from zippy.server.server import Server
from zippy.settings import Settings

CRON_SECONDS = 0.1
FORKED = "this zippy.Engine was made before the process forked, and stayed with its parent: make one in the child, or run a server for both"

NO_FILES = "ERR an engine in process keeps no files; zippy-server does"

# all of this process, so that a forked child can tell which were its parent's
_hosts: weakref.WeakSet[Host] = weakref.WeakSet()

# called with each new one
newcomers: list[Callable[[Host], None]] = []


def _after_fork_in_child() -> None:
    for host in _hosts:
        host.core.forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def living_hosts() -> list[Host]:
    """All of this process that are not closed."""
    return [host for host in list(_hosts) if not host.closed and not host.core.forked]


def keeps_no_files(session: Session, args: list[bytes]) -> Any:
    """SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF and WAITAOF."""
    raise ReplyError(NO_FILES)


class Host:
    """Keeps a core going between its callers, who hold `lock` in each call."""

    def __init__(self, settings: Settings) -> None:
        self.lock = threading.RLock()
        self.settings = settings
        self.server = Server(settings)
        self.core = self.server.core
        for name in ("save", "bgsave", "lastsave", "bgrewriteaof", "waitaof"):
            self.core.bind(name, keeps_no_files)
        self.channels = 0
        self.cron_due = 0.0
        self.timer: threading.Timer | None = None
        self.timer_due = 0.0
        self.closed = False
        self.watcher: Callable[[Session, bytes], None] | None = None
        _hosts.add(self)
        for greet in list(newcomers):
            greet(self)

    def refuse_fork(self) -> None:
        """RuntimeError in a forked child."""
        if self.core.forked:
            raise RuntimeError(FORKED)

    def new_session(self, transport: Transport | None) -> Session:
        """A session for one more client; the lock is held. ConnectionError when the engine is closed."""
        if self.closed:
            raise ConnectionError("the engine is closed")
        self.channels += 1
        address = f"127.0.0.1:{self.channels}"
        return Session(self.core, transport, address.encode(), ClientState(address, "127.0.0.1:0"))

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
            if self.watcher is None:
                session.feed(data)
            else:
                self.watcher(session, data)
            self.core.end_turn()
            self.do_chores()

    def watch(self, watcher: Callable[[Session, bytes], None] | None) -> None:
        """Has watcher(session, data) called instead of session.feed(data), the lock held, for what clients send; None: no more."""
        with self.lock:
            self.watcher = watcher
            self.core.watched = watcher is not None

    def do_chores(self) -> None:
        """What is due beside the commands; the lock is held."""
        while not self.core.free_some():
            pass
        now = time.monotonic()
        if now >= self.cron_due:
            self.cron_due = now + CRON_SECONDS
            self.core.cron()
            self.server.cron.do_work()
            self.core.expire(1000)
            if self.settings.flag("activedefrag"):
                self.core.compact(1000)
        self.arrange_wake()

    def leave(self, session: Session) -> None:
        """Ends a session from the client's side; nothing in a forked child, whose lock may be held for ever."""
        if not self.core.forked:
            with self.lock:
                session.close()

    def arrange_wake(self) -> None:
        """Sees to it that clients blocked with a timeout hear of its end."""
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
        self.timer.daemon = True
        self.timer.start()

    def wake(self) -> None:
        """Answers those whose time is over; runs in the timer's thread."""
        with self.lock:
            self.timer = None
            if not self.closed:
                self.core.wake()
                self.arrange_wake()

    def close(self) -> None:
        """Ends all connections; may be called twice. Those who wait on one get a ConnectionError."""
        if self.core.forked:
            return
        with self.lock:
            self.closed = True
            if self.timer is not None:
                self.timer.cancel()
            for session in list(self.core.sessions.values()):
                session.kill()
            self.core.end_turn()
