"""The thread that has time pass for a store in a folder: it does what is due when nobody calls, and sleeps when nothing is to be done.

It is what an event loop is to a server: persistence arranges its work here (zippy/persistence/schedule.py). All of that runs with the
engine's lock held, as a caller's commands do, in short steps between two turns. What waits for the disk has a thread of its own
(zippy/persistence/disk_thread.py), so that nobody who holds the lock waits for it.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

log = logging.getLogger("zippy")


class Arranged:
    """Work and when it is due."""

    __slots__ = ("args", "due", "number", "work")

    def __init__(self, due: float, number: int, work: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.due = due  # monotonic seconds
        self.number = number
        self.work: Callable[..., object] | None = work
        self.args = args

    def __lt__(self, other: Arranged) -> bool:
        """Whether it comes first."""
        return (self.due, self.number) < (other.due, other.number)

    def cancel(self) -> None:
        """It is not to be done any more. The lock is held, so it is not being done either."""
        self.work = None

    def do(self) -> None:
        """Does it, the lock held: who held it until now may have cancelled it."""
        if self.work is not None:
            self.work(*self.args)


class StoreThread:
    """Does what it is given when it is due, one after the other. run_step: runs a piece of work with the engine's lock held."""

    def __init__(self, run_step: Callable[..., object]) -> None:
        self.run_step = run_step
        self.numbers = itertools.count()
        # of this kind, since the collector may give the thread something in the middle of another one's put
        self.given: queue.SimpleQueue[Arranged] = queue.SimpleQueue()
        self.ended = False
        self.thread = threading.Thread(target=self.run, name="zippy-store", daemon=True)

    def start(self) -> None:
        """Begins. RuntimeError when the system has no thread left."""
        self.thread.start()

    def call_later(self, delay: float, work: Callable[..., object], *args: Any) -> Arranged:
        """Has the work done after so many seconds; from any thread."""
        arranged = Arranged(time.monotonic() + delay, next(self.numbers), work, args)
        self.given.put(arranged)
        return arranged

    def call_soon(self, work: Callable[..., object], *args: Any) -> Arranged:
        """Has the work done as soon as the lock is free; from any thread."""
        return self.call_later(0, work, *args)

    def call_soon_threadsafe(self, work: Callable[..., object], *args: Any) -> Arranged:
        """See call_soon."""
        return self.call_later(0, work, *args)

    def end(self) -> None:
        """Has the thread end, whatever it still was to do."""
        self.ended = True
        self.call_soon(lambda: None)

    def join(self) -> None:
        """Waits for its end, unless it is the caller."""
        if self.thread.is_alive() and self.thread is not threading.current_thread():
            self.thread.join()

    def run(self) -> None:
        """The thread's life."""
        waiting: list[Arranged] = []
        while not self.ended:
            with contextlib.suppress(queue.Empty):
                heapq.heappush(waiting, self.given.get(timeout=max(0.0, waiting[0].due - time.monotonic()) if waiting else None))
            while waiting and waiting[0].due <= time.monotonic() and not self.ended:
                self.do(heapq.heappop(waiting))

    def do(self, arranged: Arranged) -> None:
        """Does one piece of work; an exception ends nothing else."""
        try:
            self.run_step(arranged.do)
        except Exception:
            log.exception("a store's work failed")
