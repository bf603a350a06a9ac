"""An engine inside of the caller's process: the server's commands without sockets, processes or files."""

from __future__ import annotations

import threading
import time
from typing import Any

from zippy._core.session import CallbackTransport, Session
from zippy.server.clients import ClientState
from zippy.server.server import Server
from zippy.settings import Settings

CRON_SECONDS = 0.1


class Engine:
    """One data store in memory, gone with the object. May be used by several threads; each call holds `lock`.

    settings: names and values as in a configuration file, with underscores for dashes: Engine(maxmemory="100mb").
    """

    def __init__(self, **settings: str | int) -> None:
        chosen = Settings()
        chosen.set_many([("save", "")])
        chosen.set_many([(name.replace("_", "-"), str(value)) for name, value in settings.items()], trusted=True)
        self.lock = threading.RLock()
        self.server = Server(chosen)
        self.core = self.server.core
        self.channels = 0
        self.cron_due = 0.0
        self.timer: threading.Timer | None = None
        self.timer_due = 0.0
        self.closed = False

    def channel(self, on_output: Any, on_close: Any) -> Session:
        """A session whose replies are announced by on_output(session) and whose end by on_close(session), with the lock held."""
        with self.lock:
            if self.closed:
                raise ConnectionError("the engine is closed")
            self.channels += 1
            address = f"127.0.0.1:{self.channels}"
            session = Session(self.core, CallbackTransport(on_output, on_close), address.encode(), ClientState(address, "127.0.0.1:0"))
            self.core.end_turn()
            return session

    def feed(self, session: Session, data: bytes) -> None:
        """Runs the commands in data; what they have to say comes through on_output before this returns."""
        with self.lock:
            session.feed(data)
            self.core.end_turn()
            while not self.core.free_some():
                pass
            now = time.monotonic()
            if now >= self.cron_due:
                self.cron_due = now + CRON_SECONDS
                self.core.cron(1000)
            self.arrange_wake()

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
        """Ends all connections; may be called twice."""
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
