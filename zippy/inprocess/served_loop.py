"""An event loop as a server's parts use it when their core has callers in other threads: all that it runs for them runs with the engine's
lock held and ends its turn, and it may be given work by whoever holds the lock.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from zippy.inprocess.host import Host


class Handed:
    """Work with a delay that another thread gave to the loop."""

    def __init__(self) -> None:
        self.timer: asyncio.TimerHandle | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """It is not to be done any more; the loop's thread says so."""
        self.cancelled = True
        if self.timer is not None:
            self.timer.cancel()


class ServedLoop:
    """A real event loop, for the parts that serve an engine. on_lost: called when it turns out that the loop is closed."""

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop, on_lost: Callable[[], object]) -> None:
        self.host = host
        self.loop = loop
        self.on_lost = on_lost
        self.thread = threading.get_ident()  # that runs it

    @property
    def is_here(self) -> bool:
        """Whether the caller is in the loop's thread."""
        return threading.get_ident() == self.thread

    def tell(self, work: Callable[..., object], *args: Any) -> None:
        """Has work done by the loop as it is, from any thread."""
        try:
            if self.is_here:
                self.loop.call_soon(work, *args)
            else:
                self.loop.call_soon_threadsafe(work, *args)
        except RuntimeError:
            if not self.loop.is_closed():
                raise
            self.on_lost()

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        """See Loop."""
        self.tell(self.host.serve_step, callback, *args)

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> Handed:
        """See Loop."""
        handed = Handed()

        def begin() -> None:
            if not handed.cancelled:
                handed.timer = self.loop.call_later(delay, self.host.serve_step, callback, *args)

        if self.is_here and not self.loop.is_closed():
            begin()
        else:
            self.tell(begin)
        return handed

    def add_reader(self, fd: Any, callback: Callable[..., object], *args: Any) -> None:
        """See Loop."""
        if self.is_here:
            self.loop.add_reader(fd, self.host.serve_step, callback, *args)
        else:
            self.tell(self.add_reader, fd, callback, *args)

    def remove_reader(self, fd: Any) -> bool:
        """See Loop; the caller is in its thread."""
        return self.loop.is_closed() or self.loop.remove_reader(fd)

    def create_task(self, coro: Coroutine[Any, Any, None], *, name: str | None = None) -> asyncio.Task[None]:
        """See Loop; the coroutine sees to the lock itself, and the caller is in the loop's thread."""
        return self.loop.create_task(coro, name=name)
