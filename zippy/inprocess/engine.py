"""An engine inside of the caller's process: the server's commands without sockets, processes or files."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Mapping
from typing import Any, NoReturn

from zippy._core.local import Direct, execute, execute_many
from zippy._core.resp.kinds import ReplyError
from zippy._core.session import CallbackTransport, Session, Transport
from zippy.server.clients import ClientState
from zippy.server.server import Server
from zippy.setting_types import SettingError, parse
from zippy.settings import SETTINGS, Settings, Value, find_setting

CRON_SECONDS = 0.1
FORKED = "this zippy.Engine was made before the process forked, and stayed with its parent: make one in the child, or run a server for both"

NO_FILES = "ERR an engine in process keeps no files; zippy-server does"
PUBLIC = ("close", "execute", "execute_many", "lock")

# all engines of this process, so that a forked child can tell which were its parent's
_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for engine in _engines:
        engine.core.forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def refuse_setting(_: Value) -> NoReturn:
    """A setting that a server alone can honour was to be changed."""
    raise SettingError("an engine in process has no files, sockets or replicas for it; zippy-server has")


def keeps_no_files(session: Session, args: list[bytes]) -> Any:
    """SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF and WAITAOF."""
    raise ReplyError(NO_FILES)


def chosen_settings(given: Mapping[str, str | int | bool]) -> Settings:
    """Settings as Engine takes them, no snapshots among them unless asked for; ValueError for a name or value that there is none of."""
    settings = Settings()
    settings.set("save", "")
    for name, value in given.items():
        setting = find_setting(name.replace("_", "-"))
        if setting is None:
            raise ValueError(f"there is no setting {name!r}")
        text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
        try:
            # as a configuration file does, which may also set what cannot be changed later
            parsed = parse(setting, text, settings.value(setting.name))
            if setting.served and parsed != settings.value(setting.name):
                refuse_setting(parsed)
        except SettingError as error:
            raise ValueError(f"{name}={value!r}: {error}") from None
        settings.put(setting, parsed)
    for setting in SETTINGS:
        if setting.served:
            settings.on_change(setting.name, refuse_setting)
    return settings


class Engine:
    """One data store in memory, gone with the object. May be used by several threads; each call holds `lock`.

    A forked child has a copy of the memory, in whatever state other threads had it: there every use is a RuntimeError.

    settings: names and values as in a configuration file, with underscores for dashes: Engine(maxmemory="100mb").
    A wrong one is a ValueError, and so is one that needs a server, such as dir, appendonly, save or port: nothing is kept in files.

    execute("SET", "key", 1) runs one command and returns its reply: None, int, float, bool, bytes, and lists, dicts and sets of them
    (RESP3's kinds; simple strings are bytes too). Arguments are bytes, str (sent as UTF-8), int or float. An error is raised as ReplyError,
    a wrong type of argument as TypeError. It runs what a script may run: what waits for other clients gets the answer of one whose time is
    over, and what changes a connection (MULTI, SUBSCRIBE, CLIENT ...) is refused: a client's connection is for that. SELECT holds for all
    callers.

    execute_many([("SET", "key", 1), ("GET", "key")]) runs many in one turn, with nobody between, and returns a list of replies, ReplyErrors
    among them.
    """

    execute = execute
    execute_many = execute_many

    def __init__(self, **settings: str | int | bool) -> None:
        self.lock = threading.RLock()
        self.server = Server(chosen_settings(settings))
        self.core = self.server.core
        for name in ("save", "bgsave", "lastsave", "bgrewriteaof", "waitaof"):
            self.core.bind(name, keeps_no_files)
        self.channels = 0
        self.cron_due = 0.0
        self.timer: threading.Timer | None = None
        self.timer_due = 0.0
        self.closed = False
        self.direct = Direct(weakref.ref(self), self.core, self.lock)
        _engines.add(self)

    def __dir__(self) -> list[str]:
        """What is for users; the rest is between this and the clients of this package."""
        return [*PUBLIC, "__init__", "__enter__", "__exit__", "__doc__", "__class__"]

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
            session.feed(data)
            self.core.end_turn()
            self.do_chores()

    def do_chores(self) -> None:
        """What is due beside the commands; the lock is held."""
        while not self.core.free_some():
            pass
        now = time.monotonic()
        if now >= self.cron_due:
            self.cron_due = now + CRON_SECONDS
            self.core.cron()
            for work in self.server.on_cron:
                work()
            self.core.expire(1000)
            if self.server.settings.flag("activedefrag"):
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

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
