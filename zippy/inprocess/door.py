"""Where clients come to an engine in process by an address: a server's listeners, in an event loop whose work for the engine is done with
the engine's lock held.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import threading
import weakref
from typing import Any

from zippy.inprocess.host import Host
from zippy.inprocess.served_loop import ServedLoop
from zippy.inprocess.served_stream import ServedStream
from zippy.server.admission import Admission
from zippy.server.listeners import Listeners, Place, Stream
from zippy.settings import Value, find_setting

log = logging.getLogger("zippy")

TRIES = 20  # to find a port that is free on all addresses
ELSEWHERE = "set it through a connection of the server"


def admission_of(host: Host) -> Admission:
    """How connections become clients of an engine; made when there is a door for the first time."""
    if host.admission is None:
        host.admission = Admission(host.core, host.settings, host.server.access)
    return host.admission


def listeners_of(host: Host) -> Listeners:
    """What listens on the addresses that an engine's settings say; made when somebody is to listen there for the first time."""
    if host.listeners is None:
        host.listeners = Listeners(host.core, host.settings, admission_of(host))
        host.server.info.add(host.listeners)
    return host.listeners


class Door:
    """Listeners of one engine. keeps_time: also does what comes with time, as in a server. loop: it runs, or will run, in `thread`."""

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop, listeners: Listeners, keeps_time: bool) -> None:
        self.host = host
        self.loop = ServedLoop(host, loop, self.end)
        self.listeners = listeners
        self.keeps_time = keeps_time
        self.thread: threading.Thread | None = None  # of its own
        self.ended = False
        self.holds: object = None  # that is to live as long as the door is open
        self.streams: weakref.WeakSet[ServedStream] = weakref.WeakSet()
        self.before: dict[str, Value] = {}  # of the settings that `use` changed
        listeners.new_stream = self.new_stream

    # Beginning

    def use(self, values: dict[str, Value]) -> None:
        """Puts values of settings that hold as long as the door is open."""
        for name, value in values.items():
            self.before.setdefault(name, self.host.settings.value(name))
            put(self.host, name, value)

    def open(self, values: dict[str, Value], any_port: bool) -> None:
        """Opens what settings say, with these values; any_port: on a TCP port that is free. OSError or SettingError when that cannot be."""
        self.host.refuse_fork()
        with self.host.lock:
            self.host.refuse_closed()
            if self.host.timekeeper is not None:
                raise RuntimeError("the engine is served already; its server has to be closed first")
            self.use(values)
            try:
                self.listen(any_port)
            except BaseException:
                self.put_back()
                raise
            self.begin()

    def open_unix(self, path: str, mode: int) -> None:
        """Opens a Unix socket alone; mode: who may connect. OSError when it cannot be had."""
        with self.host.lock:
            self.host.refuse_closed()
            self.listeners.open_unix(self.loop, path, mode)
            self.begin()

    def listen(self, any_port: bool) -> None:
        """Opens the listeners."""
        for tries_left in reversed(range(TRIES if any_port else 1)):
            if any_port:
                self.use({"port": self.free_port()})
            try:
                self.listeners.open(self.loop)
                return
            except OSError as error:
                # somebody else may have taken it by now, or have it on another address
                if error.errno != errno.EADDRINUSE or not tries_left:
                    raise

    def free_port(self) -> int:
        """A port that nobody listens on at this moment, on the first address."""
        addresses: Any = self.host.settings.value("bind")
        with self.listeners.bind_tcp(Place("tcp", addresses[0].removeprefix("-"), 0)) as probe:
            return int(probe.getsockname()[1])

    def begin(self) -> None:
        """The listeners are open: takes part in the engine's life."""
        host = self.host
        host.doors.append(self)
        host.core.serve_while_busy(self.accept_while_busy)
        if self.keeps_time:
            host.timekeeper = self
            # what the host's own timer would have been for is the loop's from now on
            host.server.keep_time(self.loop)
            host.core.wake()

    def run_in_thread(self) -> None:
        """Has a thread of its own run the loop."""
        # whatever the caller still does for it is as if done by another thread
        self.loop.thread = 0
        self.thread = threading.Thread(target=self.run, name="zippy-server", daemon=True)
        self.thread.start()

    def run(self) -> None:
        """The thread's life."""
        loop = self.loop.loop
        asyncio.set_event_loop(loop)
        self.loop.thread = threading.get_ident()
        try:
            loop.run_forever()
        finally:
            try:
                self.end()
                loop.run_until_complete(self.wait_for_tasks())
            finally:
                asyncio.set_event_loop(None)
                loop.close()

    # While it is open

    def new_stream(self) -> Stream:
        """What serves a connection that the reactor cannot serve."""
        stream = ServedStream(self.host, self.loop, self.listeners.admission)
        self.streams.add(stream)
        return stream, stream.transport

    def accept_while_busy(self) -> None:
        """Takes connections while a script runs for long, unless another thread runs it."""
        if self.loop.is_here:
            self.listeners.accept_all()

    def refusal(self) -> str:
        """Why the settings of sockets cannot be changed by this thread, "" if they can."""
        return "" if self.loop.is_here else ELSEWHERE

    def hide(self) -> None:
        """Takes the Unix socket's file away."""
        self.listeners.hide()

    def forget(self) -> None:
        """In a forked child: closes its copies of what the parent has open."""
        self.ended = True
        for sock in self.listeners.serving:
            sock.close()
        if self.listeners.reactor is not None:
            self.listeners.reactor.forget()

    # The end

    def close(self, waits: bool = True) -> None:
        """Ends all connections; may be called twice. waits: until a thread of its own has ended."""
        loop = self.loop.loop
        if self.thread is None:
            # in somebody's loop, which only its own thread may touch
            if self.loop.is_here or loop.is_closed():
                self.end()
            else:
                self.loop.tell(self.end)
        else:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(loop.stop)
            if waits and self.thread is not threading.current_thread():
                self.thread.join()

    def end(self) -> None:
        """Closes listeners and connections, and leaves time to the host; in the loop's thread, or when the loop is closed."""
        with self.host.lock:
            if self.ended:
                return
            self.ended = True
            self.holds = None
            if not self.host.closed and not self.loop.loop.is_closed():
                self.host.core.end_turn()
            self.listeners.close()
            self.listeners.close_connections()
            for stream in list(self.streams):
                # nobody is there to close what belongs to a loop that is closed
                (stream.forget if self.loop.loop.is_closed() else stream.abort)()
            self.host.core.serve_no_more_while_busy(self.accept_while_busy)
            self.host.doors.remove(self)
            self.put_back()
            if self.keeps_time:
                self.host.take_time_back()

    async def wait_for_tasks(self) -> None:
        """Waits for what is under way in the loop, which was cancelled."""
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def put_back(self) -> None:
        """Gives settings the values that they had."""
        for name, value in self.before.items():
            put(self.host, name, value)
        self.before.clear()


def put(host: Host, name: str, value: Value) -> None:
    """Changes a setting without a word to anybody."""
    setting = find_setting(name)
    assert setting is not None
    host.settings.put(setting, value)
